"""What one instance's header says about the attributes that a policy may name.

A scalar whose element is absent, empty or unreadable is there without a value:
no permit that needs it applies, and no forbid that asks about it is spared.  A set
whose element is absent is the empty set; one with an unreadable value is not
there at all, for nobody knows what it holds.

Called by `pacsgate.services` for every object that passes; the store unites what
the instances of a study say.

Invariants:
- every value fits its attribute's type;
- where a map is given, only its values occur: what the map lacks is unreadable.

Standard: PS3.18 F.2 (DICOM JSON), PS3.5 6.2 (values of each VR).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pacsgate.dicom.summary import DicomJson
from pacsgate.model.subject import Attributes, Scalar, Values
from pacsgate.policy.ir import MODALITIES, SERIES_DESCRIPTION, SERIES_MODALITY, Scope, ValueType
from pacsgate.policy.policy import Declaration, Place, Policy
from pacsgate.policy.values import is_date, number_from

_BUILT_IN = Place("built in", 0)
_DERIVED = (
    Declaration(MODALITIES, _BUILT_IN, ("00080060",)),  # Modality of every series makes the study's set
    Declaration(SERIES_MODALITY, _BUILT_IN, ("00080060",)),
    Declaration(SERIES_DESCRIPTION, _BUILT_IN, ("0008103E",)),
)

_TRUTHS = {"YES": True, "NO": False, "Y": True, "N": False}
_NAME_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


def declared_facts(policy: Policy, header: DicomJson) -> tuple[Attributes, Attributes]:
    """The study facts and the series facts that one instance contributes."""
    found: dict[Scope, dict[str, Values]] = {Scope.STUDY: {}, Scope.SERIES: {}}
    for declaration in (*_DERIVED, *policy.declarations.values()):
        attribute = declaration.attribute
        if attribute.scope not in found:
            continue
        values = _values(declaration, header)
        if values is not None:
            found[attribute.scope][attribute.name] = values
        elif attribute.type is not ValueType.SET:
            found[attribute.scope][attribute.name] = frozenset()
    return found[Scope.STUDY], found[Scope.SERIES]


def set_facts(policy: Policy) -> frozenset[str]:
    """The names of study and series facts that are sets, in which several values are no disagreement."""
    return frozenset(
        declaration.attribute.name
        for declaration in (*_DERIVED, *policy.declarations.values())
        if declaration.attribute.type is ValueType.SET
    )


def _values(declaration: Declaration, header: DicomJson) -> Values | None:
    """The values of one attribute; `None` when there is one that cannot be read."""
    read: set[Scalar] = set()
    for element in _elements(header, declaration.path):
        if "Value" not in element and len(element) > 1:  # left out as bulk data
            return None
        for raw in element.get("Value", ()):
            written = _text(raw)
            if not written:
                continue
            value = _value(written, declaration)
            if value is None:
                return None
            read.add(value)
    return frozenset(read)


def _elements(data_set: Mapping[str, Any], path: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    tag, *rest = path
    element = data_set.get(tag)
    if element is None:
        return
    if not rest:
        yield element
        return
    for item in element.get("Value", ()):
        if isinstance(item, Mapping):
            yield from _elements(item, rest)


def _text(raw: Any) -> str:
    """A value as text; of a person's name the first group of characters that is there."""
    if isinstance(raw, Mapping):
        return next((str(raw[group]).strip() for group in _NAME_GROUPS if raw.get(group)), "")
    return "" if raw is None else str(raw).strip(" \0")


def _value(written: str, declaration: Declaration) -> Scalar | None:
    if declaration.table is not None:
        return declaration.table.get(written)
    match declaration.attribute.type:
        case ValueType.STRING | ValueType.SET:
            return written
        case ValueType.DATE:
            return written if is_date(written) else None
        case ValueType.BOOLEAN:
            return _TRUTHS.get(written)
        case ValueType.NUMBER:
            return number_from(written)
