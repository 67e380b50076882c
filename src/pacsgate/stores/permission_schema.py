"""The tables of study permissions, as they are now.

A permission belongs to a StudyInstanceUID and to no row of the index: it may be there before the
study and after it.  `permission_holding` says which holdings there are, so that the engine
need not look for those that nobody has.

Called by `permissions` and `study_row`, and by `schema`, which gathers all tables.

Invariants:
- `tenant` leads every primary key and every unique index;
- a holding is in `permission_holding` exactly while some study has it.
"""

from sqlalchemy import Column, Index, Table

from pacsgate.stores.columns import metadata, number_column, text_column
from pacsgate.stores.dialects import Instant

study_permission = Table(
    "study_permission",
    metadata,
    text_column("tenant", key=True),
    text_column("study_instance_uid", key=True),
    text_column("grantee_kind", key=True),
    text_column("grantee", key=True),
    text_column("action", key=True),
    text_column("origin"),
    text_column("granted_by"),
    Column("granted_at", Instant, nullable=False),
    Index("ix_study_permission_grantee", "tenant", "grantee_kind", "grantee"),
    sqlite_with_rowid=False,
)

permission_holding = Table(
    "permission_holding",
    metadata,
    text_column("tenant", key=True),
    text_column("grantee_kind", key=True),
    text_column("grantee", key=True),
    text_column("action", key=True),
    number_column("studies"),
)
"""`studies` counts the permissions of the holding."""
