"""PDUs as bytes, for tests that say what no client would.

Standard: PS3.8 section 9.3.
"""

import socket
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

VERIFICATION = "1.2.840.10008.1.1"
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
IMPLICIT = "1.2.840.10008.1.2"
APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
RELEASE_RQ = bytes.fromhex("050000000004" + "00" * 4)
RELEASE_RP = bytes.fromhex("060000000004" + "00" * 4)
PATIENCE_SECONDS = 15.0


def item(kind: int, content: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(content)) + content


def identity_item(kind: int, primary: bytes, secondary: bytes = b"", *, response: bool = False) -> bytes:
    return item(
        0x58,
        struct.pack(">BBH", kind, int(response), len(primary))
        + primary
        + struct.pack(">H", len(secondary))
        + secondary,
    )


def associate_rq(
    called: str = "WARD",
    calling: str = "TEST",
    *,
    contexts: Sequence[tuple[str, Sequence[str]]] = ((VERIFICATION, (IMPLICIT,)),),
    application_context: str = APPLICATION_CONTEXT,
    version: int = 1,
    user_items: bytes = b"",
) -> bytes:
    proposed = b"".join(
        item(
            0x20,
            bytes([2 * number + 1, 0, 0, 0])
            + item(0x30, uid.encode())
            + b"".join(item(0x40, syntax.encode()) for syntax in syntaxes),
        )
        for number, (uid, syntaxes) in enumerate(contexts)
    )
    user = item(0x50, item(0x51, struct.pack(">L", 16384)) + item(0x52, b"1.2.3.4") + user_items)
    body = (
        struct.pack(">H2x16s16s32x", version, called.ljust(16).encode(), calling.ljust(16).encode())
        + item(0x10, application_context.encode())
        + proposed
        + user
    )
    return struct.pack(">BxL", 1, len(body)) + body


def p_data(context_id: int, fragment: bytes, *, is_command: bool, is_last: bool = True) -> bytes:
    control = int(is_command) | int(is_last) << 1
    value = struct.pack(">LBB", len(fragment) + 2, context_id, control) + fragment
    return struct.pack(">BxL", 4, len(value)) + value


def element(number: int, value: bytes) -> bytes:
    return struct.pack("<HHL", 0, number, len(value)) + value


def command(
    field: int, message_id: int = 1, sop_class: str = VERIFICATION, *, data_set: bool = False
) -> bytes:
    uid = sop_class.encode() + b"\0" * (len(sop_class) % 2)
    body = (
        element(0x0002, uid)
        + element(0x0100, struct.pack("<H", field))
        + element(0x0110, struct.pack("<H", message_id))
        + element(0x0700, struct.pack("<H", 0))
        + element(0x0800, struct.pack("<H", 1 if data_set else 0x0101))
    )
    return element(0x0000, struct.pack("<L", len(body))) + body


C_ECHO_RQ = p_data(1, command(0x0030), is_command=True)


@dataclass(slots=True)
class Wire:
    """A connection to a DICOM door."""

    socket: socket.socket

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def pdu(self) -> bytes:
        """The next PDU; empty when the connection is closed."""
        with suppress(ConnectionResetError):
            head = self._exactly(6)
            if len(head) == 6:
                return head + self._exactly(struct.unpack(">L", head[2:])[0])
        return b""

    def is_closed(self, within: float = PATIENCE_SECONDS) -> bool:
        """Whether the other side ends the connection in time; what it still says is passed over."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            self.socket.settimeout(max(deadline - time.monotonic(), 0.01))
            try:
                if not self.socket.recv(65536):
                    return True
            except TimeoutError:
                return False
            except OSError:
                return True
        return False

    def associate(self, request: bytes | None = None) -> None:
        self.send(request or associate_rq())
        assert self.pdu()[0] == 2

    def echo(self) -> int:
        """The status of a C-ECHO."""
        self.send(C_ECHO_RQ)
        return status_of(self.pdu())

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count and (more := self.socket.recv(count - len(data))):
            data += more
        return data


@contextmanager
def wire(port: int, host: str = "127.0.0.1") -> Iterator[Wire]:
    with socket.create_connection((host, port), timeout=PATIENCE_SECONDS) as connection:
        yield Wire(connection)


def status_of(pdu: bytes) -> int:
    """(0000,0900) of a response in one P-DATA-TF."""
    assert pdu[0] == 4, pdu
    at = pdu.index(struct.pack("<HHL", 0, 0x0900, 2))
    return int(struct.unpack_from("<H", pdu, at + 8)[0])


def rejection(pdu: bytes) -> tuple[int, int, int]:
    assert pdu[0] == 3, pdu
    return pdu[7], pdu[8], pdu[9]


def abort(pdu: bytes) -> tuple[int, int]:
    """Source and reason of an A-ABORT."""
    assert pdu[:1] == b"\x07", pdu
    return pdu[8], pdu[9]
