"""What two application entities agree on before they talk: contexts, roles, lengths.

pynetdicom knows the bytes of the PDUs and the table of roles; a table of its own says
here what the gate proposes and takes.

Called by `associations` and `receiver`.

Standard: PS3.8 9.3.2 to 9.3.4, PS3.7 D.3.3.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydicom.uid import UID
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    AsynchronousOperationsWindowNegotiation,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
    SCP_SCU_RoleSelectionNegotiation,
    SOPClassCommonExtendedNegotiation,
    SOPClassExtendedNegotiation,
    UserIdentityNegotiation,
)
from pynetdicom.presentation import PresentationContext
from pynetdicom.transport import AddressInformation

from pacsgate.dicom.file_meta import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from pacsgate.dicom.reading import MALFORMED
from pacsgate.model.errors import ArchiveError
from pacsgate.protocols.dimse.pdus import PduType
from pacsgate.upstream.dimse.connection import MAXIMUM_LENGTH, nonsense
from pacsgate.upstream.dimse.peer import Peer

MOST_CONTEXTS = 128
"""Their identifiers are the odd numbers of one byte."""
_UserInformationItem = (
    MaximumLengthNotification
    | ImplementationClassUIDNotification
    | ImplementationVersionNameNotification
    | AsynchronousOperationsWindowNegotiation
    | SCP_SCU_RoleSelectionNegotiation
    | SOPClassExtendedNegotiation
    | UserIdentityNegotiation
    | SOPClassCommonExtendedNegotiation
)
_AssociationPdu = A_ASSOCIATE_RQ | A_ASSOCIATE_AC | A_ASSOCIATE_RJ
_DAMAGE: tuple[type[Exception], ...] = (*MALFORMED, AssertionError)
"""pynetdicom asserts that an item is as long as it says."""
_ACCEPTANCE = 0
_TRANSFER_SYNTAXES_NOT_SUPPORTED = 4
_SERVICE_USER = 1
_APPLICATION_CONTEXT_NAME = "1.2.840.10008.3.1.1.1"
_NO_ADDRESS = AddressInformation("127.0.0.1", 0)
"""The primitive wants addresses; no PDU has any."""
_REASONS = {
    (1, 1): "no reason given",
    (1, 2): "application context not supported",
    (1, 3): "calling AE title not recognized",
    (1, 7): "called AE title not recognized",
    (2, 1): "no reason given, by its ACSE",
    (2, 2): "protocol version not supported",
    (3, 1): "temporary congestion",
    (3, 2): "local limit exceeded",
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """One presentation context to propose."""

    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]
    receives: bool = False
    """Whether the gate takes objects of this class on the association (C-GET): the SCP role."""
    extended: bytes = b""
    """Service-class-application-information of a SOP class extended negotiation; empty for none."""


@dataclass(frozen=True, slots=True)
class AgreedContext:
    """One presentation context that both sides use."""

    abstract_syntax: str
    transfer_syntax: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """What came of a negotiation; `maximum_length` is the peer's, 0 for any."""

    contexts: Mapping[int, AgreedContext]
    maximum_length: int


def associate_request(peer: Peer, proposals: Sequence[Proposal]) -> bytes:
    """The A-ASSOCIATE-RQ PDU."""
    primitive = A_ASSOCIATE()
    primitive.application_context_name = _APPLICATION_CONTEXT_NAME
    primitive.calling_ae_title = peer.calling_ae_title
    primitive.called_ae_title = peer.called_ae_title
    primitive.calling_presentation_address = primitive.called_presentation_address = _NO_ADDRESS
    primitive.presentation_context_definition_list = _definitions(proposals)
    items = user_information()
    for abstract_syntax in sorted({one.abstract_syntax for one in proposals if one.receives}):
        role = SCP_SCU_RoleSelectionNegotiation()
        role.sop_class_uid = UID(abstract_syntax)
        role.scu_role, role.scp_role = False, True
        items.append(role)
    for proposal in proposals:
        if proposal.extended:
            extended = SOPClassExtendedNegotiation()
            extended.sop_class_uid = UID(proposal.abstract_syntax)
            extended.service_class_application_information = proposal.extended
            items.append(extended)
    primitive.user_information = items
    encoded: bytes = A_ASSOCIATE_RQ(primitive).encode()
    return encoded


def user_information() -> list[_UserInformationItem]:
    """The items that each side owes the other."""
    length = MaximumLengthNotification()
    length.maximum_length_received = MAXIMUM_LENGTH
    implementation = ImplementationClassUIDNotification()
    implementation.implementation_class_uid = UID(IMPLEMENTATION_CLASS_UID)
    version = ImplementationVersionNameNotification()
    version.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    return [length, implementation, version]


