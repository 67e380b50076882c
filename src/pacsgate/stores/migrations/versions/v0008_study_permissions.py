"""Study permissions.

A revision is history: it says what the tables were when it was written and takes
nothing from `schema`, which moves on.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, Text

revision = "0008_study_permissions"
down_revision = "0007_application_entities"
branch_labels = None
depends_on = None

TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "study_permission",
        Column("tenant", TEXT, nullable=False),
        Column("study_instance_uid", TEXT, nullable=False),
        Column("grantee_kind", TEXT, nullable=False),
        Column("grantee", TEXT, nullable=False),
        Column("action", TEXT, nullable=False),
        Column("origin", TEXT, nullable=False),
        Column("granted_by", TEXT, nullable=False),
        Column("granted_at", BigInteger(), nullable=False),
        PrimaryKeyConstraint(
            "tenant", "study_instance_uid", "grantee_kind", "grantee", "action", name="pk_study_permission"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_study_permission_grantee", "study_permission", ["tenant", "grantee_kind", "grantee"])
    op.create_table(
        "permission_holding",
        Column("tenant", TEXT, nullable=False),
        Column("grantee_kind", TEXT, nullable=False),
        Column("grantee", TEXT, nullable=False),
        Column("action", TEXT, nullable=False),
        Column("studies", BigInteger(), nullable=False),
        PrimaryKeyConstraint("tenant", "grantee_kind", "grantee", "action", name="pk_permission_holding"),
    )
