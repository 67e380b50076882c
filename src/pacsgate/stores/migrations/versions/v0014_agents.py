"""Agents: what they report, where people are, and an agent's own store of what it has still to tell.

A revision is history: it says what the tables were when it was written and takes
nothing from `schema`, which moves on.
"""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Integer, PrimaryKeyConstraint, Text

revision = "0014_agents"
down_revision = "0013_access"
branch_labels = None
depends_on = None

TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables."""
    _reports()
    _site()


def _reports() -> None:
    op.create_table(
        "pacs_event",
        Column("tenant", TEXT, nullable=False),
        Column("pacs", TEXT, nullable=False),
        Column("event_id", TEXT, nullable=False),
        Column("number", BigInteger(), nullable=False),
        Column("kind", TEXT, nullable=False),
        Column("at", BigInteger(), nullable=False),
        Column("holder", TEXT),
        Column("account", TEXT),
        Column("zone", TEXT),
        Column("details", TEXT, nullable=False),
        Column("received_at", BigInteger(), nullable=False),
        PrimaryKeyConstraint("tenant", "pacs", "event_id", name="pk_pacs_event"),
    )
    op.create_index("ux_pacs_event_number", "pacs_event", ["tenant", "pacs", "number"], unique=True)
    op.create_table(
        "agent_log",
        Column("tenant", TEXT, nullable=False),
        Column("pacs", TEXT, nullable=False),
        Column("entry_id", TEXT, nullable=False),
        Column("number", BigInteger(), nullable=False),
        Column("at", BigInteger(), nullable=False),
        Column("level", TEXT, nullable=False),
        Column("event", TEXT, nullable=False),
        Column("details", TEXT, nullable=False),
        Column("received_at", BigInteger(), nullable=False),
        PrimaryKeyConstraint("tenant", "pacs", "entry_id", name="pk_agent_log"),
    )
    op.create_index("ux_agent_log_number", "agent_log", ["tenant", "pacs", "number"], unique=True)
    op.create_table(
        "agent_contact",
        Column("tenant", TEXT, nullable=False),
        Column("pacs", TEXT, nullable=False),
        Column("at", BigInteger(), nullable=False),
        Column("silent", Boolean(), nullable=False),
        PrimaryKeyConstraint("tenant", "pacs", name="pk_agent_contact"),
    )
    op.create_table(
        "presence",
        Column("tenant", TEXT, nullable=False),
        Column("account", TEXT, nullable=False),
        Column("pacs", TEXT, nullable=False),
        Column("zone", TEXT, nullable=False),
        Column("since", BigInteger(), nullable=False),
        PrimaryKeyConstraint("tenant", "account", "pacs", name="pk_presence"),
    )
    op.create_index("ix_presence_pacs", "presence", ["tenant", "pacs"])


def _site() -> None:
    op.create_table(
        "site_response",
        Column("tenant", TEXT, nullable=False),
        Column("pacs", TEXT, nullable=False),
        Column("message_id", TEXT, nullable=False),
        Column("lease", TEXT, nullable=False),
        Column("status", Integer(), nullable=False),
        Column("body", TEXT, nullable=False),
        Column("made_at", BigInteger(), nullable=False),
        PrimaryKeyConstraint("tenant", "pacs", "message_id", name="pk_site_response"),
    )
    op.create_table(
        "site_event",
        Column("tenant", TEXT, nullable=False),
        Column("pacs", TEXT, nullable=False),
        Column("number", BigInteger(), nullable=False),
        Column("event_id", TEXT, nullable=False),
        Column("event", TEXT, nullable=False),
        PrimaryKeyConstraint("tenant", "pacs", "number", name="pk_site_event"),
    )
    op.create_index("ux_site_event_event_id", "site_event", ["tenant", "pacs", "event_id"], unique=True)
    op.create_table(
        "site_log",
        Column("tenant", TEXT, nullable=False),
        Column("pacs", TEXT, nullable=False),
        Column("number", BigInteger(), nullable=False),
        Column("entry_id", TEXT, nullable=False),
        Column("entry", TEXT, nullable=False),
        PrimaryKeyConstraint("tenant", "pacs", "number", name="pk_site_log"),
    )
    op.create_table(
        "site_cursor",
        Column("tenant", TEXT, nullable=False),
        Column("pacs", TEXT, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("value", TEXT, nullable=False),
        PrimaryKeyConstraint("tenant", "pacs", "name", name="pk_site_cursor"),
    )
    op.create_table(
        "door_plan",
        Column("tenant", TEXT, nullable=False),
        Column("pacs", TEXT, nullable=False),
        Column("plan", TEXT, nullable=False),
        PrimaryKeyConstraint("tenant", "pacs", name="pk_door_plan"),
    )
    op.create_table(
        "door_whereabouts",
        Column("tenant", TEXT, nullable=False),
        Column("pacs", TEXT, nullable=False),
        Column("holder", TEXT, nullable=False),
        Column("zone", TEXT, nullable=False),
        Column("since", BigInteger(), nullable=False),
        PrimaryKeyConstraint("tenant", "pacs", "holder", name="pk_door_whereabouts"),
    )
