"""One TCP connection that carries PDUs, every wait of it bounded.

The next PDU must be there whole within its time, however the peer lets it trickle.

Called by `associations` and `receiver`.

Invariants:
- no more is held than one PDU of the longest kind, and what one read brought;
- no call waits longer than the time-out.

Standard: PS3.8 9.3 (PDUs).
"""

import hashlib
import hmac
import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress

from pacsgate.model.errors import ArchiveError, SettingsError
from pacsgate.protocols.dimse.pdus import AbortReason, AbortSource, PduError, PduReader, abort_pdu
from pacsgate.upstream.dimse.peer import Peer, client_context
from pacsgate.upstream.dimse.promptness import acknowledge_at_once

MAXIMUM_LENGTH = 128 * 1024
"""Of the P-DATA that the gate takes in one PDU; dcmtk sends no more, whatever is offered."""
_READ_BYTES = 256 * 1024
_FAREWELL_SECONDS = 1


def unreachable(detail: str) -> ArchiveError:
    """The peer cannot be talked to; `detail` goes to the log only."""
    return ArchiveError("the DICOM peer is unreachable", detail=detail)


def silent() -> ArchiveError:
    """The peer does not answer in time."""
    return ArchiveError("the DICOM peer does not answer", timed_out=True)


def nonsense(detail: str) -> ArchiveError:
    """The peer breaks the protocol."""
    return ArchiveError("the DICOM peer answers nonsense", detail=detail)


class Connection:
    """Whole PDUs over one socket, for one thread; `interrupt` alone may come from another."""

    def __init__(self, connected: socket.socket, timeout_seconds: float) -> None:
        self._socket = connected
        self._timeout = timeout_seconds
        self._reader = PduReader(MAXIMUM_LENGTH)
        self._whole: deque[bytes] = deque()
        self._buffer = memoryview(bytearray(_READ_BYTES))
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self) -> bytes:
        """The next PDU, with its header.  Raises `ArchiveError`."""
        deadline = time.monotonic() + self._timeout
        while not self._whole:
            count = self._read_some(deadline)
            try:
                self._whole.extend(self._reader.feed(self._buffer[:count]))
            except PduError as damage:
                self.abort(damage.reason)
                raise nonsense(damage.cause) from None
        return self._whole.popleft()

    def write(self, buffers: Iterable[bytes]) -> None:
        """Send buffers of whole PDUs, each within the time-out.  Raises `ArchiveError`."""
        try:
            for buffer in buffers:
                self._socket.settimeout(self._timeout)
                self._socket.sendall(buffer)
        except TimeoutError:
            raise silent() from None
        except OSError as failure:
            raise unreachable(_reason(failure)) from None

    def is_readable(self) -> bool:
        """Whether something has come, or the connection has ended."""
        if self._whole:
            return True
        waiting = select.poll()
        waiting.register(self._socket, select.POLLIN)
        return bool(waiting.poll(0))

    def abort(self, reason: AbortReason = AbortReason.NOT_SPECIFIED) -> None:
        """Say A-ABORT, if that is still possible, and close."""
        is_ours = reason is AbortReason.NOT_SPECIFIED
        source = AbortSource.SERVICE_USER if is_ours else AbortSource.SERVICE_PROVIDER
        with suppress(OSError, ValueError):
            self._socket.settimeout(_FAREWELL_SECONDS)
            self._socket.sendall(abort_pdu(source, reason))
        self.close()

    def interrupt(self) -> None:
        """End the connection under whoever reads or writes it, who gets an `ArchiveError`."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        self.interrupt()
        self._socket.close()

    def _read_some(self, deadline: float) -> int:
        left = deadline - time.monotonic()
        if left <= 0:
            raise silent()
        try:
            self._socket.settimeout(left)
            count = self._socket.recv_into(self._buffer)
            acknowledge_at_once(self._socket)
        except TimeoutError:
            raise silent() from None
        except OSError as failure:
            raise unreachable(_reason(failure)) from None
        if count == 0:
            raise unreachable("it closed the connection")
        return count


def connect(peer: Peer) -> Connection:
    """Reach a peer, and over TLS make sure that it is the one that is meant.  Raises `ArchiveError`."""
    try:
        context = client_context(peer.tls) if peer.tls is not None else None
        connected = socket.create_connection((peer.host, peer.port), timeout=peer.timeout_seconds)
    except SettingsError as wrong:
        raise unreachable(wrong.public) from None
    except TimeoutError:
        raise silent() from None
    except OSError as failure:
        raise unreachable(_reason(failure)) from None
    if context is None or peer.tls is None:
        return Connection(connected, peer.timeout_seconds)
    try:
        secured = context.wrap_socket(connected, server_hostname=peer.host)
    except OSError as failure:
        connected.close()
        raise unreachable(f"TLS: {_reason(failure)}") from None
    if peer.tls.certificate_sha256 is not None and not _shows(secured, peer.tls.certificate_sha256):
        secured.close()
        raise unreachable("TLS: the peer's certificate is not the one it is known by")
    return Connection(secured, peer.timeout_seconds)


def _shows(secured: ssl.SSLSocket, fingerprint: str) -> bool:
    shown = secured.getpeercert(binary_form=True) or b""
    return hmac.compare_digest(hashlib.sha256(shown).hexdigest(), fingerprint)


def _reason(failure: OSError) -> str:
    """What the system says of a connection; never what the peer wrote."""
    return failure.strerror or type(failure).__name__
