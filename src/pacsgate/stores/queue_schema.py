"""The tables of what is to be done in PACSes, as they are now.

Called by `pacs_queue`, and by `schema`, which gathers all tables.

Invariants:
- `tenant` leads every primary key and every unique index.
"""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table

from pacsgate.stores.columns import bytes_column, metadata, number_column, text_column
from pacsgate.stores.dialects import TEXT, Instant

pacs_message = Table(
    "pacs_message",
    metadata,
    text_column("tenant", key=True),
    text_column("message_id", key=True),
    text_column("pacs"),
    number_column("ordinal"),
    text_column("operation"),
    text_column("entity"),
    bytes_column("request"),
    text_column("requested_by"),
    Column("requested_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    text_column("state"),
    Column("attempt", Integer, nullable=False),
    Column("due", Instant, nullable=False),
    Column("holder", TEXT),
    Column("lease", TEXT),
    Column("outcome", LargeBinary),
    Column("ended_at", Instant),
    Column("readable_until", Instant),
    number_column("version"),
    Column("once_key", TEXT),
    Column("once_fingerprint", LargeBinary),
    Index("ix_pacs_message_message_id", "message_id"),
    Index("ix_pacs_message_place", "tenant", "pacs", "state", "ordinal"),
    Index("ix_pacs_message_entity", "tenant", "pacs", "entity", "state"),
    Index("ix_pacs_message_state", "state", "due"),
    Index("ux_pacs_message_once", "tenant", "requested_by", "once_key", unique=True),
)
"""`ordinal` is the order of acceptance within a PACS.  `due` is when a queued one may be leased, when a lease
ends, and when a final one ended."""

agent_session = Table(
    "agent_session",
    metadata,
    text_column("tenant", key=True),
    text_column("pacs", key=True),
    text_column("account", key=True),
    Column("seen_at", Instant, nullable=False),
)
