"""The tables of people and devices, as they are now.

Called by the stores in `people`, and by `schema`, which gathers all tables.

Invariants:
- `tenant` leads every primary key and every unique index.
"""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKeyConstraint, Index, Integer, LargeBinary, Table

from pacsgate.stores.columns import bytes_column, metadata, number_column, text_column
from pacsgate.stores.dialects import TEXT, Instant

account = Table(
    "account",
    metadata,
    text_column("tenant", key=True),
    text_column("name", key=True),
    text_column("kind"),
    text_column("display_name"),
    Column("password_hash", TEXT),
    Column("disabled", Boolean, nullable=False),
    bytes_column("groups"),
    bytes_column("attributes"),
    Column("created_at", Instant),
    Column("last_sign_in_at", Instant),
    text_column("source"),
    text_column("disabled_by"),
    Column("starts", Instant),
    Column("until", Instant),
    Index("ix_account_name", "name"),
    Index("ix_account_source", "tenant", "source"),
)

assignment = Table(
    "assignment",
    metadata,
    text_column("tenant", key=True),
    text_column("account", key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    text_column("role"),
    Column("archive", TEXT),
    Column("collection", TEXT),
    Column("starts", Instant),
    Column("until", Instant),
    ForeignKeyConstraint(["tenant", "account"], ["account.tenant", "account.name"], ondelete="CASCADE"),
    Index("ix_assignment_role", "tenant", "role"),
)

role = Table(
    "role",
    metadata,
    text_column("tenant", key=True),
    text_column("name", key=True),
    bytes_column("may"),
    bytes_column("permissions"),
    Column("owner", TEXT),
    Column("description", TEXT),
    bytes_column("extends"),
    Column("approved_by", TEXT),
    Column("approved_at", TEXT),
    Column("template", TEXT),
    Column("longest_seconds", BigInteger),
)

role_giving = Table(
    "role_giving",
    metadata,
    text_column("tenant", key=True),
    text_column("account", key=True),
    number_column("giving_pk", key=True),
    text_column("role"),
    Column("archive", TEXT),
    Column("collection", TEXT),
    Column("starts", Instant, nullable=False),
    Column("until", Instant),
    text_column("given_by"),
    ForeignKeyConstraint(["tenant", "account"], ["account.tenant", "account.name"], ondelete="CASCADE"),
)
"""Who gave which role, also of assignments that are over or were taken away; `starts` is when it began."""

api_token = Table(
    "api_token",
    metadata,
    text_column("tenant", key=True),
    text_column("token_id", key=True),
    text_column("account"),
    bytes_column("secret_sha256"),
    text_column("label"),
    Column("actions", LargeBinary),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
    text_column("purpose"),
    Column("parent", TEXT),
    Column("suspended", Boolean, nullable=False),
    Index("ix_api_token_token_id", "token_id"),
    Index("ix_api_token_account", "tenant", "account"),
)

web_session = Table(
    "web_session",
    metadata,
    text_column("tenant", key=True),
    bytes_column("cookie_sha256", key=True),
    text_column("account"),
    Column("created_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    text_column("csrf_token"),
    Column("authenticated_at", Instant),
    bytes_column("methods"),
    Column("assurance_level", Integer, nullable=False),
    Column("second_factor_at", Instant),
    text_column("source"),
    Column("source_session", TEXT),
    Column("client_address", TEXT),
    text_column("user_agent"),
    Column("idle_seconds", Integer, nullable=False),
    Index("ix_web_session_cookie", "cookie_sha256"),
    Index("ix_web_session_account", "tenant", "account"),
    Index("ix_web_session_source", "tenant", "source", "source_session"),
)

access_grant = Table(
    "access_grant",
    metadata,
    text_column("tenant", key=True),
    text_column("grant_id", key=True),
    text_column("grantee_kind"),
    text_column("grantee"),
    text_column("target"),
    text_column("target_id"),
    bytes_column("actions"),
    text_column("granted_by"),
    Column("granted_at", Instant, nullable=False),
    Column("expires", Instant),
    Column("archive", TEXT),
    Index("ix_access_grant_grantee", "tenant", "grantee_kind", "grantee"),
)

sign_in_failure = Table(
    "sign_in_failure",
    metadata,
    text_column("tenant", key=True),
    text_column("name", key=True),
    Column("failures", Integer, nullable=False),
    Column("failed_at", Instant, nullable=False),
    Column("locked_until", Instant),
)

application_entity = Table(
    "application_entity",
    metadata,
    text_column("tenant", key=True),
    text_column("ae_title", key=True),
    Column("account", TEXT),
    text_column("networks"),
    Column("certificate_sha256", TEXT),
    Column("title_is_enough", Boolean, nullable=False),
    bytes_column("vouches_for"),
    Column("host", TEXT),
    Column("port", Integer),
    Column("tls", Boolean, nullable=False),
    text_column("owner"),
    text_column("description"),
    Column("valid_until", Instant),
    Column("disabled", Boolean, nullable=False),
    Index("ix_application_entity_account", "tenant", "account"),
)

used_assertion = Table(
    "used_assertion",
    metadata,
    text_column("tenant", key=True),
    text_column("issuer", key=True),
    text_column("assertion_id", key=True),
    Column("expires_at", Instant, nullable=False),
    Index("ix_used_assertion_expires_at", "tenant", "expires_at"),
)

setup_code = Table(
    "setup_code",
    metadata,
    text_column("tenant", key=True),
    bytes_column("code_sha256"),
    Column("expires_at", Instant, nullable=False),
)
