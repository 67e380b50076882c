"""Jobs and queries that were started in guarded archives, with their owners.

A revision is history: it says what the tables were when it was written and takes
nothing from `schema`, which moves on.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary, PrimaryKeyConstraint, Text

revision = "0005_handles"
down_revision = "0004_orthanc"
branch_labels = None
depends_on = None

TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "owned_handle",
        Column("tenant", TEXT, nullable=False),
        Column("archive", TEXT, nullable=False),
        Column("kind", TEXT, nullable=False),
        Column("handle", TEXT, nullable=False),
        Column("subject", TEXT, nullable=False),
        Column("decided", LargeBinary(), nullable=False),
        Column("started_at", BigInteger(), nullable=False),
        PrimaryKeyConstraint("tenant", "archive", "kind", "handle", name="pk_owned_handle"),
    )
    op.create_index("ix_owned_handle_subject", "owned_handle", ["tenant", "archive", "kind", "subject"])
