"""Whatever carries out operations on a PACS: the gate itself for its own archives, an agent for all else.

An adapter is shown one command after the other and says what came of each.  It is shown a command again when
nobody can know whether it was carried out: then it must say what it would have said the first time.

Implemented by the gate's own executor and by the adapters of `pacsgate agent`; documented for real
controllers in docs/agents.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from pacsgate.model.resource import ArchiveName, TenantName

Json = Any
"""What JSON can say: objects, arrays, texts, numbers, booleans, `None`."""


@dataclass(frozen=True, slots=True)
class Command:
    """One operation to be carried out.

    `message_id` is the idempotency key.  `ids` are those of the path (`identity`, `visit`, `credential`,
    `unit`), `parameters` those of the query.  `requested_by` is who wants it, for the records on site.
    """

    message_id: str
    operation: str
    tenant: TenantName
    pacs: ArchiveName
    ids: Mapping[str, str]
    body: Json
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    attempt: int = 1
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a command: an HTTP status and a JSON body (`None` for none).

    2xx: done.  4xx: refused, and nothing was changed; `body` is `{"error": …, "message": …}`.  501: an
    operation that this PACS does not support.  Any other 5xx: try again later.
    """

    status: int
    body: Json = None


@dataclass(frozen=True, slots=True)
class PacsFeatures:
    """What a PACS can do: the operations that its adapter supports, and limits.

    Both are named as in HID's catalogue, such as `VisitCheckIn` and `MaxCredentialsPerEntity`.
    """

    features: frozenset[str]
    constraints: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PacsEvent:
    """Something that happened on site: a door that opened, or did not; a study that arrived.

    `event_id` is unique within the PACS, so that an event that is reported twice counts once.  Of a door
    event `holder` is who came (`identity/…` or `visit/…`), `account` their account at the gate if the
    door system knows it, and `zone` where they are from then on (`""` is outside).
    """

    event_id: str
    kind: str
    at: datetime
    holder: str | None = None
    account: str | None = None
    zone: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)


class PacsAdapter(Protocol):
    """One PACS, as its agent reaches it."""

    def features(self) -> PacsFeatures:
        """What it can do now."""
        ...

    def execute(self, command: Command) -> Outcome:
        """Carry out a command, once for each `message_id`."""
        ...

    def events(self, after: str | None) -> Sequence[PacsEvent]:
        """What happened after the event of this id, oldest first; from the beginning for `None`."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...
