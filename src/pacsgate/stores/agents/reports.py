"""Events and logs of agents, each once, and the newest of each PACS only.

Called by `services` through `ports.pacs_reports`.

Invariants:
- an event, the people it moves, their epoch and its line for the trail are one transaction;
- of events that are told twice, the first counts.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, delete, func, insert, select, update

from pacsgate.model.resource import ArchiveName, TenantName, TenantScope
from pacsgate.ports.pacs_adapters import PacsEvent
from pacsgate.ports.pacs_reports import Contact, Kept, KeptLogEntry, LogEntry, Told, Whereabouts
from pacsgate.stores.agent_schema import agent_contact, agent_log, pacs_event
from pacsgate.stores.agents.whereabouts import believed, move, note_contact
from pacsgate.stores.changes import Topic, move_epoch, post
from pacsgate.stores.columns import AnyRow
from pacsgate.stores.database import Database
from pacsgate.stores.storable import storable_text
from pacsgate.stores.tenant_wall import ANY_TENANT

MOST_EVENTS = 10_000
MOST_LOG_ENTRIES = 5_000
"""Of one PACS; what is older is forgotten."""

_details = msgspec.json.Decoder(dict[str, str])


class SqlPacsReports:
    """`ports.pacs_reports.PacsReports` on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take_events(
        self, scope: TenantScope, pacs: ArchiveName, told: Sequence[Told], at: datetime, *, is_all: bool
    ) -> int:
        """Keep what is not known yet, in this order, and move people; returns how much that was."""
        with self._database.writing(scope.tenant) as connection:
            once = {each.event.event_id: each for each in reversed(told)}
            rows = {name: _event_values(each.event) for name, each in reversed(once.items())}
            new = _keep(connection, pacs_event, scope, pacs, rows, at)
            fresh = [once[name] for name in new]
            for each in fresh:
                if each.audit is not None:
                    post(connection, scope.tenant, each.audit)
            _trim(connection, pacs_event, scope, pacs, MOST_EVENTS)
            moved = move(connection, scope, pacs, (each.event for each in fresh), at)
            believed_again = is_all and note_contact(connection, scope, pacs, at)
            if moved or believed_again:
                move_epoch(connection, scope.tenant, Topic.USERS)
        return len(new)

    def events(
        self, scope: TenantScope, pacs: ArchiveName, *, before: int | None, limit: int
    ) -> tuple[Kept, ...]:
        """The newest, or the newest before a number; newest first."""
        rows = self._newest(pacs_event, scope, pacs, before, limit)
        return tuple(Kept(row.number, _event(row), row.received_at) for row in rows)

    def take_logs(
        self, scope: TenantScope, pacs: ArchiveName, entries: Sequence[LogEntry], at: datetime
    ) -> int:
        """Keep what is not known yet; returns how much that was."""
        with self._database.writing(scope.tenant) as connection:
            rows = {entry.entry_id: _log_values(entry) for entry in entries}
            new = _keep(connection, agent_log, scope, pacs, rows, at)
            _trim(connection, agent_log, scope, pacs, MOST_LOG_ENTRIES)
        return len(new)

    def logs(
        self, scope: TenantScope, pacs: ArchiveName, *, before: int | None, limit: int
    ) -> tuple[KeptLogEntry, ...]:
        """The newest, or the newest before a number; newest first."""
        rows = self._newest(agent_log, scope, pacs, before, limit)
        return tuple(KeptLogEntry(row.number, _log_entry(row), row.received_at) for row in rows)

    def contact(self, scope: TenantScope, pacs: ArchiveName) -> Contact | None:
        """The last contact; `None` if there never was any."""
        with self._database.reading(scope.tenant) as connection:
            row = connection.execute(
                select(agent_contact.c.at, agent_contact.c.silent).where(
                    agent_contact.c.tenant == scope.tenant, agent_contact.c.pacs == pacs
                )
            ).one_or_none()
        return None if row is None else Contact(row.at, row.silent)

    def whereabouts(self, scope: TenantScope) -> tuple[Whereabouts, ...]:
        """Where people are, as far as it is believed; by account and PACS."""
        with self._database.reading(scope.tenant) as connection:
            rows = connection.execute(believed(scope)).all()
        return tuple(Whereabouts(row.account, ArchiveName(row.pacs), row.zone, row.since) for row in rows)

    def silence(self, before: datetime, after: datetime) -> tuple[tuple[TenantName, ArchiveName], ...]:
        """Stop believing PACSes, of all tenants, not heard of between; returns which just fell silent."""
        quiet = ((agent_contact.c.at < before) | (agent_contact.c.at > after)) & ~agent_contact.c.silent
        look = select(agent_contact.c.tenant, agent_contact.c.pacs).where(quiet)
        with self._database.reading(ANY_TENANT) as connection:
            if connection.execute(look.limit(1)).first() is None:
                return ()
        with self._database.writing(ANY_TENANT) as connection:
            found = connection.execute(look).all()
            connection.execute(update(agent_contact).where(quiet).values(silent=True))
            for tenant in sorted({row.tenant for row in found}):
                move_epoch(connection, tenant, Topic.USERS)
        return tuple((TenantName(row.tenant), ArchiveName(row.pacs)) for row in found)

    def _newest(
        self, table: Table, scope: TenantScope, pacs: ArchiveName, before: int | None, limit: int
    ) -> Sequence[AnyRow]:
        wanted = select(table).where(table.c.tenant == scope.tenant, table.c.pacs == pacs)
        if before is not None:
            wanted = wanted.where(table.c.number < before)
        with self._database.reading(scope.tenant) as connection:
            return connection.execute(wanted.order_by(table.c.number.desc()).limit(limit)).all()


