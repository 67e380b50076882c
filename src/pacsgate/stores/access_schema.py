"""The tables of identities, visits, credentials and access units, as they are now.

Called by the store in `access`, and by `schema`, which gathers all tables.

Invariants:
- `tenant` and `pacs` lead every primary key and every unique index;
- an assignment of a unit is kept when it ends.
"""

from sqlalchemy import Boolean, Column, Index, Integer, Table

from pacsgate.stores.columns import bytes_column, metadata, text_column
from pacsgate.stores.dialects import TEXT, Instant

pacs_identity = Table(
    "pacs_identity",
    metadata,
    text_column("tenant", key=True),
    text_column("pacs", key=True),
    text_column("identity_id", key=True),
    text_column("name"),
    text_column("email"),
    text_column("organization"),
    text_column("account"),
    Column("valid_from", Instant),
    Column("valid_to", Instant),
    Column("created_at", Instant, nullable=False),
    bytes_column("fields"),
    Index("ix_pacs_identity_account", "tenant", "pacs", "account"),
)

pacs_visit = Table(
    "pacs_visit",
    metadata,
    text_column("tenant", key=True),
    text_column("pacs", key=True),
    text_column("visit_id", key=True),
    text_column("visitor"),
    text_column("name"),
    text_column("email"),
    text_column("organization"),
    text_column("host"),
    text_column("account"),
    text_column("state"),
    Column("valid_from", Instant, nullable=False),
    Column("valid_to", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("checked_in_at", Instant),
    Column("ended_at", Instant),
    bytes_column("fields"),
    Index("ix_pacs_visit_account", "tenant", "pacs", "account"),
    Index("ix_pacs_visit_visitor", "tenant", "pacs", "visitor"),
    Index("ix_pacs_visit_state", "tenant", "pacs", "state", "valid_to"),
)

pacs_credential = Table(
    "pacs_credential",
    metadata,
    text_column("tenant", key=True),
    text_column("pacs", key=True),
    text_column("holder_kind", key=True),
    text_column("holder_id", key=True),
    text_column("credential_id", key=True),
    text_column("format"),
    Column("value", TEXT),
    text_column("label"),
    Column("active", Boolean, nullable=False),
    Column("valid_from", Instant),
    Column("valid_to", Instant),
    Column("created_at", Instant, nullable=False),
    text_column("reference"),
    Index("ux_pacs_credential_value", "tenant", "pacs", "format", "value", unique=True),
)
"""`value` is NULL, and so in no way of another, where the PACS makes the credential."""

access_unit = Table(
    "access_unit",
    metadata,
    text_column("tenant", key=True),
    text_column("pacs", key=True),
    text_column("unit_id", key=True),
    text_column("name"),
    text_column("kind"),
    text_column("description"),
)

unit_assignment = Table(
    "unit_assignment",
    metadata,
    text_column("tenant", key=True),
    text_column("pacs", key=True),
    text_column("holder_kind", key=True),
    text_column("holder_id", key=True),
    text_column("unit_id", key=True),
    Column("assigned_at", Instant, nullable=False),
    Column("removed_at", Instant),
    Index("ix_unit_assignment_unit", "tenant", "pacs", "unit_id", "holder_kind", "holder_id"),
)

executed_command = Table(
    "executed_command",
    metadata,
    text_column("tenant", key=True),
    text_column("pacs", key=True),
    text_column("message_id", key=True),
    Column("status", Integer, nullable=False),
    bytes_column("body"),
    Column("executed_at", Instant, nullable=False),
    Index("ix_executed_command_executed_at", "tenant", "pacs", "executed_at"),
)
"""What a command came to, so that one that is shown again is not carried out again."""
