"""Which events somebody who searches the trail wants to see.

Every field that is set must hold.  `text` is looked for in all of an event's
text, letter case aside.
"""

from dataclasses import dataclass
from datetime import datetime

from pacsgate.audit.events import AuditEvent, EventKind, Outcome
from pacsgate.audit.renderings.flat import flatten
from pacsgate.model.resource import DEFAULT_TENANT, TenantName


@dataclass(frozen=True, slots=True)
class EventFilter:
    """A conjunction; `since` is inclusive and `until` exclusive, both aware."""

    user: str | None = None
    study_instance_uid: str | None = None
    patient_id: str | None = None
    kind: EventKind | None = None
    outcome: Outcome | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    tenant: TenantName | None = None
    """Whose events; those of the installation itself are of the tenant `default`."""

    def matches(self, event: AuditEvent) -> bool:
        """Whether the event is one of those sought."""
        study = event.study
        return (
            (self.since is None or event.at >= self.since)
            and (self.until is None or event.at < self.until)
            and self.tenant in {None, event.tenant or DEFAULT_TENANT}
            and self.user in {None, event.actor.name}
            and self.kind in {None, event.kind}
            and self.outcome in {None, event.outcome}
            and self.study_instance_uid in {None, study.study_instance_uid if study else None}
            and self.patient_id in {None, study.patient_id if study else None}
            and (self.text is None or _holds(event, self.text.casefold()))
        )


EVERYTHING = EventFilter()


def _holds(event: AuditEvent, text: str) -> bool:
    return any(text in str(value).casefold() for value in flatten(event).values())
