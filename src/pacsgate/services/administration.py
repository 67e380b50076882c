"""What all administrative changes have in common: who, when, where, and what stood there before.

Called by the `administer_*` use cases.

Invariants:
- a change that cannot be recorded is refused before it is made, or stays in the
  outbox until it can be: it is never silent.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pacsgate.audit.events import Actor, AuditEvent, EventKind, StudyObject
from pacsgate.model.built_in_roles import BUILT_IN_ROLES
from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.model.resource import TenantScope
from pacsgate.model.role import Assignment
from pacsgate.model.subject import Attributes
from pacsgate.policy.policy import Place, Policy
from pacsgate.ports import Directory, OutboxStore, Trail
from pacsgate.ports.study_permissions import StudyPermissions
from pacsgate.services.deliver_outbox import deliver_outbox

PolicyOf = Callable[[TenantScope], Policy | None]
"""The live policy of a tenant; `None` where none was ever activated."""


@dataclass(frozen=True, slots=True)
class Change:
    """One order to change something: by whom, when and in which tenant."""

    scope: TenantScope
    actor: Actor
    at: datetime
    request_id: str | None = None
    on_behalf: Mapping[str, str] = field(default_factory=dict)
    """What it is a consequence of, for the record: a visit and the message that began it, say."""

    def event(
        self,
        kind: EventKind,
        change: str,
        target: str,
        *,
        before: str | None = None,
        after: str | None = None,
        study: StudyObject | None = None,
        **details: str,
    ) -> AuditEvent:
        """The event of this change; `before` and `after` are what an auditor compares."""
        compared = {"before": before, "after": after}
        return AuditEvent(
            kind,
            self.at,
            self.actor,
            tenant=self.scope.tenant,
            study=study,
            request_id=self.request_id,
            details={
                "change": change,
                "target": target,
                **{name: text for name, text in compared.items() if text is not None},
                **details,
                **self.on_behalf,
            },
        )


@dataclass(frozen=True, slots=True)
class Office:
    """What every administrative use case works with.

    `policies` says which policy is live in a tenant, if any is: the roles that its files
    define can be used here and are changed only there.
    """

    directory: Directory
    outbox: OutboxStore
    trail: Trail
    policies: PolicyOf
    permissions: StudyPermissions

    def policy(self, scope: TenantScope) -> Policy | None:
        """The live policy of a tenant."""
        return self.policies(scope)

    def file_roles(self, scope: TenantScope) -> Mapping[str, Place]:
        """The roles that a tenant's policy files define, each with its place."""
        policy = self.policies(scope)
        return {} if policy is None else policy.role_places

    def publish(self) -> None:
        """Bring what has just been committed into the trail."""
        deliver_outbox(self.outbox, self.trail)

    def need_role(self, scope: TenantScope, name: str) -> None:
        """Raise `NotFoundError` unless a policy file or the directory defines the role."""
        known = self.file_roles(scope).keys() | BUILT_IN_ROLES.keys()
        if name not in known and all(role.name != name for role in self.directory.roles(scope)):
            raise NotFoundError(f"no role is called `{name}`; `pacsgate role list` shows those that exist")

    def refuse_file_role(self, scope: TenantScope, name: str) -> None:
        """Raise `ConflictError` if a policy file defines the role, or every policy has it."""
        if name in BUILT_IN_ROLES:
            raise ConflictError(f"role `{name}` is built in; nobody changes it, and no other is called so")
        place = self.file_roles(scope).get(name)
        if place is not None:
            raise ConflictError(f"managed-by-file: role `{name}` is defined at {place}; change it there")


def words(values: Iterable[object]) -> str:
    """Some values in one line, always in the same order."""
    return " ".join(sorted(str(value) for value in values))


def attributes_text(attributes: Attributes) -> str:
    """Attributes in one line, always in the same order."""
    return "; ".join(f"{name}={words(values)}" for name, values in sorted(attributes.items()))


def assignment_text(assignment: Assignment) -> str:
    """An assignment in one line: the role, where, and from when until when."""
    scope = assignment.scope
    parts = [assignment.role]
    if scope.archive is not None:
        parts.append(f"archive={scope.archive}")
    if scope.collection is not None:
        parts.append(f"collection={scope.collection}")
    if assignment.starts is not None:
        parts.append(f"from={assignment.starts.isoformat()}")
    if assignment.until is not None:
        parts.append(f"until={assignment.until.isoformat()}")
    return " ".join(parts)


def assignments_text(assignments: Iterable[Assignment]) -> str:
    """Assignments in one line, always in the same order."""
    return "; ".join(sorted(assignment_text(assignment) for assignment in assignments))
