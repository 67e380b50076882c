"""The queue of what is to be done in PACSes, and what a token may be used for.

A revision is history: it says what the tables were when it was written and takes
nothing from `schema`, which moves on.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, PrimaryKeyConstraint, Text

revision = "0012_queue"
down_revision = "0011_tenants"
branch_labels = None
depends_on = None

TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables and the columns."""
    op.create_table(
        "pacs_message",
        Column("tenant", TEXT, nullable=False),
        Column("message_id", TEXT, nullable=False),
        Column("pacs", TEXT, nullable=False),
        Column("ordinal", BigInteger(), nullable=False),
        Column("operation", TEXT, nullable=False),
        Column("entity", TEXT, nullable=False),
        Column("request", LargeBinary(), nullable=False),
        Column("requested_by", TEXT, nullable=False),
        Column("requested_at", BigInteger(), nullable=False),
        Column("expires_at", BigInteger(), nullable=False),
        Column("state", TEXT, nullable=False),
        Column("attempt", Integer(), nullable=False),
        Column("due", BigInteger(), nullable=False),
        Column("holder", TEXT),
        Column("lease", TEXT),
        Column("outcome", LargeBinary()),
        Column("ended_at", BigInteger()),
        Column("readable_until", BigInteger()),
        Column("version", BigInteger(), nullable=False),
        Column("once_key", TEXT),
        Column("once_fingerprint", LargeBinary()),
        PrimaryKeyConstraint("tenant", "message_id", name="pk_pacs_message"),
    )
    op.create_index("ix_pacs_message_message_id", "pacs_message", ["message_id"])
    op.create_index("ix_pacs_message_place", "pacs_message", ["tenant", "pacs", "state", "ordinal"])
    op.create_index("ix_pacs_message_entity", "pacs_message", ["tenant", "pacs", "entity", "state"])
    op.create_index("ix_pacs_message_state", "pacs_message", ["state", "due"])
    op.create_index(
        "ux_pacs_message_once", "pacs_message", ["tenant", "requested_by", "once_key"], unique=True
    )
    op.create_table(
        "agent_session",
        Column("tenant", TEXT, nullable=False),
        Column("pacs", TEXT, nullable=False),
        Column("account", TEXT, nullable=False),
        Column("seen_at", BigInteger(), nullable=False),
        PrimaryKeyConstraint("tenant", "pacs", "account", name="pk_agent_session"),
    )
    op.add_column("api_token", Column("purpose", TEXT, nullable=False, server_default="bearer"))
    op.add_column("api_token", Column("parent", TEXT))
