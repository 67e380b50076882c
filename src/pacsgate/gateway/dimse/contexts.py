"""Which presentation contexts somebody may have: those of services that are of use to them here.

Negotiation is the cheapest place to say no, and the one that client logs show; it is
never the only one.

Called by `admission`.

Invariants:
- a class is supported only if its service has a handler and the subject could ever do
  one of its actions;
- a class of Storage is taken in a role only if the subject could store (requestor as
  SCU), or could retrieve (requestor as SCP, for C-GET).

Standard: PS3.8 9.3.2.2, 9.3.3.2 and annex B; PS3.7 D.3.3.4 (role selection); PS3.4 C.4.3.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from pydicom.uid import (
    UID,
    AllTransferSyntaxes,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import PresentationContext

from pacsgate.model.actions import Action
from pacsgate.policy.engine import Bound
from pacsgate.protocols.dimse.services import Service, ServiceKind, service_of

IDENTIFIER_TRANSFER_SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)
"""Of everything but objects, as we prefer them."""
_ELSEWHERE = frozenset(
    {
        "1.2.840.10008.1.2.4.94",
        "1.2.840.10008.1.2.4.95",
        "1.2.840.10008.1.2.4.204",
        "1.2.840.10008.1.2.4.205",
    }
)
"""JPIP: the pixels are not in the object."""
STORABLE_TRANSFER_SYNTAXES = frozenset(map(str, AllTransferSyntaxes)) - _ELSEWHERE


def supported_contexts(
    proposed: Iterable[PresentationContext],
    roles: Mapping[str, SCP_SCU_RoleSelectionNegotiation],
    bound: Bound,
    served: Collection[ServiceKind],
) -> list[PresentationContext]:
    """One context for each class that is supported, with every transfer syntax that is."""
    syntaxes: dict[str, dict[str, None]] = {}
    for context in proposed:
        offered = map(str, context.transfer_syntax)
        syntaxes.setdefault(str(context.abstract_syntax), {}).update(dict.fromkeys(offered))
    return list(_supported(syntaxes, roles, bound, served))


def _supported(
    syntaxes: Mapping[str, Collection[str]],
    roles: Mapping[str, SCP_SCU_RoleSelectionNegotiation],
    bound: Bound,
    served: Collection[ServiceKind],
) -> Iterator[PresentationContext]:
    for sop_class_uid, offered in syntaxes.items():
        service = service_of(sop_class_uid)
        if service is None:
            continue
        supported = PresentationContext()
        supported.abstract_syntax = sop_class_uid
        supported.transfer_syntax = _in_common(service, offered)
        is_asked_in_roles = service.kind is ServiceKind.STORE and sop_class_uid in roles
        is_user = service.kind in served and _is_of_use(service, bound)
        is_provider = is_asked_in_roles and ServiceKind.GET in served and bound.could(Action.RETRIEVE) is None
        if is_asked_in_roles:
            supported.scu_role = is_user and bool(roles[sop_class_uid].scu_role)
            supported.scp_role = is_provider and bool(roles[sop_class_uid].scp_role)
        if is_user or is_provider:
            yield supported


def _is_of_use(service: Service, bound: Bound) -> bool:
    return not service.actions or any(bound.could(action) is None for action in service.actions)


def _in_common(service: Service, offered: Collection[str]) -> list[str | bytes | UID]:
    """What both sides can: for objects as the peer prefers it, for everything else as we do."""
    if service.kind is ServiceKind.STORE:
        return [uid for uid in offered if uid in STORABLE_TRANSFER_SYNTAXES]
    return [str(uid) for uid in IDENTIFIER_TRANSFER_SYNTAXES if uid in offered]
