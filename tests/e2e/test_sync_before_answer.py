"""Nothing leaves and nothing is confirmed before it is on disk: seen from outside, in the system calls of the gate.

Each test with a fault takes one sync out of the gate and must find it missing, or the others prove nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.faulty_gate import COMMAND
from tests.support.hospital import FurnishedHospital, furnish, opened
from tests.support.objects import variant
from tests.support.small_hospital import some_studies
from tests.support.system_calls import Call, calls, strace
from tests.support.unrecorded import client, token

pytestmark = pytest.mark.server("strace")

READS = (
    "/studies",
    "/studies/{S1}/series",
    "/studies/{S1}/metadata",
    "/studies/{S1}",
    "/studies/{S2}/rendered",
)
WRITES = {"write", "writev", "sendto", "sendmsg", "sendfile"}
SYNCS = {"fsync", "fdatasync"}
ANSWER = re.compile(r"HTTP/1\.1 (20[0-9]) .*?x-request-id: ([0-9a-f]+)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Found:
    """How many answers were looked at, and what was not on disk when they left."""

    answers: int
    missing: tuple[str, ...]


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> FurnishedHospital:
    return furnish(tmp_path_factory.mktemp("sync") / "gate", workers=1, made=some_studies("S1", "S2"))


def watched(furnished: FurnishedHospital, directory: Path, fault: str) -> tuple[list[Call], str]:
    """Read and store through a gate that is watched; the trace, and the SOP Instance UID that was stored."""
    log = directory / "trace"
    sent = variant(
        PatientID="P-sync", StudyInstanceUID="2.25.11", SeriesInstanceUID="2.25.12", SOPInstanceUID="2.25.13"
    )
    command = (*strace(log), *COMMAND, fault)
    with opened(furnished.copy_to(directory / "gate"), command) as hospital:
        chief, scanner = (client(token(hospital, person)) for person in ("chief1", "CT1"))
        uids = {name: study.study_instance_uid for name, study in hospital.studies.items()}
        for path in READS:
            assert chief.get(hospital.dicomweb + path.format(**uids), timeout=60).status_code == 200, path
        stored = scanner.post(
            f"{hospital.dicomweb}/studies",
            data=sent.data,
            headers={"Content-Type": "application/dicom"},
            timeout=60,
        )
        assert stored.status_code == 200, stored.text
    return calls(log), str(sent.key.sop_instance_uid)


def is_synced(trace: Sequence[Call], path: str, *, after: int, before: int) -> bool:
    """Whether a sync of this file began after one moment and had ended before another."""
    return any(
        call.name in SYNCS
        and call.path == path
        and call.succeeded
        and call.began > after
        and call.ended < before
        for call in trace
    )


def unrecorded_answers(trace: Sequence[Call]) -> Found:
    """The answers whose event was not in a synced segment, in a synced directory, when their first byte left."""
    records = [call for call in trace if call.name == "write" and "/trail/" in call.path]
    answers = [
        (call, found[2]) for call in trace if call.name in WRITES and (found := ANSWER.search(call.text))
    ]
    missing = []
    for answer, request_id in answers:
        event = f'\\"request_id\\":\\"{request_id}\\"'
        if not any(
            event in record.text
            and is_synced(trace, record.path, after=record.ended, before=answer.began)
            and is_synced(trace, str(Path(record.path).parent), after=-1, before=answer.began)
            for record in records
        ):
            missing.append(request_id)
    return Found(len(answers), tuple(missing))


def undurable_object(trace: Sequence[Call], sop_instance_uid: str) -> tuple[str, ...]:
    """What of a stored object was not on disk when the answer to its sender left: its bytes, its names."""
    (answer,) = (
        call
        for call in trace
        if call.name in WRITES and sop_instance_uid in call.text and "00081199" in call.text
    )
    missing = []
    links = [
        call for call in trace if call.name.startswith("link") and f"{sop_instance_uid}.dcm" in call.text
    ]
    for link in links:
        source, target = re.findall(r'"([^"]+)"', link.text)
        if not is_synced(trace, str(Path(target).parent), after=link.ended, before=answer.began):
            missing.append(f"name in {Path(target).parents[1].name}")
        last = max(call.ended for call in trace if call.name == "write" and call.path == source)
        if not is_synced(trace, source, after=last, before=link.began):
            missing.append("bytes")
    assert {Path(re.findall(r'"([^"]+)"', link.text)[1]).parents[1].name for link in links} == {
        "studies",
        "objects",
    }
    return tuple(missing)


def test_every_answer_with_patient_data_and_every_confirmed_store_follows_its_syncs(
    furnished: FurnishedHospital, tmp_path: Path
) -> None:
    trace, stored = watched(furnished, tmp_path, "none")
    assert unrecorded_answers(trace) == Found(len(READS) + 1, ())
    assert undurable_object(trace, stored) == ()


@pytest.mark.long
def test_an_unsynced_trail_is_noticed(furnished: FurnishedHospital, tmp_path: Path) -> None:
    trace, _ = watched(furnished, tmp_path, "trail-unsynced")
    found = unrecorded_answers(trace)
    assert len(found.missing) == found.answers == len(READS) + 1


@pytest.mark.long
@pytest.mark.parametrize(
    ("fault", "missing"), [("objects-unsynced", "bytes"), ("names-unsynced", "name in objects")]
)
def test_an_unsynced_object_is_noticed(
    furnished: FurnishedHospital, tmp_path: Path, fault: str, missing: str
) -> None:
    trace, stored = watched(furnished, tmp_path, fault)
    assert missing in undurable_object(trace, stored)
    assert unrecorded_answers(trace).missing == ()
