"""What is fetched of an archive, and what is not: only objects whose rows are new or changed."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread

from pacsgate.model.errors import ArchiveError, GoneError
from pacsgate.model.resource import ArchiveName, ResourceKey
from pacsgate.upstream.dimse.archive import DimseArchive
from pacsgate.upstream.dimse.peer import Peer
from pacsgate.upstream.dimse.settings import DimseSettings
from tests.support.dcmqrscp import Dcmqrscp, running_dcmqrscp
from tests.support.objects import Part10, part10, shipped, small_hospital

pytestmark = pytest.mark.server("dcmtk")
NAME = ArchiveName("main")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dcmqrscp]:
    with running_dcmqrscp(tmp_path_factory.mktemp("dcmqrscp"), options=["-v"]) as running:
        yield running


@pytest.fixture
def hospital(server: Dcmqrscp) -> tuple[Part10, ...]:
    server.clear()
    made = small_hospital(studies=2, series=2, instances=2)
    server.upload(*(item.data for item in made))
    return made


@pytest.fixture
def archive(server: Dcmqrscp, hospital: tuple[Part10, ...], tmp_path: Path) -> Iterator[DimseArchive]:
    assert hospital
    opened = DimseArchive(NAME, server.settings(), tmp_path)
    yield opened
    opened.close()


def fetches(server: Dcmqrscp) -> int:
    return server.log.read_text(errors="replace").count("Received Get SCP")


def hang_up(archive: DimseArchive) -> None:
    """End what is kept open: dcmqrscp forks for each association, and the child lives in the past."""
    archive._pool.close()


def emptied(server: Dcmqrscp, archive: DimseArchive) -> None:
    hang_up(archive)
    server.clear()


def names(archive: DimseArchive, study: str) -> dict[str, str]:
    return {
        one.summary.sop_instance_uid: one.summary.study["00100010"]["Value"][0]["Alphabetic"]
        for one in archive.study(study)
    }


def test_a_study_whose_rows_say_the_same_is_not_fetched_again_by_whichever_process(
    archive: DimseArchive, server: Dcmqrscp, hospital: tuple[Part10, ...], tmp_path: Path
) -> None:
    study = hospital[0].key.study_instance_uid
    first = list(archive.study(study))
    before = fetches(server)
    assert before > 0
    other = DimseArchive(NAME, server.settings(), tmp_path)
    assert [list(archive.study(study)), list(other.study(study))] == [first, first]
    other.close()
    assert fetches(server) == before


def test_an_object_that_comes_later_is_fetched_alone(
    archive: DimseArchive, server: Dcmqrscp, hospital: tuple[Part10, ...]
) -> None:
    study = hospital[0].key.study_instance_uid
    list(archive.study(study))
    before = fetches(server)
    dataset = dcmread(io.BytesIO(hospital[0].data))
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "2.25.123"
    written = io.BytesIO()
    dataset.save_as(written, enforce_file_format=True)
    server.upload(written.getvalue())
    assert "2.25.123" in names(archive, study)
    assert fetches(server) == before + 1


def test_a_patient_that_was_renamed_in_the_archive_is_read_again(
    archive: DimseArchive, server: Dcmqrscp, hospital: tuple[Part10, ...]
) -> None:
    study = hospital[0].key.study_instance_uid
    assert set(names(archive, study).values()) == {"Test^Patient0"}
    renamed = [item for item in hospital if item.key.study_instance_uid == study]
    emptied(server, archive)
    for item in renamed:
        dataset = dcmread(io.BytesIO(item.data))
        dataset.PatientName = "Married^Since"
        written = io.BytesIO()
        dataset.save_as(written, enforce_file_format=True)
        server.upload(part10(written.getvalue()).data)
    assert set(names(archive, study).values()) == {"Married^Since"}


def test_what_the_archive_removes_is_gone_at_once_from_lists_and_soon_from_hand(
    archive: DimseArchive, server: Dcmqrscp, hospital: tuple[Part10, ...]
) -> None:
    key = hospital[0].key
    assert len(names(archive, key.study_instance_uid)) == 4
    emptied(server, archive)
    assert names(archive, key.study_instance_uid) == {}
    with pytest.raises(GoneError):
        b"".join(archive.open(key).chunks())


def test_an_object_is_fetched_once_for_several_looks_at_it(
    archive: DimseArchive, server: Dcmqrscp, hospital: tuple[Part10, ...]
) -> None:
    key = hospital[0].key
    before = fetches(server)
    b"".join(archive.open(key).chunks())
    archive.dataset(key)
    list(archive.headers(key))
    file = archive.file(key)
    assert file is not None
    file.close()
    assert fetches(server) == before + 1


def test_nothing_is_left_in_the_workspace_when_the_archive_is_closed(
    server: Dcmqrscp, hospital: tuple[Part10, ...], tmp_path: Path
) -> None:
    archive = DimseArchive(NAME, server.settings(), tmp_path / "other")
    b"".join(archive.open(hospital[0].key).chunks())
    archive.close()
    assert not [path for path in (tmp_path / "other" / "spool").rglob("*") if path.is_file()]


def test_an_archive_that_goes_away_is_an_error_every_time_and_comes_back(tmp_path: Path) -> None:
    with running_dcmqrscp(tmp_path / "first") as server:
        item = shipped("CT_small.dcm")
        server.upload(item.data)
        archive = DimseArchive(NAME, server.settings(), tmp_path / "gate")
        assert len(list(archive.walk(None))) == 1
        port = server.port
        hang_up(archive)
    for ask in (
        lambda: list(archive.walk(None)),
        lambda: list(archive.study(item.key.study_instance_uid)),
        lambda: b"".join(archive.open(item.key).chunks()),
        lambda: archive.existing("1.2.3"),
    ):
        with pytest.raises(ArchiveError):
            ask()
    with running_dcmqrscp(tmp_path / "second", port=port) as server:
        server.upload(item.data)
        assert len(list(archive.walk(None))) == 1
    archive.close()


def test_an_archive_without_relational_queries_is_not_asked_them(
    server: Dcmqrscp, hospital: tuple[Part10, ...], tmp_path: Path
) -> None:
    peer = Peer("127.0.0.1", server.port, server.ae_title, "GATE", timeout_seconds=10)
    archive = DimseArchive(NAME, DimseSettings(peer), tmp_path)
    assert archive.existing(hospital[0].key.sop_instance_uid or "") is None
    archive.close()


def test_an_instance_under_a_parent_that_is_not_its_own_is_gone(
    archive: DimseArchive, hospital: tuple[Part10, ...]
) -> None:
    mine, other = hospital[0].key, hospital[-1].key
    for key in (
        ResourceKey(other.study_instance_uid, mine.series_instance_uid, mine.sop_instance_uid),
        ResourceKey(mine.study_instance_uid, other.series_instance_uid, mine.sop_instance_uid),
    ):
        with pytest.raises(GoneError):
            b"".join(archive.open(key).chunks())
