"""A gate that is killed under load has lost nothing that it had answered, and its successor serves.

The whole family of processes gets SIGKILL, at a random moment or at each step of a store.
"""

import contextlib
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
import requests

from pacsgate.audit.events import AuditEvent, EventKind
from pacsgate.dicom.uids import deterministic_uid
from pacsgate.sinks.trail_reader import read_trail
from tests.personas import new_hospital
from tests.support import faulty_gate
from tests.support.hospital import FurnishedHospital, RunningHospital, furnish, opened, serving
from tests.support.objects import Part10, variant
from tests.support.small_hospital import some_studies
from tests.support.unrecorded import client, token

KILLS = 12
LOAD_SECONDS = 3.0
READS = {
    "objects": ("", "retrieve", 'multipart/related; type="application/dicom"'),
    "metadata": ("/metadata", "view", "application/dicom+json"),
    "thumbnail": ("/thumbnail", "view", "image/jpeg"),
    "zip": ("", "export", "application/zip"),
}
"""What is read: the rest of the path, the action that this is, and what is accepted."""
STUDIES = ("S1", "S2", "S5")
QUICK_DEATHS = ("dies-before-index",)
DEATHS = tuple(
    pytest.param(fault, marks=() if fault in QUICK_DEATHS else pytest.mark.long)
    for fault in faulty_gate.FAULTS
    if fault.startswith("dies-")
)
TOO_EARLY = {"dies-before-object", "dies-between-names"}
"""Deaths before the object is in the archive; after any other, a start finds it and indexes it."""


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> FurnishedHospital:
    return furnish(tmp_path_factory.mktemp("kill") / "gate", made=some_studies(*STUDIES))


@dataclass
class Load:
    """Clients that read until the gate is gone; only whole answers are counted, by person, action and study."""

    hospital: RunningHospital
    tokens: dict[str, str]
    answered: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    searched: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        threads = [
            threading.Thread(target=self._read, args=(person, kind))
            for person in self.tokens
            for kind in READS
        ]
        threads += [threading.Thread(target=self._search, args=(person,)) for person in self.tokens]
        for thread in threads:
            thread.start()
        yield
        for thread in threads:
            thread.join(30)

    def _read(self, person: str, kind: str) -> None:
        rest, action, accept = READS[kind]
        session = client(self.tokens[person])
        with contextlib.suppress(requests.RequestException):
            while True:
                for study in self.hospital.studies.values():
                    path = f"{self.hospital.dicomweb}/studies/{study.study_instance_uid}{rest}"
                    answer = session.get(path, headers={"Accept": accept}, timeout=30)
                    if answer.status_code == 200:
                        with self._lock:
                            self.answered[person, action, study.study_instance_uid] += 1

    def _search(self, person: str) -> None:
        session = client(self.tokens[person])
        with contextlib.suppress(requests.RequestException):
            while session.get(f"{self.hospital.dicomweb}/studies", timeout=30).status_code == 200:
                with self._lock:
                    self.searched[person] += 1


def kill(hospital: RunningHospital) -> None:
    """SIGKILL to every process of a gate, the one that would replace the others first."""
    supervisor = psutil.Process(hospital.process.pid)
    family = [supervisor, *supervisor.children(recursive=True)]
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    hospital.process.wait(20)
    psutil.wait_procs(family, timeout=20)


def events_of(hospital: RunningHospital) -> list[AuditEvent]:
    return [entry.event for entry in read_trail(hospital.config.parent / "data" / "trail")]


def objects_for(run: str) -> Iterator[Part10]:
    """Objects of one new study, without end."""
    number = 0
    while True:
        number += 1
        yield variant(
            PatientID=f"P-{run}",
            StudyInstanceUID=deterministic_uid("kill", run),
            SeriesInstanceUID=deterministic_uid("kill", run, "series"),
            SOPInstanceUID=deterministic_uid("kill", run, str(number)),
            InstanceNumber=number,
        )


def store(dicomweb: str, session: requests.Session, sent: Part10) -> requests.Response:
    return session.post(
        f"{dicomweb}/studies", data=sent.data, headers={"Content-Type": "application/dicom"}, timeout=30
    )


def whole(dicomweb: str, session: requests.Session, sent: Part10) -> bool:
    """Whether an object can be had, and then it must be all of it; else no search and no listing may know of it."""
    key = sent.key
    series = f"{dicomweb}/studies/{key.study_instance_uid}/series/{key.series_instance_uid}"
    answer = session.get(
        f"{series}/instances/{key.sop_instance_uid}",
        headers={"Accept": "application/dicom; transfer-syntax=*"},
        timeout=30,
    )
    listed = session.get(f"{series}/instances", params={"SOPInstanceUID": key.sop_instance_uid}, timeout=30)
    assert answer.status_code in {200, 404}
    if answer.status_code == 404:
        assert listed.status_code in {204, 404}
        return False
    assert answer.content == sent.data
    assert listed.status_code == 200
    return True


