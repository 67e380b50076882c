"""What Orthanc identifiers lead to, and how far the changes of fed archives were read.

A revision is history: it says what the tables were when it was written and takes
nothing from `schema`, which moves on.
"""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, PrimaryKeyConstraint, Text

revision = "0004_orthanc"
down_revision = "0003_candidates"
branch_labels = None
depends_on = None

TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the two tables."""
    op.create_table(
        "orthanc_name",
        Column("tenant", TEXT, nullable=False),
        Column("number", BigInteger(), nullable=False),
        Column("study_pk", BigInteger(), nullable=False),
        PrimaryKeyConstraint("tenant", "number", "study_pk", name="pk_orthanc_name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "feed_state",
        Column("tenant", TEXT, nullable=False),
        Column("archive", TEXT, nullable=False),
        Column("cursor", BigInteger(), nullable=False),
        Column("anchors", LargeBinary(), nullable=False),
        Column("crawled", Boolean(), nullable=False),
        Column("current_at", BigInteger()),
        Column("settled", LargeBinary(), nullable=False),
        PrimaryKeyConstraint("tenant", "archive", name="pk_feed_state"),
    )
