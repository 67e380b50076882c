"""Orthanc as it misbehaves: killed, slow, without room, with another database, and changed behind the gate's back.

Each time what is asked for gets a clear error or the truth, hidden and missing stay the same answer, and the index
comes back to what is there.
"""

import resource
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from pacsgate.cli.demo.hospital import part10
from tests.e2e.asking import another, found, within
from tests.support.guarded_orthanc import FurnishedOrthanc, GuardedOrthanc, opened_guarded
from tests.support.origin_hospital import ORIGIN_CREDENTIALS
from tests.support.orthanc import Orthanc, running_orthanc
from tests.support.orthanc_ids import ids_of

pytestmark = [pytest.mark.long, pytest.mark.server("orthanc"), pytest.mark.timeout(300)]

FOLLOWS_SECONDS = 20
"""How soon the index shows what somebody did to Orthanc directly; a poll a second, on a busy machine."""
MISSING = "0badbad0-0badbad0-0badbad0-0badbad0-0badbad0"
NO_ROOM = 64 * 1024
"""Bytes that a file may have on a disk that has become too small."""


@pytest.fixture
def guarded(furnished_orthanc: FurnishedOrthanc, tmp_path: Path) -> Iterator[GuardedOrthanc]:
    """A guarded Orthanc of the test's own, to ill-treat."""
    furnished = furnished_orthanc.copy_to(tmp_path)
    config = furnished.gate.config
    config.write_text(
        config.read_text("utf-8").replace("kind: orthanc", "kind: orthanc\n    timeout_seconds: 3")
    )
    with opened_guarded(furnished) as running:
        yield running


def restarted(guarded: GuardedOrthanc, data: Path, stack: ExitStack) -> Orthanc:
    """Another Orthanc process where the first one was."""
    guarded.orthanc.process.kill()
    guarded.orthanc.process.wait()
    return stack.enter_context(
        running_orthanc(data, credentials=ORIGIN_CREDENTIALS, http_port=guarded.orthanc.http_port)
    )


def listed(guarded: GuardedOrthanc, persona: str) -> set[str]:
    return set(guarded.client(persona).get("/studies").json())


def answer_of(guarded: GuardedOrthanc, persona: str, path: str) -> tuple[int, bytes]:
    answered = guarded.client(persona).get(path)
    return answered.status_code, answered.content


def test_a_killed_orthanc_is_a_clear_error_that_tells_nothing(guarded: GuardedOrthanc) -> None:
    data = guarded.orthanc.log.parent
    guarded.orthanc.process.kill()
    guarded.orthanc.process.wait()
    for path in ("file", "preview", "tags"):
        answered = guarded.client("rad1").get(f"/instances/{guarded.instance('S1')}/{path}")
        assert (answered.status_code, answered.json()["error"]) == (502, "archive unavailable"), path
        assert str(guarded.orthanc.http_port) not in answered.text
        hidden, missing = (
            answer_of(guarded, "rad1", f"/instances/{one}/{path}")
            for one in (guarded.instance("S2"), MISSING)
        )
        assert hidden == missing
    assert guarded.client("rad1").get("/studies").json() == [guarded.study("S1")]
    with ExitStack() as stack:
        restarted(guarded, data, stack)
        path = f"/instances/{guarded.instance('S1')}/file"
        assert within(FOLLOWS_SECONDS, lambda: guarded.client("rad1").get(path).status_code == 200)
        assert answer_of(guarded, "rad1", f"/instances/{guarded.instance('S2')}/file")[0] == 404


def test_a_slow_orthanc_holds_up_nobody_who_does_not_need_it(guarded: GuardedOrthanc) -> None:
    guarded.orthanc.process.send_signal(signal.SIGSTOP)
    try:
        begun = time.monotonic()
        answered = guarded.client("rad1").get(f"/instances/{guarded.instance('S1')}/file")
        assert answered.status_code == 504, answered.text
        assert time.monotonic() - begun < 15
        begun = time.monotonic()
        assert guarded.client("rad1").get("/studies").json() == [guarded.study("S1")]
        assert time.monotonic() - begun < 2
        assert requests.get(f"{guarded.hospital.url}/healthz", timeout=5).status_code == 200
    finally:
        guarded.orthanc.process.send_signal(signal.SIGCONT)
    path = f"/instances/{guarded.instance('S1')}/file"
    assert within(FOLLOWS_SECONDS, lambda: guarded.client("rad1").get(path).status_code == 200)