@pytest.mark.long
def test_a_gate_killed_under_load_has_recorded_every_read_that_it_answered(
    furnished: FurnishedHospital, tmp_path: Path
) -> None:
    with opened(furnished.copy_to(tmp_path / "gate")) as hospital:
        load = Load(hospital, {person: token(hospital, person) for person in ("chief1", "rad1")})
        with load.running():
            time.sleep(LOAD_SECONDS)
            kill(hospital)
    assert {action for _, action, _ in load.answered} == {"view", "retrieve", "export"}
    events = events_of(hospital)
    recorded = {
        (event.actor.name, event.action, event.study.study_instance_uid)
        for event in events
        if event.study is not None and event.kind is not EventKind.DENIED
    }
    assert set(load.answered) <= recorded
    queries = Counter(event.actor.name for event in events if event.kind is EventKind.QUERY)
    assert set(load.searched) == set(load.tokens)
    assert all(queries[person] >= count for person, count in load.searched.items())
    verified = hospital.cli("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    with serving(hospital.config) as (url, _, _):
        answer = client(load.tokens["rad1"]).get(
            f"{url}/dicom-web{hospital.study('S1')}/metadata", timeout=30
        )
        assert answer.status_code == 200


@pytest.mark.long
@pytest.mark.timeout(900)
def test_objects_whose_store_was_confirmed_survive_kills_and_no_half_object_shows(
    furnished: FurnishedHospital, tmp_path: Path
) -> None:
    confirmed: list[Part10] = []
    unconfirmed: list[Part10] = []
    tokens: dict[str, str] = {}
    config: Path | None = None
    for run in range(KILLS + 1):
        gate = opened(furnished.copy_to(tmp_path / "gate")) if config is None else _again(config)
        with gate as hospital:
            config = hospital.config
            tokens = tokens or {person: token(hospital, person) for person in ("chief1", "CT1")}
            reader = client(tokens["chief1"])
            assert all(whole(hospital.dicomweb, reader, sent) for sent in confirmed)
            for sent in unconfirmed:
                whole(hospital.dicomweb, reader, sent)
            if run == KILLS:
                break
            killer = threading.Timer(0.3 + int.from_bytes(os.urandom(1)) / 256, kill, [hospital])
            killer.start()
            scanner = client(tokens["CT1"])
            for sent in objects_for(str(run)):
                try:
                    answer = store(hospital.dicomweb, scanner, sent)
                except requests.RequestException:
                    unconfirmed.append(sent)
                    break
                assert answer.status_code == 200
                confirmed.append(sent)
            killer.join()
    assert len(confirmed) >= KILLS
    assert len(unconfirmed) == KILLS


@pytest.mark.parametrize("death", DEATHS)
def test_a_store_that_dies_at_any_step_leaves_the_object_whole_or_absent(
    furnished: FurnishedHospital, tmp_path: Path, death: str
) -> None:
    sent = next(objects_for(death))
    command = (*faulty_gate.COMMAND, death)
    copy = furnished.copy_to(tmp_path / "gate")
    copy.config.write_text(copy.config.read_text("utf-8").replace("workers: 2", "workers: 1"), "utf-8")
    with opened(copy, command) as hospital:
        reader, scanner = (client(token(hospital, person)) for person in ("chief1", "CT1"))
        with pytest.raises(requests.ConnectionError):
            store(hospital.dicomweb, scanner, sent)
        # Answered by the successor of the only worker.
        assert reader.get(f"{hospital.dicomweb}/studies", timeout=60).status_code == 200
        assert whole(hospital.dicomweb, reader, sent) == (death not in TOO_EARLY)
    with _again(hospital.config) as restarted:
        assert whole(restarted.dicomweb, reader, sent) == (death not in TOO_EARLY)
        assert store(restarted.dicomweb, scanner, sent).status_code == 200
        assert whole(restarted.dicomweb, reader, sent)
    assert hospital.cli("audit", "verify").returncode == 0


@contextlib.contextmanager
def _again(config: Path) -> Iterator[RunningHospital]:
    """The same installation, started anew."""
    with serving(config) as (url, process, log):
        yield RunningHospital(url, config, {}, {}, {}, new_hospital().recorder, log, process)
