"""Whether a device answers: dcmtk's dcmqrscp does, its storescp does not take the question, others answer wrongly."""

import socket
from pathlib import Path

import pytest
from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification

from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.errors import ArchiveError
from pacsgate.upstream.dimse.peer import peer_of
from pacsgate.upstream.dimse.verification import verify
from tests.support.dcmqrscp import running_dcmqrscp
from tests.support.storescp import running_storescp


def ask(port: int, title: str = "DEST", *, seconds: float = 10) -> None:
    remote = RemoteAe(title, host="127.0.0.1", port=port)
    verify(peer_of(remote, "PACSGATE", timeout_seconds=seconds))


@pytest.mark.server("dcmtk")
def test_an_archive_answers(tmp_path: Path) -> None:
    with running_dcmqrscp(tmp_path) as archive:
        ask(archive.port, archive.ae_title)
        with pytest.raises(ArchiveError) as refused:
            ask(archive.port, "SOMEBODY")
        assert "not recognized" in (refused.value.detail or "")


@pytest.mark.server("dcmtk")
def test_a_device_that_does_not_take_the_question_is_told_apart(tmp_path: Path) -> None:
    with (
        running_storescp(tmp_path) as server,
        pytest.raises(ArchiveError, match="does not take verification"),
    ):
        ask(server.port)


def test_an_answer_that_is_no_success_is_none() -> None:
    entity = AE("DEST")
    entity.add_supported_context(Verification)
    server = entity.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_ECHO, lambda _: 0x0122)]
    )
    try:
        with pytest.raises(ArchiveError, match="0122H"):
            ask(server.server_address[1])
    finally:
        server.shutdown()


def test_who_says_nothing_or_is_not_there_is_told_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(ArchiveError):
            ask(silent.getsockname()[1], seconds=0.3)
        port = silent.getsockname()[1]
    with pytest.raises(ArchiveError):
        ask(port)


def test_a_device_without_an_address_cannot_be_asked() -> None:
    with pytest.raises(ArchiveError, match="no address"):
        peer_of(RemoteAe("CT1"), "PACSGATE", timeout_seconds=1)
