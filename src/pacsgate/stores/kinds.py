"""The kinds of study that an archive holds, gathered by walking over all of its studies.

Called by `study_index`.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

from pacsgate.model.subject import Attributes
from pacsgate.policy.ir import KEY_ATTRIBUTES
from pacsgate.ports import Kind, StudyEntry

_KEYS = frozenset(attribute.name for attribute in KEY_ATTRIBUTES)

_Frozen = frozenset[tuple[str, frozenset[object]]]


def kinds_of(studies: Iterable[StudyEntry]) -> Iterator[Kind]:
    """Each kind once, numbered in the order in which they are met."""
    found: dict[object, tuple[StudyEntry, int]] = {}
    for entry in studies:
        first, many = found.get(_kind(entry), (entry, 0))
        found[_kind(entry)] = (first, many + 1)
    for number, (entry, many) in enumerate(found.values()):
        parts = {_frozen(part.facts): _without_keys(part.facts) for part in entry.series}
        yield Kind(number, _without_keys(entry.facts), tuple(parts.values()), many)


def examples_of(studies: Iterable[StudyEntry], number: int, limit: int) -> tuple[str, ...]:
    """Studies of the kind with this number."""
    numbers: dict[object, int] = {}
    found = (
        entry.study_instance_uid
        for entry in studies
        if numbers.setdefault(_kind(entry), len(numbers)) == number
    )
    return tuple(islice(found, limit))


def _kind(entry: StudyEntry) -> tuple[_Frozen, frozenset[_Frozen]]:
    return _frozen(entry.facts), frozenset(_frozen(part.facts) for part in entry.series)


def _frozen(facts: Attributes) -> _Frozen:
    return frozenset((name, frozenset(values)) for name, values in _without_keys(facts).items())


def _without_keys(facts: Attributes) -> Attributes:
    return {name: values for name, values in facts.items() if name not in _KEYS}
