"""The tables by which the index keeps up with archives: what they call things, and how far they were read.

Called by `orthanc_names`, `feeds` and `study_index`, and by `schema`, which gathers all tables.

Invariants:
- `tenant` leads every primary key and every unique index.
"""

from sqlalchemy import Boolean, Column, Table

from pacsgate.stores.columns import bytes_column, metadata, number_column, text_column
from pacsgate.stores.dialects import Instant

orthanc_name = Table(
    "orthanc_name",
    metadata,
    text_column("tenant", key=True),
    number_column("number", key=True),
    number_column("study_pk", key=True),
    sqlite_with_rowid=False,
)
"""Leads from Orthanc identifiers to studies (`orthanc_names`).  With a row for each instance, it has neither
foreign key nor archive: an index for the one would make it twice as large, the other half as large again."""

feed_state = Table(
    "feed_state",
    metadata,
    text_column("tenant", key=True),
    text_column("archive", key=True),
    number_column("cursor"),
    bytes_column("anchors"),
    Column("crawled", Boolean, nullable=False),
    Column("current_at", Instant),
    bytes_column("settled"),
)
"""How far the log of changes of each fed archive was read (`ports.feeds.FeedState`)."""

sync_cursor = Table(
    "sync_cursor",
    metadata,
    text_column("tenant", key=True),
    text_column("archive", key=True),
    text_column("cursor"),
    Column("began_at", Instant, nullable=False),
)
