"""C-MOVE: the gate itself fetches what may be sent and sends it, over associations of its own.

The handler's thread answers and watches; another sends, so that the requester hears of it every
second and a right that is lost ends it, however slow the destination is.

Called by `dispatch`.

Invariants:
- the archive never sends to anybody;
- unless configured otherwise, a destination that somebody may not use answers like one that does not exist.

Standard: PS3.4 C.4.2 (C-MOVE); PS3.7 9.1.4.
"""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from threading import Lock

from pynetdicom.dimse_primitives import C_MOVE

from pacsgate.gateway.dimse.association import PeerGoneError
from pacsgate.gateway.dimse.exchange import Exchange
from pacsgate.gateway.dimse.operation import Operation
from pacsgate.gateway.dimse.retrieving import PENDING_SECONDS, Retrieval
from pacsgate.model.actions import Action
from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import ArchiveError
from pacsgate.policy.engine import Bound
from pacsgate.ports.sending import Sending
from pacsgate.protocols.dimse.statuses import Status
from pacsgate.services.judge_transfer import Transfer, may_still_receive
from pacsgate.services.move_destinations import MoveDestinations, is_requestor
from pacsgate.services.record_transfer import Phase
from pacsgate.services.resolve import Part
from pacsgate.services.send_objects import Outgoing, Progress, loads, outgoing, send_objects

_NO_DESTINATION = (Reason(ReasonCode.DESTINATION_NOT_ALLOWED),)


def move(exchange: Exchange, operation: Operation) -> None:
    """Send what is named to the Move Destination, as far as requester and destination may have it."""
    bound = exchange.bind()
    title = _title(operation)
    retrieval = Retrieval(exchange, operation, bound, Action.RETRIEVE, title)
    never = bound.could(Action.RETRIEVE)
    if never is not None:
        retrieval.refuse(retrieval.unreadable, never.reasons)
        return
    remote = _destinations(exchange).find(exchange.scope, title, exchange.context)
    if remote is None:
        retrieval.refuse(Status.MOVE_DESTINATION_UNKNOWN, _NO_DESTINATION)
    elif is_requestor(remote, exchange.established.admitted):
        _move_to_itself(retrieval, remote)
    else:
        _move_elsewhere(replace(retrieval, action=Action.EXPORT), remote)


def _title(operation: Operation) -> str:
    request = operation.request
    return str(request.MoveDestination or "").strip(" ") if isinstance(request, C_MOVE) else ""


def _destinations(exchange: Exchange) -> MoveDestinations:
    gate = exchange.gate
    return MoveDestinations(gate.remote_aes, gate.accounts, gate.policies, gate.settings.network_of)


def _move_to_itself(retrieval: Retrieval, remote: RemoteAe) -> None:
    transfer = retrieval.permitted(None, refused=retrieval.unreadable, withheld=retrieval.unreadable)
    if transfer is not None:
        _Sender(retrieval, remote, transfer, elsewhere=False).send()


def _move_elsewhere(retrieval: Retrieval, remote: RemoteAe) -> None:
    exchange, settings = retrieval.exchange, retrieval.exchange.gate.settings
    old = settings.refuses_as_dcm4chee
    never = retrieval.bound.could(Action.EXPORT)
    if never is not None:
        retrieval.refuse(
            Status.NO_EXPORT_PERMISSION if old else settings.forbidden_destination, never.reasons
        )
        return
    receiver = _destinations(exchange).bind(exchange.scope, remote, exchange.context, exchange.archive)
    if receiver is None:
        retrieval.refuse(
            Status.DESTINATION_UNIDENTIFIED if old else settings.forbidden_destination, _NO_DESTINATION
        )
        return
    transfer = retrieval.permitted(
        receiver,
        refused=Status.NO_EXPORT_PERMISSION if old else Status.NOT_AUTHORIZED,
        withheld=Status.NO_READ_PERMISSION if old else settings.forbidden_destination,
    )
    if transfer is not None:
        _Sender(retrieval, remote, transfer, elsewhere=True).send()


