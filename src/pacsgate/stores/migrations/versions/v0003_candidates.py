"""Policy revisions that wait for approval or run in the shadow.

A revision is history: it says what the tables were when it was written and takes
nothing from `schema`, which moves on.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary, PrimaryKeyConstraint, Text

revision = "0003_candidates"
down_revision = "0002_people"
branch_labels = None
depends_on = None

TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the two tables."""
    op.create_table(
        "policy_candidate",
        Column("tenant", TEXT, nullable=False),
        Column("purpose", TEXT, nullable=False),
        Column("revision", TEXT, nullable=False),
        Column("sources", LargeBinary(), nullable=False),
        Column("submitted_at", BigInteger(), nullable=False),
        Column("submitted_by", TEXT, nullable=False),
        Column("gained", BigInteger(), nullable=False),
        Column("lost", BigInteger(), nullable=False),
        PrimaryKeyConstraint("tenant", "purpose", name="pk_policy_candidate"),
    )
    op.create_table(
        "shadow_difference",
        Column("tenant", TEXT, nullable=False),
        Column("subject", TEXT, nullable=False),
        Column("archive", TEXT, nullable=False),
        Column("action", TEXT, nullable=False),
        Column("live", TEXT, nullable=False),
        Column("shadow", TEXT, nullable=False),
        Column("requests", BigInteger(), nullable=False),
        Column("study_instance_uid", TEXT, nullable=False),
        Column("last_at", BigInteger()),
        PrimaryKeyConstraint(
            "tenant", "subject", "archive", "action", "live", "shadow", name="pk_shadow_difference"
        ),
    )
