"""Which parts of a role somebody has used, by the record: what has lain idle could be taken away.

An action counts as used by a role when an event says that somebody who had it was allowed the action by a
rule that names the role, or by a grant under its ceiling.  A permission counts as used when somebody who had
the role did what needs it.

Called by `pacsgate report unused` and `pacsgate policy suggest-minimal`; reads events that it is given.

Invariants:
- what an event of the period says was used is never called unused.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from pacsgate.audit.events import AuditEvent, EventKind, Outcome
from pacsgate.model.actions import Action
from pacsgate.model.decision import ReasonCode
from pacsgate.model.permission import Permission
from pacsgate.policy.policy import Policy

NEEDED: Mapping[EventKind, frozenset[Permission]] = {
    EventKind.AUDIT_LOG_USED: frozenset({Permission.AUDIT_READ}),
    EventKind.POLICY_CHANGED: frozenset({Permission.POLICY_PUBLISH}),
    EventKind.USER_CHANGED: frozenset(
        {Permission.USER_ADMINISTER, Permission.TOKEN_ADMINISTER, Permission.ACCOUNT_PROVISION}
    ),
    EventKind.ROLE_CHANGED: frozenset(
        {
            Permission.ROLE_ASSIGN,
            Permission.ROLE_ASSIGNMENT_REMOVE,
            Permission.ROLE_CREATE,
            Permission.ROLE_UPDATE,
            Permission.ROLE_REMOVE,
            Permission.ACCOUNT_PROVISION,
        }
    ),
    EventKind.DEVICE_CHANGED: frozenset({Permission.DEVICE_ADMINISTER}),
    EventKind.OBJECT_ACCESS_CHANGED: frozenset({Permission.GRANT_ADMINISTER}),
}
"""The permissions of which an event of each kind may be the use."""

_BY_RULE = f"{ReasonCode.PERMITTED_BY_RULE}:"
_BY_GRANT = f"{ReasonCode.PERMITTED_BY_GRANT}:"


@dataclass(frozen=True, slots=True)
class Use:
    """One action or permission of one role, and when it was last used; `None` is not in the period."""

    role: str
    of: Action | Permission
    last_used: datetime | None


def uses(policy: Policy, events: Iterable[AuditEvent]) -> tuple[Use, ...]:
    """Everything that the roles of a policy can do, role by role, with its last use."""
    last: dict[tuple[str, Action | Permission], datetime] = {}
    roles_of = {rule.rule_id: rule.roles for rule in policy.rules}
    for event in events:
        if event.outcome is Outcome.SUCCESS:
            for used in _used(policy, roles_of, event):
                last[used] = max(event.at, last.get(used, event.at))
    found: list[Use] = []
    for name, role in sorted(policy.own_roles.items()):
        found += (Use(name, action, last.get((name, action))) for action in sorted(role.may))
        found += (Use(name, each, last.get((name, each))) for each in sorted(role.permissions))
    return tuple(found)


def _used(
    policy: Policy, roles_of: Mapping[str, frozenset[str]], event: AuditEvent
) -> Iterator[tuple[str, Action | Permission]]:
    held = frozenset(event.actor.roles) & policy.roles.keys()
    for permission in NEEDED.get(event.kind, ()):
        yield from ((name, permission) for name in held if permission in policy.roles[name].permissions)
    if event.action is None or event.action not in set(Action):
        return
    action = Action(event.action)
    for reason in event.reasons:
        by: frozenset[str] = frozenset()
        if reason.startswith(_BY_RULE):
            # A rule that is gone since may have been about any of the roles.
            by = roles_of.get(reason.removeprefix(_BY_RULE), held)
        elif reason.startswith(_BY_GRANT):
            by = held
        for name in held:
            inherited = policy.roles[name].extends | {name}
            if action in policy.roles[name].may and by & inherited:
                yield name, action
