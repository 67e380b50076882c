"""Every table, as it is now.  How it came to be so is in `migrations`.

**The index.**  A study row is one study under one patient.  Its policy facts, and
those of each series, are not stored per row but once per distinct set of facts:
the row carries the number of its *access class*, and `class_fact` holds the
class's values in a form that SQL can compare.  A class never changes; a row whose
facts change moves to another class, and numbers are not used twice.

**Facts in SQL.**  Each attribute that is known has one row of kind `KNOWN`, also
when it holds no value, and one row per value.  No column can be NULL, so SQL's
three-valued logic never enters a decision.

Invariants:
- `tenant` leads every primary key and every unique index;
- nothing that a constraint compares is nullable.
"""

from enum import IntEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    SmallInteger,
    Table,
    desc,
)

from pacsgate.stores.dialects import TEXT, Instant

AnyRow = Row[*tuple[Any, ...]]
"""A row of some select, its columns known to who wrote the select."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


NAME_GROUPS = ("alphabetic", "ideographic", "phonetic")
"""A person name has one folded column for each of its component groups (PS3.5 6.2.1)."""


class Kind(IntEnum):
    """What one row of `class_fact` says about its attribute."""

    KNOWN = 0
    """The attribute's name is known; a set attribute with only this row is the empty set."""
    TEXT = 1
    NUMBER = 2
    """A number that an IEEE double holds exactly."""
    BOOLEAN = 3
    UNREADABLE = 4
    """A value that fits no attribute type, such as NaN: nothing can be said about it."""


def _text(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, TEXT, primary_key=key, nullable=False)


