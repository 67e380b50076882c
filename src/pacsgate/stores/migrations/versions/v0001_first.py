"""The first schema.

A revision is history: it says what the tables were when it was written and takes
nothing from `schema`, which moves on.
"""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Text,
    desc,
)

revision = "0001_first"
down_revision = None
branch_labels = None
depends_on = None

TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "access_class",
        Column("tenant", TEXT, nullable=False),
        Column("class_pk", BigInteger(), nullable=False),
        Column("digest", LargeBinary(), nullable=False),
        Column("facts", LargeBinary(), nullable=False),
        PrimaryKeyConstraint("tenant", "class_pk", name="pk_access_class"),
    )
    op.create_index("ux_access_class_digest", "access_class", ["tenant", "digest"], unique=True)
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
        "epoch",
        Column("tenant", TEXT, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("value", BigInteger(), nullable=False),
        PrimaryKeyConstraint("tenant", "name", name="pk_epoch"),
    )
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
        PrimaryKeyConstraint("tenant", "name", name="pk_role"),
    )
    op.create_table(
        "serial",
        Column("tenant", TEXT, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("value", BigInteger(), nullable=False),
        PrimaryKeyConstraint("tenant", "name", name="pk_serial"),
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
        Column("locked_until", BigInteger(), nullable=True),
        PrimaryKeyConstraint("tenant", "name", name="pk_sign_in_failure"),
    )
    op.create_table(
        "study_label",
        Column("tenant", TEXT, nullable=False),
        Column("archive", TEXT, nullable=False),
        Column("study_instance_uid", TEXT, nullable=False),
        Column("attribute", TEXT, nullable=False),
        Column("value", TEXT, nullable=False),
        PrimaryKeyConstraint(
            "tenant", "archive", "study_instance_uid", "attribute", "value", name="pk_study_label"
        ),
    )
    op.create_table(
        "sync_cursor",
        Column("tenant", TEXT, nullable=False),
        Column("archive", TEXT, nullable=False),
        Column("cursor", TEXT, nullable=False),
        Column("began_at", BigInteger(), nullable=False),
        PrimaryKeyConstraint("tenant", "archive", name="pk_sync_cursor"),
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
    op.create_table(
        "class_fact",
        Column("tenant", TEXT, nullable=False),
        Column("attribute", TEXT, nullable=False),
        Column("kind", SmallInteger(), nullable=False),
        Column("text", TEXT, nullable=False),
        Column("number", Double(), nullable=False),
        Column("class_pk", BigInteger(), nullable=False),
        PrimaryKeyConstraint(
            "tenant", "attribute", "kind", "text", "number", "class_pk", name="pk_class_fact"
        ),
        ForeignKeyConstraint(
            ["tenant", "class_pk"],
            ["access_class.tenant", "access_class.class_pk"],
            name="fk_class_fact_access_class",
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_class_fact_class", "class_fact", ["tenant", "class_pk"])
    op.create_table(
        "study",
        Column("tenant", TEXT, nullable=False),
        Column("study_pk", BigInteger(), nullable=False),
        Column("archive", TEXT, nullable=False),
        Column("study_instance_uid", TEXT, nullable=False),
        Column("patient_id", TEXT, nullable=False),
        Column("issuer_of_patient_id", TEXT, nullable=False),
        Column("patient_key", TEXT, nullable=False),
        Column("class_pk", BigInteger(), nullable=False),
        Column("study_date", TEXT, nullable=False),
        Column("study_time", TEXT, nullable=False),
        Column("accession_number", TEXT, nullable=False),
        Column("study_id", TEXT, nullable=False),
        Column("patient_name_alphabetic", TEXT, nullable=False),
        Column("patient_name_ideographic", TEXT, nullable=False),
        Column("patient_name_phonetic", TEXT, nullable=False),
        Column("referring_physician_name_alphabetic", TEXT, nullable=False),
        Column("referring_physician_name_ideographic", TEXT, nullable=False),
        Column("referring_physician_name_phonetic", TEXT, nullable=False),
        Column("ingest_principal", TEXT, nullable=False),
        Column("observed_at", BigInteger(), nullable=False),
        Column("attributes", LargeBinary(), nullable=False),
        PrimaryKeyConstraint("tenant", "study_pk", name="pk_study"),
        ForeignKeyConstraint(
            ["tenant", "class_pk"],
            ["access_class.tenant", "access_class.class_pk"],
            name="fk_study_access_class",
        ),
    )
    op.create_index("ix_study_accession_number", "study", ["tenant", "archive", "accession_number"])
    op.create_index("ix_study_class", "study", ["tenant", "class_pk", "archive"])
    op.create_index(
        "ix_study_newest",
        "study",
        [
            "tenant",
            "archive",
            desc("study_date"),
            desc("study_time"),
            "study_instance_uid",
            "patient_key",
            "class_pk",
        ],
    )
    op.create_index("ix_study_patient_id", "study", ["tenant", "archive", "patient_id"])
    op.create_index(
        "ux_study_natural",
        "study",
        ["tenant", "archive", "study_instance_uid", "issuer_of_patient_id", "patient_id"],
        unique=True,
    )
    op.create_table(
        "series",
        Column("tenant", TEXT, nullable=False),
        Column("study_pk", BigInteger(), nullable=False),
        Column("series_instance_uid", TEXT, nullable=False),
        Column("archive", TEXT, nullable=False),
        Column("class_pk", BigInteger(), nullable=False),
        Column("modality", TEXT, nullable=False),
        Column("sop_classes", TEXT, nullable=False),
        Column("instances", Integer(), nullable=False),
        Column("header_instance", TEXT, nullable=False),
        Column("attributes", LargeBinary(), nullable=False),
        Column("contributions", LargeBinary(), nullable=False),
        Column("packed", LargeBinary(), nullable=False),
        Column("header", LargeBinary(), nullable=False),
        PrimaryKeyConstraint("tenant", "study_pk", "series_instance_uid", name="pk_series"),
        ForeignKeyConstraint(
            ["tenant", "class_pk"],
            ["access_class.tenant", "access_class.class_pk"],
            name="fk_series_access_class",
        ),
        ForeignKeyConstraint(
            ["tenant", "study_pk"], ["study.tenant", "study.study_pk"], name="fk_series_study"
        ),
    )
    op.create_index("ix_series_admission", "series", ["tenant", "study_pk", "class_pk", "modality"])
    op.create_index("ix_series_class", "series", ["tenant", "class_pk"])
    op.create_index("ix_series_uid", "series", ["tenant", "archive", "series_instance_uid"])
