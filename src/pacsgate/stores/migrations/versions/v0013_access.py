"""Access control of PACSes, the commands that were carried out, and grants for one archive.

A revision is history: it says what the tables were when it was written and takes
nothing from `schema`, which moves on.
"""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, PrimaryKeyConstraint, Text, false

revision = "0013_access"
down_revision = "0012_queue"
branch_labels = None
depends_on = None

TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables; add the columns."""
    op.add_column("access_grant", Column("archive", TEXT))
    op.add_column("api_token", Column("suspended", Boolean(), nullable=False, server_default=false()))
    op.create_table(
        "pacs_identity",
        Column("tenant", TEXT, nullable=False),
        Column("pacs", TEXT, nullable=False),
        Column("identity_id", TEXT, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("email", TEXT, nullable=False),
        Column("organization", TEXT, nullable=False),
        Column("account", TEXT, nullable=False),
        Column("valid_from", BigInteger()),
        Column("valid_to", BigInteger()),
        Column("created_at", BigInteger(), nullable=False),
        Column("fields", LargeBinary(), nullable=False),
        PrimaryKeyConstraint("tenant", "pacs", "identity_id", name="pk_pacs_identity"),
    )
    op.create_index("ix_pacs_identity_account", "pacs_identity", ["tenant", "pacs", "account"])
    op.create_table(
        "pacs_visit",
        Column("tenant", TEXT, nullable=False),
        Column("pacs", TEXT, nullable=False),
        Column("visit_id", TEXT, nullable=False),
        Column("visitor", TEXT, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("email", TEXT, nullable=False),
        Column("organization", TEXT, nullable=False),
        Column("host", TEXT, nullable=False),
        Column("account", TEXT, nullable=False),
        Column("state", TEXT, nullable=False),
        Column("valid_from", BigInteger(), nullable=False),
        Column("valid_to", BigInteger(), nullable=False),
        Column("created_at", BigInteger(), nullable=False),
        Column("checked_in_at", BigInteger()),
        Column("ended_at", BigInteger()),
        Column("fields", LargeBinary(), nullable=False),
        PrimaryKeyConstraint("tenant", "pacs", "visit_id", name="pk_pacs_visit"),
    )
    op.create_index("ix_pacs_visit_account", "pacs_visit", ["tenant", "pacs", "account"])
    op.create_index("ix_pacs_visit_visitor", "pacs_visit", ["tenant", "pacs", "visitor"])
    op.create_index("ix_pacs_visit_state", "pacs_visit", ["tenant", "pacs", "state", "valid_to"])
    op.create_table(
        "pacs_credential",
        Column("tenant", TEXT, nullable=False),
        Column("pacs", TEXT, nullable=False),
        Column("holder_kind", TEXT, nullable=False),
        Column("holder_id", TEXT, nullable=False),
        Column("credential_id", TEXT, nullable=False),
        Column("format", TEXT, nullable=False),
        Column("value", TEXT),
        Column("label", TEXT, nullable=False),
        Column("active", Boolean(), nullable=False),
        Column("valid_from", BigInteger()),
        Column("valid_to", BigInteger()),
        Column("created_at", BigInteger(), nullable=False),
        Column("reference", TEXT, nullable=False),
        PrimaryKeyConstraint(
            "tenant", "pacs", "holder_kind", "holder_id", "credential_id", name="pk_pacs_credential"
        ),
    )
    op.create_index(
        "ux_pacs_credential_value", "pacs_credential", ["tenant", "pacs", "format", "value"], unique=True
    )
    op.create_table(
        "access_unit",
        Column("tenant", TEXT, nullable=False),
        Column("pacs", TEXT, nullable=False),
        Column("unit_id", TEXT, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("kind", TEXT, nullable=False),
        Column("description", TEXT, nullable=False),
        PrimaryKeyConstraint("tenant", "pacs", "unit_id", name="pk_access_unit"),
    )
    op.create_table(
        "unit_assignment",
        Column("tenant", TEXT, nullable=False),
        Column("pacs", TEXT, nullable=False),
        Column("holder_kind", TEXT, nullable=False),
        Column("holder_id", TEXT, nullable=False),
        Column("unit_id", TEXT, nullable=False),
        Column("assigned_at", BigInteger(), nullable=False),
        Column("removed_at", BigInteger()),
        PrimaryKeyConstraint(
            "tenant", "pacs", "holder_kind", "holder_id", "unit_id", name="pk_unit_assignment"
        ),
    )
    op.create_index(
        "ix_unit_assignment_unit",
        "unit_assignment",
        ["tenant", "pacs", "unit_id", "holder_kind", "holder_id"],
    )
    op.create_table(
        "executed_command",
        Column("tenant", TEXT, nullable=False),
        Column("pacs", TEXT, nullable=False),
        Column("message_id", TEXT, nullable=False),
        Column("status", Integer(), nullable=False),
        Column("body", LargeBinary(), nullable=False),
        Column("executed_at", BigInteger(), nullable=False),
        PrimaryKeyConstraint("tenant", "pacs", "message_id", name="pk_executed_command"),
    )
    op.create_index("ix_executed_command_executed_at", "executed_command", ["tenant", "pacs", "executed_at"])
