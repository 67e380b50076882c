"""The table of jobs and queries that were started in guarded archives, as it is now.

Called by `owned_handles`, and by `schema`, which gathers all tables.

Invariants:
- `tenant` leads every primary key and every unique index.
"""

from sqlalchemy import Column, Index, Table

from pacsgate.stores.columns import bytes_column, metadata, text_column
from pacsgate.stores.dialects import Instant

owned_handle = Table(
    "owned_handle",
    metadata,
    text_column("tenant", key=True),
    text_column("archive", key=True),
    text_column("kind", key=True),
    text_column("handle", key=True),
    text_column("subject"),
    bytes_column("decided"),
    Column("started_at", Instant, nullable=False),
    Index("ix_owned_handle_subject", "tenant", "archive", "kind", "subject"),
)
