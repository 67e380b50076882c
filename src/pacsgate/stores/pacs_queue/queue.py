"""`ports.pacs_queue.PacsQueue` on a `Database`.

Called by `services.pacs_queue` through its port.

Invariants:
- a message changes only from the very version that the change was decided on;
- whatever is read without a tenant names PACSes and messages, and shows nothing of them but to the
  process that must wake who waits, or end what is overdue.
"""

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from pacsgate.model.errors import ConflictError, TooSoonError
from pacsgate.model.resource import ArchiveName, TenantName, TenantScope
from pacsgate.ports.pacs_queue import (
    DEAD,
    AgentSighting,
    Depth,
    Lease,
    Look,
    Message,
    MessageState,
    Once,
    Place,
    Record,
)
from pacsgate.protocols.strict_json import write_json
from pacsgate.stores.columns import AnyRow
from pacsgate.stores.database import Database
from pacsgate.stores.dialects import member
from pacsgate.stores.fixed import Fixed
from pacsgate.stores.pacs_queue import statements
from pacsgate.stores.pacs_queue.rows import columns_of, message_of, new_columns
from pacsgate.stores.pacs_queue.turns import announce, changing, turn
from pacsgate.stores.queue_schema import agent_session, pacs_message
from pacsgate.stores.storable import storable_text
from pacsgate.stores.tenant_wall import ANY_TENANT, Whose

_M = pacs_message.c
_QUEUED, _LEASED = MessageState.QUEUED.value, MessageState.LEASED.value
_FINAL = tuple(state.value for state in MessageState if state.is_final)
_NO_REQUEST = write_json([{}, {}, None])
_AGAIN_IN_SECONDS = 30
_FEW_PLACES = 100
"""So many PACSes are asked about one by one; more, and all that waits anywhere is looked through."""


