"""The tables of what agents report: events, logs, contact, and where people are.

Called by the stores in `agents` and `people.users`, and by `schema`, which gathers all tables.

Invariants:
- `tenant` leads every primary key and every unique index;
- a person is in one zone of a PACS at a time.
"""

from sqlalchemy import Boolean, Column, Index, Table

from pacsgate.stores.columns import metadata, number_column, text_column
from pacsgate.stores.dialects import TEXT, Instant

pacs_event = Table(
    "pacs_event",
    metadata,
    text_column("tenant", key=True),
    text_column("pacs", key=True),
    text_column("event_id", key=True),
    number_column("number"),
    text_column("kind"),
    Column("at", Instant, nullable=False),
    Column("holder", TEXT),
    Column("account", TEXT),
    Column("zone", TEXT),
    text_column("details"),
    Column("received_at", Instant, nullable=False),
    Index("ux_pacs_event_number", "tenant", "pacs", "number", unique=True),
)

agent_log = Table(
    "agent_log",
    metadata,
    text_column("tenant", key=True),
    text_column("pacs", key=True),
    text_column("entry_id", key=True),
    number_column("number"),
    Column("at", Instant, nullable=False),
    text_column("level"),
    text_column("event"),
    text_column("details"),
    Column("received_at", Instant, nullable=False),
    Index("ux_agent_log_number", "tenant", "pacs", "number", unique=True),
)

agent_contact = Table(
    "agent_contact",
    metadata,
    text_column("tenant", key=True),
    text_column("pacs", key=True),
    Column("at", Instant, nullable=False),
    Column("silent", Boolean, nullable=False),
)
"""When the agent of a PACS last said that it has told everything."""

presence = Table(
    "presence",
    metadata,
    text_column("tenant", key=True),
    text_column("account", key=True),
    text_column("pacs", key=True),
    text_column("zone"),
    Column("since", Instant, nullable=False),
    Index("ix_presence_pacs", "tenant", "pacs"),
)
"""Where each PACS that knows says that somebody is; the zone `""` is outside."""
