"""What a new policy would give and take, counted over the people and studies of a file of expectations.

For whoever has the texts of two policies and no installation.

Called by `pacsgate policy diff --examples`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pacsgate.model.context import Context
from pacsgate.model.resource import ArchiveName
from pacsgate.model.subject import Attributes, Subject
from pacsgate.policy.difference_summary import Difference
from pacsgate.policy.expectations import Expectation
from pacsgate.policy.policy import Policy
from pacsgate.services.compare_policies import Archived, difference


@dataclass(frozen=True, slots=True)
class _ExampleStudy:
    """A study of an expectation, which is a kind with one study."""

    number: int
    study: Attributes
    parts: tuple[Attributes, ...]
    studies: int = 1
    open: frozenset[str] = frozenset()


def compare_examples(
    old: Policy, new: Policy, expectations: Iterable[Expectation], asked: Context
) -> Difference:
    """Count what changes for each different person and study that some expectation names."""
    people: dict[str, Subject] = {}
    archives: dict[ArchiveName, dict[str, _ExampleStudy]] = {}
    for each in expectations:
        people.setdefault(repr(each.subject), each.subject)
        held = archives.setdefault(each.archive, {})
        study = _ExampleStudy(len(held), each.facts.study, (each.facts.series or {},))
        held.setdefault(repr((study.study, study.parts)), study)
    return difference(
        old,
        new,
        list(people.values()),
        (),
        [Archived(name, tuple(held.values())) for name, held in archives.items()],
        asked,
        networks=(),
    )
