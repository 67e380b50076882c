"""Every table, as it is now.  How it came to be so is in `migrations`.

**The index.**  A study row is one study under one patient.  Policy facts are not
stored per row but once per distinct set of facts: an *access class*, of a study or
of a part of a series.  A *kind* is what a study row points to: the class of the
study, the distinct classes of its parts, and whether its series agree about the
study.  Classes and kinds never change; a row whose facts change moves to another
kind, and numbers are not used twice.  So a policy is asked about kinds, of which
there are thousands, and not about studies, of which there are millions.

Facts with too many different values to tell kinds apart by are in `study_value`,
one row per value; StudyDate is in the study's own row.

**Order.**  `recency` is the moment of StudyDate and StudyTime as a number; rows are
listed by it, newest first, then in the order in which the index came to know them.

**Facts in SQL.**  Each attribute that is known has one row of form `KNOWN`, also
when it holds no value, and one row per value.  No column can be NULL, so SQL's
three-valued logic never enters a decision.

Invariants:
- `tenant` leads every primary key and every unique index;
- nothing that a constraint compares is nullable;
- the counts of a kind are those of its rows, in every committed state.
"""

from enum import IntEnum

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    Table,
    desc,
)

from pacsgate.stores import (  # noqa: F401 - their tables are among all tables
    access_schema,
    agent_schema,
    archive_schema,
    handle_schema,
    identity_schema,
    notice_schema,
    people_schema,
    permission_schema,
    queue_schema,
    share_schema,
    site_schema,
    tenancy_schema,
)
from pacsgate.stores.columns import AnyRow, bytes_column, metadata, number_column, text_column
from pacsgate.stores.dialects import Instant

__all__ = [
    "NAME_GROUPS",
    "NEWEST_FIRST",
    "AnyRow",
    "Form",
    "access_class",
    "access_kind",
    "class_fact",
    "epoch",
    "epoch_lease",
    "kind_part",
    "metadata",
    "outbox",
    "policy_candidate",
    "policy_revision",
    "serial",
    "series",
    "shadow_difference",
    "study",
    "study_change",
    "study_label",
    "study_value",
]

NAME_GROUPS = ("alphabetic", "ideographic", "phonetic")
"""A person name has one folded column for each of its component groups (PS3.5 6.2.1)."""


class Form(IntEnum):
    """What one row of `class_fact` says about its attribute."""

    KNOWN = 0
    """The attribute's name is known; a set attribute with only this row is the empty set."""
    TEXT = 1
    NUMBER = 2
    """A number that an IEEE double holds exactly."""
    BOOLEAN = 3
    UNREADABLE = 4
    """A value that fits no attribute type, such as NaN: nothing can be said about it."""


serial = Table(
    "serial", metadata, text_column("tenant", key=True), text_column("name", key=True), number_column("value")
)
"""The last number given out under each name."""

epoch = Table(
    "epoch", metadata, text_column("tenant", key=True), text_column("name", key=True), number_column("value")
)

epoch_lease = Table(
    "epoch_lease",
    metadata,
    text_column("tenant", key=True),
    text_column("holder", key=True),
    number_column("seen"),
    number_column("expires"),
)
"""Processes that answer from memory (PostgreSQL); `expires` is in microseconds of the server's clock."""

# --------------------------------------------------------------------- the index

access_class = Table(
    "access_class",
    metadata,
    text_column("tenant", key=True),
    number_column("class_pk", key=True),
    bytes_column("digest"),
    bytes_column("facts"),
    Index("ux_access_class_digest", "tenant", "digest", unique=True),
)

class_fact = Table(
    "class_fact",
    metadata,
    text_column("tenant", key=True),
    text_column("attribute", key=True),
    Column("form", SmallInteger, primary_key=True, autoincrement=False),
    text_column("text", key=True),
    Column("number", Double, primary_key=True),
    number_column("class_pk", key=True),
    ForeignKeyConstraint(["tenant", "class_pk"], ["access_class.tenant", "access_class.class_pk"]),
    Index("ix_class_fact_class", "tenant", "class_pk"),
    sqlite_with_rowid=False,
)

access_kind = Table(
    "access_kind",
    metadata,
    text_column("tenant", key=True),
    number_column("kind_pk", key=True),
    text_column("archive"),
    bytes_column("digest"),
    number_column("class_pk"),
    Column("agrees", Boolean, nullable=False),
    number_column("studies"),
    number_column("series"),
    number_column("instances"),
    number_column("newest"),
    number_column("changed"),
    Index("ux_access_kind_digest", "tenant", "archive", "digest", unique=True),
    Index("ix_access_kind_changed", "tenant", "archive", "changed"),
    Index("ix_access_kind_class", "tenant", "class_pk"),
)
"""`newest` is no less than the recency of any of its rows; `changed` is the index's version at which any of
its counts was last written.  A kind that has lost its last row stays for a while, without its facts, so
that other processes hear of it."""

