"""Objects sent as they are stored, to a destination or back to whoever asked.

Called by the use cases through `pacsgate.ports.Destinations`, and by the archive
kind `dimse`.  The door sends over the requestor's own association, and takes the
elements of its requests from here.

Invariants:
- a data set leaves byte for byte as it is stored, in the transfer syntax in which it is stored.

Standard: PS3.4 B.2 (C-STORE as SCU), PS3.7 9.3.1 (C-STORE messages).
"""

from collections.abc import Collection
from pathlib import Path
from typing import Self

from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.errors import ArchiveError
from pacsgate.ports import ByteSource
from pacsgate.ports.sending import PresentationContext, Sent
from pacsgate.protocols.dimse.command_set import Command, CommandSet, Element, number_in
from pacsgate.upstream.dimse.associations import Association, associate
from pacsgate.upstream.dimse.negotiation import Proposal
from pacsgate.upstream.dimse.peer import DEFAULT_TLS, TlsSettings, peer_of
from pacsgate.upstream.dimse.stored_objects import StoredDataSet

_MEDIUM = 0x0000
"""Priority (PS3.7 E.1-1)."""


def store_elements(
    sop_class_uid: str, sop_instance_uid: str, originator: tuple[str, int] | None
) -> CommandSet:
    """The elements of a C-STORE-RQ but for its message id."""
    elements: dict[int, str | int] = {
        Element.AFFECTED_SOP_CLASS_UID: sop_class_uid,
        Element.AFFECTED_SOP_INSTANCE_UID: sop_instance_uid,
        Element.PRIORITY: _MEDIUM,
    }
    if originator is not None:
        elements[Element.MOVE_ORIGINATOR_AE_TITLE] = originator[0]
        elements[Element.MOVE_ORIGINATOR_MESSAGE_ID] = originator[1]
    return elements


class PeerSending:
    """One association with a destination (`pacsgate.ports.Sending`)."""

    def __init__(self, association: Association) -> None:
        self._association = association

    @property
    def is_over(self) -> bool:
        """Whether nothing more can be sent."""
        return self._association.is_over

    def accepts(self, context: PresentationContext) -> bool:
        """Whether the destination takes objects of this class in this transfer syntax."""
        return self._context_id(context) is not None

    def send(
        self,
        source: ByteSource | Path,
        *,
        context: PresentationContext,
        sop_instance_uid: str,
        originator: tuple[str, int] | None = None,
    ) -> Sent:
        """Send one Part 10 object.  Raises `ArchiveError`, also for a context that is not accepted."""
        context_id = self._context_id(context)
        if context_id is None:
            raise ArchiveError("the DICOM peer does not take objects of this kind")
        data_set = StoredDataSet(source)
        data_set.require(context)
        elements = store_elements(context.sop_class_uid, sop_instance_uid, originator)
        message_id = self._association.request(context_id, Command.C_STORE_RQ, elements, data_set)
        answer = self._association.answer(Command.C_STORE_RSP, message_id)
        status = number_in(answer.command, Element.STATUS)
        if status is None:
            self._association.abort()
            raise ArchiveError("the DICOM peer answers nonsense", detail="a C-STORE-RSP without a status")
        return Sent(status, data_set.bytes_read)

    def abort(self) -> None:
        """End at once; may be called from another thread."""
        self._association.interrupt()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._association.__exit__(*raised)

    def _context_id(self, context: PresentationContext) -> int | None:
        return self._association.context_for(context.sop_class_uid, context.transfer_syntax_uid)


class PeerDestinations:
    """Associations with remote application entities (`pacsgate.ports.Destinations`)."""

    def __init__(self, *, timeout_seconds: float = 30, tls: TlsSettings = DEFAULT_TLS) -> None:
        self._timeout = timeout_seconds
        self._tls = tls

    def open(
        self, remote: RemoteAe, contexts: Collection[PresentationContext], *, calling_ae_title: str
    ) -> PeerSending:
        """Associate.  Raises `ArchiveError`."""
        peer = peer_of(remote, calling_ae_title, timeout_seconds=self._timeout, tls=self._tls)
        proposals = [Proposal(one.sop_class_uid, (one.transfer_syntax_uid,)) for one in sorted(contexts)]
        return PeerSending(associate(peer, proposals))
