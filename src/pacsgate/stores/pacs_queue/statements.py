"""What the queue says to the database: each statement once, for all messages.

Called by `queue`.

Invariants:
- which message may be leased is said in one place, for who leases it and for who is told that there is one.
"""

from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    union_all,
    update,
)

from pacsgate.ports.pacs_queue import DEAD, MessageState
from pacsgate.stores.dialects import Instant
from pacsgate.stores.fixed import Fixed
from pacsgate.stores.queue_schema import pacs_message

_M = pacs_message.c
_OPEN_STATES = (MessageState.QUEUED, MessageState.LEASED)


def _is_in(state: ColumnElement[str], *states: MessageState) -> ColumnElement[bool]:
    """In so many words, as the indexes by state are asked."""
    return state.in_([literal_column(f"'{each.value}'") for each in states])


_QUEUED, _LEASED = _is_in(_M.state, MessageState.QUEUED), _is_in(_M.state, MessageState.LEASED)
_OPEN = _is_in(_M.state, *_OPEN_STATES)
_PLACE = and_(_M.tenant == bindparam("of_tenant"), _M.pacs == bindparam("of_pacs"))
_ONE = and_(_M.tenant == bindparam("of_tenant"), _M.message_id == bindparam("of_message"))


_DUE_AS_READ: ColumnElement[datetime] = _M.due.op("+", return_type=Instant())(literal_column("0"))
"""Looked at in the rows of one PACS, which are in order; its index holds what is due at all PACSes."""


def _may_be_leased(due: ColumnElement[datetime] = _DUE_AS_READ) -> ColumnElement[bool]:
    """It waits, its time has come, and nothing about the same entity is under way or came before it."""
    other = pacs_message.alias("other")
    same = and_(other.c.tenant == _M.tenant, other.c.pacs == _M.pacs, other.c.entity == _M.entity)
    is_open = _is_in(other.c.state, *_OPEN_STATES)
    goes_first = or_(_is_in(other.c.state, MessageState.LEASED), other.c.ordinal < _M.ordinal)
    in_time = and_(_QUEUED, due <= bindparam("now"), _M.expires_at > bindparam("now"))
    return and_(in_time, ~exists().where(same, is_open, goes_first))


_LOST = and_(_LEASED, _M.due <= bindparam("now"))
_EXPIRED = and_(_QUEUED, _M.expires_at <= bindparam("now"))
_TOO_FAR = _M.due > bindparam("furthest")
"""Nothing waits so long: the clock has gone back since."""
_OVERDUE = and_(_OPEN, or_(_LOST, _EXPIRED, _TOO_FAR))

FIRST = Fixed(
    select(pacs_message)
    .where(_PLACE, _may_be_leased())
    .order_by(_M.ordinal)
    .limit(1)
    .with_for_update(skip_locked=True)
)
"""The first that may be leased, passing over what somebody is just changing."""
BY_ID = Fixed(select(pacs_message).where(_PLACE, _M.message_id == bindparam("of_message")))
BY_NAME = Fixed(
    select(pacs_message).where(
        _M.tenant == bindparam("of_tenant"),
        _M.requested_by == bindparam("of_requester"),
        _M.once_key == bindparam("key"),
    )
)
PENDING = Fixed(select(pacs_message).where(_PLACE, _OPEN).order_by(_M.ordinal))
DEAD_LETTERS = Fixed(
    select(pacs_message)
    .where(_PLACE, _is_in(_M.state, *DEAD))
    .order_by(_M.ended_at.desc(), _M.ordinal.desc())
    .limit(bindparam("most"))
)
OVERDUE = Fixed(select(pacs_message).where(_OVERDUE).order_by(_M.due).limit(bindparam("most")))
OVERDUE_HERE = Fixed(select(pacs_message).where(_PLACE, _OVERDUE).order_by(_M.due).limit(bindparam("most")))

OPEN = Fixed(
    select(func.count().label("messages")).select_from(
        select(_M.ordinal).where(_PLACE, _OPEN).limit(bindparam("most")).subquery()
    )
)
"""How many wait for a PACS, counted up to so many."""
_LASTS = union_all(
    *(
        select(func.max(_M.ordinal).label("ordinal")).where(_PLACE, _is_in(_M.state, each))
        for each in MessageState
    )
).subquery()
LAST = Fixed(select(func.coalesce(func.max(_LASTS.c.ordinal), 0).label("ordinal")))
"""The last place in the order of a PACS, from the end of its index for each state: many are kept for long."""
ADD = Fixed(insert(pacs_message))
REPLACE = Fixed(
    update(pacs_message)
    .where(_ONE, _M.version == bindparam("before"))
    .values(version=_M.version + 1)
    .returning(_M.version)
)
SAME_ENTITY = Fixed(
    select(_M.message_id)
    .where(_PLACE, _M.entity == bindparam("of_entity"), _QUEUED, _M.message_id != bindparam("of_message"))
    .limit(1)
)
"""Whether anything else about the entity of a message waits."""

FETCHABLE = Fixed(select(_M.tenant, _M.pacs).where(_OPEN, or_(_may_be_leased(_M.due), _OVERDUE)).distinct())
"""Where whoever comes gets something, or ends what holds it up."""
FETCHABLE_HERE = Fixed(select(_M.message_id).where(_PLACE, _OPEN, or_(_may_be_leased(), _OVERDUE)).limit(1))
NEXT_DUE = Fixed(select(func.min(_M.due).label("due")).where(_OPEN, _M.due > bindparam("now")))
