"""What an agent keeps on site, in a database of its own: what it has still to tell, and how far it has got.

`DoorStore` is the state of simulated doors.  Both stand beside the `AccessStore` of the same database, so
that what happens at a door and who holds what are parts of one transaction (`AccessStore.together`).

Implemented by `stores.site`; called by `pacsgate agent` and its adapters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from pacsgate.model.access import HolderKey, PacsPlace
from pacsgate.ports.pacs_adapters import Outcome, PacsEvent
from pacsgate.ports.pacs_reports import LogEntry


@dataclass(frozen=True, slots=True)
class PendingResponse:
    """What came of a command, to be told under the lease by which it was fetched."""

    message_id: str
    lease: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened, before it has an id."""

    kind: str
    at: datetime
    holder: str | None = None
    account: str | None = None
    zone: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)


class NumberedEntry(NamedTuple):
    """A line of the log, and its number."""

    number: int
    entry: LogEntry


class SiteSpool(Protocol):
    """What is to be told, until it has been; of logs and events the newest, up to a bound."""

    def put_response(self, place: PacsPlace, response: PendingResponse, at: datetime) -> None:
        """Keep a response, in place of one to the same message."""
        ...

    def responses(self, place: PacsPlace) -> Sequence[PendingResponse]:
        """Those to be told, oldest first."""
        ...

    def drop_response(self, place: PacsPlace, response: PendingResponse) -> None:
        """Forget one, unless another has taken its place."""
        ...

    def add_event(self, place: PacsPlace, happening: Happening) -> PacsEvent:
        """Keep something that happened; ids are never used twice, not even by another database."""
        ...

    def events(self, place: PacsPlace, after: str | None, limit: int) -> Sequence[PacsEvent]:
        """Those after the one of this id, oldest first; from the first kept if no such is kept."""
        ...

    def add_log(
        self, place: PacsPlace, at: datetime, level: str, event: str, details: Mapping[str, str]
    ) -> None:
        """Keep a line."""
        ...

    def logs(self, place: PacsPlace, limit: int) -> Sequence[NumberedEntry]:
        """The oldest lines."""
        ...

    def drop_logs(self, place: PacsPlace, up_to: int) -> None:
        """Forget lines up to this number."""
        ...

    def cursor(self, place: PacsPlace, name: str) -> str | None:
        """How far something has got."""
        ...

    def set_cursor(self, place: PacsPlace, name: str, value: str) -> None:
        """Remember how far something has got."""
        ...


class DoorStore(Protocol):
    """The plan of a simulated site, and in which zone everybody is."""

    def plan(self, place: PacsPlace) -> str | None:
        """The plan as it was written."""
        ...

    def set_plan(self, place: PacsPlace, plan: str) -> None:
        """Replace the plan."""
        ...

    def zone_of(self, place: PacsPlace, holder: HolderKey) -> str | None:
        """Where a holder is; `None` if no door has seen them yet."""
        ...

    def move(self, place: PacsPlace, holder: HolderKey, zone: str, at: datetime) -> None:
        """A holder is in a zone now; `""` is outside."""
        ...

    def forget(self, place: PacsPlace, holder: HolderKey) -> bool:
        """Nobody knows any more where a holder is; whether it was known."""
        ...

    def people(self, place: PacsPlace) -> Sequence[tuple[str, str]]:
        """Holders and their zones, by holder."""
        ...
