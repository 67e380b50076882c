"""Links to single objects.

A revision is history: it says what the tables were when it was written and takes
nothing from `schema`, which moves on.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary, PrimaryKeyConstraint, Text

revision = "0006_shares"
down_revision = "0005_handles"
branch_labels = None
depends_on = None

TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "share",
        Column("tenant", TEXT, nullable=False),
        Column("share_id", TEXT, nullable=False),
        Column("secret_sha256", LargeBinary(), nullable=False),
        Column("archive", TEXT, nullable=False),
        Column("account", TEXT, nullable=False),
        Column("purpose", TEXT, nullable=False),
        Column("label", TEXT, nullable=False),
        Column("objects", LargeBinary(), nullable=False),
        Column("created_at", BigInteger(), nullable=False),
        Column("expires_at", BigInteger(), nullable=False),
        Column("revoked_at", BigInteger()),
        PrimaryKeyConstraint("tenant", "share_id", name="pk_share"),
    )
    op.create_index("ix_share_share_id", "share", ["share_id"])
