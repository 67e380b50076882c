"""The upper layer of one association: PDUs in and out, within bounds of length and time.

The library's state machine says what a PDU means in which state, and its codecs read
and write those of associating and releasing.  Here is what it leaves open: how bytes
become PDUs, for how long a peer may take over one, and what is not one.  Its own loop
asks every millisecond; this one waits until something happens.

Runs as a thread of its own, made and started by `association`.

Invariants:
- no PDU is kept that is longer than its type may be, nor any part of one for longer
  than `PDU_SECONDS`;
- whatever a peer does wrong ends as one A-ABORT and one violation, and the connection
  is gone `LINGER_SECONDS` later;
- nothing is read while `MESSAGES_AHEAD` messages wait to be served.

Standard: PS3.8 sections 9.2 (state machine), 9.3 (PDUs), 9.1.4 and 9.1.5 (ARTIM).
"""

import select
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog
from pynetdicom.dul import DULServiceProvider
from pynetdicom.fsm import TRANSITION_TABLE
from pynetdicom.pdu_primitives import A_P_ABORT, P_DATA

from pacsgate.gateway.dimse.bell import Bell
from pacsgate.gateway.dimse.bounded_socket import BoundedSocket
from pacsgate.gateway.dimse.waking_queue import WakingQueue
from pacsgate.protocols.dimse.pdus import (
    AbortReason,
    AbortSource,
    PduError,
    PduReader,
    PduType,
    abort_pdu,
    data_values,
    type_of,
)
from pacsgate.protocols.dimse.request_items import require_sensible

if TYPE_CHECKING:
    from pynetdicom.association import Association

_log = structlog.get_logger("pacsgate.dicom")

REQUEST_SECONDS = 10.0
"""From the connection to the whole A-ASSOCIATE-RQ."""
PDU_SECONDS = 30.0
"""From the first byte of a PDU to its last."""
LINGER_SECONDS = 1.0
"""From the last PDU of an association to the end of the connection, unless the peer ends it."""
MESSAGES_AHEAD = 2
_LOOK_SECONDS = 5.0

_AWAITING_REQUEST, _AWAITING_CLOSE = "Sta2", "Sta13"
_TRANSFER_STATES = frozenset({"Sta6", "Sta7"})
_TRANSPORT_CLOSED, _ARTIM_EXPIRED, _INVALID_PDU = "Evt17", "Evt18", "Evt19"
_REFUSING_ACTIONS = frozenset({"AA-1", "AA-8"})
"""What the state machine does about a PDU that may not come now."""


