"""What may be agreed about queries and retrievals before the first of them.

Called by the DICOM door, when an association is requested and when a query comes.

Invariants:
- nothing is agreed that was not asked for, and nothing that the gate does not do.

Standard: PS3.7 D.3.3.5 (SOP Class Extended Negotiation); PS3.4 C.5.1.1, C.5.2.1, C.5.3.1.
"""

from dataclasses import dataclass, fields

from pacsgate.protocols.dimse.services import SERVICES, ServiceKind


@dataclass(frozen=True, slots=True)
class QueryExtensions:
    """What was agreed about C-FIND, field by field as they travel, or is so by configuration."""

    relational: bool = False
    """Unique keys of the levels above may be missing or have several values."""
    combined_date_time: bool = False
    """A date and a time that belong together are one moment."""
    fuzzy: bool = False
    """Person names are matched by the beginnings of their words."""


_EXTENSIONS = len(fields(QueryExtensions))
_RETRIEVE = frozenset({ServiceKind.MOVE, ServiceKind.GET})


def answered(sop_class_uid: str, requested: bytes, *, relational: bool) -> bytes:
    """Return the fields that are agreed on, one for each requested: of timezones and later ones, none is.

    `relational` is what the configuration says.  An empty answer agrees to nothing.
    """
    service = SERVICES.get(sop_class_uid)
    if service is None or service.root is None:
        return b""
    offered = (relational,) if service.kind in _RETRIEVE else (relational, True, True)
    return bytes(
        number < len(offered) and offered[number] and field == 1 for number, field in enumerate(requested)
    )


def agreed(answer: bytes, *, relational: bool) -> QueryExtensions:
    """Return what holds for C-FIND after this answer; what is configured holds whatever was said."""
    said = QueryExtensions(*(field == 1 for field in answer[:_EXTENSIONS]))
    return QueryExtensions(relational, said.combined_date_time, said.fuzzy)
