"""Which events other administrators are told of, and in which words.

What one administrator changes is told to the others: accounts, credentials of others, roles and who has
them, devices, grants, PACSes, the policy.  What people do about their own account is not, nor what a source
says of its people: a night's list would bury the rest.

Called by `stores`, which keeps a notice beside the event in one transaction, and by `services`.

Standard: NIST SP 800-53 AC-2(4) (notification of account changes).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pacsgate.audit.events import AuditEvent, EventKind
from pacsgate.model.permission import Permission

TOLD_TO: Mapping[EventKind, frozenset[Permission]] = {
    EventKind.USER_CHANGED: frozenset({Permission.USER_ADMINISTER, Permission.TOKEN_ADMINISTER}),
    EventKind.EMERGENCY_ACCESS: frozenset({Permission.USER_ADMINISTER}),
    EventKind.ROLE_CHANGED: frozenset(
        {Permission.ROLE_ASSIGN, Permission.ROLE_CREATE, Permission.ROLE_UPDATE, Permission.ROLE_REMOVE}
    ),
    EventKind.DEVICE_CHANGED: frozenset({Permission.DEVICE_ADMINISTER}),
    EventKind.OBJECT_ACCESS_CHANGED: frozenset({Permission.GRANT_ADMINISTER}),
    EventKind.POLICY_CHANGED: frozenset({Permission.POLICY_PUBLISH}),
    EventKind.TENANT_CHANGED: frozenset({Permission.TENANT_UPDATE}),
    EventKind.PACS_CHANGED: frozenset({Permission.PACS_REGISTER, Permission.PACS_UNREGISTER}),
}
"""Whoever holds any of these is told of events of the kind."""

TOLD_FOR = timedelta(days=90)
"""What is older is told to nobody any more, and forgotten; the trail has it."""

_OF_LINKS = frozenset({"linked", "unlinked"})
"""Changes that name a source and are an administrator's all the same."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One change as others are told of it."""

    number: int
    """Later ones have greater numbers."""
    kind: EventKind
    at: datetime
    by: str
    change: str
    target: str
    """Whom or what it was done to."""
    about: str = ""
    """Of an assignment, the role with its scope and time."""

    @classmethod
    def of(cls, number: int, event: AuditEvent) -> "Notice":
        """The notice of an event."""
        details = event.details
        return cls(
            number,
            event.kind,
            event.at,
            event.actor.name,
            details.get("change") or details.get("result") or "activated",
            details.get("target") or details.get("after") or event.revision or "",
            details.get("given") or details.get("taken") or "",
        )


def is_told(event: AuditEvent) -> bool:
    """Whether it is a change by an administrator."""
    details = event.details
    if event.kind not in TOLD_TO or ("source" in details and details.get("change") not in _OF_LINKS):
        return False
    match event.kind:
        case EventKind.USER_CHANGED:
            return details.get("target") != event.actor.name and not event.actor.name.startswith("source:")
        case EventKind.OBJECT_ACCESS_CHANGED:
            return "grant" in details
        case _:
            return True
