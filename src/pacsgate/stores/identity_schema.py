"""The tables of sign-in: links to identity sources, second factors, challenges, locks and groups.

Called by the stores in `people`, and by `schema`, which gathers all tables.

Invariants:
- `tenant` leads every primary key and every unique index;
- no secret stands in clear: what must be read again is sealed, what must not is hashed.
"""

from sqlalchemy import Column, Index, Table

from pacsgate.stores.columns import bytes_column, metadata, number_column, text_column
from pacsgate.stores.dialects import Instant

identity_link = Table(
    "identity_link",
    metadata,
    text_column("tenant", key=True),
    text_column("source", key=True),
    text_column("external_id", key=True),
    text_column("account"),
    Column("linked_at", Instant, nullable=False),
    Index("ux_identity_link_account", "tenant", "source", "account", unique=True),
    Index("ix_identity_link_account", "tenant", "account"),
)

factor = Table(
    "factor",
    metadata,
    text_column("tenant", key=True),
    text_column("factor_id", key=True),
    text_column("account"),
    text_column("kind"),
    text_column("label"),
    bytes_column("secret"),
    number_column("counter"),
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant),
    text_column("details"),
    Index("ix_factor_factor_id", "factor_id"),
    Index("ix_factor_account", "tenant", "account"),
)

challenge = Table(
    "challenge",
    metadata,
    text_column("tenant", key=True),
    bytes_column("number_sha256", key=True),
    text_column("purpose"),
    bytes_column("data"),
    Column("expires_at", Instant, nullable=False),
    Index("ix_challenge_expires_at", "tenant", "expires_at"),
)

sighting = Table(
    "sighting",
    metadata,
    text_column("tenant", key=True),
    text_column("account", key=True),
    text_column("place", key=True),
    Column("seen_at", Instant, nullable=False),
)

account_lock = Table(
    "account_lock",
    metadata,
    text_column("tenant", key=True),
    text_column("target", key=True),
    text_column("name", key=True),
    text_column("reason"),
    text_column("locked_by"),
    Column("locked_at", Instant, nullable=False),
    Column("until", Instant),
)

user_group = Table(
    "user_group",
    metadata,
    text_column("tenant", key=True),
    text_column("name", key=True),
    text_column("display_name"),
    text_column("source"),
    text_column("external_id"),
    Column("created_at", Instant),
    Index("ix_user_group_source", "tenant", "source", "external_id"),
)
