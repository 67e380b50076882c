"""People whom the rules cannot tell apart, gathered: an answer about one of them is an answer about all.

What a policy can see of somebody is little: the roles, the groups and attributes that some rule names, and
the name itself only where a rule, an assignment or a grant names it.  A hospital of five thousand has a few
hundred such principals.

Called by `examine` and `difference`.

Invariants:
- `engine.bind` gives everybody of one principal the same decisions, in every policy it was made for.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from pacsgate.model.grant import Grant, GranteeKind
from pacsgate.model.subject import Subject
from pacsgate.policy.environment import ON_SITE, USER_GROUPS, USER_KIND, USER_NAME, ZONE
from pacsgate.policy.findings import attributes_of
from pacsgate.policy.ir import Scope
from pacsgate.policy.policy import Policy


@dataclass(frozen=True, slots=True)
class Principal:
    """One subject, and the names of all who are like it; the subject is the first of them."""

    subject: Subject
    names: tuple[str, ...]


def principals(
    subjects: Iterable[Subject], policies: Sequence[Policy], grants: Iterable[Grant]
) -> list[Principal]:
    """Everybody, gathered; in the order of the first of each."""
    seen = _Seen.by(policies, grants)
    alike: dict[Hashable, list[Subject]] = {}
    for subject in subjects:
        alike.setdefault(seen.of(subject), []).append(subject)
    return [Principal(found[0], tuple(each.name for each in found)) for found in alike.values()]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What some policies and grants can see of a subject."""

    attributes: frozenset[str]
    names: frozenset[str]
    groups: frozenset[str]

    @classmethod
    def by(cls, policies: Iterable[Policy], grants: Iterable[Grant]) -> "_Seen":
        attributes: set[str] = set()
        names: set[str] = set()
        groups: set[str] = set()
        for policy in policies:
            for rule in policy.rules:
                attributes |= {
                    each.name for each in attributes_of(rule.condition) if each.scope is Scope.USER
                }
                names |= rule.users
                groups |= rule.groups
            for given in policy.assignments:
                names |= given.users
                groups |= given.groups
            for demand in policy.authentication:
                groups |= demand.groups
        for grant in grants:
            if grant.grantee_kind is GranteeKind.USER:
                names.add(grant.grantee)
            elif grant.grantee_kind is GranteeKind.GROUP:
                groups.add(grant.grantee)
        return cls(frozenset(attributes), frozenset(names), frozenset(groups))

    def of(self, subject: Subject) -> Hashable:
        by_name = subject.name in self.names or USER_NAME.name in self.attributes
        return (
            subject.name if by_name else None,
            subject.kind if USER_KIND.name in self.attributes else None,
            subject.groups if USER_GROUPS.name in self.attributes else subject.groups & self.groups,
            subject.zones if {ON_SITE.name, ZONE.name} & self.attributes else None,
            frozenset(subject.assignments),
            frozenset(
                (name, values) for name, values in subject.attributes.items() if name in self.attributes
            ),
            (subject.credential, subject.authenticated_at, subject.token_actions),
            (subject.assurance_level, subject.second_factor_at, subject.owes_factor),
            subject.role_ceiling,
            subject.token_patient,
        )
