"""Sign-in: sources of accounts, what sessions prove, second factors, challenges, locks and groups.

A revision is history: it says what the tables were when it was written and takes
nothing from `schema`, which moves on.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, PrimaryKeyConstraint, Text

revision = "0009_sign_in"
down_revision = "0008_study_permissions"
branch_labels = None
depends_on = None

TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the columns and create the tables.  Sessions end: what they proved was not kept."""
    op.execute("DELETE FROM web_session")
    op.add_column("setup_code", Column("expires_at", BigInteger(), nullable=False, server_default="0"))
    op.add_column("account", Column("source", TEXT, nullable=False, server_default=""))
    op.add_column("account", Column("disabled_by", TEXT, nullable=False, server_default=""))
    op.add_column("account", Column("starts", BigInteger()))
    op.add_column("account", Column("until", BigInteger()))
    op.create_index("ix_account_source", "account", ["tenant", "source"])
    op.add_column("web_session", Column("authenticated_at", BigInteger()))
    op.add_column("web_session", Column("methods", LargeBinary(), nullable=False, server_default=""))
    op.add_column("web_session", Column("assurance_level", Integer(), nullable=False, server_default="1"))
    op.add_column("web_session", Column("second_factor_at", BigInteger()))
    op.add_column("web_session", Column("source", TEXT, nullable=False, server_default=""))
    op.add_column("web_session", Column("source_session", TEXT))
    op.add_column("web_session", Column("client_address", TEXT))
    op.add_column("web_session", Column("user_agent", TEXT, nullable=False, server_default=""))
    op.add_column("web_session", Column("idle_seconds", Integer(), nullable=False, server_default="900"))
    op.create_index("ix_web_session_source", "web_session", ["tenant", "source", "source_session"])
    op.create_table(
        "identity_link",
        Column("tenant", TEXT, nullable=False),
        Column("source", TEXT, nullable=False),
        Column("external_id", TEXT, nullable=False),
        Column("account", TEXT, nullable=False),
        Column("linked_at", BigInteger(), nullable=False),
        PrimaryKeyConstraint("tenant", "source", "external_id", name="pk_identity_link"),
    )
    op.create_index("ux_identity_link_account", "identity_link", ["tenant", "source", "account"], unique=True)
    op.create_index("ix_identity_link_account", "identity_link", ["tenant", "account"])
    op.create_table(
        "factor",
        Column("tenant", TEXT, nullable=False),
        Column("factor_id", TEXT, nullable=False),
        Column("account", TEXT, nullable=False),
        Column("kind", TEXT, nullable=False),
        Column("label", TEXT, nullable=False),
        Column("secret", LargeBinary(), nullable=False),
        Column("counter", BigInteger(), nullable=False),
        Column("created_at", BigInteger(), nullable=False),
        Column("last_used_at", BigInteger()),
        Column("details", TEXT, nullable=False),
        PrimaryKeyConstraint("tenant", "factor_id", name="pk_factor"),
    )
    op.create_index("ix_factor_factor_id", "factor", ["factor_id"])
    op.create_index("ix_factor_account", "factor", ["tenant", "account"])
    op.create_table(
        "challenge",
        Column("tenant", TEXT, nullable=False),
        Column("number_sha256", LargeBinary(), nullable=False),
        Column("purpose", TEXT, nullable=False),
        Column("data", LargeBinary(), nullable=False),
        Column("expires_at", BigInteger(), nullable=False),
        PrimaryKeyConstraint("tenant", "number_sha256", name="pk_challenge"),
    )
    op.create_index("ix_challenge_expires_at", "challenge", ["tenant", "expires_at"])
    op.create_table(
        "sighting",
        Column("tenant", TEXT, nullable=False),
        Column("account", TEXT, nullable=False),
        Column("place", TEXT, nullable=False),
        Column("seen_at", BigInteger(), nullable=False),
        PrimaryKeyConstraint("tenant", "account", "place", name="pk_sighting"),
    )
    op.create_table(
        "account_lock",
        Column("tenant", TEXT, nullable=False),
        Column("target", TEXT, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("reason", TEXT, nullable=False),
        Column("locked_by", TEXT, nullable=False),
        Column("locked_at", BigInteger(), nullable=False),
        Column("until", BigInteger()),
        PrimaryKeyConstraint("tenant", "target", "name", name="pk_account_lock"),
    )
    op.create_table(
        "user_group",
        Column("tenant", TEXT, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("display_name", TEXT, nullable=False),
        Column("source", TEXT, nullable=False),
        Column("external_id", TEXT, nullable=False),
        Column("created_at", BigInteger()),
        PrimaryKeyConstraint("tenant", "name", name="pk_user_group"),
    )
    op.create_index("ix_user_group_source", "user_group", ["tenant", "source", "external_id"])