class SqlPacsQueue:
    """The messages of all PACSes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._told: list[Callable[[Look], None]] = []
        self.sender = secrets.token_hex(8)
        """By what bells tell what is changed here from what others change."""
        self._broken_rule: type[Exception] = database.engine.dialect.loaded_dbapi.IntegrityError

    def tell(self, changed: Callable[[Look], None]) -> None:
        """Call this with what there may be now, after whatever this process changes from now on."""
        self._told.append(changed)

    def add(
        self, scope: TenantScope, new: Message, once: Once | None, *, most: int, record: Record
    ) -> Message:
        """Keep a new message, or find the one that the requester has sent before."""
        try:
            with turn(self._database, scope, new.command.pacs) as connection:
                earlier = None if once is None else _earlier(connection, new, once)
                if earlier is None:
                    _add(connection, new, once, most)
                    record(new)
                    announce(connection, self.sender)
        except self._broken_rule:
            # The same name came for another PACS at the same moment.
            with self._database.reading(scope.tenant) as connection:
                earlier = None if once is None else _earlier(connection, new, once)
            if earlier is None:
                raise
            return earlier
        if earlier is not None:
            return earlier
        self._tell(Look(frozenset({(scope.tenant, new.command.pacs)}), frozenset(), None))
        return new

    def lease(
        self, scope: TenantScope, pacs: ArchiveName, lease: Lease, now: datetime, record: Record
    ) -> Message | None:
        """Lease the first message that may be."""
        here = {**_at(scope, pacs), "now": now}
        with turn(self._database, scope, pacs) as connection:
            row = statements.FIRST.first(connection, here)
            if row is None:
                return None
            message = message_of(row)
            leased = _leased(message, lease)
            _replaced(connection, message, leased)
            record(leased)
            return leased

    def change(self, before: Message, after: Message, record: Record) -> bool:
        """Replace a message, if it still is what it was."""
        with changing(self._database, before.command.tenant) as connection:
            if not _replaced(connection, before, after):
                return False
            record(after)
            announce(connection, self.sender)
            look = _after(connection, after)
        self._tell(look)
        return True

    def message(self, scope: TenantScope, pacs: ArchiveName, message_id: str) -> Message | None:
        """One message."""
        here = {**_at(scope, pacs), "of_message": storable_text(message_id)}
        found = self._messages(scope.tenant, statements.BY_ID, here)
        return found[0] if found else None

    def pending(self, scope: TenantScope, pacs: ArchiveName) -> tuple[Message, ...]:
        """Those queued or leased, oldest first."""
        return self._messages(scope.tenant, statements.PENDING, _at(scope, pacs))

    def dead(self, scope: TenantScope, pacs: ArchiveName, limit: int = 100) -> tuple[Message, ...]:
        """The dead letters, newest first."""
        return self._messages(scope.tenant, statements.DEAD_LETTERS, {**_at(scope, pacs), "most": limit})

    def overdue(
        self, now: datetime, furthest: datetime, place: Place | None = None, limit: int = 500
    ) -> tuple[Message, ...]:
        """Those whose lease has ended, queued ones that have expired, and what waits for too long."""
        asked = {"now": now, "furthest": furthest, "most": limit}
        if place is None:
            return self._messages(ANY_TENANT, statements.OVERDUE, asked)
        scope, pacs = TenantScope(place[0]), place[1]
        return self._messages(scope.tenant, statements.OVERDUE_HERE, {**_at(scope, pacs), **asked})

    def look(
        self,
        results: Collection[str],
        now: datetime,
        furthest: datetime,
        places: Collection[Place] | None = None,
    ) -> Look:
        """What there is for those who wait."""
        asked = {"now": now, "furthest": furthest}
        with self._database.reading(ANY_TENANT) as connection:
            fetchable = (
                _fetchable_anywhere(connection, asked)
                if places is None or len(places) > _FEW_PLACES
                else _fetchable(connection, places, asked)
            )
            final: frozenset[str] = frozenset()
            if results:
                waited = member(self._database.flavour, _M.message_id, sorted(results))
                found = connection.execute(select(_M.message_id).where(waited, _M.state.in_(_FINAL)))
                final = frozenset(found.scalars())
            return Look(fetchable, final, statements.NEXT_DUE.first(connection, {"now": now}).due)

    def depth(self, scope: TenantScope, pacs: ArchiveName) -> Depth:
        """How many messages there are."""
        with self._database.reading(scope.tenant) as connection:
            rows = connection.execute(
                select(_M.state, func.count().label("messages"), func.min(_M.requested_at).label("oldest"))
                .where(_M.tenant == scope.tenant, _M.pacs == storable_text(pacs))
                .group_by(_M.state)
            ).all()
        counts = {row.state: row.messages for row in rows}
        return Depth(
            queued=counts.get(_QUEUED, 0),
            leased=counts.get(_LEASED, 0),
            dead=sum(counts.get(state.value, 0) for state in DEAD),
            oldest=next((row.oldest for row in rows if row.state == _QUEUED), None),
        )

    def forget(self, *, unreadable: datetime, ended_before: datetime) -> int:
        """Take the contents out of what nobody may read any more, and forget what ended before then."""
        with changing(self._database, ANY_TENANT) as connection:
            connection.execute(
                update(pacs_message)
                .where(
                    _M.state == MessageState.ANSWERED.value,
                    _M.readable_until <= unreadable,
                    _M.outcome.is_not(None),
                )
                .values(request=_NO_REQUEST, outcome=None)
            )
            return connection.execute(
                delete(pacs_message).where(_M.state.in_(_FINAL), _M.ended_at < ended_before)
            ).rowcount

    def note_agents(self, seen: Collection[AgentSighting]) -> None:
        """Remember when agents were last seen."""
        with self._database.writing(ANY_TENANT) as connection:
            for one in seen:
                here = (
                    agent_session.c.tenant == one.tenant,
                    agent_session.c.pacs == one.pacs,
                    agent_session.c.account == one.account,
                )
                if not connection.execute(update(agent_session).where(*here).values(seen_at=one.at)).rowcount:
                    connection.execute(
                        insert(agent_session).values(
                            tenant=one.tenant, pacs=one.pacs, account=one.account, seen_at=one.at
                        )
                    )

    def agents(self, scope: TenantScope, pacs: ArchiveName) -> tuple[AgentSighting, ...]:
        """When each was last seen, latest first."""
        with self._database.reading(scope.tenant) as connection:
            rows = connection.execute(
                select(agent_session)
                .where(agent_session.c.tenant == scope.tenant, agent_session.c.pacs == pacs)
                .order_by(agent_session.c.seen_at.desc(), agent_session.c.account)
            )
            return tuple(
                AgentSighting(TenantName(row.tenant), ArchiveName(row.pacs), row.account, row.seen_at)
                for row in rows
            )

    def _tell(self, look: Look) -> None:
        for changed in self._told:
            changed(look)

    def _messages(
        self, tenant: Whose, statement: Fixed, parameters: Mapping[str, object]
    ) -> tuple[Message, ...]:
        with self._database.reading(tenant) as connection:
            return tuple(map(message_of, statement.rows(connection, parameters)))


def _at(scope: TenantScope, pacs: ArchiveName) -> dict[str, object]:
    return {"of_tenant": scope.tenant, "of_pacs": storable_text(pacs)}


def _leased(message: Message, lease: Lease) -> Message:
    command = replace(message.command, attempt=message.command.attempt + 1)
    return replace(
        message, command=command, state=MessageState.LEASED, lease=lease, version=message.version + 1
    )


def _replaced(connection: Connection, before: Message, after: Message) -> bool:
    """Write what may have changed of a message, if it still is what it was."""
    known = {
        "of_tenant": before.command.tenant,
        "of_message": before.command.message_id,
        "before": before.version,
    }
    return statements.REPLACE.first(connection, {**columns_of(after), **known}) is not None


def _after(connection: Connection, changed: Message) -> Look:
    """Who may find something, now that a message is this."""
    command = changed.command
    if not changed.state.is_final:
        return Look(frozenset(), frozenset(), changed.due)
    about = {"of_entity": changed.entity, "of_message": command.message_id}
    follows = statements.SAME_ENTITY.first(connection, {**_at(changed.scope, command.pacs), **about})
    place = (command.tenant, command.pacs)
    return Look(frozenset() if follows is None else frozenset({place}), frozenset({command.message_id}), None)


def _fetchable(
    connection: Connection, places: Collection[Place], asked: Mapping[str, object]
) -> frozenset[Place]:
    return frozenset(
        place
        for place in places
        if statements.FETCHABLE_HERE.first(connection, {**_at(TenantScope(place[0]), place[1]), **asked})
    )


def _fetchable_anywhere(connection: Connection, asked: Mapping[str, object]) -> frozenset[Place]:
    rows = statements.FETCHABLE.rows(connection, asked)
    return frozenset((TenantName(row.tenant), ArchiveName(row.pacs)) for row in rows)


def _earlier(connection: Connection, new: Message, once: Once) -> Message | None:
    """What the requester has sent under this name.  Raises `ConflictError` if that was something else."""
    command = new.command
    row: AnyRow | None = statements.BY_NAME.first(
        connection,
        {"of_tenant": command.tenant, "of_requester": command.requested_by, "key": once.key},
    )
    if row is None:
        return None
    if row.once_fingerprint != once.fingerprint:
        raise ConflictError("you have sent another request with this `Idempotency-Key`")
    return message_of(row)


def _add(connection: Connection, new: Message, once: Once | None, most: int) -> None:
    here = _at(new.scope, new.command.pacs)
    if statements.OPEN.first(connection, {**here, "most": most}).messages >= most:
        raise TooSoonError(
            f"{most} requests wait for this PACS already", retry_after_seconds=_AGAIN_IN_SECONDS
        )
    row = {
        **new_columns(new),
        "ordinal": statements.LAST.first(connection, here).ordinal + 1,
        "once_key": None if once is None else once.key,
        "once_fingerprint": None if once is None else once.fingerprint,
    }
    statements.ADD.run(connection, row)
