"""Numbers that are given out once.

A row's number must never be given to another row, even after the first is gone,
because processes remember access classes by number.  Neither database promises
that of its own row numbers when `tenant` leads the key.

`next_number` is called inside writing transactions only, which run one at a time (`dialects.begin_writing`).
"""

from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, update

from pacsgate.stores.fixed import Fixed
from pacsgate.stores.schema import serial

CLASS: Final = "class"
KIND: Final = "kind"
STUDY: Final = "study"
REVISION: Final = "revision"
OUTBOX: Final = "outbox"
NOTICE: Final = "notice"


_LAST = Fixed(
    select(serial.c.value).where(serial.c.tenant == bindparam("tenant"), serial.c.name == bindparam("name"))
)
_GIVEN = Fixed(
    update(serial).where(serial.c.tenant == bindparam("of_tenant"), serial.c.name == bindparam("of_name"))
)


def next_number(connection: Connection, tenant: str, name: str) -> int:
    """One more than was given out last under this name; the first is 1."""
    last = last_number(connection, tenant, name)
    if not last:
        connection.execute(insert(serial), {"tenant": tenant, "name": name, "value": 1})
        return 1
    _GIVEN.run(connection, {"of_tenant": tenant, "of_name": name, "value": last + 1})
    return last + 1


def last_number(connection: Connection, tenant: str, name: str) -> int:
    """The number that was given out last under this name; 0 if none was."""
    found = _LAST.first(connection, {"tenant": tenant, "name": name})
    return 0 if found is None else int(found.value)
