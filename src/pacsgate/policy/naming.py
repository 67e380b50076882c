"""Which facts of studies and series a policy needs to know, as far as they come from objects.

Only what some rule names is a fact, and the department, which grants may name: each further one would tell
apart studies that nothing tells apart.

Called by `declared` and by `pacsgate.services`.
"""

import hashlib
from collections.abc import Iterator

from pacsgate.model.subject import Attributes
from pacsgate.policy.ir import (
    DEPARTMENT,
    DERIVED_LABELS,
    IS_REPORT,
    MANY_VALUED,
    MODALITIES,
    ORIGIN,
    READ_AT,
    SERIES_DESCRIPTION,
    SERIES_MODALITY,
    STUDY_DATE,
    Attribute,
    Scope,
    ValueType,
)
from pacsgate.policy.policy import EVIDENCE, Declaration, Place, Policy

_BUILT_IN = Place("built in", 0)
_HEADERS = (
    Declaration(MODALITIES, _BUILT_IN, ("00080060",)),  # Modality of every series makes the study's set
    Declaration(SERIES_MODALITY, _BUILT_IN, ("00080060",)),
    Declaration(SERIES_DESCRIPTION, _BUILT_IN, ("0008103E",)),
    Declaration(STUDY_DATE, _BUILT_IN, ("00080020",), many=True),
)
COMPUTED = (IS_REPORT, READ_AT, DERIVED_LABELS)
"""Facts that are worked out from several elements of an object."""


def declarations(policy: Policy) -> tuple[Declaration, ...]:
    """The declared and built-in attributes of studies and series that some rule or grant may name."""
    known = policy.memory.get(declarations)
    if not isinstance(known, tuple):
        known = policy.memory[declarations] = tuple(_needed(policy))
    return known


def _needed(policy: Policy) -> Iterator[Declaration]:
    for declaration in (*_HEADERS, *policy.declarations.values()):
        about = {declaration.attribute, declaration.evidence_for}
        is_named = not policy.named.isdisjoint(about) or DEPARTMENT in map(str, about)
        if declaration.attribute.scope in {Scope.STUDY, Scope.SERIES} and is_named:
            yield declaration


def computed(policy: Policy) -> tuple[Attribute, ...]:
    """Those of `COMPUTED` that some rule names."""
    return tuple(attribute for attribute in COMPUTED if attribute in policy.named)


def set_facts(policy: Policy) -> frozenset[str]:
    """The names of facts that are sets, in which several values are no disagreement."""
    found = (*(declaration.attribute for declaration in declarations(policy)), *computed(policy))
    return frozenset(attribute.name for attribute in found if attribute.type is ValueType.SET)


def many_facts(policy: Policy) -> frozenset[str]:
    """The names of study facts with too many different values to tell kinds of studies apart by."""
    declared = (declaration.attribute for declaration in declarations(policy) if declaration.many)
    return frozenset(attribute.name for attribute in (*declared, *(MANY_VALUED & policy.named)))


def fact_basis(policy: Policy) -> frozenset[str]:
    """A digest for each fact of all by which it is made of objects: rows filled by these hold that fact."""
    made: list[object] = [
        (
            str(declaration.attribute),
            declaration.attribute.type.value,
            declaration.many,
            str(declaration.evidence_for),
            [
                (source.path, sorted(source.table.items()) if source.table else None)
                for source in declaration.sources
            ],
        )
        for declaration in declarations(policy)
    ]
    labels = [(each.label, each.path, each.patterns) for each in policy.label_patterns]
    made += [(str(each), labels if each == DERIVED_LABELS else None) for each in computed(policy)]
    return frozenset(hashlib.sha256(repr(each).encode()).hexdigest() for each in made)


def evidence_in(facts: Attributes) -> dict[str, str]:
    """For each attribute with several sources, the source that had its value, as far as facts tell."""
    return {
        name: " ".join(sorted(map(str, facts[f"{name}{EVIDENCE}"])))
        for name in sorted(facts)
        if facts.get(f"{name}{EVIDENCE}")
    }


def reads_origin(policy: Policy) -> bool:
    """Whether some fact is made from what the gate witnessed when it stored an object."""
    paths = {source.path for declaration in declarations(policy) for source in declaration.sources}
    return any((str(attribute),) in paths for attribute in ORIGIN)
