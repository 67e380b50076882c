"""An administrative change, in one transaction: its rows, its epoch, its audit event, what others are told.

Called by the stores of people, revisions and labels.

Invariants:
- either all of it is committed or nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from sqlalchemy import Connection, bindparam, delete, insert, update

from pacsgate.audit.canonical import encode_event
from pacsgate.audit.events import AuditEvent
from pacsgate.audit.notices import TOLD_FOR, is_told
from pacsgate.stores import epoch_leases
from pacsgate.stores.database import Database
from pacsgate.stores.dialects import Flavour
from pacsgate.stores.fixed import Fixed
from pacsgate.stores.notice_schema import admin_notice
from pacsgate.stores.schema import epoch, outbox
from pacsgate.stores.serials import NOTICE, OUTBOX, next_number

INSTALLATION = "platform"
"""The tenant under which numbers of the whole installation are kept."""


_MOST_TOLD = 10_000
"""Notices of a tenant; the trail has all."""
_MOVED = Fixed(
    update(epoch)
    .where(epoch.c.tenant == bindparam("of_tenant"), epoch.c.name == bindparam("of_topic"))
    .values(value=epoch.c.value + 1)
    .returning(epoch.c.value)
)


class Topic(StrEnum):
    """What a change touches; each has its own epoch, named as in `ports.Epochs`."""

    POLICY = "policy"
    USERS = "users"
    GRANTS = "grants"
    LABELS = "labels"
    LOCKS = "locks"
    INDEX = "index"


@contextmanager
def change(database: Database, tenant: str, topic: Topic, event: AuditEvent | None) -> Iterator[Connection]:
    """Open the transaction of one change.

    Only what is no administrative act (a session that ends, say) comes without an event.
    """
    with database.writing(tenant) as connection:
        yield connection
        move_epoch(connection, tenant, topic)
        if event is not None:
            post(connection, tenant, event)


def post(connection: Connection, tenant: str, event: AuditEvent) -> None:
    """Leave an event for the trail, in a transaction of whatever it tells of."""
    encoded = encode_event(event)
    connection.execute(
        insert(outbox).values(
            tenant=tenant,
            # Rows of all tenants are delivered in one order.
            outbox_pk=next_number(connection, INSTALLATION, OUTBOX),
            event=encoded,
        )
    )
    if is_told(event):
        _tell(connection, tenant, event, encoded)


def _tell(connection: Connection, tenant: str, event: AuditEvent, encoded: bytes) -> None:
    """Keep a notice for the other administrators, and forget what is old."""
    number = next_number(connection, tenant, NOTICE)
    connection.execute(
        insert(admin_notice).values(
            tenant=tenant,
            notice_pk=number,
            at=event.at,
            kind=event.kind.name,
            actor=event.actor.name,
            event=encoded,
        )
    )
    old = (admin_notice.c.at < event.at - TOLD_FOR) | (admin_notice.c.notice_pk <= number - _MOST_TOLD)
    connection.execute(delete(admin_notice).where(admin_notice.c.tenant == tenant, old))


def move_epoch(connection: Connection, tenant: str, topic: Topic) -> int:
    """Let every cache of this topic know that it is out of date.  Returns the new epoch."""
    here = {"of_tenant": tenant, "of_topic": topic}
    found = _MOVED.first(connection, here)
    moved = 1 if found is None else int(found.value)
    if found is None:
        connection.execute(insert(epoch).values(tenant=tenant, name=topic, value=moved))
    if connection.dialect.name == Flavour.POSTGRESQL:
        epoch_leases.note_move(connection)
    return moved
