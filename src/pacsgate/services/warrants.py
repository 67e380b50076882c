"""Whether somebody may do this for a tenant, or at one of its PACSes: the way to demand it.

A warrant is a permission that the caller holds where it is about to be used.  A tenant of somebody else is
as unknown as one that was never registered, whatever is asked of it; only accounts of the platform reach
others, with the permissions that are theirs.  Within one's own tenant a missing permission is told, before
anything is looked up.

Called by the API and its pages; by the queue, once more, before it hands over what somebody asked for.

Invariants:
- of another tenant nobody learns whether it exists, nor what it has;
- a refusal is on record before it is answered;
- a permission that concerns a whole tenant is of no effect in an assignment to one of its PACSes.

Standard: OWASP ASVS 5.0 8.2.1, 8.2.2 (level of function and of data), 8.4.1 (tenants).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import NotFoundError, RequestError
from pacsgate.model.permission import Permission
from pacsgate.model.permission_levels import LEVELS, PermissionLevel
from pacsgate.model.resource import PLATFORM_TENANT, ArchiveName, TenantName, TenantScope
from pacsgate.model.subject import Subject
from pacsgate.policy.policy import Policy
from pacsgate.policy.standing import assignments_of, standing
from pacsgate.ports import Accounts, Trail
from pacsgate.ports.tenants import PacsRecord
from pacsgate.services.administration import Change
from pacsgate.services.callers import Caller
from pacsgate.services.known_pacses import KnownPacses
from pacsgate.services.live_policy import LivePolicy, NoPolicyError
from pacsgate.services.proofs import Proofs
from pacsgate.services.record import Circumstances, actor_of

NO_TENANT = "there is no such tenant"
"""Of a tenant that is another's, and of one that nobody has registered."""
NO_PACS = "there is no such PACS"

ABROAD = frozenset(
    {
        *(each for each, level in LEVELS.items() if level is PermissionLevel.PLATFORM),
        Permission.TENANT_STATISTICS_GET,
    }
)
"""What accounts of the platform may do to tenants that are not their own."""


@dataclass(frozen=True, slots=True)
class Warrant:
    """One caller with one permission, for a tenant or one of its PACSes."""

    caller: Caller
    permission: Permission
    scope: TenantScope
    """The tenant that it is for: the caller's own, but for accounts of the platform."""
    pacs: PacsRecord | None
    policy: Policy = field(repr=False)
    """The live policy of the caller's tenant."""

    def change(self) -> Change:
        """An order by this warrant; in another tenant's record its giver is named with their own."""
        order = self.caller.change()
        home = self.caller.subject.tenant
        is_home = home == self.scope.tenant
        actor = order.actor if is_home else replace(order.actor, name=f"{home}/{order.actor.name}")
        return Change(self.scope, actor, order.at, order.request_id)

    def at(self) -> PacsRecord:
        """The PACS that it is for."""
        if self.pacs is None:
            raise TypeError("a warrant for no PACS")
        return self.pacs


@dataclass(frozen=True, slots=True)
class Warrants:
    """Hands out warrants."""

    policies: LivePolicy
    pacses: KnownPacses
    accounts: Accounts
    trail: Trail
    proofs: Proofs
    count: Callable[[TenantName, Permission], None]
    """Is told of every warrant: how often a tenant calls."""

    def need(
        self, caller: Caller, permission: Permission, tenant: TenantName, pacs: ArchiveName | None = None
    ) -> Warrant:
        """The caller's warrant.

        Raises `NotFoundError` for a tenant that the caller does not reach and a PACS that it does not have,
        `RequestError` (403) where the permission is not held, and `StepUpError` where more must be proven.
        """
        policy = self.policies.current(caller.scope)
        subject, now = caller.subject, caller.context.now
        if tenant != subject.tenant and (subject.tenant != PLATFORM_TENANT or permission not in ABROAD):
            self._record(caller, policy, permission)
            raise NotFoundError(NO_TENANT)
        if not holds_permission(policy, subject, permission, pacs, now):
            self._record(caller, policy, permission)
            where = "in this tenant" if pacs is None else "at this PACS"
            raise RequestError(f"this needs the permission `{permission}` {where}", status=403)
        self.proofs.need(subject, caller.context, permission)
        scope = TenantScope(tenant)
        found = None if pacs is None else self.pacses.pacs(scope, pacs)
        if pacs is not None and found is None:
            raise NotFoundError(NO_PACS)
        self.count(subject.tenant, permission)
        return Warrant(caller, permission, scope, found, policy)

    def holds(self, caller: Caller, permission: Permission, pacs: ArchiveName | None = None) -> bool:
        """Whether the caller holds it in their own tenant: for pages, which show what could be done."""
        policy = self.policies.current(caller.scope)
        return holds_permission(policy, caller.subject, permission, pacs, caller.context.now)

    def still(
        self,
        subject_name: str,
        tenant: TenantName,
        permission: Permission,
        pacs: ArchiveName | None,
        now: datetime,
    ) -> bool:
        """Whether an account may come in now, and holds the permission there."""
        scope = TenantScope(tenant)
        try:
            policy = self.policies.current(scope)
        except NoPolicyError:
            return False
        subject = self.accounts.named(scope, subject_name, now)
        return subject is not None and holds_permission(policy, subject, permission, pacs, now)

    def _record(self, caller: Caller, policy: Policy, permission: Permission) -> None:
        circumstances = Circumstances(
            caller.context,
            actor_of(caller.subject, caller.context),
            caller.subject.tenant,
            revision=policy.revision,
        )
        reasons = (Reason(ReasonCode.NO_PERMISSION),)
        self.trail.record(circumstances.denial(reasons, details={"permission": permission.value}))


def holds_permission(
    policy: Policy, subject: Subject, permission: Permission, pacs: ArchiveName | None, now: datetime
) -> bool:
    """Whether a permission is held where its level says that it must be."""
    if subject.token_actions is not None:
        return False  # narrowed to actions on images
    return any(
        permission in policy.roles[role].permissions
        for place in _places(policy, subject, LEVELS[permission], pacs)
        for role in standing(policy, subject, place, now).roles
    )


def _places(
    policy: Policy, subject: Subject, level: PermissionLevel, pacs: ArchiveName | None
) -> frozenset[ArchiveName | None]:
    """Where a permission of this level counts if it is held there; `None` is the tenant as a whole."""
    match level:
        case PermissionLevel.PLATFORM:
            return frozenset({None}) if subject.tenant == PLATFORM_TENANT else frozenset()
        case PermissionLevel.TENANT:
            return frozenset({None})
        case PermissionLevel.TENANT_OR_PACS:
            return frozenset(given.scope.archive for given in assignments_of(policy, subject))
        case PermissionLevel.PACS | PermissionLevel.OWN:
            return frozenset({pacs})
        case _:
            assert_never(level)
