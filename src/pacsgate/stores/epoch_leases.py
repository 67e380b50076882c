"""Leases on the epochs: who answers from memory, until when, and how much of what changed it has seen.

On PostgreSQL a process may answer from memory while it holds a lease, which it
renews all the time.  Whoever changes something sends a notification and waits until
every lease shows that its holder has read the new epochs, or has run out.  So a
change that has returned is known to whoever still answers from memory, and a process
that hangs holds up a change for `LEASE_SECONDS` and no longer.

A lease ends by the clock of the server, its holder counts from before it asked for
it: however the two differ, the holder stops first.

Called by `epochs` (holders) and `database` (whoever changes something).
"""

import time

from sqlalchemy import BigInteger, Connection, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from pacsgate.stores.schema import epoch, epoch_lease

CHANNEL = "pacsgate_epochs"
LEASE_SECONDS = 1.0
RENEWAL_SECONDS = 0.3

_POLL_SECONDS = 0.002
"""A holder that is notified has read the epochs in about as long."""
_MOVED = "pacsgate epoch moved"

_NOW = func.floor(func.extract("epoch", func.clock_timestamp()) * 1_000_000).cast(BigInteger)
_SUM = select(func.coalesce(func.sum(epoch.c.value), 0).cast(BigInteger))
_PLATFORM = "platform"


def note_move(connection: Connection) -> None:
    """Within the transaction of a change: tell the holders, once it is committed."""
    connection.execute(select(func.pg_notify(CHANNEL, "")))
    connection.info[_MOVED] = True


def take_move(connection: Connection) -> bool:
    """Whether an epoch was moved on this connection since this was last asked."""
    return bool(connection.info.pop(_MOVED, False))


def await_holders(connection: Connection) -> None:
    """After the commit: wait until every holder has seen it or has lost its lease."""
    goal = connection.execute(_SUM).scalar_one()
    behind = select(epoch_lease.c.holder).where(epoch_lease.c.expires > _NOW, epoch_lease.c.seen < goal)
    while connection.execute(behind.limit(1)).first() is not None:
        time.sleep(_POLL_SECONDS)


def forget_ended(connection: Connection) -> None:
    """Drop the leases of processes that ended without a word."""
    connection.execute(delete(epoch_lease).where(epoch_lease.c.expires < _NOW - 60_000_000))


def renew(connection: Connection, holder: str) -> None:
    """Take the lease for `LEASE_SECONDS` more.  What is read afterwards may be answered from memory."""
    until = _NOW + literal(int(LEASE_SECONDS * 1_000_000))
    taken = insert(epoch_lease).values(tenant=_PLATFORM, holder=holder, seen=-1, expires=until)
    # A process that was held up for a minute has been forgotten: without a row no change would wait for it.
    connection.execute(
        taken.on_conflict_do_update(
            index_elements=[epoch_lease.c.tenant, epoch_lease.c.holder],
            set_={"expires": taken.excluded.expires},
        )
    )


def acknowledge(connection: Connection, holder: str, seen: int) -> None:
    """Say how far the holder has come; `seen` is the sum of the epochs that it answers with."""
    connection.execute(update(epoch_lease).where(epoch_lease.c.holder == holder).values(seen=seen))


def end(connection: Connection, holder: str) -> None:
    """Give the lease back."""
    connection.execute(delete(epoch_lease).where(epoch_lease.c.holder == holder))
