"""Oddities that show only beside the people and archives that there are: rules that concern nobody.

Called by `lint`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pacsgate.model.resource import ArchiveName
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

    @classmethod
    def of(cls, policy: Policy, subjects: Iterable[Subject], archives: Iterable[ArchiveName]) -> "Census":
        """The census of some people; a role counts as had whenever and wherever it is had."""
        users: set[str] = set()
        groups: set[str] = set()
        roles: set[str] = set()
        for subject in subjects:
            users.add(subject.name)
            groups |= subject.groups
            roles |= {given.role for given in assignments_of(policy, subject)}
        inherited = (policy.roles[name].extends for name in roles & policy.roles.keys())
        return cls(
            frozenset(users), frozenset(groups), frozenset(roles).union(*inherited), frozenset(archives)
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


def _named(rule: Rule, census: Census) -> Iterator[tuple[str, frozenset[str], frozenset[str]]]:
    yield "no account has the role", rule.roles, census.roles
    yield "no account is in the group", rule.groups, census.groups
    yield "there is no account called", rule.users, census.users
    yield "there is no archive called", frozenset(rule.archives), frozenset(census.archives)
