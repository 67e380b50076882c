"""People, what they hold, and the revisions that govern them.

A revision is history: it says what the tables were when it was written and takes
nothing from `schema`, which moves on.
"""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
)

revision = "0002_people"
down_revision = "0001_index"
branch_labels = None
depends_on = None

TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables about people, policies and the way to the trail."""
    op.create_table(
        "access_grant",
        Column("tenant", TEXT, nullable=False),
        Column("grant_id", TEXT, nullable=False),
        Column("grantee_kind", TEXT, nullable=False),
        Column("grantee", TEXT, nullable=False),
        Column("target", TEXT, nullable=False),
        Column("target_id", TEXT, nullable=False),
        Column("actions", LargeBinary(), nullable=False),
        Column("granted_by", TEXT, nullable=False),
        Column("granted_at", BigInteger(), nullable=False),
        Column("expires", BigInteger(), nullable=True),
        PrimaryKeyConstraint("tenant", "grant_id", name="pk_access_grant"),
    )
    op.create_index("ix_access_grant_grantee", "access_grant", ["tenant", "grantee_kind", "grantee"])
    op.create_table(
        "account",
        Column("tenant", TEXT, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("kind", TEXT, nullable=False),
        Column("display_name", TEXT, nullable=False),
        Column("password_hash", TEXT, nullable=True),
        Column("disabled", Boolean(), nullable=False),
        Column("groups", LargeBinary(), nullable=False),
        Column("attributes", LargeBinary(), nullable=False),
        Column("created_at", BigInteger(), nullable=True),
        Column("last_sign_in_at", BigInteger(), nullable=True),
        PrimaryKeyConstraint("tenant", "name", name="pk_account"),
    )
    op.create_index("ix_account_name", "account", ["name"])
    op.create_table(
        "api_token",
        Column("tenant", TEXT, nullable=False),
        Column("token_id", TEXT, nullable=False),
        Column("account", TEXT, nullable=False),
        Column("secret_sha256", LargeBinary(), nullable=False),
        Column("label", TEXT, nullable=False),
        Column("actions", LargeBinary(), nullable=True),
        Column("created_at", BigInteger(), nullable=False),
        Column("expires_at", BigInteger(), nullable=False),
        Column("last_used_at", BigInteger(), nullable=True),
        Column("revoked_at", BigInteger(), nullable=True),
        PrimaryKeyConstraint("tenant", "token_id", name="pk_api_token"),
    )
    op.create_index("ix_api_token_account", "api_token", ["tenant", "account"])
    op.create_index("ix_api_token_token_id", "api_token", ["token_id"])
    op.create_table(
        "outbox",
        Column("tenant", TEXT, nullable=False),
        Column("outbox_pk", BigInteger(), nullable=False),
        Column("event", LargeBinary(), nullable=False),
        PrimaryKeyConstraint("tenant", "outbox_pk", name="pk_outbox"),
    )
    op.create_table(
        "policy_revision",
        Column("tenant", TEXT, nullable=False),
        Column("ordinal", BigInteger(), nullable=False),
        Column("revision", TEXT, nullable=False),
        Column("sources", LargeBinary(), nullable=False),
        Column("activated_at", BigInteger(), nullable=False),
        Column("activated_by", TEXT, nullable=False),
        PrimaryKeyConstraint("tenant", "ordinal", name="pk_policy_revision"),
    )
    op.create_table(
        "role",
        Column("tenant", TEXT, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("may", LargeBinary(), nullable=False),
        Column("permissions", LargeBinary(), nullable=False),
        Column("owner", TEXT, nullable=True),
        Column("description", TEXT, nullable=True),
        Column("extends", LargeBinary(), nullable=False),
        Column("approved_by", TEXT, nullable=True),
        Column("approved_at", TEXT, nullable=True),
        Column("template", TEXT, nullable=True),
        PrimaryKeyConstraint("tenant", "name", name="pk_role"),
    )
    op.create_table(
        "setup_code",
        Column("tenant", TEXT, nullable=False),
        Column("code_sha256", LargeBinary(), nullable=False),
        PrimaryKeyConstraint("tenant", name="pk_setup_code"),
    )
    op.create_table(
        "sign_in_failure",
        Column("tenant", TEXT, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("failures", Integer(), nullable=False),
        Column("failed_at", BigInteger(), nullable=False),
        Column("locked_until", BigInteger(), nullable=True),
        PrimaryKeyConstraint("tenant", "name", name="pk_sign_in_failure"),
    )
    op.create_table(
        "web_session",
        Column("tenant", TEXT, nullable=False),
        Column("cookie_sha256", LargeBinary(), nullable=False),
        Column("account", TEXT, nullable=False),
        Column("created_at", BigInteger(), nullable=False),
        Column("last_seen_at", BigInteger(), nullable=False),
        Column("expires_at", BigInteger(), nullable=False),
        Column("csrf_token", TEXT, nullable=False),
        PrimaryKeyConstraint("tenant", "cookie_sha256", name="pk_web_session"),
    )
    op.create_index("ix_web_session_account", "web_session", ["tenant", "account"])
    op.create_index("ix_web_session_cookie", "web_session", ["cookie_sha256"])
    op.create_table(
        "assignment",
        Column("tenant", TEXT, nullable=False),
        Column("account", TEXT, nullable=False),
        Column("position", Integer(), nullable=False),
        Column("role", TEXT, nullable=False),
        Column("archive", TEXT, nullable=True),
        Column("collection", TEXT, nullable=True),
        Column("starts", BigInteger(), nullable=True),
        Column("until", BigInteger(), nullable=True),
        PrimaryKeyConstraint("tenant", "account", "position", name="pk_assignment"),
        ForeignKeyConstraint(
            ["tenant", "account"],
            ["account.tenant", "account.name"],
            name="fk_assignment_account",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_assignment_role", "assignment", ["tenant", "role"])
