"""A real Orthanc as an archive: names, patients who share a UID, what it refuses, what happens behind the gate's back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pacsgate.model.errors import ArchiveError, GoneError
from pacsgate.model.resource import ArchiveName, ResourceKey
from pacsgate.ports import Archive, StoreOutcome
from pacsgate.ports.orthanc import OrthancRequest
from pacsgate.protocols.orthanc.identifiers import orthanc_id
from pacsgate.upstream.http.settings import BasicCredentials, OriginSettings
from pacsgate.upstream.orthanc import places
from pacsgate.upstream.orthanc.archive import OrthancArchive
from tests.support.clocks import HandClock
from tests.support.objects import SHIPPED, Part10, shipped, small_hospital, variant
from tests.support.orthanc import Orthanc, running_orthanc

pytestmark = pytest.mark.server("orthanc")

LOGIN = ("gate", "s3cret")
SHARED_UID = "2.25.100"


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with running_orthanc(tmp_path_factory.mktemp("orthanc"), credentials=LOGIN) as server:
        yield server


@contextmanager
def archive_of(orthanc: Orthanc, directory: Path) -> Iterator[OrthancArchive]:
    settings = OriginSettings(orthanc.url, BasicCredentials(*LOGIN), timeout_seconds=5)
    made = OrthancArchive(ArchiveName("main"), settings, directory / "gate", HandClock())
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def archive(orthanc: Orthanc, tmp_path: Path) -> Iterator[OrthancArchive]:
    orthanc.clear()
    with archive_of(orthanc, tmp_path) as made:
        yield made


def of_patient(patient_id: str, **changes: str) -> Part10:
    uids = {"StudyInstanceUID": SHARED_UID, "SeriesInstanceUID": "2.25.101", "SOPInstanceUID": "2.25.102"}
    return variant(PatientID=patient_id, PatientName=f"Name^{patient_id}", **uids | changes)


def named(item: Part10, patient_id: str) -> ResourceKey:
    key = item.key
    return ResourceKey(key.study_instance_uid, key.series_instance_uid, key.sop_instance_uid, patient_id)


def read(archive: Archive, key: ResourceKey) -> bytes:
    return b"".join(archive.open(key).chunks())


def put(archive: OrthancArchive, item: Part10) -> StoreOutcome:
    with archive.spool.begin(1 << 30) as incoming:
        incoming.write(item.data)
        spooled = incoming.finish()
        return archive.store(item.key, spooled.path, spooled.digest)


@pytest.mark.parametrize("patient_id", ["", "padded ", "A\\B", "A|B", "Ünïcödé 病", "x" * 64])
def test_what_is_indexed_hashes_to_the_names_that_orthanc_gives(
    archive: OrthancArchive, orthanc: Orthanc, patient_id: str
) -> None:
    orthanc.upload(variant(SpecificCharacterSet="ISO_IR 192", PatientID=patient_id).data)
    for name in SHIPPED:
        orthanc.upload(shipped(name).data)
    theirs = {
        level: set(orthanc.request("GET", f"/{level}").json())
        for level in ("patients", "studies", "series", "instances")
    }
    ours: dict[str, set[str]] = {level: set() for level in theirs}
    for found in (arrival.summary for arrival in archive.walk(None)):
        uids = (found.study_instance_uid, found.series_instance_uid, found.sop_instance_uid)
        for depth, level in enumerate(theirs):
            ours[level].add(orthanc_id(found.patient_id, *uids[:depth]))
    assert ours == theirs


def test_an_object_whose_patient_orthanc_names_differently_than_the_gate_is_left_out(
    archive: OrthancArchive, orthanc: Orthanc
) -> None:
    # Leading spaces mean nothing in DICOM (PS3.5 6.2), but Orthanc hashes them.
    orthanc.upload(of_patient(" padded").data)
    orthanc.upload(of_patient("A").data)
    assert [arrival.summary.patient_id for arrival in archive.study(SHARED_UID)] == ["A"]


def test_one_study_uid_under_two_patients_is_two_studies_and_each_key_leads_to_its_own(
    archive: OrthancArchive, orthanc: Orthanc
) -> None:
    both = {patient: of_patient(patient) for patient in ("A", "B")}
    for item in both.values():
        orthanc.upload(item.data)
    assert {arrival.summary.patient_id for arrival in archive.study(SHARED_UID)} == {"A", "B"}
    for patient, item in both.items():
        assert read(archive, named(item, patient)) == item.data
        assert archive.dataset(named(item, patient)).PatientID == patient
        (header,) = archive.headers(named(item, patient))
        assert header.PatientID == patient
    with pytest.raises(GoneError):
        read(archive, named(both["A"], "C"))
    with pytest.raises(ArchiveError, match="several patients"):
        read(archive, both["A"].key)
    with pytest.raises(GoneError):
        read(archive, ResourceKey(SHARED_UID, "2.25.9", both["A"].key.sop_instance_uid))
    archive.delete(ResourceKey(SHARED_UID, patient_id="A"))
    assert {arrival.summary.patient_id for arrival in archive.study(SHARED_UID)} == {"B"}
    assert read(archive, both["B"].key) == both["B"].data, "one is left, so the UIDs alone name it"


def test_a_deletion_by_uid_alone_removes_it_of_every_patient(
    archive: OrthancArchive, orthanc: Orthanc
) -> None:
    for patient in ("A", "B"):
        orthanc.upload(of_patient(patient).data)
    archive.delete(ResourceKey(SHARED_UID))
    assert orthanc.instance_count() == 0


@pytest.mark.long
def test_an_orthanc_that_overwrites_is_not_made_to(tmp_path: Path) -> None:
    settings = {"OverwriteInstances": True}
    with (
        running_orthanc(tmp_path / "orthanc", credentials=LOGIN, settings=settings) as orthanc,
        archive_of(orthanc, tmp_path) as archive,
    ):
        first, second = of_patient("A"), of_patient("A", PatientComments="later")
        assert put(archive, first) is StoreOutcome.STORED
        assert put(archive, second) is StoreOutcome.CONFLICT
        assert read(archive, named(first, "A")) == first.data


def test_the_same_uids_of_another_patient_are_a_conflict(archive: OrthancArchive) -> None:
    assert put(archive, of_patient("A")) is StoreOutcome.STORED
    assert put(archive, of_patient("B")) is StoreOutcome.CONFLICT
    assert put(archive, of_patient("A")) is StoreOutcome.ALREADY_THERE


@pytest.mark.long
def test_a_full_orthanc_says_so_and_keeps_what_it_has(tmp_path: Path) -> None:
    with (
        running_orthanc(
            tmp_path / "orthanc", credentials=LOGIN, settings={"MaximumStorageSize": 1}
        ) as orthanc,
        archive_of(orthanc, tmp_path) as archive,
    ):
        first = of_patient("A")
        assert put(archive, first) is StoreOutcome.STORED
        # A patient that is not protected would be thrown out to make room.
        orthanc.request("PUT", f"/patients/{orthanc_id('A')}/protected", data="1")
        large = variant(PatientID="A", Rows=1024, Columns=512, PixelData=bytes(1 << 20))
        with pytest.raises(ArchiveError, match="full"):
            put(archive, large)
        assert read(archive, named(first, "A")) == first.data


def test_a_walk_misses_nothing_when_studies_go_while_they_are_listed(
    archive: OrthancArchive, orthanc: Orthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "PAGE", 3)
    hospital = small_hospital(studies=12, series=1, instances=1)
    for item in hospital:
        orthanc.upload(item.data)
    listed = orthanc.request("GET", "/studies").json()
    seen: list[str] = []
    for identifier in archive._background.iterate(places.study_identifiers(archive._rest)):
        if len(seen) in {3, 4}:
            orthanc.request("DELETE", f"/studies/{listed[len(seen) - 3]}")
        seen.append(identifier)
    assert set(seen) == set(listed)


def test_an_instance_that_goes_while_its_study_is_read_is_left_out(
    archive: OrthancArchive, orthanc: Orthanc
) -> None:
    ids = [orthanc.upload(item.data) for item in small_hospital(studies=1, series=1, instances=3)]
    orthanc.request("DELETE", f"/instances/{ids[1]}")
    assert len(list(archive.arrivals(ids))) == 2
    assert list(archive.arrivals([])) == []
    assert {path.name for path in archive.spool.workspace.iterdir()} == {"lock"}


def test_leaving_a_walk_early_leaves_nothing_behind(archive: OrthancArchive, orthanc: Orthanc) -> None:
    for item in small_hospital():
        orthanc.upload(item.data)
    walk = archive.walk(None)
    next(walk)
    walk.close()  # type: ignore[attr-defined]
    assert {path.name for path in archive.spool.workspace.iterdir()} == {"lock"}


@pytest.mark.long
def test_orthanc_stopped_is_an_archive_error_and_it_is_found_again_when_it_is_back(tmp_path: Path) -> None:
    item = of_patient("A")
    with running_orthanc(tmp_path / "orthanc", credentials=LOGIN) as orthanc:
        orthanc.upload(item.data)
        with archive_of(orthanc, tmp_path) as archive:
            assert read(archive, named(item, "A")) == item.data
            orthanc.process.kill()
            orthanc.process.wait()
            with pytest.raises(ArchiveError) as failed:
                read(archive, named(item, "A"))
            assert not failed.value.timed_out
            with running_orthanc(tmp_path / "orthanc", credentials=LOGIN, http_port=orthanc.http_port):
                assert read(archive, named(item, "A")) == item.data


def test_wrong_credentials_are_told_from_a_missing_object(orthanc: Orthanc, tmp_path: Path) -> None:
    settings = OriginSettings(orthanc.url, BasicCredentials("gate", "wrong"))
    archive = OrthancArchive(ArchiveName("main"), settings, tmp_path, HandClock())
    try:
        with pytest.raises(ArchiveError, match="refused the gate"):
            archive.ask_json(OrthancRequest("GET", "/system"))
    finally:
        archive.close()
