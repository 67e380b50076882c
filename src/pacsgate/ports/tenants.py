"""What is kept of tenants and of the PACSes that they have besides the archives of the configuration file.

Changes raise `NotFoundError` or `ConflictError`, and leave their events in the same transaction.  People are
in the `Directory`; what concerns both is done `together`.

Implemented by `pacsgate.stores.tenants`.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pacsgate.audit.events import AuditEvent
from pacsgate.model.extension_fields import ExtensionFields
from pacsgate.model.pacs_operation import PacsKind
from pacsgate.model.resource import ArchiveName, TenantName, TenantScope
from pacsgate.ports.pacs_adapters import Json, PacsFeatures


@dataclass(frozen=True, slots=True)
class TenantRecord:
    """One organisation, and the fields that it adds to what is kept of its people."""

    tenant: TenantName
    name: str
    identity_fields: ExtensionFields = field(default_factory=dict)
    visit_fields: ExtensionFields = field(default_factory=dict)
    registered_at: datetime | None = None
    registered_by: str = ""


@dataclass(frozen=True, slots=True)
class PacsRecord:
    """One PACS of a tenant.

    `agent` is the account that carries out what is asked of it; an archive of the configuration file has
    none, because the gate does that itself.
    """

    pacs: ArchiveName
    name: str
    kind: PacsKind
    agent: str | None = None
    features: PacsFeatures | None = None
    """What its agent has said it can do; `None` until it has."""
    configuration: Mapping[str, Json] = field(default_factory=dict)
    """Settings that its agent works with, in words that the agent knows."""
    registered_at: datetime | None = None
    registered_by: str = ""

    @property
    def is_of_file(self) -> bool:
        """Whether the configuration file defines it."""
        return self.agent is None


@dataclass(frozen=True, slots=True)
class CallCounts:
    """How often each operation was called, since when."""

    since: datetime | None
    calls: Mapping[str, int]


class TenantStore(Protocol):
    """Tenants, their PACSes, and how often they call."""

    def together(self) -> AbstractContextManager[None]:
        """One transaction for all that this thread reads and writes within, whichever store does it."""
        ...

    def tenants(self) -> tuple[TenantName, ...]:
        """Every tenant that is kept here, by name, for whoever works for all; `default` is among them."""
        ...

    def tenant(self, scope: TenantScope) -> TenantRecord | None:
        """One tenant, or `None`."""
        ...

    def add_tenant(self, tenant: TenantRecord, event: AuditEvent) -> None:
        """Keep a new tenant."""
        ...

    def change_tenant(self, tenant: TenantRecord, event: AuditEvent) -> None:
        """Replace name and extension fields of a tenant."""
        ...

    def pacs(self, scope: TenantScope, pacs: ArchiveName) -> PacsRecord | None:
        """One PACS that is kept here, or `None`."""
        ...

    def pacses(self, scope: TenantScope) -> tuple[PacsRecord, ...]:
        """Every PACS that is kept here, by name."""
        ...

    def add_pacs(self, scope: TenantScope, pacs: PacsRecord, event: AuditEvent) -> None:
        """Keep a new PACS."""
        ...

    def change_pacs(self, scope: TenantScope, pacs: PacsRecord, event: AuditEvent) -> None:
        """Replace name, agent and configuration of a PACS."""
        ...

    def remove_pacs(self, scope: TenantScope, pacs: ArchiveName, event: AuditEvent) -> None:
        """Forget a PACS."""
        ...

    def report_features(self, scope: TenantScope, pacs: ArchiveName, features: PacsFeatures) -> None:
        """Keep what its agent says it can do."""
        ...

    def add_calls(self, counted: Mapping[tuple[TenantName, str], int], at: datetime) -> None:
        """Add to the counts of several tenants, by operation."""
        ...

    def calls(self, scope: TenantScope) -> CallCounts:
        """The counts of a tenant."""
        ...

    def reset_calls(self, scope: TenantScope, at: datetime, event: AuditEvent) -> None:
        """Begin to count anew."""
        ...
