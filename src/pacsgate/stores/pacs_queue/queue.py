"""`ports.pacs_queue.PacsQueue` on a `Database`.

Called by `services.pacs_queue` through its port.

Invariants:
- a message changes only from the very version that the change was decided on;
- whatever is read without a tenant names PACSes and messages, and shows nothing of them but to the
  process that must wake who waits, or end what is overdue.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

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
    Record,
)
from pacsgate.protocols.strict_json import write_json
from pacsgate.stores.columns import AnyRow
from pacsgate.stores.database import Database
from pacsgate.stores.dialects import member
from pacsgate.stores.pacs_queue.rows import columns_of, message_of, new_columns
from pacsgate.stores.pacs_queue.turns import announce, changing, turn
from pacsgate.stores.queue_schema import agent_session, pacs_message
from pacsgate.stores.storable import storable_text
from pacsgate.stores.tenant_wall import ANY_TENANT, Whose

_M = pacs_message.c
_QUEUED, _LEASED = MessageState.QUEUED.value, MessageState.LEASED.value
_OPEN = (_QUEUED, _LEASED)
_DEAD = tuple(state.value for state in DEAD)
_FINAL = tuple(state.value for state in MessageState if state.is_final)
_NO_REQUEST = write_json([{}, {}, None])
_AGAIN_IN_SECONDS = 30


class SqlPacsQueue:
    """The messages of all PACSes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._told: list[Callable[[], None]] = []

    def tell(self, changed: Callable[[], None]) -> None:
        """Call this after whatever this process changes from now on."""
        self._told.append(changed)

    def add(
        self, scope: TenantScope, new: Message, once: Once | None, *, most: int, record: Record
    ) -> Message:
        """Keep a new message, or find the one that the requester has sent before."""
        try:
            with turn(self._database, scope, new.command.pacs) as connection:
                earlier = None if once is None else _earlier(connection, new, once)
                kept = earlier or _added(connection, new, once, most, record)
        except IntegrityError:
            # The same name came for another PACS at the same moment.
            with self._database.reading(scope.tenant) as connection:
                earlier = None if once is None else _earlier(connection, new, once)
            if earlier is None:
                raise
            return earlier
        self._tell()
        return kept

    def lease(
        self, scope: TenantScope, pacs: ArchiveName, lease: Lease, now: datetime, record: Record
    ) -> Message | None:
        """Lease the first message that may be."""
        first = (
            select(pacs_message).where(*_at(scope, pacs), _may_be_leased(now)).order_by(_M.ordinal).limit(1)
        )
        if not self._messages(scope.tenant, first):
            return None  # as nearly always: without waiting for a turn
        with turn(self._database, scope, pacs) as connection:
            row = connection.execute(first.with_for_update(skip_locked=True)).one_or_none()
            if row is None:
                return None
            leased = _leased(message_of(row), lease)
            connection.execute(update(pacs_message).where(*_is(leased)).values(columns_of(leased)))
            record(leased)
            return leased

    def change(self, before: Message, after: Message, record: Record) -> bool:
        """Replace a message, if it still is what it was."""
        with changing(self._database, before.command.tenant) as connection:
            changed = connection.execute(
                update(pacs_message)
                .where(*_is(before), _M.version == before.version)
                .values({**columns_of(after), "version": before.version + 1})
            ).rowcount
            if changed:
                record(after)
                announce(connection)
        self._tell()
        return bool(changed)

    def message(self, scope: TenantScope, pacs: ArchiveName, message_id: str) -> Message | None:
        """One message."""
        found = self._messages(
            scope.tenant,
            select(pacs_message).where(*_at(scope, pacs), _M.message_id == storable_text(message_id)),
        )
        return found[0] if found else None

    def pending(self, scope: TenantScope, pacs: ArchiveName) -> tuple[Message, ...]:
        """Those queued or leased, oldest first."""
        return self._messages(
            scope.tenant,
            select(pacs_message).where(*_at(scope, pacs), _M.state.in_(_OPEN)).order_by(_M.ordinal),
        )

    def dead(self, scope: TenantScope, pacs: ArchiveName, limit: int = 100) -> tuple[Message, ...]:
        """The dead letters, newest first."""
        return self._messages(
            scope.tenant,
            select(pacs_message)
            .where(*_at(scope, pacs), _M.state.in_(_DEAD))
            .order_by(_M.ended_at.desc(), _M.ordinal.desc())
            .limit(limit),
        )

    def overdue(
        self, now: datetime, place: tuple[TenantScope, ArchiveName] | None = None, limit: int = 500
    ) -> tuple[Message, ...]:
        """Those whose lease has ended, and queued ones that have expired."""
        lost = and_(_M.state == _LEASED, _M.due <= now)
        expired = and_(_M.state == _QUEUED, _M.expires_at <= now)
        within = () if place is None else _at(*place)
        return self._messages(
            ANY_TENANT if place is None else place[0].tenant,
            select(pacs_message).where(or_(lost, expired), *within).order_by(_M.due).limit(limit),
        )

    def look(self, results: Collection[str], now: datetime) -> Look:
        """What there is for those who wait."""
        with self._database.reading(ANY_TENANT) as connection:
            places = connection.execute(select(_M.tenant, _M.pacs).where(_may_be_leased(now)).distinct())
            fetchable = frozenset((TenantName(row.tenant), ArchiveName(row.pacs)) for row in places)
            waited = member(self._database.flavour, _M.message_id, sorted(results))
            final = connection.execute(select(_M.message_id).where(waited, _M.state.in_(_FINAL)))
            next_due = connection.execute(
                select(func.min(_M.due)).where(_M.state == _QUEUED, _M.due > now)
            ).scalar_one()
            return Look(fetchable, frozenset(final.scalars()), next_due)

    def depth(self, scope: TenantScope, pacs: ArchiveName) -> Depth:
        """How many messages there are."""
        with self._database.reading(scope.tenant) as connection:
            rows = connection.execute(
                select(_M.state, func.count().label("messages"), func.min(_M.requested_at).label("oldest"))
                .where(*_at(scope, pacs))
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

    def _tell(self) -> None:
        for changed in self._told:
            changed()

    def _messages(self, tenant: Whose, statement: Select[Any]) -> tuple[Message, ...]:
        with self._database.reading(tenant) as connection:
            return tuple(map(message_of, connection.execute(statement)))


def _at(scope: TenantScope, pacs: ArchiveName) -> tuple[ColumnElement[bool], ...]:
    return (_M.tenant == scope.tenant, _M.pacs == storable_text(pacs))


def _is(message: Message) -> tuple[ColumnElement[bool], ...]:
    return (_M.tenant == message.command.tenant, _M.message_id == message.command.message_id)


def _may_be_leased(now: datetime) -> ColumnElement[bool]:
    """It waits, its time has come, and nothing about the same entity is under way or came before it."""
    other = pacs_message.alias("other")
    comes_first = or_(other.c.state == _LEASED, and_(other.c.state == _QUEUED, other.c.ordinal < _M.ordinal))
    same = and_(
        other.c.tenant == _M.tenant,
        other.c.pacs == _M.pacs,
        other.c.entity == _M.entity,
        other.c.state.in_(_OPEN),
    )
    in_time = and_(_M.state == _QUEUED, _M.due <= now, _M.expires_at > now)
    return and_(in_time, ~exists().where(same, comes_first))


def _leased(message: Message, lease: Lease) -> Message:
    command = replace(message.command, attempt=message.command.attempt + 1)
    return replace(
        message, command=command, state=MessageState.LEASED, lease=lease, version=message.version + 1
    )


def _earlier(connection: Connection, new: Message, once: Once) -> Message | None:
    """What the requester has sent under this name.  Raises `ConflictError` if that was something else."""
    row: AnyRow | None = connection.execute(
        select(pacs_message).where(
            _M.tenant == new.command.tenant,
            _M.requested_by == new.command.requested_by,
            _M.once_key == once.key,
        )
    ).one_or_none()
    if row is None:
        return None
    if row.once_fingerprint != once.fingerprint:
        raise ConflictError("you have sent another request with this `Idempotency-Key`")
    return message_of(row)


def _added(connection: Connection, new: Message, once: Once | None, most: int, record: Record) -> Message:
    here = _at(TenantScope(new.command.tenant), new.command.pacs)
    some = select(_M.ordinal).where(*here, _M.state.in_(_OPEN)).limit(most).subquery()
    if connection.execute(select(func.count()).select_from(some)).scalar_one() >= most:
        raise TooSoonError(
            f"{most} requests wait for this PACS already", retry_after_seconds=_AGAIN_IN_SECONDS
        )
    last = connection.execute(select(func.coalesce(func.max(_M.ordinal), 0)).where(*here)).scalar_one()
    connection.execute(
        insert(pacs_message).values(
            **new_columns(new),
            ordinal=last + 1,
            once_key=None if once is None else once.key,
            once_fingerprint=None if once is None else once.fingerprint,
        )
    )
    record(new)
    announce(connection)
    return new
