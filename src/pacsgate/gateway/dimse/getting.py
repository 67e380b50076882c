"""C-GET: what may be sent goes back over the association that it was asked for on.

The requester has proposed which classes it takes and how; what it does not take fails, and the
others go on.  Between two objects it hears how far it is, and may cancel.

Called by `dispatch`.

Invariants:
- no response is sent in the middle of an object; a right that is lost there ends the association.

Standard: PS3.4 C.4.3 (C-GET); PS3.7 9.1.3, D.3.3.4 (SCP/SCU role selection).
"""

from dataclasses import dataclass, field

from pacsgate.gateway.dimse.association import PeerGoneError
from pacsgate.gateway.dimse.exchange import Exchange
from pacsgate.gateway.dimse.operation import Operation
from pacsgate.gateway.dimse.requestor_sending import RequestorSending
from pacsgate.gateway.dimse.retrieving import PENDING_SECONDS, Retrieval
from pacsgate.model.actions import Action
from pacsgate.model.errors import ArchiveError
from pacsgate.protocols.dimse.statuses import Status
from pacsgate.services.judge_transfer import Transfer
from pacsgate.services.record_transfer import Phase
from pacsgate.services.send_objects import Progress, outgoing, send_objects


def get(exchange: Exchange, operation: Operation) -> None:
    """Send what is named back to the requester, as far as it may have it."""
    bound = exchange.bind()
    retrieval = Retrieval(exchange, operation, bound, Action.RETRIEVE)
    never = bound.could(Action.RETRIEVE)
    if never is not None:
        retrieval.refuse(retrieval.unreadable, never.reasons)
        return
    transfer = retrieval.permitted(None, refused=retrieval.unreadable, withheld=retrieval.unreadable)
    if transfer is not None:
        _send(retrieval, transfer)


def _send(retrieval: Retrieval, transfer: Transfer) -> None:
    exchange = retrieval.exchange
    archive = exchange.gate.archives[exchange.archive]
    try:
        objects = list(outgoing(archive, transfer.parts))
    except ArchiveError as error:
        retrieval.turn_down(Status.CANNOT_PERFORM_SUB_OPERATIONS, error.public)
        return
    progress = Progress({each.key: each for each in objects})
    requestor = exchange.established.requestor
    recipient = f"{requestor.calling_ae_title}@{requestor.address}"
    retrieval.begin(transfer, recipient)
    watch = _Watch(retrieval, progress)
    sending = RequestorSending(retrieval.operation.association, watch.look)
    phase, cause = Phase.BROKEN, None
    try:
        send_objects(archive, objects, sending, progress, pause=watch.pause)
        phase = Phase.CANCELLED if progress.waiting else Phase.COMPLETE
    except (ArchiveError, PeerGoneError) as error:
        cause = error.public
        if sending.is_over:
            raise PeerGoneError(error.public, error.detail) from error
    finally:
        if phase is not Phase.CANCELLED:
            progress.give_up()
        retrieval.end(transfer, recipient, progress, phase, cause)
    retrieval.conclude(progress, phase, withdrawn=watch.is_withdrawn)


@dataclass(slots=True)
class _Watch:
    """Looks, every second, whether the requester still may and still wants."""

    retrieval: Retrieval
    progress: Progress
    is_withdrawn: bool = False
    _looked_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._looked_at = self.retrieval.exchange.gate.clock.monotonic()

    def pause(self) -> None:
        """Between two objects.  Raises `ArchiveError`."""
        if self.retrieval.operation.is_cancelled():
            self.progress.is_ended = True
        elif self.look():
            self.retrieval.tell(self.progress)

    def look(self) -> bool:
        """Whether it was time to look again.  Raises `ArchiveError` if access was withdrawn."""
        exchange = self.retrieval.exchange
        now = exchange.gate.clock.monotonic()
        if now - self._looked_at < PENDING_SECONDS or self.progress.current is None:
            return False
        self._looked_at = now
        try:
            exchange.require_still_allowed(self.retrieval.action, self.progress.current)
        except ArchiveError:
            self.is_withdrawn = True
            raise
        return True
