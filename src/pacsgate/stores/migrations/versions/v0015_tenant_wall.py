"""PostgreSQL keeps tenants apart by itself: every table shows the rows of one tenant at a time.

A revision is history: it says what was so when it was written and takes nothing from
`schema`, which moves on.  A table that comes later brings its own policy.
"""

from alembic import op
from sqlalchemy import Connection, text

revision = "0015_tenant_wall"
down_revision = "0014_agents"
branch_labels = None
depends_on = None

_UNWALLED = ("epoch", "epoch_lease", "serial")
"""Numbers of the whole installation."""

# Asked for once for each statement, and not once for each row.
_SETTING = "(SELECT current_setting('pacsgate.tenant', true))"


def upgrade() -> None:
    """Make a policy for every table with tenants.  SQLite has none: there the statements alone keep apart."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    for table in _tables(connection):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant_wall ON {table} USING (tenant = {_SETTING} OR {_SETTING} = '*')")


def _tables(connection: Connection) -> list[str]:
    found = connection.execute(
        text(
            "SELECT table_name FROM information_schema.columns WHERE table_schema = current_schema()"
            " AND column_name = 'tenant' ORDER BY table_name"
        )
    )
    return [name for name in found.scalars() if name not in _UNWALLED]
