"""An administrative change: its rows, its epoch and its audit event, in one transaction.

Called by the stores of people, revisions and labels.

Invariants:
- either all three are committed or none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update

from pacsgate.audit.canonical import encode_event
from pacsgate.audit.events import AuditEvent
from pacsgate.stores import epoch_leases
from pacsgate.stores.database import Database
from pacsgate.stores.dialects import Flavour
from pacsgate.stores.schema import epoch, outbox
from pacsgate.stores.serials import OUTBOX, next_number

INSTALLATION = "platform"
"""The tenant under which numbers of the whole installation are kept."""


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
    with database.writing() as connection:
        yield connection
        move_epoch(connection, tenant, topic)
        if event is not None:
            post(connection, tenant, event)


def post(connection: Connection, tenant: str, event: AuditEvent) -> None:
    """Leave an event for the trail, in a transaction of whatever it tells of."""
    connection.execute(
        insert(outbox).values(
            tenant=tenant,
            # Rows of all tenants are delivered in one order.
            outbox_pk=next_number(connection, INSTALLATION, OUTBOX),
            event=encode_event(event),
        )
    )


def move_epoch(connection: Connection, tenant: str, topic: Topic) -> int:
    """Let every cache of this topic know that it is out of date.  Returns the new epoch."""
    here = (epoch.c.tenant == tenant) & (epoch.c.name == topic)
    last: int = connection.execute(select(epoch.c.value).where(here)).scalar_one_or_none() or 0
    if not last:
        connection.execute(insert(epoch).values(tenant=tenant, name=topic, value=1))
    else:
        connection.execute(update(epoch).where(here).values(value=last + 1))
    if connection.dialect.name == Flavour.POSTGRESQL:
        epoch_leases.note_move(connection)
    return last + 1
