"""Oddities that show only beside the people and archives that there are: rules that concern nobody, and
who holds for good what by now is given for a time only.

Called by `lint`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pacsgate.model.resource import ArchiveName
from pacsgate.model.spans import span_text
from pacsgate.model.subject import Subject
from pacsgate.policy.lint_findings import LintFinding, Oddity, warning
from pacsgate.policy.policy import Policy, Rule
from pacsgate.policy.standing import assignments_of


@dataclass(frozen=True, slots=True)
class Census:
    """Everything that a rule can name and that somebody has."""

    users: frozenset[str]
    groups: frozenset[str]
    roles: frozenset[str]
    archives: frozenset[ArchiveName]
    for_good: frozenset[tuple[str, str]] = frozenset()
    """Names of accounts, with the roles that they have without end."""

    @classmethod
    def of(cls, policy: Policy, subjects: Iterable[Subject], archives: Iterable[ArchiveName]) -> "Census":
        """The census of some people; a role counts as had whenever and wherever it is had."""
        users: set[str] = set()
        groups: set[str] = set()
        roles: set[str] = set()
        for_good: set[tuple[str, str]] = set()
        for subject in subjects:
            users.add(subject.name)
            groups |= subject.groups
            roles |= {given.role for given in assignments_of(policy, subject)}
            for_good |= {(subject.name, given.role) for given in subject.assignments if given.until is None}
        inherited = (policy.roles[name].extends for name in roles & policy.roles.keys())
        return cls(
            frozenset(users),
            frozenset(groups),
            frozenset(roles).union(*inherited),
            frozenset(archives),
            frozenset(for_good),
        )


def concerning_nobody(policy: Policy, census: Census) -> Iterator[LintFinding]:
    """Rules that name only what nobody has."""
    for rule in policy.rules:
        for what, named, there in _named(rule, census):
            if named and named.isdisjoint(there):
                listed = " or ".join(f"`{name}`" for name in sorted(named))
                yield warning(
                    Oddity.CONCERNS_NOBODY,
                    rule.place,
                    f"{rule.effect} `{rule.rule_id}` concerns nobody: {what} {listed}",
                    "correct the name, or remove the rule",
                )


def held_for_good(policy: Policy, census: Census) -> Iterator[LintFinding]:
    """Roles of the files that are given for a time only, and that somebody was given for good before."""
    for user, name in sorted(census.for_good):
        place, role = policy.role_places.get(name), policy.roles.get(name)
        if place is not None and role is not None and role.longest is not None:
            yield warning(
                Oddity.HELD_FOR_GOOD,
                place,
                f"`{user}` has role `{name}` for good, which is given for {span_text(role.longest)} at most",
                "take it away, and give it until some time",
            )


def _named(rule: Rule, census: Census) -> Iterator[tuple[str, frozenset[str], frozenset[str]]]:
    yield "no account has the role", rule.roles, census.roles
    yield "no account is in the group", rule.groups, census.groups
    yield "there is no account called", rule.users, census.users
    yield "there is no archive called", frozenset(rule.archives), frozenset(census.archives)
