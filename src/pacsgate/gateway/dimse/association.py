"""One association that somebody requested: let in or not, served message by message, ended.

The library negotiates and keeps the state; who may come in (`admit`) and what becomes of
a message (`serve`) is decided by the `House` that the association belongs to.  Messages
are sent from here as whole buffers, past the library's queues.

Made by `listener`; one thread for it and one for its `UpperLayer`.

Invariants:
- nobody is let in by the library: without `admit` there is no association;
- when the thread ends, the connection is closed, nothing half-received is left, and the
  house knows.

Standard: PS3.8 section 7 (association services); PS3.7 section 9.1 (DIMSE-C services).
"""

import secrets
import select
import socket
import ssl
import time
from collections.abc import Iterable
from typing import Protocol

import structlog
from pynetdicom._globals import MODE_ACCEPTOR
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import DimseServiceType
from pynetdicom.pdu_primitives import A_ASSOCIATE
from pynetdicom.transport import AddressInformation

from pacsgate.gateway.dimse.bell import Nudge
from pacsgate.gateway.dimse.bounded_socket import BoundedSocket
from pacsgate.gateway.dimse.messages import Messages
from pacsgate.gateway.dimse.upper_layer import MESSAGES_AHEAD, REQUEST_SECONDS, UpperLayer
from pacsgate.gateway.dimse.waking_queue import BoundedQueue, WakingQueue
from pacsgate.model.addresses import plain_address
from pacsgate.model.errors import PacsgateError
from pacsgate.ports import Chunk
from pacsgate.protocols.dimse.command_set import (
    DATA_SET_FOLLOWS,
    NO_DATA_SET,
    CommandSet,
    Element,
    encode_command,
)
from pacsgate.upstream.dimse.fragments import p_data
from pacsgate.upstream.spool import Spool

_log = structlog.get_logger("pacsgate.dicom")

MAXIMUM_LENGTH = 128 * 1024
"""What we take per P-DATA-TF (PS3.8 D.1); more gains nothing, and dcmtk sends no more."""
IDLE_SECONDS = 300.0
"""For how long a peer may keep an association without a word."""
_LOOK_SECONDS = 5.0


class PeerGoneError(PacsgateError):
    """There is nobody any more to send a message to."""


class House(Protocol):
    """What an association belongs to."""

    def admit(self, association: "GateAssociation") -> bool:
        """Decide on the request that came: reject it, or name the contexts that are supported."""
        ...

    def serve(self, association: "GateAssociation", request: DimseServiceType, context_id: int) -> None:
        """Serve one message; never raises."""
        ...

    def spool(self, association: "GateAssociation") -> Spool:
        """Where objects of this association wait."""
        ...

    def violated(self, address: str, cause: str) -> None:
        """Take note that a peer did not keep to the protocol."""
        ...

    def ended(self, association: "GateAssociation") -> None:
        """Forget an association."""
        ...