def _keep(
    connection: Connection,
    table: Table,
    scope: TenantScope,
    pacs: ArchiveName,
    rows: Mapping[str, Mapping[str, Any]],
    at: datetime,
) -> Sequence[str]:
    """Insert what is not there yet under growing numbers; the ids of that, in order."""
    key = table.primary_key.columns.values()[-1]
    here = (table.c.tenant == scope.tenant) & (table.c.pacs == pacs)
    known = set(connection.execute(select(key).where(here, key.in_(rows))).scalars())
    last = connection.execute(select(func.max(table.c.number)).where(here)).scalar_one() or 0
    new = [name for name in rows if name not in known]
    own = {"tenant": scope.tenant, "pacs": pacs, "received_at": at}
    whole = [
        {**own, key.name: name, "number": number, **rows[name]} for number, name in enumerate(new, last + 1)
    ]
    if whole:
        connection.execute(insert(table), whole)
    return new


def _trim(connection: Connection, table: Table, scope: TenantScope, pacs: ArchiveName, most: int) -> None:
    here = (table.c.tenant == scope.tenant) & (table.c.pacs == pacs)
    last = connection.execute(select(func.max(table.c.number)).where(here)).scalar_one() or 0
    if last > most:
        connection.execute(delete(table).where(here, table.c.number <= last - most))


def _event_values(event: PacsEvent) -> dict[str, Any]:
    return {
        "kind": storable_text(event.kind),
        "at": event.at,
        "holder": None if event.holder is None else storable_text(event.holder),
        "account": None if event.account is None else storable_text(event.account),
        "zone": None if event.zone is None else storable_text(event.zone),
        "details": _packed(event.details),
    }


def _event(row: AnyRow) -> PacsEvent:
    details = _details.decode(row.details)
    return PacsEvent(row.event_id, row.kind, row.at, row.holder, row.account, row.zone, details)


def _log_values(entry: LogEntry) -> dict[str, Any]:
    return {
        "at": entry.at,
        "level": storable_text(entry.level),
        "event": storable_text(entry.event),
        "details": _packed(entry.details),
    }


def _log_entry(row: AnyRow) -> LogEntry:
    return LogEntry(row.entry_id, row.at, row.level, row.event, _details.decode(row.details))


def _packed(details: Mapping[str, str]) -> str:
    return msgspec.json.encode(
        {storable_text(name): storable_text(text) for name, text in details.items()}
    ).decode()
