"""What a new policy would give and take, counted over the people and studies that there are.

Everybody who has an account, every study of every archive, under every set of circumstances that either
policy tells apart.  `difference` counts; `ComparePolicies` brings the people and studies of an installation.

Called by `publish_policy` before a policy is activated, and by `pacsgate policy diff`; calls the engine's
`difference` and the index.

Invariants:
- nothing is changed by asking.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from pacsgate.model.context import Context
from pacsgate.model.grant import Grant
from pacsgate.model.permission import Permission
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.model.subject import Subject
from pacsgate.model.tenant_archives import TenantArchives
from pacsgate.policy.circumstances import circumstances
from pacsgate.policy.difference import Comparison, Count, unread_attributes
from pacsgate.policy.difference_summary import (
    Difference,
    Example,
    Found,
    Largest,
    PermissionChange,
    Summary,
)
from pacsgate.policy.engine import bind
from pacsgate.policy.ir import KEY_ATTRIBUTES
from pacsgate.policy.kind_sets import KindSets
from pacsgate.policy.policy import Policy
from pacsgate.policy.population import KindOfStudy, Population
from pacsgate.policy.principals import Principal, principals
from pacsgate.ports import Directory, StudyIndex

_STUDIES_PER_EXAMPLE = 3

People = Callable[[TenantScope, datetime], Iterable[Subject]]
"""Everybody who has an account, as if each had just signed in."""


@dataclass(frozen=True, slots=True)
class Archived:
    """The kinds of study of one archive, and what its index can be asked."""

    archive: ArchiveName
    kinds: Sequence[KindOfStudy]
    count: Count | None = None
    of_kind: Callable[[int, int], Sequence[str]] | None = None


@dataclass(frozen=True, slots=True)
class ComparePolicies:
    """Compares policies of one tenant, in its archives."""

    directory: Directory
    index: StudyIndex
    people: People
    archives: TenantArchives
    networks: Sequence[str]

    def compare(self, scope: TenantScope, old: Policy, new: Policy, asked: Context) -> Difference:
        """Count what changes; `asked` is the circumstances to begin with."""
        held = [
            Archived(
                archive,
                tuple(self.index.kinds(scope, archive)),
                partial(self.index.count, scope, archive),
                partial(self.index.of_kind, scope, archive),
            )
            for archive in self.archives.of(scope)
        ]
        subjects = list(self.people(scope, asked.now))
        grants = self.directory.granted(scope)
        return difference(old, new, subjects, grants, held, asked, self.networks)


def difference(
    old: Policy,
    new: Policy,
    subjects: Sequence[Subject],
    grants: Sequence[Grant],
    archives: Sequence[Archived],
    asked: Context,
    networks: Sequence[str],
) -> Difference:
    """Count what changes for these people in these archives."""
    gathered = principals(subjects, (old, new), grants)
    contexts, is_complete = circumstances((old, new), asked, networks)
    summary = Summary(contexts)
    populations: dict[ArchiveName, Population] = {}
    unread: set[str] = set()
    for held in archives:
        missing = unread_attributes(old, new, Population(held.kinds))
        unread |= {str(attribute) for attribute in missing}
        population = populations[held.archive] = Population(held.kinds, KEY_ATTRIBUTES | missing)
        before = KindSets(old, population, held.archive, grants)
        after = KindSets(new, population, held.archive, grants)
        for change in Comparison(before, after, grants, missing, held.count).changes(gathered, contexts):
            summary.add(Found(held.archive, change))
    gained, lost = summary.total()
    by_name = {held.archive: held for held in archives}
    return Difference(
        before=old.revision,
        after=new.revision,
        users=len(subjects),
        principals=len(gathered),
        studies=sum(each.studies(each.some(each.everything).sure) for each in populations.values()),
        circumstances=len(contexts),
        is_complete=is_complete,
        gained=gained,
        lost=lost,
        actions=summary.actions(),
        rules=summary.rules(),
        examples=tuple(
            _example(by_name[each.found.archive], populations[each.found.archive], each)
            for each in summary.largest()
        ),
        permissions=tuple(_permissions(gathered, old, new, asked)),
        unread=tuple(sorted(unread)),
    )


def _example(held: Archived, population: Population, largest: Largest) -> Example:
    studies: list[str] = []
    if held.of_kind is not None:
        for kind in sorted(population.members(largest.side.sure_kinds), key=lambda kind: -kind.studies):
            if len(studies) < _STUDIES_PER_EXAMPLE:
                studies += held.of_kind(kind.number, _STUDIES_PER_EXAMPLE - len(studies))
    first, *others = largest.found.change.principal.names
    return Example(
        user=first,
        others=len(others),
        archive=held.archive,
        actions=tuple(largest.actions),
        is_gain=largest.is_gain,
        studies=largest.side.studies,
        examples=tuple(studies),
        rules=tuple(cause.altered.rule.rule_id for cause in largest.side.causes),
    )


def _permissions(
    gathered: Iterable[Principal], old: Policy, new: Policy, asked: Context
) -> Iterable[PermissionChange]:
    for principal in gathered:
        before = _held(old, principal.subject, asked)
        after = _held(new, principal.subject, asked)
        for permission in sorted(before ^ after):
            for name in principal.names:
                yield PermissionChange(name, permission, is_gain=permission in after)


def _held(policy: Policy, subject: Subject, asked: Context) -> frozenset[Permission]:
    return bind(policy, subject, asked, None, ()).permissions