class UpperLayer(DULServiceProvider):
    """Drives the state machine of an acceptor; `violated` is told what the peer did wrong."""

    socket: BoundedSocket | None

    def __init__(self, assoc: "Association", data_bytes: int, violated: Callable[[str], None]) -> None:
        super().__init__(assoc)
        self.daemon = True
        self.artim_timer.timeout = None  # its clock can be set; ours cannot
        self._bell = Bell()
        self.to_provider_queue = WakingQueue(self._bell.ring)
        self._violated = violated
        self._reader = PduReader(data_bytes)
        self._whole: deque[bytes] = deque()
        self._cut_off = False
        self._since = time.monotonic()
        """When the state of the connection last changed in a way that time counts from."""
        self._pdu_since: float | None = None
        self._may_have_come = True
        """Whether something may be there to be read."""
        self._active = time.monotonic()

    def cut_off(self) -> None:
        """End the association at once, from any thread."""
        self._cut_off = True
        self._bell.ring()

    def dismiss(self) -> None:
        """Give back what the thread had, or would have had."""
        self.kill_dul()
        self._bell.close()

    def ring(self) -> None:
        """Look again: there may be room for another message."""
        self._bell.ring()

    def kill_dul(self) -> None:
        """Stop the thread."""
        super().kill_dul()
        self._bell.ring()

    def touch(self) -> None:
        """Count idleness from now."""
        self._active = time.monotonic()

    def idle_timer_expired(self) -> bool:
        """Whether the peer has been silent for longer than it may."""
        timeout = self.network_timeout
        return timeout is not None and time.monotonic() - self._active > timeout

    def run_reactor(self) -> None:
        """Work until the connection is over."""
        self._since = time.monotonic()
        self.assoc._dul_ready.set()  # noqa: SLF001 - the library's own handshake between its threads
        try:
            while not self._kill_thread:
                self._turn()
        except Exception:  # noqa: BLE001 - the outermost edge of this thread: the association ends
            _log.exception("upper layer broke")
        finally:
            self._end()

    def _turn(self) -> None:
        self._look_at_the_time()
        is_busy = self.event_queue.empty() and (self._process_recv_primitive() or self._process_received())
        if self.event_queue.empty():
            if not is_busy:
                self._wait()
            return
        event = self.event_queue.get_nowait()
        if event == _INVALID_PDU:
            self._refuse(PduError(AbortReason.INVALID_PARAMETER_VALUE, "malformed message"))
        elif (event, self.state_machine.current_state) in TRANSITION_TABLE:
            self._act(event)

    def _act(self, event: str) -> None:
        before = self.state_machine.current_state
        self.state_machine.do_action(event)
        if self.state_machine.current_state == _AWAITING_CLOSE != before:
            self._await_close()

    def _look_at_the_time(self) -> None:
        now, state = time.monotonic(), self.state_machine.current_state
        if self._cut_off and state != _AWAITING_CLOSE:
            self._abort(AbortSource.SERVICE_USER, AbortReason.NOT_SPECIFIED)
        elif state == _AWAITING_CLOSE:
            if now - self._since > LINGER_SECONDS:
                self._act(_ARTIM_EXPIRED)
        elif state == _AWAITING_REQUEST:
            if now - self._since > REQUEST_SECONDS:
                self._violated("no association request in time")
                self._act(_ARTIM_EXPIRED)
        elif self._pdu_since is not None and now - self._pdu_since > PDU_SECONDS:
            self._refuse(PduError(AbortReason.NOT_SPECIFIED, "PDU too slow"))

    def _process_received(self) -> bool:
        """Take the next PDU, or what has arrived of it; whether there was anything."""
        if not self._has_room():
            self._pdu_since = None  # it is not the peer who takes its time now
            return False
        try:
            if not self._whole and not self._read():
                return False
            while self._whole and self.event_queue.empty() and self._has_room():
                self._take(self._whole.popleft())
        except PduError as error:
            self._refuse(error)
        return True

    def _has_room(self) -> bool:
        return self.assoc.dimse.msg_queue.qsize() < MESSAGES_AHEAD

    def _read(self) -> bool:
        connection = None if self.socket is None else self.socket.socket
        if connection is not None and connection.fileno() >= 0 and not self._may_have_come:
            return False
        data = b"" if self.socket is None else self.socket.receive()
        self._may_have_come = self.socket is None or self.socket.may_have_more(data)
        if data is None:
            return False
        if not data:
            self.event_queue.put(_TRANSPORT_CLOSED)
        elif self.state_machine.current_state != _AWAITING_CLOSE:  # then only its end counts
            self._whole.extend(self._reader.feed(data))
            self._active = time.monotonic()
            if self._reader.is_between_pdus:
                self._pdu_since = None
            elif self._whole or self._pdu_since is None:
                self._pdu_since = self._active
        return True

    def _take(self, pdu: bytes) -> None:
        state = self.state_machine.current_state
        if state == _AWAITING_CLOSE:
            return
        if type_of(pdu) is PduType.P_DATA_TF and state in _TRANSFER_STATES:
            primitive = P_DATA()
            values: Any = data_values(pdu)  # views of bytes, which the library would copy
            primitive.presentation_data_value_list.extend(values)
            self.assoc.dimse.receive_primitive(primitive)
            return
        if type_of(pdu) is PduType.A_ASSOCIATE_RQ:
            require_sensible(pdu)
        try:
            decoded, event = self._decode_pdu(bytearray(pdu))
        except Exception as error:
            cause = f"malformed {type_of(pdu).name}"
            raise PduError(AbortReason.INVALID_PARAMETER_VALUE, cause) from error
        if TRANSITION_TABLE.get((event, state)) in _REFUSING_ACTIONS:
            raise PduError(AbortReason.UNEXPECTED_PDU, f"unexpected {type_of(pdu).name}")
        self._recv_pdu.put(decoded)
        self.event_queue.put(event)

    def _refuse(self, error: PduError) -> None:
        if self.state_machine.current_state != _AWAITING_CLOSE:
            self._violated(error.cause)
            self._abort(AbortSource.SERVICE_PROVIDER, error.reason)

    def _abort(self, source: AbortSource, reason: AbortReason) -> None:
        """Say A-ABORT, past everything that waits to be sent, and tell the association."""
        while not self.to_provider_queue.empty():
            self.to_provider_queue.get_nowait()
        while not self.event_queue.empty():
            self.event_queue.get_nowait()
        if self.socket is not None:
            self.socket.stop(abort_pdu(source, reason))
        self.assoc.is_aborted = True
        self.assoc.is_established = False
        indication = A_P_ABORT()
        indication.provider_reason = int(AbortReason.NOT_SPECIFIED)
        self.to_user_queue.put(indication)
        self.assoc.dimse.msg_queue.put((None, None))
        self.state_machine.transition(_AWAITING_CLOSE)
        self._await_close()

    def _await_close(self) -> None:
        self._since = time.monotonic()
        self._whole.clear()
        if self.socket is not None:
            self.socket.half_close()

    def _send(self, pdu: object) -> None:
        try:
            super()._send(pdu)  # type: ignore[arg-type]  # one of the library's unions
        except OSError:
            return  # the socket has told the state machine

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._bell, select.POLLIN)
        connection = None if self.socket is None else self.socket.socket
        if connection is not None and connection.fileno() >= 0 and self._has_room():
            poll.register(connection, select.POLLIN)
        for descriptor, _ in poll.poll(self._patience() * 1000):
            if descriptor == self._bell.fileno():
                self._bell.silence()
            else:
                self._may_have_come = True

    def _patience(self) -> float:
        """Seconds until the time must be looked at again."""
        now, state = time.monotonic(), self.state_machine.current_state
        if state == _AWAITING_CLOSE:
            left = self._since + LINGER_SECONDS - now
        elif state == _AWAITING_REQUEST:
            left = self._since + REQUEST_SECONDS - now
        elif self._pdu_since is not None:
            left = self._pdu_since + PDU_SECONDS - now
        else:
            left = _LOOK_SECONDS
        return min(max(left + 0.01, 0), _LOOK_SECONDS)

    def _end(self) -> None:
        self._kill_thread = True
        if self.socket is not None:
            self.socket.stop(b"")
            self.socket.close()
        self.assoc.dimse.msg_queue.put((None, None))
        indication = A_P_ABORT()
        indication.provider_reason = int(AbortReason.NOT_SPECIFIED)
        self.to_user_queue.put(indication)
