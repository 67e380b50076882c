"""Accepts connections on one listening socket and makes associations of them.

Called by `bootstrap`.

Invariants:
- accepting waits for nobody: not for a TLS handshake, not for a request;
- a connection for which there is no place is closed unanswered.

Standard: PS3.8 section 9.1.2; PS3.15 B.12, B.13.
"""

import select
import socket
import ssl
from threading import Event, Thread

import structlog
from pynetdicom.ae import ApplicationEntity

from pacsgate.gateway.dimse.association import GateAssociation
from pacsgate.gateway.dimse.house import GateHouse

_log = structlog.get_logger("pacsgate.dicom")

_LOOK_SECONDS = 0.5


class Listener:
    """One listening socket, plain or with TLS, and the thread that accepts on it."""

    def __init__(
        self,
        listening: socket.socket,
        tls: ssl.SSLContext | None,
        entity: ApplicationEntity,
        house: GateHouse,
    ) -> None:
        self._listening = listening
        self._tls = tls
        self._entity = entity
        self._house = house
        self._stopping = Event()
        self._thread = Thread(target=self._accept, name="dicom-listener", daemon=True)

    def start(self) -> None:
        """Begin to accept."""
        self._listening.settimeout(0)
        self._thread.start()

    def stop(self) -> None:
        """Accept nobody any more."""
        self._stopping.set()
        self._thread.join()
        self._listening.close()

    def _accept(self) -> None:
        poll = select.poll()
        poll.register(self._listening, select.POLLIN)
        while not self._stopping.is_set():
            if not poll.poll(_LOOK_SECONDS * 1000):
                continue
            try:
                connection, address = self._listening.accept()
            except BlockingIOError:  # another process was quicker
                continue
            except OSError as error:  # gone again, or no descriptor left for it
                _log.warning("a connection was not accepted", error=error.strerror)
                self._stopping.wait(0.05)
                continue
            try:
                self._take(connection, address)
            except Exception:  # noqa: BLE001 - the outermost edge: gone again, no thread left, no disk
                _log.exception("a connection was not taken")
                connection.close()

    def _take(self, connection: socket.socket, address: tuple[str, int]) -> None:
        association = GateAssociation(self._entity, connection, address, self._tls, self._house)
        is_welcome = False
        try:
            is_welcome = self._house.welcome(association)
        finally:
            if not is_welcome:
                association.dismiss()
        if is_welcome:
            association.start()
