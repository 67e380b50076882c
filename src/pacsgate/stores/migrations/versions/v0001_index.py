"""The study index, and what counts and tells of changes.

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
    text,
)

revision = "0001_index"
down_revision = None
branch_labels = None
depends_on = None

TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables of the index."""
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
        "epoch",
        Column("tenant", TEXT, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("value", BigInteger(), nullable=False),
        PrimaryKeyConstraint("tenant", "name", name="pk_epoch"),
    )
    op.create_table(
        "epoch_lease",
        Column("tenant", TEXT, nullable=False),
        Column("holder", TEXT, nullable=False),
        Column("seen", BigInteger(), nullable=False),
        Column("expires", BigInteger(), nullable=False),
        PrimaryKeyConstraint("tenant", "holder", name="pk_epoch_lease"),
    )
    op.create_table(
        "serial",
        Column("tenant", TEXT, nullable=False),
        Column("name", TEXT, nullable=False),
        Column("value", BigInteger(), nullable=False),
        PrimaryKeyConstraint("tenant", "name", name="pk_serial"),
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
        "class_fact",
        Column("tenant", TEXT, nullable=False),
        Column("attribute", TEXT, nullable=False),
        Column("form", SmallInteger(), nullable=False),
        Column("text", TEXT, nullable=False),
        Column("number", Double(), nullable=False),
        Column("class_pk", BigInteger(), nullable=False),
        PrimaryKeyConstraint(
            "tenant", "attribute", "form", "text", "number", "class_pk", name="pk_class_fact"
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
        "access_kind",
        Column("tenant", TEXT, nullable=False),
        Column("kind_pk", BigInteger(), nullable=False),
        Column("archive", TEXT, nullable=False),
        Column("digest", LargeBinary(), nullable=False),
        Column("class_pk", BigInteger(), nullable=False),
        Column("agrees", Boolean(), nullable=False),
        Column("studies", BigInteger(), nullable=False),
        Column("series", BigInteger(), nullable=False),
        Column("instances", BigInteger(), nullable=False),
        Column("newest", BigInteger(), nullable=False),
        Column("changed", BigInteger(), nullable=False),
        PrimaryKeyConstraint("tenant", "kind_pk", name="pk_access_kind"),
    )
    op.create_index("ix_access_kind_changed", "access_kind", ["tenant", "archive", "changed"])
    op.create_index("ix_access_kind_class", "access_kind", ["tenant", "class_pk"])
    op.create_index("ux_access_kind_digest", "access_kind", ["tenant", "archive", "digest"], unique=True)
    op.create_table(
        "kind_part",
        Column("tenant", TEXT, nullable=False),
        Column("kind_pk", BigInteger(), nullable=False),
        Column("position", Integer(), nullable=False),
        Column("class_pk", BigInteger(), nullable=False),
        Column("modality", TEXT, nullable=False),
        PrimaryKeyConstraint("tenant", "kind_pk", "position", name="pk_kind_part"),
        ForeignKeyConstraint(
            ["tenant", "class_pk"],
            ["access_class.tenant", "access_class.class_pk"],
            name="fk_kind_part_access_class",
        ),
        ForeignKeyConstraint(
            ["tenant", "kind_pk"],
            ["access_kind.tenant", "access_kind.kind_pk"],
            name="fk_kind_part_access_kind",
        ),
    )
    op.create_index("ix_kind_part_class", "kind_part", ["tenant", "class_pk"])
    op.create_table(
        "study",
        Column("tenant", TEXT, nullable=False),
        Column("study_pk", BigInteger(), nullable=False),
        Column("archive", TEXT, nullable=False),
        Column("kind_pk", BigInteger(), nullable=False),
        Column("recency", BigInteger(), nullable=False),
        Column("study_instance_uid", TEXT, nullable=False),
        Column("patient_id", TEXT, nullable=False),
        Column("issuer_of_patient_id", TEXT, nullable=False),
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
        Column("observed_at", BigInteger(), nullable=False),
        Column("origin", LargeBinary(), nullable=False),
        Column("attributes", LargeBinary(), nullable=False),
        Column("parts", LargeBinary(), nullable=False),
        PrimaryKeyConstraint("tenant", "study_pk", name="pk_study"),
        ForeignKeyConstraint(
            ["tenant", "kind_pk"], ["access_kind.tenant", "access_kind.kind_pk"], name="fk_study_access_kind"
        ),
    )
    op.create_index("ix_study_accession_number", "study", ["tenant", "archive", "accession_number"])
    op.create_index("ix_study_kind", "study", ["tenant", "kind_pk", desc("recency"), "study_pk"])
    op.create_index("ix_study_newest", "study", ["tenant", "archive", desc("recency"), "study_pk", "kind_pk"])
    op.create_index("ix_study_patient_id", "study", ["tenant", "archive", "patient_id"])
    op.create_index("ix_study_patient_name", "study", ["tenant", "archive", "patient_name_alphabetic"])
    for group in ("ideographic", "phonetic"):
        held = text(f"patient_name_{group} != ''")
        op.create_index(
            f"ix_study_patient_name_{group}",
            "study",
            ["tenant", "archive", f"patient_name_{group}"],
            sqlite_where=held,
            postgresql_where=held,
        )
    op.create_index(
        "ux_study_natural",
        "study",
        ["tenant", "archive", "study_instance_uid", "issuer_of_patient_id", "patient_id"],
        unique=True,
    )
    op.create_table(
        "study_value",
        Column("tenant", TEXT, nullable=False),
        Column("archive", TEXT, nullable=False),
        Column("attribute", TEXT, nullable=False),
        Column("value", TEXT, nullable=False),
        Column("recency", BigInteger(), nullable=False),
        Column("study_pk", BigInteger(), nullable=False),
        Column("kind_pk", BigInteger(), nullable=False),
        PrimaryKeyConstraint(
            "tenant", "archive", "attribute", "value", "recency", "study_pk", name="pk_study_value"
        ),
        ForeignKeyConstraint(
            ["tenant", "study_pk"], ["study.tenant", "study.study_pk"], name="fk_study_value_study"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_study_value_study", "study_value", ["tenant", "study_pk"])
    op.create_table(
        "study_change",
        Column("tenant", TEXT, nullable=False),
        Column("version", BigInteger(), nullable=False),
        Column("study_pk", BigInteger(), nullable=False),
        Column("archive", TEXT, nullable=False),
        PrimaryKeyConstraint("tenant", "version", "study_pk", name="pk_study_change"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "series",
        Column("tenant", TEXT, nullable=False),
        Column("study_pk", BigInteger(), nullable=False),
        Column("series_instance_uid", TEXT, nullable=False),
        Column("part", Integer(), nullable=False),
        Column("archive", TEXT, nullable=False),
        Column("class_pk", BigInteger(), nullable=False),
        Column("modality", TEXT, nullable=False),
        Column("sop_classes", TEXT, nullable=False),
        Column("instances", Integer(), nullable=False),
        Column("header_instance", TEXT, nullable=False),
        Column("says", LargeBinary(), nullable=False),
        Column("attributes", LargeBinary(), nullable=False),
        Column("contributions", LargeBinary(), nullable=False),
        Column("packed", LargeBinary(), nullable=False),
        Column("header", LargeBinary(), nullable=False),
        PrimaryKeyConstraint("tenant", "study_pk", "series_instance_uid", "part", name="pk_series"),
        ForeignKeyConstraint(
            ["tenant", "class_pk"],
            ["access_class.tenant", "access_class.class_pk"],
            name="fk_series_access_class",
        ),
        ForeignKeyConstraint(
            ["tenant", "study_pk"],
            ["study.tenant", "study.study_pk"],
            name="fk_series_study",
            deferrable=True,
            initially="DEFERRED",
        ),
    )
    op.create_index("ix_series_uid", "series", ["tenant", "archive", "series_instance_uid"])
