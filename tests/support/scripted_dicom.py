"""A peer that says over one association exactly what it is told to, however wrong: no library would."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread

from pacsgate.protocols.dimse.command_set import Element, decode_command, encode_command
from pacsgate.upstream.dimse.fragments import p_data
from pacsgate.upstream.dimse.negotiation import accepted, associate_accept, requested
from pacsgate.upstream.dimse.retrieving import STORED_SYNTAXES

Script = Callable[["Caller"], None]


class Caller:
    """Whoever has called, association agreed."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        pdu = self.read()
        request = requested(pdu)
        self.agreed = accepted(request, STORED_SYNTAXES)
        self.request_pdu = request
        self.acceptance = associate_accept(request, self.agreed)

    def accept(self) -> None:
        """Say yes to everything but roles."""
        self.send(self.acceptance)

    def read(self) -> bytes:
        """The next PDU."""
        head = self._exactly(6)
        return head + self._exactly(struct.unpack(">L", head[2:])[0])

    def send(self, data: bytes) -> None:
        """Any bytes."""
        self.socket.sendall(data)

    def message(self, context_id: int, elements: dict[int, object], data_set: bytes | None = None) -> None:
        """One message."""
        kind = 0x0101 if data_set is None else 0x0001
        command = encode_command({**elements, Element.COMMAND_DATA_SET_TYPE: kind})  # type: ignore[dict-item]
        for buffer in p_data(context_id, command, [data_set] if data_set is not None else [], 16384):
            self.send(buffer)

    def request(self) -> tuple[int, dict[int, object]]:
        """The context and the command set of the next request; its data set is dropped."""
        pdu = self.read()
        if pdu[0] != 4:
            raise ConnectionAbortedError
        (length,) = struct.unpack_from(">L", pdu, 6)
        command = decode_command(pdu[12 : 10 + length])
        if command[Element.COMMAND_DATA_SET_TYPE] != 0x0101 and len(pdu) == 10 + length:
            self.read()
        return pdu[10], dict(command)

    def _exactly(self, size: int) -> bytes:
        got = b""
        while len(got) < size:
            more = self.socket.recv(size - len(got))
            if not more:
                raise ConnectionAbortedError
            got += more
        return got


def _serve_one(connected: socket.socket, script: Script) -> None:
    with connected, suppress(OSError):
        connected.settimeout(20)
        script(Caller(connected))


@contextmanager
def scripted_peer(script: Script) -> Iterator[int]:
    """Run a script for each association; the port to call."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connected, _ = listening.accept()
            except OSError:
                return
            Thread(target=_serve_one, args=(connected, script), daemon=True).start()

    Thread(target=serve, daemon=True).start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
