"""Notices of administrative changes, the longest time of a role, and who gave which role.

A revision is history: it says what the tables were when it was written and takes
nothing from `schema`, which moves on.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, LargeBinary, PrimaryKeyConstraint, Text

revision = "0010_notices"
down_revision = "0009_sign_in"
branch_labels = None
depends_on = None

TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the column and create the tables."""
    op.add_column("role", Column("longest_seconds", BigInteger()))
    op.create_table(
        "role_giving",
        Column("tenant", TEXT, nullable=False),
        Column("account", TEXT, nullable=False),
        Column("giving_pk", BigInteger(), nullable=False),
        Column("role", TEXT, nullable=False),
        Column("archive", TEXT),
        Column("collection", TEXT),
        Column("starts", BigInteger(), nullable=False),
        Column("until", BigInteger()),
        Column("given_by", TEXT, nullable=False),
        PrimaryKeyConstraint("tenant", "account", "giving_pk", name="pk_role_giving"),
        ForeignKeyConstraint(
            ["tenant", "account"],
            ["account.tenant", "account.name"],
            name="fk_role_giving_account",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "admin_notice",
        Column("tenant", TEXT, nullable=False),
        Column("notice_pk", BigInteger(), nullable=False),
        Column("at", BigInteger(), nullable=False),
        Column("kind", TEXT, nullable=False),
        Column("actor", TEXT, nullable=False),
        Column("event", LargeBinary(), nullable=False),
        PrimaryKeyConstraint("tenant", "notice_pk", name="pk_admin_notice"),
    )
    op.create_index("ix_admin_notice_at", "admin_notice", ["tenant", "at"])
    op.create_table(
        "notice_seen",
        Column("tenant", TEXT, nullable=False),
        Column("account", TEXT, nullable=False),
        Column("notice_pk", BigInteger(), nullable=False),
        PrimaryKeyConstraint("tenant", "account", name="pk_notice_seen"),
    )
