"""An Orthanc behind its DICOM port alone: a DIMSE archive of another maker than dcmtk's, by C-GET and by C-MOVE."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pacsgate.dicom.file_meta import read_part10_head
from pacsgate.model.errors import ArchiveError, GoneError
from pacsgate.model.resource import ArchiveName, ResourceKey
from pacsgate.ports import StoreOutcome
from pacsgate.upstream.dimse.archive import DimseArchive
from pacsgate.upstream.dimse.peer import Peer
from pacsgate.upstream.dimse.settings import DimseSettings, ReceiveSettings
from tests.support.objects import SHIPPED, Part10, shipped, small_hospital, values_of
from tests.support.orthanc import Orthanc, running_orthanc
from tests.support.ports import free_port

pytestmark = pytest.mark.server("orthanc")
RECEIVE = free_port()


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    settings = {
        "DicomCheckCalledAet": True,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
        "DicomAlwaysAllowMove": True,
        "DicomAlwaysAllowStore": True,
        "DicomModalities": {"gate": ["GATE", "127.0.0.1", RECEIVE]},
    }
    with running_orthanc(tmp_path_factory.mktemp("orthanc"), settings=settings) as server:
        yield server


@pytest.fixture(params=["get", "move"])
def archive(request: pytest.FixtureRequest, orthanc: Orthanc, tmp_path: Path) -> Iterator[DimseArchive]:
    orthanc.clear()
    peer = Peer("127.0.0.1", orthanc.dicom_port, orthanc.ae_title, "GATE", timeout_seconds=20)
    receive = ReceiveSettings("127.0.0.1", RECEIVE) if request.param == "move" else None
    opened = DimseArchive(
        ArchiveName("main"), DimseSettings(peer, receive, relational_queries=True), tmp_path
    )
    yield opened
    opened.close()


def put(archive: DimseArchive, item: Part10) -> StoreOutcome:
    with archive.spool.begin(1 << 30) as incoming:
        incoming.write(item.data)
        spooled = incoming.finish()
        return archive.store(item.key, spooled.path, spooled.digest)


@pytest.mark.parametrize("name", SHIPPED)
def test_what_was_stored_comes_back_in_the_syntax_in_which_it_is_stored(
    archive: DimseArchive, name: str
) -> None:
    item = shipped(name)
    assert put(archive, item) is StoreOutcome.STORED
    came = b"".join(archive.open(item.key).chunks())
    assert read_part10_head(came).transfer_syntax_uid == read_part10_head(item.data).transfer_syntax_uid
    assert values_of(came) == values_of(item.data)
    assert put(archive, item) is StoreOutcome.ALREADY_THERE


def test_a_walk_finds_what_orthanc_was_given_past_the_gate(archive: DimseArchive, orthanc: Orthanc) -> None:
    hospital = small_hospital(studies=2)
    for item in hospital:
        orthanc.upload(item.data)
    found = [arrival.summary.sop_instance_uid for arrival in archive.walk(None)]
    assert sorted(found) == sorted(item.key.sop_instance_uid or "" for item in hospital)


def test_what_orthanc_forgets_is_gone(archive: DimseArchive, orthanc: Orthanc) -> None:
    item = shipped("CT_small.dcm")
    orthanc.upload(item.data)
    assert len(list(archive.study(item.key.study_instance_uid))) == 1
    orthanc.clear()
    assert list(archive.study(item.key.study_instance_uid)) == []
    with pytest.raises(GoneError):
        list(archive.headers(item.key))
    with pytest.raises(GoneError):
        list(archive.headers(ResourceKey(item.key.study_instance_uid, item.key.series_instance_uid)))


def test_an_orthanc_that_does_not_know_the_gate_refuses_and_nobody_takes_that_for_an_empty_archive(
    orthanc: Orthanc, tmp_path: Path
) -> None:
    peer = Peer("127.0.0.1", orthanc.dicom_port, "NOT-ITS-TITLE", "GATE", timeout_seconds=20)
    archive = DimseArchive(ArchiveName("main"), DimseSettings(peer), tmp_path)
    try:
        with pytest.raises(ArchiveError):
            list(archive.walk(None))
    finally:
        archive.close()
