"""Which roles a subject has, here and now.

An assignment counts while its window is open and where its scope lies, for the role
that it names and all that this one extends.  One that is scoped to a collection makes
the role conditional: the subject has it for the studies of that collection only.  A subject
that came by an identity source with a ceiling has no role beyond it, whoever assigned it, and one
whose token is bound to a patient has its roles for the studies of that patient only.

Called by `engine` and `explain`.

Invariants:
- a role that is not in effect contributes neither permit nor ceiling nor permission.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pacsgate.model.actions import Action
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Assignment
from pacsgate.model.subject import Subject
from pacsgate.policy.binding import all_of, any_of
from pacsgate.policy.ir import COLLECTIONS, FALSE, PATIENT_ID, TRUE, Contains, Formula, OneOf
from pacsgate.policy.policy import Policy


@dataclass(frozen=True, slots=True)
class Standing:
    """The roles in effect: everywhere in the archive, or in some collections only."""

    policy: Policy
    roles: frozenset[str]
    collections_of: dict[str, frozenset[str]]
    """Roles in effect in these collections only."""
    patient: str | None = None
    """The one patient for whose studies they are in effect, if a token is bound to one."""

    @property
    def has_none(self) -> bool:
        """Whether no role is in effect at all."""
        return not self.roles and not self.collections_of

    def having(self, role: str) -> Formula:
        """Of which studies the subject has this role."""
        if role in self.roles:
            return self._of_patient
        collections = self.collections_of.get(role)
        if collections is None:
            return FALSE
        within = any_of(*(Contains(COLLECTIONS, collection) for collection in sorted(collections)))
        return all_of(self._of_patient, within)

    @property
    def _of_patient(self) -> Formula:
        return TRUE if self.patient is None else OneOf(PATIENT_ID, frozenset({self.patient}))

    def ceiling(self, action: Action) -> Formula:
        """Of which studies some role of the subject may have this action at all."""
        held = sorted((*self.roles, *self.collections_of))
        return any_of(*(self.having(name) for name in held if action in self.policy.roles[name].may))


def standing(policy: Policy, subject: Subject, archive: ArchiveName | None, now: datetime) -> Standing:
    """The roles in effect in one archive at `now`; `None` asks for the tenant as a whole."""
    everywhere: set[str] = set()
    collections: dict[str, set[str]] = {}
    allowed = _allowed(policy, subject)
    for assignment in assignments_of(policy, subject):
        if assignment.role not in policy.roles or not assignment.is_live(now):
            continue
        if assignment.scope.archive is not None and assignment.scope.archive != archive:
            continue
        for role in (assignment.role, *policy.roles[assignment.role].extends):
            if allowed is not None and role not in allowed:
                continue
            if assignment.scope.collection is None:
                everywhere.add(role)
            else:
                collections.setdefault(role, set()).add(assignment.scope.collection)
    return Standing(
        policy=policy,
        roles=frozenset(everywhere),
        collections_of={
            role: frozenset(names) for role, names in collections.items() if role not in everywhere
        },
        patient=subject.token_patient,
    )


def roles_anywhere(policy: Policy, subject: Subject, now: datetime) -> frozenset[str]:
    """The roles in effect somewhere, wherever and for whichever studies that is."""
    live = (given.role for given in assignments_of(policy, subject) if given.is_live(now))
    held = frozenset(live) & policy.roles.keys()
    held = held.union(*(policy.roles[role].extends for role in held))
    allowed = _allowed(policy, subject)
    return held if allowed is None else held & allowed


def _allowed(policy: Policy, subject: Subject) -> frozenset[str] | None:
    """The roles that the source of the subject may bring, with what they extend; `None` is any."""
    if subject.role_ceiling is None:
        return None
    known = subject.role_ceiling & policy.roles.keys()
    return known.union(*(policy.roles[role].extends for role in known))


def assignments_of(policy: Policy, subject: Subject) -> Iterator[Assignment]:
    """All that the subject carries or the policy gives it, live or not."""
    yield from subject.assignments
    given = _given(policy)
    yield from given.to_users.get(subject.name, ())
    for group in subject.groups:
        yield from given.to_groups.get(group, ())


@dataclass(frozen=True, slots=True)
class _Given:
    """The assignments that a policy itself makes."""

    to_users: Mapping[str, Sequence[Assignment]]
    to_groups: Mapping[str, Sequence[Assignment]]


def _given(policy: Policy) -> _Given:
    """Those of this policy, by to whom; worked out once."""
    known = policy.memory.get(_Given)
    if not isinstance(known, _Given):
        to_users: dict[str, list[Assignment]] = {}
        to_groups: dict[str, list[Assignment]] = {}
        for given in policy.assignments:
            for user in given.users:
                to_users.setdefault(user, []).append(given.assignment)
            for group in given.groups:
                to_groups.setdefault(group, []).append(given.assignment)
        known = policy.memory[_Given] = _Given(to_users, to_groups)
    return known
