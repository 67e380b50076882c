"""C-GET: what may be sent goes back over the association that it was asked for on.

The requester has proposed which classes it takes and how; what it does not take fails, and the
others go on.  Between two objects it hears how far it is, and may cancel.

Called by `dispatch`.

Invariants:
- no response is sent in the middle of an object; a right that is lost there ends the association.

Standard: PS3.4 C.4.3 (C-GET); PS3.7 9.1.3, D.3.3.4 (SCP/SCU role selection).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from pynetdicom.dimse_primitives import C_STORE

from pacsgate.gateway.dimse.association import GateAssociation, PeerGoneError
from pacsgate.gateway.dimse.exchange import Exchange
from pacsgate.gateway.dimse.incoming import SpooledStore
from pacsgate.gateway.dimse.operation import Operation
from pacsgate.gateway.dimse.retrieving import PENDING_SECONDS, Retrieval
from pacsgate.model.actions import Action
from pacsgate.model.errors import ArchiveError
from pacsgate.ports import ByteSource, Chunk
from pacsgate.ports.sending import PresentationContext, Sent
from pacsgate.protocols.dimse.command_set import Command, Element
from pacsgate.protocols.dimse.statuses import Status
from pacsgate.services.judge_transfer import Transfer
from pacsgate.services.record_transfer import Phase
from pacsgate.services.send_objects import Progress, outgoing, send_objects
from pacsgate.upstream.dimse.sending import store_elements
from pacsgate.upstream.dimse.stored_objects import StoredDataSet

_MOST_MESSAGES = 0xFFFF


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


class RequestorSending:
    """Objects sent over the association of whoever asked; implements `ports.sending.Sending`."""

    def __init__(self, association: GateAssociation, look: Callable[[], bool]) -> None:
        self._association = association
        self._look = look
        self._message_id = 0
        self._is_over = False
        self._contexts = {
            PresentationContext(str(one.abstract_syntax), str(one.transfer_syntax[0])): one.context_id or 0
            for one in association.accepted_contexts
            if one.as_scu
        }

    @property
    def is_over(self) -> bool:
        """Whether nothing more can be sent."""
        return self._is_over or not self._association.is_established

    def accepts(self, context: PresentationContext) -> bool:
        """Whether the requester takes objects of this class in this transfer syntax."""
        return context in self._contexts

    def send(
        self,
        source: ByteSource | Path,
        *,
        context: PresentationContext,
        sop_instance_uid: str,
        originator: tuple[str, int] | None = None,
    ) -> Sent:
        """Send one object and wait for its answer.  Raises `ArchiveError`, `PeerGoneError`."""
        data_set = StoredDataSet(source)
        data_set.require(context)
        self._message_id = self._message_id % _MOST_MESSAGES + 1
        command = {
            **store_elements(context.sop_class_uid, sop_instance_uid, originator),
            Element.COMMAND_FIELD: int(Command.C_STORE_RQ),
            Element.MESSAGE_ID: self._message_id,
        }
        try:
            self._association.send_message(self._contexts[context], command, self._watched(data_set))
        except (ArchiveError, PeerGoneError):
            # An object is half sent, so nothing else can follow it.
            self.abort()
            raise
        return Sent(self._answer(), data_set.bytes_read)

    def abort(self) -> None:
        """End at once."""
        self._is_over = True
        self._association.dul.cut_off()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """The association is the requester's, who ends it."""

    def _watched(self, data_set: StoredDataSet) -> Iterator[Chunk]:
        for chunk in data_set:
            self._look()
            yield chunk

    def _answer(self) -> int:
        _, answer = self._association.dimse.get_msg(block=True)
        if isinstance(answer, SpooledStore) and answer.incoming is not None:
            answer.incoming.discard()
        if not isinstance(answer, C_STORE) or answer.MessageIDBeingRespondedTo != self._message_id:
            self.abort()
            raise PeerGoneError("the requester does not answer for an object")
        return int(answer.Status or 0)
