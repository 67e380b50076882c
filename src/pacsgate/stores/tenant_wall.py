"""The second line between tenants, on PostgreSQL: a connection shows the rows of one tenant at a time.

Every statement names its tenant, and that is the first line.  The second is row-level security: a
transaction says whose rows it is about before it reads or writes any, in the message that begins it, and
the server keeps all others out of sight, whatever a statement forgot to say.  What must cross, because
only the row found says whose it is (a token, a cookie, a link) or because it serves everybody (the way to
the trail, sweeps, what agents wait for), says so with `ANY_TENANT`.

Superusers and roles with BYPASSRLS are not kept out: `is_bypassed` tells.

Called by `database` and the stores; the policies are made by migration 0015.

Invariants:
- a transaction that has not said whose rows it is about sees none;
- what is said ends with the transaction, so that no connection carries it on to somebody else.

Standard: none; "Row Security Policies" in PostgreSQL's manual.
"""

from enum import Enum
from typing import Final

from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError

from pacsgate.model.tenant_names import TENANT_NAME


class AnyTenant(Enum):
    """No text, so that nothing which somebody sent can be taken for it."""

    ANY = "*"


ANY_TENANT: Final = AnyTenant.ANY
"""Whoever opens a transaction for it answers for what crosses."""
Whose = str | AnyTenant
"""Whose rows a transaction is about."""
UNWALLED: Final = frozenset({"serial", "epoch", "epoch_lease"})
"""Tables that count for the whole installation and hold nothing of anybody."""

_NOBODY = ""
_BYPASSED = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"


def whose(tenant: Whose) -> str:
    """What a connection is told; of a text that no tenant can be called, there are no rows."""
    if isinstance(tenant, AnyTenant):
        return tenant.value
    return tenant if TENANT_NAME.fullmatch(tenant) else _NOBODY


def within(tenant: Whose) -> str:
    """The statement that tells it, for the transaction that is open; names of tenants need no quoting."""
    return f"SET LOCAL pacsgate.tenant = '{whose(tenant)}'"


def is_bypassed(url: str) -> bool:
    """Whether the server would show this role the rows of every tenant; one that is away has said nothing."""
    try:
        parsed = make_url(url)
        is_kept_apart = parsed.get_backend_name() == "postgresql"
    except (ArgumentError, NoSuchModuleError):  # whoever opens it says so
        return False
    if not is_kept_apart:
        return False
    engine = create_engine(parsed.set(drivername="postgresql+psycopg"), hide_parameters=True)
    try:
        with engine.connect() as connection:
            return bool(connection.exec_driver_sql(_BYPASSED).scalar_one())
    except OperationalError:
        return False
    finally:
        engine.dispose()
