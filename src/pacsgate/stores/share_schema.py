"""The table of links to single objects, as it is now.

Called by `shares`, and by `schema`, which gathers all tables.

Invariants:
- `tenant` leads every primary key and every unique index.
"""

from sqlalchemy import Column, Index, Table

from pacsgate.stores.columns import bytes_column, metadata, text_column
from pacsgate.stores.dialects import Instant

share = Table(
    "share",
    metadata,
    text_column("tenant", key=True),
    text_column("share_id", key=True),
    bytes_column("secret_sha256"),
    text_column("archive"),
    text_column("account"),
    text_column("purpose"),
    text_column("label"),
    bytes_column("objects"),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Index("ix_share_share_id", "share_id"),
)