kind_part = Table(
    "kind_part",
    metadata,
    text_column("tenant", key=True),
    number_column("kind_pk", key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    number_column("class_pk"),
    text_column("modality"),
    ForeignKeyConstraint(["tenant", "kind_pk"], ["access_kind.tenant", "access_kind.kind_pk"]),
    ForeignKeyConstraint(["tenant", "class_pk"], ["access_class.tenant", "access_class.class_pk"]),
    Index("ix_kind_part_class", "tenant", "class_pk"),
)
"""The distinct parts of a kind: their facts and their Modality, which every list of studies shows."""

study = Table(
    "study",
    metadata,
    text_column("tenant", key=True),
    number_column("study_pk", key=True),
    text_column("archive"),
    number_column("kind_pk"),
    number_column("recency"),
    text_column("study_instance_uid"),
    text_column("patient_id"),
    text_column("issuer_of_patient_id"),
    text_column("study_date"),
    text_column("study_time"),
    text_column("accession_number"),
    text_column("study_id"),
    *(text_column(f"patient_name_{group}") for group in NAME_GROUPS),
    *(text_column(f"referring_physician_name_{group}") for group in NAME_GROUPS),
    Column("observed_at", Instant, nullable=False),
    bytes_column("origin"),
    bytes_column("attributes"),
    bytes_column("parts"),
    ForeignKeyConstraint(["tenant", "kind_pk"], ["access_kind.tenant", "access_kind.kind_pk"]),
)
"""`parts` lists the parts of all series, as much of them as a list of studies needs; `attributes` holds what
is computed from all of them besides the study's own."""
Index(
    "ux_study_natural",
    study.c.tenant,
    study.c.archive,
    study.c.study_instance_uid,
    study.c.issuer_of_patient_id,
    study.c.patient_id,
    unique=True,
)
NEWEST_FIRST = (desc(study.c.recency), study.c.study_pk)
Index("ix_study_newest", study.c.tenant, study.c.archive, *NEWEST_FIRST, study.c.kind_pk)
Index("ix_study_kind", study.c.tenant, study.c.kind_pk, *NEWEST_FIRST)
Index("ix_study_patient_id", study.c.tenant, study.c.archive, study.c.patient_id)
Index("ix_study_accession_number", study.c.tenant, study.c.archive, study.c.accession_number)
Index("ix_study_patient_name", study.c.tenant, study.c.archive, study.c.patient_name_alphabetic)
for group in NAME_GROUPS[1:]:
    # Few names have these groups, and a search by name asks all of them.
    written = study.c[f"patient_name_{group}"]
    held = written != ""
    Index(
        f"ix_study_patient_name_{group}",
        study.c.tenant,
        study.c.archive,
        written,
        sqlite_where=held,
        postgresql_where=held,
    )

study_value = Table(
    "study_value",
    metadata,
    text_column("tenant", key=True),
    text_column("archive", key=True),
    text_column("attribute", key=True),
    text_column("value", key=True),
    number_column("recency", key=True),
    number_column("study_pk", key=True),
    number_column("kind_pk"),
    ForeignKeyConstraint(["tenant", "study_pk"], ["study.tenant", "study.study_pk"]),
    Index("ix_study_value_study", "tenant", "study_pk"),
    sqlite_with_rowid=False,
)
"""What a study holds of an attribute of many values, found by value; recency and kind are its row's."""

study_change = Table(
    "study_change",
    metadata,
    text_column("tenant", key=True),
    number_column("version", key=True),
    number_column("study_pk", key=True),
    text_column("archive"),
    sqlite_with_rowid=False,
)
"""Which rows the latest versions of the index wrote or removed, so that what is remembered of single studies
can be brought up to date."""

series = Table(
    "series",
    metadata,
    text_column("tenant", key=True),
    number_column("study_pk", key=True),
    text_column("series_instance_uid", key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    text_column("archive"),
    number_column("class_pk"),
    text_column("modality"),
    text_column("sop_classes"),
    Column("instances", Integer, nullable=False),
    text_column("header_instance"),
    bytes_column("says"),
    bytes_column("attributes"),
    bytes_column("contributions"),
    bytes_column("packed"),
    bytes_column("header"),
    ForeignKeyConstraint(
        ["tenant", "study_pk"], ["study.tenant", "study.study_pk"], deferrable=True, initially="DEFERRED"
    ),
    ForeignKeyConstraint(["tenant", "class_pk"], ["access_class.tenant", "access_class.class_pk"]),
    Index("ix_series_uid", "tenant", "archive", "series_instance_uid"),
)
"""One part of a series: those of its instances that a policy cannot tell apart; most series are one part.
`says` is a digest of what its header says of the study.  A study's row is written after its series."""

study_label = Table(
    "study_label",
    metadata,
    text_column("tenant", key=True),
    text_column("archive", key=True),
    text_column("study_instance_uid", key=True),
    text_column("attribute", key=True),
    text_column("value", key=True),
)
"""Labels and collections of a study.  They outlive its row, so that a study which
the index loses and finds again is still under the forbids that name its label."""

# --------------------------------------------------------------------- revisions and the way to the trail

policy_revision = Table(
    "policy_revision",
    metadata,
    text_column("tenant", key=True),
    number_column("ordinal", key=True),
    text_column("revision"),
    bytes_column("sources"),
    Column("activated_at", Instant, nullable=False),
    text_column("activated_by"),
)

policy_candidate = Table(
    "policy_candidate",
    metadata,
    text_column("tenant", key=True),
    text_column("purpose", key=True),
    text_column("revision"),
    bytes_column("sources"),
    Column("submitted_at", Instant, nullable=False),
    text_column("submitted_by"),
    number_column("gained"),
    number_column("lost"),
)

shadow_difference = Table(
    "shadow_difference",
    metadata,
    text_column("tenant", key=True),
    text_column("subject", key=True),
    text_column("archive", key=True),
    text_column("action", key=True),
    text_column("live", key=True),
    text_column("shadow", key=True),
    number_column("requests"),
    text_column("study_instance_uid"),
    Column("last_at", Instant),
)

outbox = Table(
    "outbox",
    metadata,
    text_column("tenant", key=True),
    number_column("outbox_pk", key=True),
    bytes_column("event"),
)
