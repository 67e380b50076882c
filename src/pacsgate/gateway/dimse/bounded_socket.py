"""The socket of one association: never waits for its peer longer than it should.

Two threads use it: the one that reads it, which also sends what belongs to the
association itself, and the one that serves requests and sends their answers.

Made by `association`; called by `upper_layer`, by the library's state machine and by
whatever sends messages.

Invariants:
- what is given to `send` leaves as a whole: nothing of another thread comes in between;
- a peer that does not read holds nobody for longer than `SEND_SECONDS`, or than the
  association lives;
- the TLS object, which only one thread may use at a time, is used by one.

Standard: PS3.8 section 9.1 (use of a transport connection).
"""

import select
import socket
import ssl
import time
from contextlib import suppress
from threading import Event, Lock

from pynetdicom.association import Association
from pynetdicom.transport import AssociationSocket

from pacsgate.upstream.dimse.promptness import acknowledge_at_once

SEND_SECONDS = 60.0
"""How long a peer may take none of what is sent to it."""
_RECEIVED_AT_ONCE = 256 * 1024
_LOOK_SECONDS = 0.2
"""How often a blocked `send` looks whether its association is over."""
_TRANSPORT_CLOSED = "Evt17"
"""The library's name of the event (PS3.8 table 9-10)."""

_WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class BoundedSocket(AssociationSocket):
    """A connection that was accepted, plain or with TLS done."""

    def __init__(self, assoc: Association, client_socket: socket.socket) -> None:
        super().__init__(assoc, client_socket=client_socket)
        client_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client_socket.settimeout(0)
        self._turn = Lock()
        """Held for as long as one `send` takes."""
        self._object = Lock()
        """Held for each call of the socket."""
        self._stopped = Event()

    @property
    def ready(self) -> bool:
        """Never: `upper_layer` reads by itself."""
        return False

    def receive(self) -> bytes | None:
        """What has arrived: nothing yet is `None`, and no more ever is empty."""
        connection = self.socket
        if connection is None:
            return b""
        try:
            with self._object:
                received = connection.recv(_RECEIVED_AT_ONCE)
                acknowledge_at_once(connection)
                return received
        except _WOULD_BLOCK:
            return None
        except OSError:
            return b""

    def may_have_more(self, received: bytes | None) -> bool:
        """Whether something may be there after this was received, of which the system does not tell.

        TLS keeps what it has decrypted; of a plain connection, a receipt that is not full was all there is.
        """
        return received is not None and (
            isinstance(self.socket, ssl.SSLSocket) or len(received) == _RECEIVED_AT_ONCE
        )

    def send(self, bytestream: bytes) -> None:
        """Send all of it.  Raises `OSError` when the peer is gone, or does not read."""
        with self._turn:
            try:
                self._send(bytestream)
            except OSError:
                self._stopped.set()
                self.event_queue.put(_TRANSPORT_CLOSED)
                raise

    def stop(self, last_words: bytes) -> None:
        """Let nobody send any more; `last_words` leave if that can be done at once."""
        self._stopped.set()
        if not self._turn.acquire(timeout=2 * _LOOK_SECONDS):
            return  # somebody is in the middle of a PDU: no other can follow it
        try:
            connection = self.socket
            if connection is not None:
                with self._object, suppress(OSError):
                    connection.send(last_words)
        finally:
            self._turn.release()

    def half_close(self) -> None:
        """Tell a plain peer that nothing more comes, so that it closes the connection."""
        connection = self.socket
        if connection is not None and not isinstance(connection, ssl.SSLSocket):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_WR)

    def _send(self, data: bytes) -> None:
        rest = memoryview(data)
        deadline = time.monotonic() + SEND_SECONDS
        while rest:
            connection = self.socket
            if self._stopped.is_set() or connection is None:
                raise ConnectionAbortedError("the association is over")
            try:
                with self._object:
                    sent = connection.send(rest)
            except _WOULD_BLOCK:
                if time.monotonic() > deadline:
                    raise TimeoutError("the peer does not read") from None
                _wait_for_room(connection)
                continue
            rest = rest[sent:]
            deadline = time.monotonic() + SEND_SECONDS


def _wait_for_room(connection: socket.socket) -> None:
    poll = select.poll()
    poll.register(connection, select.POLLOUT)
    poll.poll(_LOOK_SECONDS * 1000)