def agreement(proposals: Sequence[Proposal], accepted: bytes) -> Agreement:
    """What the peer's A-ASSOCIATE-AC makes of the proposals.  Raises `ArchiveError`."""
    primitive = decoded(A_ASSOCIATE_AC, accepted)
    roles = {
        str(item.sop_class_uid): item.scp_role
        for item in primitive.user_information
        if isinstance(item, SCP_SCU_RoleSelectionNegotiation)
    }
    contexts = {}
    for result in primitive.presentation_context_definition_results_list:
        proposal = _proposed(proposals, result.context_id)
        if result.result != _ACCEPTANCE or not result.transfer_syntax:
            continue
        syntax = str(result.transfer_syntax[0])
        # Without an answer about roles the requestor is the SCU, and sends only (PS3.7 D.3.3.4).
        in_role = not proposal.receives or roles.get(proposal.abstract_syntax)
        if syntax in proposal.transfer_syntaxes and in_role:
            contexts[result.context_id or 0] = AgreedContext(proposal.abstract_syntax, syntax)
    return Agreement(contexts, peer_maximum_length(primitive))


def _proposed(proposals: Sequence[Proposal], context_id: int | None) -> Proposal:
    if context_id is None or context_id % 2 == 0 or context_id >= 2 * len(proposals):
        raise nonsense("an A-ASSOCIATE-AC that answers no proposal")
    return proposals[context_id // 2]


def requested(received: bytes) -> A_ASSOCIATE:
    """A peer's A-ASSOCIATE-RQ.  Raises `ArchiveError`."""
    return decoded(A_ASSOCIATE_RQ, received)


def accepted(request: A_ASSOCIATE, syntaxes: Sequence[str]) -> Agreement:
    """What is taken of a request: every class, each in the first of these syntaxes that is proposed."""
    contexts = {}
    for proposed in request.presentation_context_definition_list:
        chosen = next((one for one in syntaxes if one in proposed.transfer_syntax), None)
        if chosen is not None and proposed.context_id is not None:
            contexts[proposed.context_id] = AgreedContext(str(proposed.abstract_syntax), chosen)
    return Agreement(contexts, peer_maximum_length(request))


def associate_accept(request: A_ASSOCIATE, agreed: Agreement) -> bytes:
    """The A-ASSOCIATE-AC PDU that answers a request."""
    primitive = A_ASSOCIATE()
    primitive.application_context_name = _APPLICATION_CONTEXT_NAME
    primitive.calling_ae_title, primitive.called_ae_title = request.calling_ae_title, request.called_ae_title
    primitive.result, primitive.result_source = _ACCEPTANCE, _SERVICE_USER
    results = []
    for proposed in request.presentation_context_definition_list:
        result = PresentationContext()
        result.context_id = proposed.context_id
        taken = agreed.contexts.get(proposed.context_id or 0)
        result.result = _TRANSFER_SYNTAXES_NOT_SUPPORTED if taken is None else _ACCEPTANCE
        result.transfer_syntax = [
            proposed.transfer_syntax[0] if taken is None else UID(taken.transfer_syntax)
        ]
        results.append(result)
    primitive.presentation_context_definition_results_list = results
    primitive.user_information = user_information()
    encoded: bytes = A_ASSOCIATE_AC(primitive).encode()
    return encoded


def associate_reject(diagnostic: int) -> bytes:
    """The A-ASSOCIATE-RJ PDU: permanent, by the service-user, for this reason (PS3.8 table 9-21)."""
    return struct.pack(">BxLxBBB", PduType.A_ASSOCIATE_RJ, 4, 1, _SERVICE_USER, diagnostic)


def decoded(pdu_class: type[_AssociationPdu], received: bytes) -> A_ASSOCIATE:
    """The primitive of an association PDU.  Raises `ArchiveError`."""
    pdu = pdu_class()
    try:
        pdu.decode(received)
        return pdu.to_primitive()
    except _DAMAGE:
        raise nonsense("a damaged association PDU") from None


def rejection(received: bytes) -> ArchiveError:
    """What the peer's A-ASSOCIATE-RJ says."""
    primitive = decoded(A_ASSOCIATE_RJ, received)
    why = _REASONS.get((primitive.result_source or 0, primitive.diagnostic or 0), "unknown reason")
    return ArchiveError("the DICOM peer refuses the association", detail=why)


def peer_maximum_length(primitive: A_ASSOCIATE) -> int:
    """The longest P-DATA that the peer takes in one PDU; 0 for any."""
    for item in primitive.user_information:
        if isinstance(item, MaximumLengthNotification):
            return item.maximum_length_received or 0
    return 0


def _definitions(proposals: Sequence[Proposal]) -> list[PresentationContext]:
    made = []
    for number, proposal in enumerate(proposals):
        context = PresentationContext()
        context.context_id = 2 * number + 1
        context.abstract_syntax = UID(proposal.abstract_syntax)
        context.transfer_syntax = [UID(syntax) for syntax in proposal.transfer_syntaxes]
        if proposal.receives:
            context.scu_role, context.scp_role = False, True
        made.append(context)
    return made
