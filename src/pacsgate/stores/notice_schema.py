"""The tables of notices: what others are told of administrative changes, and how far each has seen them.

Called by `changes`, `notices` and `people`, and by `schema`, which gathers all tables.

Invariants:
- `tenant` leads every primary key and every unique index.
"""

from sqlalchemy import Column, Index, Table

from pacsgate.stores.columns import bytes_column, metadata, number_column, text_column
from pacsgate.stores.dialects import Instant

admin_notice = Table(
    "admin_notice",
    metadata,
    text_column("tenant", key=True),
    number_column("notice_pk", key=True),
    Column("at", Instant, nullable=False),
    text_column("kind"),
    text_column("actor"),
    bytes_column("event"),
    Index("ix_admin_notice_at", "tenant", "at"),
)

notice_seen = Table(
    "notice_seen",
    metadata,
    text_column("tenant", key=True),
    text_column("account", key=True),
    number_column("notice_pk"),
)
"""The last notice that somebody has seen; it goes with the account."""
