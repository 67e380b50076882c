"""A policy that would tell nearly every study from every other is refused before it is live.

Lists and totals are quick because studies that no rule tells apart are one kind.  An attribute with nearly as
many values as there are studies (a physician, an order number, a free text) makes each study a kind of its
own.  Such an attribute is to be declared as one of many values, which the index finds by value.

Told by the headers that the index keeps of the studies that came last.

Called by `publish_policy`.

Invariants:
- attributes that the live policy names already are not asked about: what they cost has been paid.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from pacsgate.model.errors import Diagnostic, PolicyError
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.model.subject import Attributes, Values
from pacsgate.model.tenant_archives import TenantArchives
from pacsgate.policy.declared import declared_facts
from pacsgate.policy.ir import Scope
from pacsgate.policy.naming import declarations, many_facts
from pacsgate.policy.policy import Declaration, Policy
from pacsgate.ports import StudyIndex

ENOUGH_STUDIES = 2_000
"""Of fewer studies nothing can be said, and nothing is slow."""
STUDIES_ASKED = 4_000
STUDIES_PER_VALUE = 20
"""With fewer studies to a value, kinds of study are no gain."""

_Told = Mapping[Scope, Mapping[str, Sequence[Values]]]


@dataclass(frozen=True, slots=True)
class GuardKinds:
    """Looks at what a policy would tell apart, in the archives of its tenant."""

    index: StudyIndex
    archives: TenantArchives

    def check(self, scope: TenantScope, policy: Policy, live: Policy | None) -> None:
        """Raises `PolicyError`, naming every attribute that is to blame."""
        before = set() if live is None else {each.attribute for each in declarations(live)}
        many = many_facts(policy)
        new = [
            each
            for each in declarations(policy)
            if each.attribute not in before
            and not (each.attribute.scope is Scope.STUDY and each.attribute.name in many)
        ]
        if new:
            problems = tuple(
                chain.from_iterable(
                    self._problems(scope, archive, policy, new) for archive in self.archives.of(scope)
                )
            )
            if problems:
                raise PolicyError(problems)

    def _problems(
        self, scope: TenantScope, archive: ArchiveName, policy: Policy, new: Sequence[Declaration]
    ) -> Iterator[Diagnostic]:
        told = self._told(scope, archive, policy)
        for declaration in new:
            attribute = declaration.attribute
            held = told[attribute.scope].get(attribute.name, ())
            distinct = len(set(held))
            if len(held) >= ENOUGH_STUDIES and distinct * STUDIES_PER_VALUE > len(held):
                yield _problem(archive, declaration, distinct, len(held))

    def _told(self, scope: TenantScope, archive: ArchiveName, policy: Policy) -> _Told:
        """What the latest studies hold of each attribute: of a study once, of its series each."""
        held: dict[Scope, dict[str, list[Values]]] = {
            Scope.STUDY: defaultdict(list),
            Scope.SERIES: defaultdict(list),
        }
        studies: set[str] = set()
        for study_uid, _, header in self.index.headers(scope, archive):
            if study_uid not in studies and len(studies) == STUDIES_ASKED:
                break
            of_study, of_series = declared_facts(policy, header)
            if study_uid not in studies:
                _note(held[Scope.STUDY], of_study)
            _note(held[Scope.SERIES], of_series)
            studies.add(study_uid)
        return held


def _note(held: dict[str, list[Values]], facts: Attributes) -> None:
    for name, values in facts.items():
        held[name].append(values)


def _problem(archive: ArchiveName, declaration: Declaration, distinct: int, asked: int) -> Diagnostic:
    place, attribute = declaration.place, declaration.attribute
    of_study = attribute.scope is Scope.STUDY
    return Diagnostic(
        place.file,
        place.line,
        1,
        f"`{attribute}` has {distinct:,} different values in the latest {asked:,} "
        f"{'studies' if of_study else 'series'} of archive `{archive}`: hardly two would be of one kind, "
        "and lists would be slow",
        "declare it with `values: many`" if of_study else "give it a `map` to few values",
    )