class GateAssociation(Association):
    """An association whose requestor is the peer."""

    dul: UpperLayer
    dimse: Messages

    def __init__(
        self,
        ae: ApplicationEntity,
        connection: socket.socket,
        address: tuple[str, int],
        tls: ssl.SSLContext | None,
        house: House,
    ) -> None:
        super().__init__(ae, MODE_ACCEPTOR)
        self.identifier = secrets.token_hex(4)
        """Names the association in the log."""
        self.address = plain_address(address[0])
        self.certificate: bytes | None = None
        """What the peer has shown in the TLS handshake (DER)."""
        self.over_tls = tls is not None
        self._connection = connection
        self._tls = tls
        self._house = house
        self._woken = Nudge()
        self.is_serving = False
        """Whether a message is being served at this moment."""
        self.is_cut_off = False
        self.dul = UpperLayer(self, MAXIMUM_LENGTH, lambda cause: house.violated(self.address, cause))
        self.dul.to_user_queue = WakingQueue(self._woken.give)
        self.dimse = Messages(self, lambda: house.spool(self))
        self.dimse.msg_queue = BoundedQueue(self._woken.give, MESSAGES_AHEAD, self.dul.ring)
        self.network_timeout = IDLE_SECONDS
        self.acceptor.maximum_length = MAXIMUM_LENGTH
        self.acceptor.ae_title = ae.ae_title
        self.acceptor.address_info = AddressInformation.from_tuple(connection.getsockname()[:2])
        self.requestor.address_info = AddressInformation.from_tuple(address[:2])

    def run_reactor(self) -> None:
        """Live from the connection to its end."""
        try:
            if self._secure():
                self.set_socket(BoundedSocket(self, self._connection))
                self.dul.start()
                self._live()
        except Exception:  # noqa: BLE001 - the outermost edge of this thread: the association ends
            _log.exception("association broke", association=self.identifier)
        finally:
            self._end()

    def cut_off(self) -> None:
        """Abort at once, from any thread, whatever is being sent or waited for."""
        self.is_cut_off = True
        self.dul.cut_off()

    def dismiss(self) -> None:
        """Close the connection of an association that was never started."""
        self._connection.close()
        self.dul.dismiss()

    def await_news(self, seconds: float) -> None:
        """Wait until something came since this was last called, but not longer than so long."""
        self._woken.await_one(seconds)

    def send_message(
        self, context_id: int, command: CommandSet, data_set: Iterable[Chunk] | None = None
    ) -> None:
        """Send one message; returns when it is with the system.  Raises `PeerGoneError`."""
        follows = NO_DATA_SET if data_set is None else DATA_SET_FOLLOWS
        encoded = encode_command({**command, Element.COMMAND_DATA_SET_TYPE: follows})
        for buffer in p_data(context_id, encoded, data_set or (), self.dimse.maximum_pdu_size):
            self.send_pdus(buffer)

    def send_pdus(self, buffer: bytes) -> None:
        """Send whole PDUs.  Raises `PeerGoneError`."""
        connection = self.dul.socket
        if connection is None or not self.is_established:
            raise PeerGoneError("the association is over")
        try:
            connection.send(buffer)
        except OSError as error:
            raise PeerGoneError("the peer is gone", detail=type(error).__name__) from None

    def _secure(self) -> bool:
        """Shake hands, where the listener has TLS; a peer that does not in time is left."""
        if self._tls is None:
            return True
        try:
            secured = self._tls.wrap_socket(self._connection, server_side=True, do_handshake_on_connect=False)
            self._connection = secured
            _shake_hands(secured)
        except (OSError, ValueError):  # a certificate that does not verify is an OSError, too
            self._house.violated(self.address, "no TLS handshake")
            return False
        self.certificate = secured.getpeercert(binary_form=True)
        return True

    def _live(self) -> None:
        request: object = self.dul.receive_pdu(wait=True, timeout=REQUEST_SECONDS + 1)
        if not isinstance(request, A_ASSOCIATE):
            return
        self.requestor.primitive = request
        if self._house.admit(self) and not self.is_aborted:
            self.acse.negotiate_association()
        if self.is_established:
            self._run_reactor()

    def _run_reactor(self) -> None:
        """Serve what comes until the association ends."""
        while not self._kill:
            context_id, message = self.dimse.get_msg(block=False)
            if message is not None and context_id is not None:
                self.is_serving = True
                self._house.serve(self, message, context_id)
                self.is_serving = False
                self.dul.touch()
            elif self.acse.is_aborted() or not self.dul.is_alive():
                return
            elif self.acse.is_release_requested():
                self.acse.send_release(is_response=True)
                self.is_released = True
                return
            elif self.dul.idle_timer_expired():
                self._house.violated(self.address, "idle association")
                self.cut_off()
                return
            else:
                self._woken.await_one(_LOOK_SECONDS)

    def _end(self) -> None:
        self.is_established = False
        if not self.is_released and not self.is_rejected:
            self.dul.cut_off()
        if self.dul.is_alive():
            self.dul.join(timeout=REQUEST_SECONDS)
        self.dismiss()
        self.dimse.discard()
        self._house.ended(self)


def _shake_hands(connection: ssl.SSLSocket) -> None:
    """Finish the handshake within `REQUEST_SECONDS`.  Raises `OSError`."""
    connection.settimeout(0)
    deadline = time.monotonic() + REQUEST_SECONDS
    while True:
        try:
            connection.do_handshake()
        except ssl.SSLWantReadError:
            wanted = select.POLLIN
        except ssl.SSLWantWriteError:
            wanted = select.POLLOUT
        else:
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no handshake in time")
        poll = select.poll()
        poll.register(connection, wanted)
        poll.poll(left * 1000)
