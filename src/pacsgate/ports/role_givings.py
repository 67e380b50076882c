"""Who gave which role to whom, kept also when the assignment is over or was taken away."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pacsgate.audit.events import AuditEvent
from pacsgate.model.resource import TenantScope
from pacsgate.model.role import Assignment, AssignmentScope


@dataclass(frozen=True, slots=True)
class RoleGiving:
    """A role as it was given to an account; later ones have greater numbers."""

    number: int
    given_by: str
    role: str
    scope: AssignmentScope
    starts: datetime
    """When it began to count, also where the order named no beginning."""
    until: datetime | None


class RoleGivings(Protocol):
    """The assignments of accounts, with who gave them."""

    def role_givings(self, scope: TenantScope, user: str) -> tuple[RoleGiving, ...]:
        """What an account was ever given, oldest first; it goes with the account."""
        ...

    def give_role(
        self, scope: TenantScope, user: str, assignment: Assignment, giving: RoleGiving, event: AuditEvent
    ) -> None:
        """Add an assignment to an account, and keep who gave it.

        Raises `NotFoundError`, and `ConflictError` if there is a giving with this number already: whoever
        decided on this one has not seen that one.
        """
        ...