def test_an_orthanc_without_room_takes_nothing_and_the_sender_is_told(
    furnished_orthanc: FurnishedOrthanc, tmp_path: Path
) -> None:
    furnished = furnished_orthanc.copy_to(tmp_path)
    with opened_guarded(furnished, wrapper=("sh", "-c", 'trap \'\' XFSZ; exec "$0" "$@"')) as guarded:
        held = guarded.orthanc.instance_count()
        brought = another(guarded.hospital.objects["S1"][0], StudyInstanceUID=generate_uid())
        brought.PixelData = bytes(1_000_000)
        brought.Rows, brought.Columns = 1000, 500
        limits = resource.prlimit(guarded.orthanc.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(guarded.orthanc.process.pid, resource.RLIMIT_FSIZE, (NO_ROOM, limits[1]))
        refused = upload(guarded, "CT1", brought)
        assert refused.status_code >= 500, refused.text
        assert str(tmp_path) not in refused.text
        assert guarded.client("rad1").get(f"/instances/{guarded.instance('S1')}/file").status_code == 200
        assert guarded.client("chief1").get(f"/studies/{ids_of(brought)[1]}").status_code == 404
        resource.prlimit(guarded.orthanc.process.pid, resource.RLIMIT_FSIZE, limits)
        stored = upload(guarded, "CT1", brought)
        assert (stored.status_code, guarded.orthanc.instance_count()) == (200, held + 1), stored.text


def test_another_database_is_noticed_and_nothing_of_the_old_one_is_promised(
    guarded: GuardedOrthanc, tmp_path: Path
) -> None:
    other = tmp_path / "another"
    with ExitStack() as stack:
        # Somebody else's archive under the same address: one study of rad1's department, one of another.
        fresh = [
            another(
                guarded.hospital.objects[name][0], StudyInstanceUID=generate_uid(), PatientID=f"FRESH-{name}"
            )
            for name in ("S1", "S2")
        ]
        orthanc = restarted(guarded, other, stack)
        for each in fresh:
            orthanc.upload(part10(each))
        mine, foreign = (ids_of(each)[1] for each in fresh)
        guarded.hospital.recorder.see("rad1", str(listed(guarded, "rad1")), "the list just after")
        assert within(FOLLOWS_SECONDS * 2, lambda: listed(guarded, "chief1") == {mine, foreign})
        assert listed(guarded, "rad1") == {mine}
        assert guarded.client("rad1").get(f"/studies/{foreign}").status_code == 404
        assert guarded.client("chief1").get(f"/studies/{guarded.study('S1')}").status_code == 404


def test_what_others_bring_is_judged_before_it_is_shown(guarded: GuardedOrthanc) -> None:
    """Found by nobody who may not, whether the index has heard of it yet or not."""
    mine, foreign = (
        another(guarded.hospital.objects[name][0], StudyInstanceUID=generate_uid(), PatientID=f"NEW-{name}")
        for name in ("S1", "S2")
    )
    for brought in (mine, foreign):
        guarded.orthanc.upload(part10(brought))
    for level, identifier in zip(
        ("patients", "studies", "series", "instances"), ids_of(foreign), strict=True
    ):
        assert guarded.client("rad1").get(f"/{level}/{identifier}").status_code == 404
    for level, identifier in zip(("patients", "studies", "series", "instances"), ids_of(mine), strict=True):
        assert guarded.client("rad1").get(f"/{level}/{identifier}").status_code == 200, level
    assert within(FOLLOWS_SECONDS, lambda: listed(guarded, "rad1") == {guarded.study("S1"), ids_of(mine)[1]})


def test_what_others_remove_is_gone_from_every_list(guarded: GuardedOrthanc) -> None:
    assert "S1" in found(guarded.hospital, "rad1")
    guarded.orthanc.request("DELETE", f"/studies/{guarded.study('S1')}")
    assert guarded.client("rad1").get(f"/instances/{guarded.instance('S1')}/file").status_code == 404
    assert within(FOLLOWS_SECONDS, lambda: guarded.client("rad1").get("/studies").json() == [])
    assert within(FOLLOWS_SECONDS, lambda: found(guarded.hospital, "rad1") == set())
    assert guarded.client("rad1").get("/statistics").json()["CountStudies"] == 0


def test_what_orthanc_recycles_leaves_the_index(furnished_orthanc: FurnishedOrthanc, tmp_path: Path) -> None:
    """`MaximumPatientCount`: the oldest patients go when others come, and no line of `/changes` says which."""
    furnished = furnished_orthanc.copy_to(tmp_path)
    patients = len({ids_of(one)[0] for objects in furnished.gate.made.objects.values() for one in objects})
    with opened_guarded(furnished, settings={"MaximumPatientCount": patients}) as guarded:
        brought = another(
            guarded.hospital.objects["S2"][0], StudyInstanceUID=generate_uid(), PatientID="ONE-TOO-MANY"
        )
        guarded.orthanc.upload(part10(brought))
        there = set(guarded.orthanc.request("GET", "/studies").json())
        assert len(there) <= len(guarded.hospital.studies)
        assert within(FOLLOWS_SECONDS * 2, lambda: listed(guarded, "chief1") == there)


def test_one_study_uid_under_two_patients_is_two_studies(guarded: GuardedOrthanc) -> None:
    """Each is decided by itself where its identifier says which is meant, and both together where only the UID does."""
    uid = guarded.hospital.studies["S1"].study_instance_uid
    twin = another(guarded.hospital.objects["S2"][0], StudyInstanceUID=uid, PatientID="SOMEBODY-ELSE")
    guarded.orthanc.upload(part10(twin))
    own, others = guarded.study("S1"), ids_of(twin)[1]
    assert within(
        FOLLOWS_SECONDS, lambda: {own, others} <= set(guarded.client("chief1").get("/studies").json())
    )
    assert guarded.client("rad1").get("/studies").json() == [own]
    assert guarded.client("rad1").get(f"/studies/{own}").status_code == 200
    assert guarded.client("rad1").get(f"/studies/{others}").status_code == 404
    assert guarded.client("rad1").get(f"/patients/{ids_of(twin)[0]}").status_code == 404
    assert guarded.client("rad2").get("/studies").json().count(others) == 1
    below = guarded.client("chief1").get(f"/studies/{own}/instances").json()
    assert {each["ID"] for each in below} == {ids_of(one)[3] for one in guarded.hospital.objects["S1"]}
    assert guarded.dicomweb("rad1").get(f"/studies/{uid}/metadata").status_code == 404
    assert guarded.dicomweb("chief1").get(f"/studies/{uid}/metadata").status_code == 200


def upload(guarded: GuardedOrthanc, persona: str, brought: Dataset) -> requests.Response:
    """Not recorded by the canaries: the answer repeats identifiers that were sent."""
    return requests.post(
        f"{guarded.root}/instances",
        data=part10(brought),
        auth=(persona, guarded.hospital.passwords[persona]),
        timeout=60,
    )