class _Link:
    """The association over which is sent at the moment, to be ended from another thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sending: Sending | None = None
        self._is_cut = False

    def hold(self, sending: Sending) -> None:
        with self._lock:
            self._sending = sending
            if self._is_cut:
                sending.abort()

    def cut(self) -> None:
        with self._lock:
            self._is_cut = True
            if self._sending is not None:
                self._sending.abort()


@dataclass(slots=True)
class _Sender:
    """One transfer to a destination."""

    retrieval: Retrieval
    remote: RemoteAe
    transfer: Transfer
    elsewhere: bool
    progress: Progress = field(init=False)
    _objects: list[Outgoing] = field(init=False)
    _link: _Link = field(default_factory=_Link)
    _cause: str | None = None
    _is_withdrawn: bool = False

    def send(self) -> None:
        """Send, record and answer."""
        exchange = self.retrieval.exchange
        archive = exchange.gate.archives[exchange.archive]
        try:
            self._objects = list(outgoing(archive, self.transfer.parts))
        except ArchiveError as error:
            self.retrieval.turn_down(Status.CANNOT_PERFORM_SUB_OPERATIONS, error.public)
            return
        self.progress = Progress({each.key: each for each in self._objects})
        recipient = f"{self.remote.ae_title}@{self.remote.host}:{self.remote.port}"
        self.retrieval.begin(self.transfer, recipient)
        phase = Phase.BROKEN
        try:
            self._watch()
            phase = self._phase()
        finally:
            if phase is not Phase.CANCELLED:
                self.progress.give_up()
            self.retrieval.end(self.transfer, recipient, self.progress, phase, self._cause)
        self.retrieval.conclude(self.progress, phase, withdrawn=self._is_withdrawn)

    def _phase(self) -> Phase:
        if not self.progress.waiting:
            return Phase.COMPLETE
        return Phase.CANCELLED if self.progress.is_ended and self._cause is None else Phase.BROKEN

    def _watch(self) -> None:
        """Let another thread send, and look after it.  Raises `PeerGoneError`."""
        with ThreadPoolExecutor(1, thread_name_prefix="c-move") as pool:
            work = pool.submit(self._run)
            try:
                while not wait((work,), timeout=PENDING_SECONDS).done:
                    if self.retrieval.operation.is_cancelled():
                        self.progress.is_ended = True
                    if not self._may_go_on():
                        self._is_withdrawn, self._cause = True, "access was withdrawn"
                        break
                    self.retrieval.tell(self.progress)
            except PeerGoneError as error:
                self._cause = error.public
                raise
            finally:
                if not work.done():
                    self.progress.is_ended = True
                    self._link.cut()
        self._note_failure(work)

    def _note_failure(self, work: "Future[None]") -> None:
        try:
            work.result()
        except ArchiveError as error:
            self._cause = self._cause or error.public

    def _run(self) -> None:
        """Send everything, over as many associations as it takes; in a thread of its own."""
        gate, exchange = self.retrieval.exchange.gate, self.retrieval.exchange
        title = exchange.established.answered.called.ae_title
        originator = (exchange.established.requestor.calling_ae_title, self.retrieval.operation.message_id)
        for load in loads(self._objects):
            if self.progress.is_ended:
                return
            with gate.destinations.open(self.remote, load.contexts, calling_ae_title=title) as sending:
                self._link.hold(sending)
                send_objects(
                    gate.archives[exchange.archive],
                    load.objects,
                    sending,
                    self.progress,
                    originator=originator,
                )

    def _may_go_on(self) -> bool:
        """Whether requester and destination may still have what is being sent."""
        part = self.progress.current
        if part is None:
            return not self.retrieval.exchange.established.withdrawn.is_set()
        try:
            self.retrieval.exchange.require_still_allowed(self.retrieval.action, part)
        except ArchiveError:
            return False
        return self._may_receive(part)

    def _may_receive(self, part: Part) -> bool:
        exchange, gate = self.retrieval.exchange, self.retrieval.exchange.gate
        context = replace(exchange.context, now=gate.clock.now())
        destinations = _destinations(exchange)
        if destinations.find(exchange.scope, self.remote.ae_title, context) != self.remote:
            return False
        if not self.elsewhere:
            return True
        receiver: Bound | None = destinations.bind(exchange.scope, self.remote, context, exchange.archive)
        held = gate.index.studies(exchange.scope, exchange.archive, part.study.study_instance_uid)
        return receiver is not None and may_still_receive(receiver, held, part)
