"""What agents report of their PACSes: taken, kept, and where it tells of people put on record.

A door system's events say who is where.  Rules may ask for that, so an event ends what it ends as any
revocation does: at once, and for what runs within two seconds.

Called by the API, for the agent of the PACS that it reports of; `silence` by the background process.

Invariants:
- an agent moves accounts of its own tenant and no others;
- who is where is believed only while the agent keeps saying that it has told everything.

Standard: NIST SP 800-53 PE-6 (physical access is reviewed in the one trail), AC-16.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pacsgate.audit.events import Actor, AuditEvent, EventKind, Outcome
from pacsgate.model.resource import ArchiveName, TenantName
from pacsgate.model.site_events import ACCESS_DENIED, OF_DOORS
from pacsgate.ports import OutboxStore, Trail
from pacsgate.ports.pacs_adapters import PacsEvent, PacsFeatures
from pacsgate.ports.pacs_reports import LogEntry, PacsReports, Told
from pacsgate.ports.tenants import TenantStore
from pacsgate.services.administration import Change
from pacsgate.services.deliver_outbox import deliver_outbox
from pacsgate.services.warrants import Warrant

SILENT_AFTER = timedelta(seconds=90)
"""An agent says at least three times in it that it has told everything."""
NOBODY_KNOWN = "(unknown card)"
_BY_DOOR = "door"


@dataclass(frozen=True, slots=True)
class TakeReports:
    """Takes what the agents of PACSes say."""

    reports: PacsReports
    tenants: TenantStore
    outbox: OutboxStore
    trail: Trail

    def features(self, warrant: Warrant, features: PacsFeatures) -> None:
        """Keep what the PACS can do."""
        self.tenants.report_features(warrant.scope, warrant.at().pacs, features)

    def events(self, warrant: Warrant, events: Sequence[PacsEvent], *, is_all: bool) -> int:
        """Keep what happened, once each; returns how much of it was new."""
        order, pacs = warrant.change(), warrant.at().pacs
        told = [Told(event, _on_record(order, pacs, event)) for event in events]
        new = self.reports.take_events(warrant.scope, pacs, told, order.at, is_all=is_all)
        if new:
            deliver_outbox(self.outbox, self.trail)
        return new

    def logs(self, warrant: Warrant, entries: Sequence[LogEntry]) -> int:
        """Keep an agent's own log; returns how much of it was new."""
        return self.reports.take_logs(warrant.scope, warrant.at().pacs, entries, warrant.change().at)


def silence(reports: PacsReports, now: datetime) -> tuple[tuple[TenantName, ArchiveName], ...]:
    """Stop believing agents of which nothing has been heard for too long; which those are."""
    # A contact that is still to come is one of before the clock was set back: nobody knows how old it is.
    return reports.silence(now - SILENT_AFTER, now + SILENT_AFTER)


def _on_record(order: Change, pacs: ArchiveName, event: PacsEvent) -> AuditEvent | None:
    if event.kind not in OF_DOORS:
        return None
    said = {"holder": event.holder, "zone": event.zone, "happened_at": event.at.isoformat()}
    return AuditEvent(
        EventKind.DOOR_PASSED,
        order.at,
        Actor(event.account or event.holder or NOBODY_KNOWN, verified=False, credential=_BY_DOOR),
        outcome=Outcome.MINOR if event.kind == ACCESS_DENIED else Outcome.SUCCESS,
        tenant=order.scope.tenant,
        archive=pacs,
        request_id=order.request_id,
        details={
            **event.details,
            "event": event.kind,
            "event_id": event.event_id,
            "reported_by": order.actor.name,
            **{name: text for name, text in said.items() if text is not None},
        },
    )
