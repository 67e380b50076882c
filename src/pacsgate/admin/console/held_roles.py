"""The roles that somebody holds: where each holds, for how long, who gave it, and whether it counts.

Called by the pages of access and of home.

Invariants:
- nothing here decides: what counts is what the engine's standing says.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from pacsgate.model.role import Assignment, Role
from pacsgate.model.subject import Subject
from pacsgate.policy.engine import Bound
from pacsgate.policy.policy import Policy

SOON = timedelta(days=14)
"""A role that ends within this time is worth telling before it does."""


@dataclass(frozen=True, slots=True)
class HeldRole:
    """One assignment of one role."""

    role: Role
    where: str
    starts: datetime | None
    until: datetime | None
    given_by: str
    idle: str
    """Why it does not count at present; `""` if it does."""
    ends_soon: bool


def held_roles(bound: Bound) -> tuple[HeldRole, ...]:
    """Every assignment of somebody, live or not, in the order of role names."""
    policy, subject = bound.policy, bound.subject
    found = (
        _held(bound, assignment, origin)
        for assignment, origin in _given(policy, subject)
        if assignment.role in policy.roles
    )
    return tuple(sorted(found, key=lambda each: (each.role.name, each.where)))


def _given(policy: Policy, subject: Subject) -> Iterator[tuple[Assignment, str]]:
    for assignment in subject.assignments:
        yield assignment, f"your sign-in by {subject.source}" if subject.source else "your account"
    for made in policy.assignments:
        if subject.name in made.users:
            yield made.assignment, "the policy"
        for group in sorted(made.groups & subject.groups):
            yield made.assignment, f"your group {group}"


def _held(bound: Bound, assignment: Assignment, origin: str) -> HeldRole:
    now, live = bound.context.now, assignment.is_live(bound.context.now)
    return HeldRole(
        role=bound.policy.roles[assignment.role],
        where=_where(assignment),
        starts=assignment.starts,
        until=assignment.until,
        given_by=origin,
        idle=_idle(bound, assignment),
        ends_soon=live and assignment.until is not None and assignment.until - now < SOON,
    )


def _where(assignment: Assignment) -> str:
    scope = assignment.scope
    archive = f"archive {scope.archive}" if scope.archive else ""
    collection = f"collection {scope.collection}" if scope.collection else ""
    return ", ".join(part for part in (archive, collection) if part) or "everywhere"


def _idle(bound: Bound, assignment: Assignment) -> str:
    now = bound.context.now
    if assignment.starts is not None and now < assignment.starts:
        return "not yet"
    if not assignment.is_live(now):
        return "ended"
    if assignment.scope.archive not in {None, bound.archive}:
        return "in another archive"
    in_effect = assignment.role in bound.standing.roles or assignment.role in bound.standing.collections_of
    return "" if in_effect else f"not when you sign in by {bound.subject.source}"
