"""Roles that everybody has who came by a certain AE title, besides those of their own.

Wraps the door that knows who somebody is; made by `bootstrap`.

Invariants:
- a subject is admitted, and looked at again, with the roles of the title that it called.
"""

from dataclasses import dataclass, replace

from pacsgate.model.context import Context
from pacsgate.model.resource import TenantScope
from pacsgate.model.role import Assignment
from pacsgate.model.subject import Subject
from pacsgate.ports.associations import Admitted, AssociationDoor, CalledAe, Requestor
from pacsgate.ports.identity import AuthenticationFailed


@dataclass(frozen=True, slots=True)
class CalledRoles:
    """An `AssociationDoor`; `door` says who somebody is."""

    door: AssociationDoor

    def admit(
        self, scope: TenantScope, requestor: Requestor, context: Context
    ) -> Admitted | AuthenticationFailed:
        """Verify, and add the title's roles."""
        found = self.door.admit(scope, requestor, context)
        if isinstance(found, AuthenticationFailed):
            return found
        return replace(found, subject=_with_roles(found.subject, requestor.called))

    def still(
        self, scope: TenantScope, admitted: Admitted, requestor: Requestor, context: Context
    ) -> Subject | None:
        """The subject as it is now, with the title's roles."""
        found = self.door.still(scope, admitted, requestor, context)
        return None if found is None else _with_roles(found, requestor.called)


def _with_roles(subject: Subject, called: CalledAe) -> Subject:
    added = tuple(Assignment(role) for role in sorted(called.roles))
    return replace(subject, assignments=(*subject.assignments, *added)) if added else subject
