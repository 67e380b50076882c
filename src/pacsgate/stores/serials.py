"""Numbers that are given out once.

A row's number must never be given to another row, even after the first is gone,
because processes remember access classes by number.  Neither database promises
that of its own row numbers when `tenant` leads the key.

Called inside writing transactions only, which run one at a time (`dialects.begin_writing`).
"""

from typing import Final

from sqlalchemy import Connection, insert, select, update

from pacsgate.stores.schema import serial

CLASS: Final = "class"
STUDY: Final = "study"
REVISION: Final = "revision"
OUTBOX: Final = "outbox"


def next_number(connection: Connection, tenant: str, name: str) -> int:
    """One more than was given out last under this name; the first is 1."""
    here = (serial.c.tenant == tenant) & (serial.c.name == name)
    last: int | None = connection.execute(select(serial.c.value).where(here)).scalar_one_or_none()
    if last is None:
        connection.execute(insert(serial).values(tenant=tenant, name=name, value=1))
        return 1
    connection.execute(update(serial).where(here).values(value=last + 1))
    return last + 1
