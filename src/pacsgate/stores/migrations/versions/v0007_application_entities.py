"""Remote application entities, and assertions that were used.

A revision is history: it says what the tables were when it was written and takes
nothing from `schema`, which moves on.
"""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, PrimaryKeyConstraint, Text

revision = "0007_application_entities"
down_revision = "0006_shares"
branch_labels = None
depends_on = None

TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "application_entity",
        Column("tenant", TEXT, nullable=False),
        Column("ae_title", TEXT, nullable=False),
        Column("account", TEXT),
        Column("networks", TEXT, nullable=False),
        Column("certificate_sha256", TEXT),
        Column("title_is_enough", Boolean(), nullable=False),
        Column("vouches_for", LargeBinary(), nullable=False),
        Column("host", TEXT),
        Column("port", Integer()),
        Column("tls", Boolean(), nullable=False),
        Column("owner", TEXT, nullable=False),
        Column("description", TEXT, nullable=False),
        Column("valid_until", BigInteger()),
        Column("disabled", Boolean(), nullable=False),
        PrimaryKeyConstraint("tenant", "ae_title", name="pk_application_entity"),
    )
    op.create_index("ix_application_entity_account", "application_entity", ["tenant", "account"])
    op.create_table(
        "used_assertion",
        Column("tenant", TEXT, nullable=False),
        Column("issuer", TEXT, nullable=False),
        Column("assertion_id", TEXT, nullable=False),
        Column("expires_at", BigInteger(), nullable=False),
        PrimaryKeyConstraint("tenant", "issuer", "assertion_id", name="pk_used_assertion"),
    )
    op.create_index("ix_used_assertion_expires_at", "used_assertion", ["tenant", "expires_at"])
