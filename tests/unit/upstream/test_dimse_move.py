"""An archive that gives its objects by C-MOVE only: a real dcmqrscp, and strangers at the gate's own port."""

import io
import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pynetdicom import AE

from pacsgate.model.errors import ArchiveError
from pacsgate.model.resource import ArchiveName
from pacsgate.upstream.dimse.archive import DimseArchive
from pacsgate.upstream.dimse.peer import Peer
from pacsgate.upstream.dimse.settings import DimseSettings, ReceiveSettings
from tests.support.dcmqrscp import Dcmqrscp, running_dcmqrscp
from tests.support.objects import Part10, shipped, small_hospital, values_of
from tests.support.ports import free_port

pytestmark = pytest.mark.server("dcmtk")
NAME = ArchiveName("main")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dcmqrscp]:
    with running_dcmqrscp(tmp_path_factory.mktemp("dcmqrscp"), hosts={"GATE": free_port()}) as running:
        yield running


@pytest.fixture
def settings(server: Dcmqrscp) -> DimseSettings:
    server.clear()
    return server.settings(receive=ReceiveSettings("127.0.0.1", server.hosts["GATE"]))


@pytest.fixture
def archive(settings: DimseSettings, tmp_path: Path) -> Iterator[DimseArchive]:
    opened = DimseArchive(NAME, settings, tmp_path)
    yield opened
    opened.close()


def test_an_object_comes_back_as_it_was_stored(archive: DimseArchive, server: Dcmqrscp) -> None:
    item = shipped("CT_small.dcm")
    server.upload(item.data)
    assert values_of(b"".join(archive.open(item.key).chunks())) == values_of(item.data)


def test_a_walk_finds_everything_and_leaves_nothing_behind(archive: DimseArchive, server: Dcmqrscp) -> None:
    hospital = small_hospital(studies=2)
    server.upload(*(item.data for item in hospital))
    found = {arrival.summary.sop_instance_uid for arrival in archive.walk(None)}
    assert found == {item.key.sop_instance_uid for item in hospital}
    left = [path for path in archive.spool.workspace.rglob("*") if path.is_file() and path.name != "lock"]
    assert left == []


def _listen(settings: DimseSettings, directory: Path, ready: object, stop: object) -> None:
    other = DimseArchive(NAME, settings, directory)
    ready.set()  # type: ignore[attr-defined]
    stop.wait(60)  # type: ignore[attr-defined]
    other.close()


@pytest.mark.long
def test_whichever_process_the_archive_reaches_the_one_that_asked_gets_the_object(
    archive: DimseArchive, settings: DimseSettings, server: Dcmqrscp, tmp_path: Path
) -> None:
    hospital = small_hospital(studies=3)
    server.upload(*(item.data for item in hospital))
    context = multiprocessing.get_context("spawn")
    ready, stop = context.Event(), context.Event()
    other = context.Process(target=_listen, args=(settings, tmp_path, ready, stop))
    other.start()
    try:
        assert ready.wait(30)
        for (
            item
        ) in hospital:  # twelve associations: that all reach this process is one chance in four thousand
            assert values_of(b"".join(archive.open(item.key).chunks())) == values_of(item.data)
    finally:
        stop.set()
        other.join(30)


@pytest.mark.usefixtures("archive")
def test_what_nobody_waits_for_is_refused_and_kept_nowhere(server: Dcmqrscp, tmp_path: Path) -> None:
    item = shipped("CT_small.dcm")
    status = send(item, server.hosts["GATE"], "GATE")
    assert status == 0x0124
    assert not any(path.is_file() and path.stat().st_size > 100 for path in tmp_path.rglob("*"))


@pytest.mark.usefixtures("archive")
def test_who_calls_another_title_is_rejected(server: Dcmqrscp) -> None:
    assert send(shipped("CT_small.dcm"), server.hosts["GATE"], "OTHER") == "rejected"


def test_who_comes_from_elsewhere_than_the_archive_is_not_heard(tmp_path: Path) -> None:
    port = free_port()
    peer = Peer("192.0.2.1", 104, "ARCHIVE", "GATE")
    archive = DimseArchive(NAME, DimseSettings(peer, ReceiveSettings("127.0.0.1", port)), tmp_path)
    try:
        assert send(shipped("CT_small.dcm"), port, "GATE") == "no association"
    finally:
        archive.close()


def test_an_archive_that_does_not_know_the_gate_is_an_error_and_not_a_missing_object(
    server: Dcmqrscp, tmp_path: Path
) -> None:
    item = shipped("CT_small.dcm")
    server.upload(item.data)
    peer = Peer("127.0.0.1", server.port, "ARCHIVE", "STRANGER")
    archive = DimseArchive(NAME, DimseSettings(peer, ReceiveSettings("127.0.0.1", free_port())), tmp_path)
    try:
        with pytest.raises(ArchiveError):
            b"".join(archive.open(item.key).chunks())
    finally:
        archive.close()


def send(item: Part10, port: int, title: str) -> int | str:
    dataset = dcmread(io.BytesIO(item.data))
    entity = AE("ARCHIVE")
    entity.add_requested_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
    association = entity.associate("127.0.0.1", port, ae_title=title)
    if association.is_rejected:
        return "rejected"
    if not association.is_established:
        return "no association"
    status = int(association.send_c_store(dataset).Status)
    association.release()
    return status
