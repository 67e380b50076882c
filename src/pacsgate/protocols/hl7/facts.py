"""What a message says, under names that rules may ask for as `message.…`.

Called by the rules on messages (`grant_rules`), by the merge of patients and by the record.

Invariants:
- a name that a message has nothing for is missing, never empty.

Standard: HL7 v2.5.1, 3.4 (PID, PV1), 4.5 (ORC, OBR, IPC); IHE RAD TF-2 4.4 (ZDS).
"""

from collections.abc import Callable, Mapping

from pacsgate.model.resource import patient_key
from pacsgate.model.subject import Attributes
from pacsgate.protocols.hl7.message import Message, Segment


def _values(name: str, field: int, component: int = 1) -> Callable[[Message], frozenset[str]]:
    """What every segment of a name has in one place."""
    return lambda message: frozenset(
        value for segment in message.named(name) for value in segment.values(field, component)
    )


def _either(*found: Callable[[Message], frozenset[str]]) -> Callable[[Message], frozenset[str]]:
    """The first of several places that has something."""
    return lambda message: next((values for read in found if (values := read(message))), frozenset())


def patients(message: Message, name: str = "PID", field: int = 3) -> frozenset[str]:
    """The patients that a field of identifiers (CX) names, as rules and grants spell them."""
    return frozenset(key for segment in message.named(name) for key in _keys(segment, field))


def _keys(segment: Segment, field: int) -> list[str]:
    repetitions = segment.fields[field - 1] if field <= len(segment.fields) else ()
    found = []
    for repetition in repetitions:
        identifier = repetition[0][0] if repetition and repetition[0] else ""
        authority = repetition[3][0] if len(repetition) > 3 and repetition[3] else ""
        if identifier:
            found.append(patient_key(identifier, authority))
    return found


MESSAGE_ATTRIBUTES: Mapping[str, Callable[[Message], frozenset[str]]] = {
    "type": lambda message: frozenset({message.kind} - {""}),
    "sending_application": _values("MSH", 3),
    "sending_facility": _values("MSH", 4),
    "patient_id": patients,
    "study_uid": _either(_values("ZDS", 1), _values("IPC", 3)),
    "accession_number": _either(_values("IPC", 1), _values("OBR", 18)),
    "placer_order_number": _either(_values("OBR", 2), _values("ORC", 2)),
    "filler_order_number": _either(_values("OBR", 3), _values("ORC", 3)),
    "procedure_code": _values("OBR", 4),
    "ordering_provider": _either(_values("OBR", 16), _values("ORC", 12)),
    "ordering_facility": _values("ORC", 21),
    "patient_class": _values("PV1", 2),
    "ward": _values("PV1", 3),
    "attending_doctor": _values("PV1", 7),
    "referring_doctor": _values("PV1", 8),
    "hospital_service": _values("PV1", 10),
}
"""By the name behind `message.`; each may have several values."""


def message_facts(message: Message) -> Attributes:
    """Everything that rules may ask a message for."""
    found = {name: read(message) for name, read in MESSAGE_ATTRIBUTES.items()}
    return {name: values for name, values in found.items() if values}
