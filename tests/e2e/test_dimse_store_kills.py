"""A C-STORE during which something is killed: begun and stored differ on record, nothing half-stored shows, a retry succeeds."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from pydicom.uid import generate_uid

from pacsgate.audit.events import AuditEvent, EventKind
from pacsgate.dicom.file_meta import read_part10_head
from pacsgate.services.store_instances import INSTANCES_DETAIL
from tests.e2e.test_record_survives_kill import events_of, kill, objects_for
from tests.support import faulty_gate
from tests.support.dimse import Dicom, dicom_doors, with_dicom
from tests.support.guarded_orthanc import FurnishedOrthanc
from tests.support.hospital import FurnishedHospital, RunningHospital, furnish, opened, serving
from tests.support.objects import Part10, variant
from tests.support.origin_hospital import ORIGIN_CREDENTIALS
from tests.support.orthanc import running_orthanc
from tests.support.small_hospital import some_studies
from tests.support.unrecorded import client, token
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long

SUCCESS, FAILED = 0x0000, 0x0110
DEATHS = tuple(fault for fault in faulty_gate.FAULTS if fault.startswith("dies-"))
TOO_EARLY = {"dies-before-object", "dies-between-names"}
"""Deaths before the object is in the archive; after any other, a start finds it and indexes it."""


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> FurnishedHospital:
    made = furnish(tmp_path_factory.mktemp("dimse-kill") / "gate", made=some_studies("S1"))
    return with_dicom(made)


def status_of(door: Dicom, sent: Part10, path: Path) -> int | None:
    """The status of a C-STORE by CT1; `None` without an answer."""
    path.write_bytes(sent.data)
    head = read_part10_head(sent.data)
    syntaxes = [head.transfer_syntax_uid]
    with door.association("CT1", head.sop_class_uid, syntaxes=syntaxes) as association:
        answer = association.send_c_store(path)
    return int(answer.Status) if "Status" in answer else None


def whole(dicomweb: str, bearer: str, sent: Part10) -> bool:
    """Whether an object can be had, and then it must be all of it; else no listing may know of it."""
    key, session = sent.key, client(bearer)
    series = f"{dicomweb}/studies/{key.study_instance_uid}/series/{key.series_instance_uid}"
    accept = {"Accept": "application/dicom; transfer-syntax=*"}
    answer = session.get(f"{series}/instances/{key.sop_instance_uid}", headers=accept, timeout=30)
    rows = session.get(f"{dicomweb}/studies", params={"StudyInstanceUID": key.study_instance_uid}, timeout=30)
    listed = session.get(f"{series}/instances", params={"SOPInstanceUID": key.sop_instance_uid}, timeout=30)
    assert answer.status_code in {200, 404}
    if answer.status_code == 404:
        assert rows.status_code == 204
        assert listed.status_code in {204, 404}
        return False
    assert (rows.status_code, listed.status_code) == (200, 200)
    kept = answer.content
    assert (
        kept[read_part10_head(kept).data_set_offset :]
        == sent.data[read_part10_head(sent.data).data_set_offset :]
    )
    return True


def told_of(events: list[AuditEvent], kind: EventKind, sent: Part10) -> int:
    uid = sent.key.sop_instance_uid or ""
    return sum(event.kind is kind and uid in event.details[INSTANCES_DETAIL].split() for event in events)


@contextlib.contextmanager
def again(before: RunningHospital) -> Iterator[tuple[str, Dicom]]:
    """The same installation, started anew: its DICOMweb root and its DICOM door."""
    with serving(before.config) as (url, process, log):
        after = RunningHospital(url, before.config, before.passwords, {}, {}, before.recorder, log, process)
        yield f"{url}/dicom-web", dicom_doors(after)[0]


@pytest.mark.parametrize("death", DEATHS)
def test_a_gate_that_dies_at_any_step_of_a_store_leaves_the_object_whole_or_absent(
    furnished: FurnishedHospital, tmp_path: Path, death: str
) -> None:
    sent = next(objects_for(f"dimse-{death}"))
    path = tmp_path / "sent.dcm"
    with opened(furnished.copy_to(tmp_path / "gate"), (*faulty_gate.COMMAND, death)) as hospital:
        bearer = token(hospital, "chief1")
        assert status_of(dicom_doors(hospital)[0], sent, path) is None
        wait_until(lambda: hospital.process.poll() is None and _has_dicom_process(hospital), seconds=20)
        kill(hospital)
    events = events_of(hospital)
    assert told_of(events, EventKind.STORE_BEGUN, sent) == 1
    assert told_of(events, EventKind.INSTANCES_STORED, sent) == 0
    with again(hospital) as (dicomweb, door):
        assert whole(dicomweb, bearer, sent) == (death not in TOO_EARLY)
        assert status_of(door, sent, path) == SUCCESS
        assert whole(dicomweb, bearer, sent)
    assert told_of(events_of(hospital), EventKind.INSTANCES_STORED, sent) == 1
    assert hospital.cli("audit", "verify").returncode == 0


def test_a_gate_that_is_killed_in_the_middle_of_an_object_has_no_trace_of_it(
    furnished: FurnishedHospital, tmp_path: Path
) -> None:
    sent = variant("MR_small.dcm", StudyInstanceUID=generate_uid(), PixelData=bytes(8 * 1024 * 1024))
    path = tmp_path / "sent.dcm"
    with opened(furnished.copy_to(tmp_path / "gate")) as hospital:
        bearer = token(hospital, "chief1")
        head = read_part10_head(sent.data)
        path.write_bytes(sent.data)
        syntaxes = [head.transfer_syntax_uid]
        with dicom_doors(hospital)[0].association(
            "CT1", head.sop_class_uid, syntaxes=syntaxes
        ) as association:
            from tests.e2e.test_dimse_store import fragments  # noqa: PLC0415 - one helper of it

            for fragment in fragments(association, _named(sent), sent.key.sop_instance_uid or "", sent.data)[
                :200
            ]:
                association.dul.send_pdu(fragment)
            spool = hospital.config.parent / "archive" / "spool"
            wait_until(lambda: any(file.stat().st_size > 10_000 for file in _files(spool)))
            kill(hospital)
            association.abort()
    assert told_of(events_of(hospital), EventKind.STORE_BEGUN, sent) == 0
    with again(hospital) as (dicomweb, door):
        wait_until(lambda: not _files(spool))
        assert not whole(dicomweb, bearer, sent)
        assert status_of(door, sent, path) == SUCCESS
        assert whole(dicomweb, bearer, sent)


@pytest.mark.server("orthanc")
def test_an_archive_that_is_killed_and_comes_back_gets_the_object_at_the_second_try(
    furnished_orthanc: FurnishedOrthanc, tmp_path: Path
) -> None:
    copy = furnished_orthanc.copy_to(tmp_path)
    with_dicom(copy.gate)
    sent = next(objects_for("orthanc"))
    path = tmp_path / "sent.dcm"
    with running_orthanc(copy.data, credentials=ORIGIN_CREDENTIALS) as orthanc:
        config = copy.gate.config
        config.write_text(config.read_text("utf-8").replace(copy.url, orthanc.url), "utf-8")
        with opened(copy.gate) as hospital:
            bearer, door = token(hospital, "chief1"), dicom_doors(hospital)[0]
            process = _orthanc_behind(copy.data)
            process.suspend()
            process.kill()
            process.wait(10)
            assert status_of(door, sent, path) == FAILED
            port = int(orthanc.url.rsplit(":", 1)[1])
            with running_orthanc(copy.data, credentials=ORIGIN_CREDENTIALS, http_port=port):
                assert not whole(hospital.dicomweb, bearer, sent)
                assert status_of(door, sent, path) == SUCCESS
                assert whole(hospital.dicomweb, bearer, sent)
    # The first try ended before it began: who cannot say what it holds cannot be stored into.
    assert told_of(events_of(hospital), EventKind.STORE_BEGUN, sent) == 1
    assert told_of(events_of(hospital), EventKind.INSTANCES_STORED, sent) == 1


def _named(sent: Part10) -> object:
    from io import BytesIO  # noqa: PLC0415 - only here

    from pydicom import dcmread  # noqa: PLC0415 - only here

    return dcmread(BytesIO(sent.data))


def _files(spool: Path) -> list[Path]:
    return [path for path in spool.rglob("*") if path.is_file() and path.name != "lock"]


def _has_dicom_process(hospital: RunningHospital) -> bool:
    return bool(psutil.Process(hospital.process.pid).children(recursive=True))


def _orthanc_behind(data: Path) -> psutil.Process:
    time.sleep(0.1)
    return next(
        each
        for each in psutil.process_iter(["name", "cmdline"])
        if "Orthanc" in (each.info["name"] or "") and any(str(data) in part for part in each.info["cmdline"])
    )
