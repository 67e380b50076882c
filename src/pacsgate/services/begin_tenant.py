"""A tenant without policy files begins with a policy that allows nothing by itself: roles and grants decide.

Called when a tenant is registered, and by the watch over policy files for those whom the configuration names.

Invariants:
- a tenant that has a live policy keeps it, but for `platform`, whose policy says who registers tenants.
"""

from collections.abc import Collection
from dataclasses import dataclass

from pacsgate.audit.events import Actor, EventKind
from pacsgate.model.errors import ConflictError
from pacsgate.model.resource import PLATFORM_TENANT, TenantScope
from pacsgate.policy.base import base_sources
from pacsgate.ports import RevisionStore
from pacsgate.ports.tenants import TenantRecord, TenantStore
from pacsgate.services.administration import Change
from pacsgate.services.publish_policy import PublishPolicy


@dataclass(frozen=True, slots=True)
class BeginTenant:
    """Gives tenants what all of them have."""

    tenants: TenantStore
    revisions: RevisionStore
    publisher: PublishPolicy
    registrators: Collection[str] = ()
    """The accounts of `platform` that register tenants."""

    def enter(self, change: Change, name: str) -> None:
        """Make a tenant that only the configuration names known like the others."""
        scope = change.scope
        if self.tenants.tenant(scope) is None:
            event = change.event(EventKind.TENANT_CHANGED, "tenant named by the file", scope.tenant)
            record = TenantRecord(
                scope.tenant, name, registered_at=change.at, registered_by=change.actor.name
            )
            self.tenants.add_tenant(record, event)

    def begin(self, scope: TenantScope, actor: Actor) -> bool:
        """Give a tenant its first policy; whether anything became live."""
        is_platform = scope.tenant == PLATFORM_TENANT
        if self.revisions.live(scope) is not None and not is_platform:
            return False
        sources = base_sources(self.registrators if is_platform else ())
        try:
            return self.publisher.publish(scope, sources, actor).changed
        except ConflictError:  # somebody else has done it this very moment
            return False
