"""What one instance's header says about the attributes that the rules of a policy name.

A scalar whose element is absent, empty or unreadable is there without a value:
no permit that needs it applies, and no forbid that asks about it is spared.  A set
whose element is absent is the empty set; one with an unreadable value is not
there at all, for nobody knows what it holds.

An attribute may have several sources.  They are asked in order, and the first that
has a value answers, whether it can be read or not; a second attribute, its
evidence, then holds the keyword of the source that did.

Called by `pacsgate.services` for every object that passes; the store unites what
the instances of a study say.

Invariants:
- every value fits its attribute's type;
- where a map is given, only its values occur: what the map lacks is unreadable;
- what no rule names is no fact.

Standard: PS3.18 F.2 (DICOM JSON), PS3.5 6.2 (values of each VR).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from pydicom.datadict import keyword_for_tag

from pacsgate.dicom.reports import is_document, is_reading
from pacsgate.dicom.summary import DicomJson
from pacsgate.model.subject import Attributes, Scalar, Values
from pacsgate.policy.ir import DERIVED_LABELS, IS_REPORT, ORIGIN, READ_AT, Attribute, Scope, ValueType
from pacsgate.policy.naming import computed, declarations
from pacsgate.policy.policy import Declaration, Policy, Source
from pacsgate.policy.truth import like
from pacsgate.policy.values import is_date, number_from

_TRUTHS = {"YES": True, "NO": False, "Y": True, "N": False}
_NAME_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")

_WITNESSED = frozenset(str(attribute) for attribute in ORIGIN)
_SOP_CLASS_UID = ("00080016",)
_DATES_OF_A_REPORT = (("00080023",), ("00080012",), ("00080021",), ("00080020",))
"""ContentDate, InstanceCreationDate, SeriesDate, StudyDate: the first that is there counts."""


def declared_facts(
    policy: Policy, header: DicomJson, origin: Attributes | None = None
) -> tuple[Attributes, Attributes]:
    """The study facts and the series facts that one instance contributes.

    `origin` is what the gate witnessed when it was stored; an attribute may take its value from that.
    """
    if origin or any(name in header for name in _WITNESSED):
        header = {**header, **_as_elements(origin or {})}
    found: dict[Scope, dict[str, Values]] = {Scope.STUDY: {}, Scope.SERIES: {}}
    for declaration in declarations(policy):
        attribute = declaration.attribute
        if declaration.evidence_for is None:
            _enter(found[attribute.scope], attribute, _answer(declaration, header)[1])
        else:
            _enter(found[attribute.scope], attribute, _evidence(declaration, policy, header))
    for attribute in computed(policy):
        _enter(found[attribute.scope], attribute, _COMPUTED[attribute](policy, header))
    return found[Scope.STUDY], found[Scope.SERIES]


def _as_elements(origin: Attributes) -> DicomJson:
    """What was witnessed, in the shape of a header, under names that no tag can have."""
    return {str(each): {"Value": sorted(map(str, origin.get(each.name, ())))} for each in ORIGIN}


def _enter(facts: dict[str, Values], attribute: Attribute, values: Values | None) -> None:
    if values is not None:
        facts[attribute.name] = values
    elif attribute.type is not ValueType.SET:
        facts[attribute.name] = frozenset()


def _evidence(declaration: Declaration, policy: Policy, header: DicomJson) -> Values:
    source, _ = _answer(policy.declarations[str(declaration.evidence_for)], header)
    return frozenset() if source is None else frozenset({_written(source.path)})


def _answer(declaration: Declaration, header: DicomJson) -> tuple[Source | None, Values | None]:
    """The first source that has a value, with its values: `None` when there is one that cannot be read."""
    for source in declaration.sources:
        values = _values(source, declaration.attribute.type, header)
        if values != frozenset():
            return source, values
    return None, frozenset()


@cache
def _written(path: tuple[str, ...]) -> str:
    """A source as the policy names it."""
    return ".".join(tag if tag in _WITNESSED else keyword_for_tag(tag) or tag for tag in path)


def _is_report(_: Policy, header: DicomJson) -> Values:
    return frozenset(is_document(uid) for uid in _texts(header, _SOP_CLASS_UID) or ())


def _read_at(_: Policy, header: DicomJson) -> Values:
    if not any(is_reading(uid) for uid in _texts(header, _SOP_CLASS_UID) or ()):
        return frozenset()
    dates = (filter(is_date, _texts(header, path) or ()) for path in _DATES_OF_A_REPORT)
    return next((found for each in dates if (found := frozenset(each))), frozenset())


def _derived_labels(policy: Policy, header: DicomJson) -> Values | None:
    found: set[Scalar] = set()
    for pattern in policy.label_patterns:
        texts = _texts(header, pattern.path)
        if texts is None:
            return None
        if any(like(text.casefold(), each.casefold()) for text in texts for each in pattern.patterns):
            found.add(pattern.label)
    return frozenset(found)


_COMPUTED: Mapping[Attribute, Callable[[Policy, DicomJson], Values | None]] = {
    IS_REPORT: _is_report,
    READ_AT: _read_at,
    DERIVED_LABELS: _derived_labels,
}


def _values(source: Source, value_type: ValueType, header: DicomJson) -> Values | None:
    """The values at one source; `None` when there is one that cannot be read."""
    texts = _texts(header, source.path)
    if texts is None:
        return None
    read = {_value(written, value_type, source.table) for written in texts}
    return None if None in read else frozenset(value for value in read if value is not None)


def _texts(header: DicomJson, path: Sequence[str]) -> list[str] | None:
    """What stands in the elements of a path; `None` when there is one that was left out as bulk data."""
    found = []
    for element in _elements(header, path):
        if "Value" not in element and len(element) > 1:
            return None
        found += [written for raw in element.get("Value", ()) if (written := _text(raw))]
    return found


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


def _value(written: str, value_type: ValueType, table: Mapping[str, Scalar] | None) -> Scalar | None:
    if table is not None:
        return table.get(written)
    match value_type:
        case ValueType.STRING | ValueType.SET:
            return written
        case ValueType.DATE:
            return written if is_date(written) else None
        case ValueType.BOOLEAN:
            return _TRUTHS.get(written)
        case ValueType.NUMBER:
            return number_from(written)
