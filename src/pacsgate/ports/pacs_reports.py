"""What agents report of their PACSes: what happened there, their own logs, and that all of it has been told.

A PACS is *silent* when its agent has not said for a while that it has told everything.  What is known of
who is where is then no longer believed: nobody knows.

Implemented by the stores; called by `services.take_reports`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from pacsgate.audit.events import AuditEvent
from pacsgate.model.resource import ArchiveName, TenantName, TenantScope
from pacsgate.ports.pacs_adapters import PacsEvent


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of an agent's own log.  `entry_id` is unique within the PACS."""

    entry_id: str
    at: datetime
    level: str
    event: str
    details: Mapping[str, str] = field(default_factory=dict)


class Told(NamedTuple):
    """An event, and what the trail says of it; `None` where it is no business of the trail's."""

    event: PacsEvent
    audit: AuditEvent | None


class Kept(NamedTuple):
    """An event as it was received; numbers of one PACS grow."""

    number: int
    event: PacsEvent
    received_at: datetime


class KeptLogEntry(NamedTuple):
    """A line of a log as it was received."""

    number: int
    entry: LogEntry
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where one door system says that somebody is; the zone `""` is outside."""

    account: str
    pacs: ArchiveName
    zone: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Contact:
    """When an agent last said that it has told everything, and whether that is too long ago."""

    at: datetime
    is_silent: bool


class PacsReports(Protocol):
    """What has been reported in a tenant.  The newest of each PACS is kept, up to a bound."""

    def take_events(
        self, scope: TenantScope, pacs: ArchiveName, told: Sequence[Told], at: datetime, *, is_all: bool
    ) -> int:
        """Keep what is not known yet, in this order, and move people; returns how much that was.

        Known is what has the id of a kept event.  A zone counts for an account of this tenant and for no
        other.  `is_all` says that nothing is left to be told, so that the PACS is silent no more.
        """
        ...

    def events(
        self, scope: TenantScope, pacs: ArchiveName, *, before: int | None, limit: int
    ) -> tuple[Kept, ...]:
        """The newest, or the newest before a number; newest first."""
        ...

    def take_logs(
        self, scope: TenantScope, pacs: ArchiveName, entries: Sequence[LogEntry], at: datetime
    ) -> int:
        """Keep what is not known yet; returns how much that was."""
        ...

    def logs(
        self, scope: TenantScope, pacs: ArchiveName, *, before: int | None, limit: int
    ) -> tuple[KeptLogEntry, ...]:
        """The newest, or the newest before a number; newest first."""
        ...

    def contact(self, scope: TenantScope, pacs: ArchiveName) -> Contact | None:
        """The last contact; `None` if there never was any."""
        ...

    def whereabouts(self, scope: TenantScope) -> tuple[Whereabouts, ...]:
        """Where people are, as far as it is believed; by account and PACS."""
        ...

    def silence(self, before: datetime, after: datetime) -> tuple[tuple[TenantName, ArchiveName], ...]:
        """Stop believing PACSes, of all tenants, not heard of between; returns which just fell silent."""
        ...
