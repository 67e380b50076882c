"""Which service a SOP class belongs to, and what its user must be able to do.

One row per SOP class of the query, worklist and management services; Storage is
known by its name in the registry of UIDs, and a class that is in no registry
(a vendor's own) can only be one of Storage.

Called by `pacsgate.gateway.dimse` when contexts are negotiated and messages are
served, and by the conformance statement, whose tables are these rows.

Invariants:
- a SOP class without a row belongs to no service, so no context of it is accepted.

Standard: PS3.4 annexes A, B, C, F, J, K; PS3.6 annex A.
"""

from dataclasses import dataclass
from enum import StrEnum

from pydicom._uid_dict import UID_dictionary
from pydicom.uid import UID

from pacsgate.model.actions import Action


class ServiceKind(StrEnum):
    """One DIMSE service of the gate; each has one handler."""

    ECHO = "C-ECHO"
    FIND = "C-FIND"
    MOVE = "C-MOVE"
    GET = "C-GET"
    STORE = "C-STORE"
    WORKLIST = "worklist"
    PROCEDURE_STEP = "MPPS"
    COMMITMENT = "Storage Commitment"


class Root(StrEnum):
    """The information model of a query (PS3.4 C.6)."""

    PATIENT = "Patient Root"
    STUDY = "Study Root"


@dataclass(frozen=True, slots=True)
class Service:
    """What one SOP class is for."""

    kind: ServiceKind
    root: Root | None = None
    actions: frozenset[Action] = frozenset()
    """Whoever could do none of them has no use for the class; empty is no such condition."""


VERIFICATION = "1.2.840.10008.1.1"
COMMITMENT_PUSH_MODEL = "1.2.840.10008.1.20.1"
MODALITY_PERFORMED_PROCEDURE_STEP = "1.2.840.10008.3.1.2.3.3"
MODALITY_WORKLIST_FIND = "1.2.840.10008.5.1.4.31"

_SEARCH = frozenset({Action.SEARCH})
_RETRIEVE = frozenset({Action.RETRIEVE})
_STORE = frozenset({Action.STORE, Action.APPEND, Action.ANNOTATE})

SERVICES: dict[str, Service] = {
    VERIFICATION: Service(ServiceKind.ECHO),
    "1.2.840.10008.5.1.4.1.2.1.1": Service(ServiceKind.FIND, Root.PATIENT, _SEARCH),
    "1.2.840.10008.5.1.4.1.2.2.1": Service(ServiceKind.FIND, Root.STUDY, _SEARCH),
    "1.2.840.10008.5.1.4.1.2.1.2": Service(ServiceKind.MOVE, Root.PATIENT, _RETRIEVE),
    "1.2.840.10008.5.1.4.1.2.2.2": Service(ServiceKind.MOVE, Root.STUDY, _RETRIEVE),
    "1.2.840.10008.5.1.4.1.2.1.3": Service(ServiceKind.GET, Root.PATIENT, _RETRIEVE),
    "1.2.840.10008.5.1.4.1.2.2.3": Service(ServiceKind.GET, Root.STUDY, _RETRIEVE),
    MODALITY_WORKLIST_FIND: Service(ServiceKind.WORKLIST, actions=_SEARCH),
    MODALITY_PERFORMED_PROCEDURE_STEP: Service(ServiceKind.PROCEDURE_STEP, actions=_STORE),
    COMMITMENT_PUSH_MODEL: Service(ServiceKind.COMMITMENT, actions=_SEARCH),
}

STORAGE = Service(ServiceKind.STORE, actions=_STORE)
"""Of every Storage SOP class, where the requestor is its user."""

_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1."
"""Where the standard puts nearly all Storage classes; newer ones are there before the registry at hand
knows them."""
_STORAGE = (_IMAGE_STORAGE, "1.2.840.10008.5.1.4.34.")
"""Outside of these arcs is Storage of what belongs to no patient: hanging protocols, palettes, implants."""


def service_of(sop_class_uid: str) -> Service | None:
    """The service of a SOP class; `None` for one that is no business of the gate."""
    return SERVICES.get(sop_class_uid) or (STORAGE if is_storage(sop_class_uid) else None)


def is_storage(sop_class_uid: str) -> bool:
    """Whether it is a class of objects of patients: by the registry, or because that cannot have it."""
    row = UID_dictionary.get(sop_class_uid)
    if row is None:
        return sop_class_uid.startswith(_IMAGE_STORAGE) or UID(sop_class_uid).is_private
    name, kind = row[0], row[1]
    return kind == "SOP Class" and "Storage" in name and sop_class_uid.startswith(_STORAGE)
