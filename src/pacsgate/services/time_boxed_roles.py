"""Roles that are given for a time: for no longer than their `longest`, and not prolonged by one person alone.

Whoever gave somebody such a role last is not who may give it anew: a second person has to agree that it is
still needed.  To give it anew is to give it, a role that it extends or one that extends it, in a scope that
overlaps, for a window that the last one does not cover, after a pause that is shorter than the role's
`longest`.  What was taken away counts as given, so nobody gets round it by taking and giving.

Called by `administer_users`, `emergency`, and by what reads a `longest` that somebody wrote.

Invariants:
- only a person can be the second one, no service and no device.

Standard: NIST SP 800-53 AC-2(2), AC-5 (separation of duties).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from pacsgate.model.errors import RequestError
from pacsgate.model.resource import TenantScope
from pacsgate.model.role import Assignment, AssignmentScope, Role
from pacsgate.model.spans import read_span, span_text
from pacsgate.policy.inheritance import inherited
from pacsgate.policy.language.problems import Problems
from pacsgate.ports.role_givings import RoleGiving
from pacsgate.services.administration import Office


def need_span(written: str) -> timedelta:
    """A span of time that somebody wrote.  Raises `RequestError`."""
    span = read_span(written)
    if span is None:
        raise RequestError(f"`{written}` is no span of time: write `14 d` or `12 h`")
    return span


def whole_roles(office: Office, scope: TenantScope) -> Mapping[str, Role]:
    """Every role with what it inherits."""
    policy = office.policy(scope)
    if policy is not None:
        return policy.roles
    return inherited({role.name: role for role in office.directory.roles(scope)}, {}, Problems())


def refuse_longer(role: Role, assignment: Assignment, now: datetime) -> None:
    """Raise `RequestError` for an assignment without end, or that lasts for longer than its role can."""
    if role.longest is None:
        return
    lasts = None if assignment.until is None else assignment.until - began(assignment, now)
    if lasts is None or lasts > role.longest:
        raise RequestError(
            f"role `{role.name}` is given for {span_text(role.longest)} at most: "
            "say until when, and have somebody else prolong it when it is still needed"
        )


def began(assignment: Assignment, now: datetime) -> datetime:
    """When an assignment that is given at `now` begins to count."""
    return now if assignment.starts is None else max(assignment.starts, now)


def prolonged(roles: Mapping[str, Role], givings: Iterable[RoleGiving], new: RoleGiving) -> RoleGiving | None:
    """The last giving that the new one prolongs, if it prolongs any."""
    longest = roles[new.role].longest if new.role in roles else None
    if longest is None:
        return None
    before = [
        giving
        for giving in givings
        if (_includes(roles, giving.role, new.role) or _includes(roles, new.role, giving.role))
        and _overlap(giving.scope, new.scope)
        and _pause(giving, new) < longest
    ]
    if any(_includes(roles, giving.role, new.role) and _covers(giving, new) for giving in before):
        return None
    return before[-1] if before else None


def _includes(roles: Mapping[str, Role], name: str, other: str) -> bool:
    return name == other or (name in roles and other in roles[name].extends)


def _overlap(one: AssignmentScope, other: AssignmentScope) -> bool:
    pairs = ((one.archive, other.archive), (one.collection, other.collection))
    return all(left is None or right is None or left == right for left, right in pairs)


def _pause(one: RoleGiving, other: RoleGiving) -> timedelta:
    """The time between two windows; none, or less, where they touch."""
    pairs = ((one, other), (other, one))
    gaps = [later.starts - earlier.until for earlier, later in pairs if earlier.until is not None]
    return max(gaps, default=timedelta())


def _covers(given: RoleGiving, new: RoleGiving) -> bool:
    """Whether the new one says nothing that was not given already."""
    pairs = ((given.scope.archive, new.scope.archive), (given.scope.collection, new.scope.collection))
    is_within = all(wide is None or wide == narrow for wide, narrow in pairs)
    ends_in_time = given.until is None or (new.until is not None and new.until <= given.until)
    return is_within and given.starts <= new.starts and ends_in_time
