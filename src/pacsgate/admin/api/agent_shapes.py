"""What agents hand in and are told, as JSON: features, events, logs, settings, extension fields.

Agents write these bodies with `protocols.agent.reports`.

Called by `agents`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field, StrictBool, StrictInt

from pacsgate.admin.api.camel import Asked, Told
from pacsgate.admin.api.instants import Instant
from pacsgate.model.extension_fields import ExtensionFields
from pacsgate.ports.pacs_adapters import PacsEvent, PacsFeatures
from pacsgate.ports.pacs_reports import Contact, Kept, KeptLogEntry, LogEntry, Whereabouts
from pacsgate.ports.tenants import PacsRecord, TenantRecord
from pacsgate.protocols.agent.reports import MOST_DETAILS, MOST_TOLD_AT_ONCE

_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$", examples=["7f3a-000042"])]
_Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
_FeatureName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]{0,63}$")]
_Line = Annotated[str, Field(max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")]
_DetailName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$")]
_Details = Annotated[dict[_DetailName, _Line], Field(max_length=MOST_DETAILS)]


class Features(Asked):
    """What a PACS can do: the operations that its adapter supports, and limits."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"features": ["VisitCheckIn"], "constraints": {"MaxCredentialsPerEntity": 5}}]
        }
    )

    features: Annotated[list[_FeatureName], Field(max_length=200)]
    constraints: Annotated[dict[_FeatureName, StrictInt | None], Field(max_length=50)] = Field(
        default_factory=dict
    )

    def value(self) -> PacsFeatures:
        """As the gate keeps them."""
        return PacsFeatures(frozenset(self.features), self.constraints)


class Event(Asked):
    """Something that happened on site; `zone` is where `account` is from then on, `""` is outside."""

    event_id: _Id
    kind: _Word
    at: Instant
    holder: Annotated[_Line, Field(examples=["visit/locum-1"])] | None = None
    account: _Line | None = None
    zone: _Line | None = None
    details: _Details = Field(default_factory=dict)

    def value(self) -> PacsEvent:
        """As the gate keeps it."""
        return PacsEvent(
            self.event_id, self.kind, self.at, self.holder, self.account, self.zone, self.details
        )


class Events(Asked):
    """Events in their order.  `complete` says that nothing is left to be told."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "events": [
                        {
                            "eventId": "7f3a-42",
                            "kind": "access-granted",
                            "at": "2027-01-31T08:00:00Z",
                            "holder": "visit/locum-1",
                            "account": "locum-1",
                            "zone": "reading-room",
                            "details": {"door": "reading-room"},
                        }
                    ],
                    "complete": True,
                }
            ]
        }
    )

    events: Annotated[list[Event], Field(max_length=MOST_TOLD_AT_ONCE)]
    complete: StrictBool = True


class Entry(Asked):
    """One line of an agent's own log."""

    entry_id: _Id
    at: Instant
    level: _Word
    event: _Line
    details: _Details = Field(default_factory=dict)

    def value(self) -> LogEntry:
        """As the gate keeps it."""
        return LogEntry(self.entry_id, self.at, self.level, self.event, self.details)


class Entries(Asked):
    """Lines of a log in their order."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "entries": [
                        {
                            "entryId": "7f3a-7",
                            "at": "2027-01-31T08:00:00Z",
                            "level": "warning",
                            "event": "no messages",
                        }
                    ]
                }
            ]
        }
    )

    entries: Annotated[list[Entry], Field(max_length=MOST_TOLD_AT_ONCE)]


class Taken(Told):
    """How much of what was handed in was new."""

    taken: int


class Configuration(Told):
    """What the agent works with."""

    pacs_id: str
    name: str
    kind: str
    configuration: Mapping[str, Any]

    @classmethod
    def of(cls, pacs: PacsRecord) -> "Configuration":
        """As it is told."""
        return cls(pacs_id=pacs.pacs, name=pacs.name, kind=pacs.kind.value, configuration=pacs.configuration)


class FieldTold(Told):
    """One extension field."""

    type: str
    description: str
    required: bool


class FieldsTold(Told):
    """The extension fields of a tenant."""

    identity_extension_fields: dict[str, FieldTold]
    visit_extension_fields: dict[str, FieldTold]

    @classmethod
    def of(cls, tenant: TenantRecord | None) -> "FieldsTold":
        """As they are told; a tenant that the file alone knows has none."""
        return cls(
            identity_extension_fields=_fields({} if tenant is None else tenant.identity_fields),
            visit_extension_fields=_fields({} if tenant is None else tenant.visit_fields),
        )


class EventTold(Told):
    """An event as it was received."""

    number: int
    event_id: str
    kind: str
    at: datetime
    received_at: datetime
    holder: str | None
    account: str | None
    zone: str | None
    details: Mapping[str, str]

    @classmethod
    def of(cls, kept: Kept) -> "EventTold":
        """As it is told."""
        event = kept.event
        return cls(
            number=kept.number,
            event_id=event.event_id,
            kind=event.kind,
            at=event.at,
            received_at=kept.received_at,
            holder=event.holder,
            account=event.account,
            zone=event.zone,
            details=event.details,
        )


class EventPage(Told):
    """The newest events, newest first."""

    events: list[EventTold]


class EntryTold(Told):
    """A line of a log as it was received."""

    number: int
    at: datetime
    received_at: datetime
    level: str
    event: str
    details: Mapping[str, str]

    @classmethod
    def of(cls, kept: KeptLogEntry) -> "EntryTold":
        """As it is told."""
        entry = kept.entry
        return cls(
            number=kept.number,
            at=entry.at,
            received_at=kept.received_at,
            level=entry.level,
            event=entry.event,
            details=entry.details,
        )


class EntryPage(Told):
    """The newest lines, newest first."""

    entries: list[EntryTold]


class PersonTold(Told):
    """Where somebody is; the zone `""` is outside."""

    account: str
    zone: str
    since: datetime


class PresenceTold(Told):
    """Who is where, and whether the agent has been heard of lately: without that nobody is anywhere."""

    last_contact: datetime | None
    is_silent: bool
    people: list[PersonTold]

    @classmethod
    def of(cls, contact: Contact | None, people: list[Whereabouts]) -> "PresenceTold":
        """As it is told."""
        return cls(
            last_contact=None if contact is None else contact.at,
            is_silent=contact is None or contact.is_silent,
            people=[PersonTold(account=each.account, zone=each.zone, since=each.since) for each in people],
        )


def _fields(fields: ExtensionFields) -> dict[str, FieldTold]:
    return {
        name: FieldTold(type=field.type.value, description=field.description, required=field.required)
        for name, field in fields.items()
    }