def _number(name: str, *, key: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _bytes(name: str, *, key: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, primary_key=key, nullable=False)


serial = Table("serial", metadata, _text("tenant", key=True), _text("name", key=True), _number("value"))
"""The last number given out under each name."""

epoch = Table("epoch", metadata, _text("tenant", key=True), _text("name", key=True), _number("value"))

# --------------------------------------------------------------------- the index

access_class = Table(
    "access_class",
    metadata,
    _text("tenant", key=True),
    _number("class_pk", key=True),
    _bytes("digest"),
    _bytes("facts"),
    Index("ux_access_class_digest", "tenant", "digest", unique=True),
)

class_fact = Table(
    "class_fact",
    metadata,
    _text("tenant", key=True),
    _text("attribute", key=True),
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    _text("text", key=True),
    Column("number", Double, primary_key=True),
    _number("class_pk", key=True),
    ForeignKeyConstraint(["tenant", "class_pk"], ["access_class.tenant", "access_class.class_pk"]),
    Index("ix_class_fact_class", "tenant", "class_pk"),
    sqlite_with_rowid=False,
)

study = Table(
    "study",
    metadata,
    _text("tenant", key=True),
    _number("study_pk", key=True),
    _text("archive"),
    _text("study_instance_uid"),
    _text("patient_id"),
    _text("issuer_of_patient_id"),
    _text("patient_key"),
    _number("class_pk"),
    _text("study_date"),
    _text("study_time"),
    _text("accession_number"),
    _text("study_id"),
    *(_text(f"patient_name_{group}") for group in NAME_GROUPS),
    *(_text(f"referring_physician_name_{group}") for group in NAME_GROUPS),
    _text("ingest_principal"),
    Column("observed_at", Instant, nullable=False),
    _bytes("attributes"),
    ForeignKeyConstraint(["tenant", "class_pk"], ["access_class.tenant", "access_class.class_pk"]),
)
Index(
    "ux_study_natural",
    study.c.tenant,
    study.c.archive,
    study.c.study_instance_uid,
    study.c.issuer_of_patient_id,
    study.c.patient_id,
    unique=True,
)
NEWEST_FIRST = (
    desc(study.c.study_date),
    desc(study.c.study_time),
    study.c.study_instance_uid,
    study.c.patient_key,
)
Index("ix_study_newest", study.c.tenant, study.c.archive, *NEWEST_FIRST, study.c.class_pk)
Index("ix_study_patient_id", study.c.tenant, study.c.archive, study.c.patient_id)
Index("ix_study_accession_number", study.c.tenant, study.c.archive, study.c.accession_number)
Index("ix_study_class", study.c.tenant, study.c.class_pk, study.c.archive)

series = Table(
    "series",
    metadata,
    _text("tenant", key=True),
    _number("study_pk", key=True),
    _text("series_instance_uid", key=True),
    _text("archive"),
    _number("class_pk"),
    _text("modality"),
    _text("sop_classes"),
    Column("instances", Integer, nullable=False),
    _text("header_instance"),
    _bytes("attributes"),
    _bytes("contributions"),
    _bytes("packed"),
    _bytes("header"),
    ForeignKeyConstraint(["tenant", "study_pk"], ["study.tenant", "study.study_pk"]),
    ForeignKeyConstraint(["tenant", "class_pk"], ["access_class.tenant", "access_class.class_pk"]),
    Index("ix_series_uid", "tenant", "archive", "series_instance_uid"),
    Index("ix_series_class", "tenant", "class_pk"),
    # What a constraint or ModalitiesInStudy asks of a series, without reading its long row.
    Index("ix_series_admission", "tenant", "study_pk", "class_pk", "modality"),
)

study_label = Table(
    "study_label",
    metadata,
    _text("tenant", key=True),
    _text("archive", key=True),
    _text("study_instance_uid", key=True),
    _text("attribute", key=True),
    _text("value", key=True),
)
"""Labels and collections of a study.  They outlive its row, so that a study which
the index loses and finds again is still under the forbids that name its label."""

sync_cursor = Table(
    "sync_cursor",
    metadata,
    _text("tenant", key=True),
    _text("archive", key=True),
    _text("cursor"),
    Column("began_at", Instant, nullable=False),
)

# --------------------------------------------------------------------- people

account = Table(
    "account",
    metadata,
    _text("tenant", key=True),
    _text("name", key=True),
    _text("kind"),
    _text("display_name"),
    Column("password_hash", TEXT),
    Column("disabled", Boolean, nullable=False),
    _bytes("groups"),
    _bytes("attributes"),
    Column("created_at", Instant),
    Column("last_sign_in_at", Instant),
    Index("ix_account_name", "name"),
)

assignment = Table(
    "assignment",
    metadata,
    _text("tenant", key=True),
    _text("account", key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    _text("role"),
    Column("archive", TEXT),
    Column("collection", TEXT),
    Column("starts", Instant),
    Column("until", Instant),
    ForeignKeyConstraint(["tenant", "account"], ["account.tenant", "account.name"], ondelete="CASCADE"),
    Index("ix_assignment_role", "tenant", "role"),
)

role = Table(
    "role",
    metadata,
    _text("tenant", key=True),
    _text("name", key=True),
    _bytes("may"),
    _bytes("permissions"),
    Column("owner", TEXT),
    Column("description", TEXT),
)

api_token = Table(
    "api_token",
    metadata,
    _text("tenant", key=True),
    _text("token_id", key=True),
    _text("account"),
    _bytes("secret_sha256"),
    _text("label"),
    Column("actions", LargeBinary),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
    Index("ix_api_token_token_id", "token_id"),
    Index("ix_api_token_account", "tenant", "account"),
)

web_session = Table(
    "web_session",
    metadata,
    _text("tenant", key=True),
    _bytes("cookie_sha256", key=True),
    _text("account"),
    Column("created_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    _text("csrf_token"),
    Index("ix_web_session_cookie", "cookie_sha256"),
    Index("ix_web_session_account", "tenant", "account"),
)

access_grant = Table(
    "access_grant",
    metadata,
    _text("tenant", key=True),
    _text("grant_id", key=True),
    _text("grantee_kind"),
    _text("grantee"),
    _text("target"),
    _text("target_id"),
    _bytes("actions"),
    _text("granted_by"),
    Column("granted_at", Instant, nullable=False),
    Column("expires", Instant),
    Index("ix_access_grant_grantee", "tenant", "grantee_kind", "grantee"),
)

sign_in_failure = Table(
    "sign_in_failure",
    metadata,
    _text("tenant", key=True),
    _text("name", key=True),
    Column("failures", Integer, nullable=False),
    Column("locked_until", Instant),
)

setup_code = Table("setup_code", metadata, _text("tenant", key=True), _bytes("code_sha256"))

# --------------------------------------------------------------------- revisions and the way to the trail

policy_revision = Table(
    "policy_revision",
    metadata,
    _text("tenant", key=True),
    _number("ordinal", key=True),
    _text("revision"),
    _bytes("sources"),
    Column("activated_at", Instant, nullable=False),
    _text("activated_by"),
)

outbox = Table("outbox", metadata, _text("tenant", key=True), _number("outbox_pk", key=True), _bytes("event"))
