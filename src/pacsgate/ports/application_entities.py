"""What is kept of remote application entities.  It may not be lost."""

from typing import Protocol

from pacsgate.audit.events import AuditEvent
from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.resource import TenantScope


class ApplicationEntities(Protocol):
    """The remote application entities of one tenant, by AE title (exact, without spaces around it).

    Changes move the users epoch, because associations are remembered under it, and write `event` to the
    outbox in the same transaction.  They raise `NotFoundError` or `ConflictError`.
    """

    def remote_ae(self, scope: TenantScope, ae_title: str) -> RemoteAe | None:
        """The entry of this title."""
        ...

    def remote_aes(self, scope: TenantScope) -> tuple[RemoteAe, ...]:
        """Every entry, by title."""
        ...

    def add_remote_ae(self, scope: TenantScope, entity: RemoteAe, event: AuditEvent) -> None:
        """Make an entry."""
        ...

    def change_remote_ae(self, scope: TenantScope, entity: RemoteAe, event: AuditEvent) -> None:
        """Replace an entry."""
        ...

    def remove_remote_ae(self, scope: TenantScope, ae_title: str, event: AuditEvent) -> None:
        """Remove an entry."""
        ...
