"""What an agent has still to tell the gate: responses, events, and lines of its log.

Called by `pacsgate agent` through `ports.site`.

Invariants:
- what is kept here has reached the disk before anybody is told of it;
- numbers of one place only grow, so that an event id names one event for ever.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, delete, func, insert, select, update

from pacsgate.model.access import PacsPlace
from pacsgate.ports.pacs_adapters import Outcome, PacsEvent
from pacsgate.ports.pacs_reports import LogEntry
from pacsgate.ports.site import Happening, NumberedEntry, PendingResponse
from pacsgate.stores.database import Database
from pacsgate.stores.site_schema import site_cursor, site_event, site_log, site_response
from pacsgate.stores.storable import storable_text

MOST_EVENTS = 100_000
MOST_LOG_ENTRIES = 5_000
"""What is older is given up: so long a silence has other consequences."""

_SERIES = "event-series"
"""Tells the events of this database from those of any other of the same place."""

_event = msgspec.json.Decoder(PacsEvent)
_entry = msgspec.json.Decoder(LogEntry)
_encoder = msgspec.json.Encoder()


class SqlSiteSpool:
    """`ports.site.SiteSpool` on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_response(self, place: PacsPlace, response: PendingResponse, at: datetime) -> None:
        """Keep a response, in place of one to the same message."""
        this = _at(site_response, place) & (site_response.c.message_id == response.message_id)
        with self._database.writing(place.tenant) as connection:
            connection.execute(delete(site_response).where(this))
            connection.execute(
                insert(site_response).values(
                    **_key(place),
                    message_id=response.message_id,
                    lease=response.lease,
                    status=response.outcome.status,
                    body=_encoder.encode(response.outcome.body).decode(),
                    made_at=at,
                )
            )

    def responses(self, place: PacsPlace) -> Sequence[PendingResponse]:
        """Those to be told, oldest first."""
        kept = select(site_response).where(_at(site_response, place))
        with self._database.reading(place.tenant) as connection:
            rows = connection.execute(kept.order_by(site_response.c.made_at)).all()
        return [
            PendingResponse(row.message_id, row.lease, Outcome(row.status, msgspec.json.decode(row.body)))
            for row in rows
        ]

    def drop_response(self, place: PacsPlace, response: PendingResponse) -> None:
        """Forget one, unless another has taken its place."""
        with self._database.writing(place.tenant) as connection:
            connection.execute(
                delete(site_response).where(
                    _at(site_response, place),
                    site_response.c.message_id == response.message_id,
                    site_response.c.lease == response.lease,
                )
            )

    def add_event(self, place: PacsPlace, happening: Happening) -> PacsEvent:
        """Keep something that happened; ids are never used twice, not even by another database."""
        with self._database.writing(place.tenant) as connection:
            number = _next(connection, site_event, place)
            event = PacsEvent(
                f"{_series(connection, place)}-{number}",
                happening.kind,
                happening.at,
                happening.holder,
                happening.account,
                happening.zone,
                happening.details,
            )
            row = {**_key(place), "number": number, "event_id": event.event_id}
            connection.execute(insert(site_event).values(**row, event=_encoder.encode(event).decode()))
            _trim(connection, site_event, place, number - MOST_EVENTS)
        return event

    def events(self, place: PacsPlace, after: str | None, limit: int) -> Sequence[PacsEvent]:
        """Those after the one of this id, oldest first; from the first kept if no such is kept."""
        last = select(site_event.c.number).where(_at(site_event, place), site_event.c.event_id == after)
        with self._database.reading(place.tenant) as connection:
            number: int | None = connection.execute(last).scalar_one_or_none()
            rows = connection.execute(
                select(site_event.c.event)
                .where(_at(site_event, place), site_event.c.number > (number or 0))
                .order_by(site_event.c.number)
                .limit(limit)
            ).scalars()
            return [_event.decode(row) for row in rows]

    def add_log(
        self, place: PacsPlace, at: datetime, level: str, event: str, details: Mapping[str, str]
    ) -> None:
        """Keep a line."""
        with self._database.writing(place.tenant) as connection:
            number = _next(connection, site_log, place)
            told = {storable_text(name): storable_text(text) for name, text in details.items()}
            entry = LogEntry(f"{_series(connection, place)}-{number}", at, level, storable_text(event), told)
            row = {**_key(place), "number": number, "entry_id": entry.entry_id}
            connection.execute(insert(site_log).values(**row, entry=_encoder.encode(entry).decode()))
            _trim(connection, site_log, place, number - MOST_LOG_ENTRIES)

    def logs(self, place: PacsPlace, limit: int) -> Sequence[NumberedEntry]:
        """The oldest lines."""
        kept = select(site_log.c.number, site_log.c.entry).where(_at(site_log, place))
        with self._database.reading(place.tenant) as connection:
            rows = connection.execute(kept.order_by(site_log.c.number).limit(limit)).all()
        return [NumberedEntry(row.number, _entry.decode(row.entry)) for row in rows]

    def drop_logs(self, place: PacsPlace, up_to: int) -> None:
        """Forget lines up to this number."""
        with self._database.writing(place.tenant) as connection:
            _trim(connection, site_log, place, up_to)

    def cursor(self, place: PacsPlace, name: str) -> str | None:
        """How far something has got."""
        with self._database.reading(place.tenant) as connection:
            return _cursor(connection, place, name)

    def set_cursor(self, place: PacsPlace, name: str, value: str) -> None:
        """Remember how far something has got."""
        with self._database.writing(place.tenant) as connection:
            _set_cursor(connection, place, name, value)


def _key(place: PacsPlace) -> dict[str, Any]:
    return {"tenant": place.tenant, "pacs": place.pacs}


def _at(table: Table, place: PacsPlace) -> ColumnElement[bool]:
    return (table.c.tenant == place.tenant) & (table.c.pacs == place.pacs)


def _next(connection: Connection, table: Table, place: PacsPlace) -> int:
    """A number that no row had before; the highest is remembered for when its row is gone."""
    name = f"last-{table.name}"
    last = connection.execute(select(func.max(table.c.number)).where(_at(table, place))).scalar_one() or 0
    number: int = max(last, int(_cursor(connection, place, name) or 0)) + 1
    _set_cursor(connection, place, name, str(number))
    return number


def _trim(connection: Connection, table: Table, place: PacsPlace, up_to: int) -> None:
    connection.execute(delete(table).where(_at(table, place), table.c.number <= up_to))


def _series(connection: Connection, place: PacsPlace) -> str:
    found = _cursor(connection, place, _SERIES)
    if found is None:
        found = secrets.token_hex(4)
        _set_cursor(connection, place, _SERIES, found)
    return found


def _cursor(connection: Connection, place: PacsPlace, name: str) -> str | None:
    found: str | None = connection.execute(
        select(site_cursor.c.value).where(_at(site_cursor, place), site_cursor.c.name == name)
    ).scalar_one_or_none()
    return found


def _set_cursor(connection: Connection, place: PacsPlace, name: str, value: str) -> None:
    this = _at(site_cursor, place) & (site_cursor.c.name == name)
    if not connection.execute(update(site_cursor).where(this).values(value=value)).rowcount:
        connection.execute(insert(site_cursor).values(**_key(place), name=name, value=value))
