"""Objects sent over the association of whoever asked for them: the sub-operations of a C-GET.

The requestor said, when it associated, which classes it takes and in which transfer syntaxes,
and that it is their SCP.

Called by `getting`.

Invariants:
- after an object that was not sent to its end nothing else is sent: the association is cut off.

Standard: PS3.7 D.3.3.4 (SCP/SCU role selection), 9.3.1 (C-STORE messages); PS3.4 C.4.3.1.4.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from pynetdicom.dimse_primitives import C_STORE

from pacsgate.gateway.dimse.association import GateAssociation, PeerGoneError
from pacsgate.gateway.dimse.incoming import SpooledStore
from pacsgate.model.errors import ArchiveError
from pacsgate.ports import ByteSource, Chunk
from pacsgate.ports.sending import PresentationContext, Sent
from pacsgate.protocols.dimse.command_set import Command, Element
from pacsgate.upstream.dimse.sending import store_elements
from pacsgate.upstream.dimse.stored_objects import StoredDataSet

_MOST_MESSAGES = 0xFFFF


class RequestorSending:
    """Implements `ports.sending.Sending`; `look` is called with each chunk, and raises to end it."""

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
