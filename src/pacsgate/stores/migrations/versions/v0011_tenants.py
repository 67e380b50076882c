"""Tenants, their PACSes, and how often they call.

A revision is history: it says what the tables were when it was written and takes
nothing from `schema`, which moves on.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary, PrimaryKeyConstraint, Text, column, insert, table

revision = "0011_tenants"
down_revision = "0010_notices"
branch_labels = None
depends_on = None

TEXT = Text().with_variant(Text(collation="C"), "postgresql")

_NO_FIELDS = b"\x80"
"""An empty map in MessagePack."""
_FIRST = {"default": "Default", "platform": "Platform"}


def upgrade() -> None:
    """Create the tables, and the tenants that every installation has."""
    op.create_table(
        "tenant",
        Column("tenant", TEXT, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("identity_fields", LargeBinary(), nullable=False),
        Column("visit_fields", LargeBinary(), nullable=False),
        Column("registered_at", BigInteger()),
        Column("registered_by", TEXT, nullable=False),
        Column("counted_since", BigInteger()),
        PrimaryKeyConstraint("tenant", name="pk_tenant"),
    )
    op.create_table(
        "tenant_call",
        Column("tenant", TEXT, nullable=False),
        Column("operation", TEXT, nullable=False),
        Column("calls", BigInteger(), nullable=False),
        PrimaryKeyConstraint("tenant", "operation", name="pk_tenant_call"),
    )
    op.create_table(
        "pacs",
        Column("tenant", TEXT, nullable=False),
        Column("pacs", TEXT, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("kind", TEXT, nullable=False),
        Column("agent", TEXT, nullable=False),
        Column("features", LargeBinary()),
        Column("configuration", LargeBinary(), nullable=False),
        Column("registered_at", BigInteger()),
        Column("registered_by", TEXT, nullable=False),
        PrimaryKeyConstraint("tenant", "pacs", name="pk_pacs"),
    )
    columns = ("tenant", "name", "identity_fields", "visit_fields", "registered_by")
    op.execute(
        insert(table("tenant", *map(column, columns))).values(
            [(tenant, name, _NO_FIELDS, _NO_FIELDS, "") for tenant, name in _FIRST.items()]
        )
    )
