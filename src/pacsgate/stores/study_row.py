"""The row of a study, worked out anew from its series after each change.

A study's facts are what all its series contribute together with what the index
itself knows: labels, collections, permissions, and what the gate witnessed when it was stored.

Called by `ingest`, `removal`, `refill`, `labels` and `permissions`.

Invariants:
- the row, its kind's counts and its values are written together;
- the class of a study holds nothing that the study's own rows hold.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy import bindparam, delete, insert, literal, select, union_all, update

from pacsgate.dicom.attributes import tag_of
from pacsgate.dicom.summary import DicomJson
from pacsgate.model.actions import Action
from pacsgate.model.grant import GranteeKind
from pacsgate.model.study_permission import Holding
from pacsgate.model.subject import Attributes, Scalar, Values
from pacsgate.policy.ir import COLLECTIONS, LABELS, ORIGIN, PERMITTED, PERMITTED_USERS
from pacsgate.stores import computed
from pacsgate.stores.classes import facts_of_class
from pacsgate.stores.contributions import Contribution, study_union, unpack_contributions
from pacsgate.stores.fixed import Fixed
from pacsgate.stores.kinds import (
    KindPart,
    Weight,
    count_in,
    count_out,
    kind_of,
    many_of,
    note_change,
    split_facts,
)
from pacsgate.stores.match_columns import STUDY_COLUMNS, column_values, recency
from pacsgate.stores.packing import (
    PackedPart,
    pack_attributes,
    pack_facts,
    pack_parts,
    unpack_attributes,
    unpack_facts,
    unpack_parts,
)
from pacsgate.stores.permission_schema import study_permission
from pacsgate.stores.place import Place
from pacsgate.stores.said import KEYS_OF_THE_ROW, digest_of
from pacsgate.stores.schema import AnyRow, access_kind, series, study, study_label, study_value

LABEL_ATTRIBUTES = (LABELS.name, COLLECTIONS.name)
_ORIGIN = tuple(attribute.name for attribute in ORIGIN)
_OWN = frozenset({*_ORIGIN, PERMITTED.name, PERMITTED_USERS.name})
"""What no object says of itself."""
_NONE: Values = frozenset()
_KEY_TAGS = frozenset(map(tag_of, KEYS_OF_THE_ROW))


@dataclass(frozen=True, slots=True)
class StudyKey:
    """Which study of which patient."""

    study_instance_uid: str
    patient_id: str
    issuer_of_patient_id: str


@dataclass(frozen=True, slots=True)
class StoredStudy:
    """A study's row as it stands."""

    key: StudyKey
    study_pk: int
    kind_pk: int
    class_pk: int
    recency: int
    observed_at: datetime
    origin: Attributes
    attributes: DicomJson
    parts: tuple[PackedPart, ...]

    @classmethod
    def of(cls, row: AnyRow) -> Self:
        """From a row of `stored_studies`."""
        attributes = unpack_attributes(row.attributes)
        return cls(
            key=StudyKey(row.study_instance_uid, row.patient_id, row.issuer_of_patient_id),
            study_pk=row.study_pk,
            kind_pk=row.kind_pk,
            class_pk=row.class_pk,
            recency=row.recency,
            observed_at=row.observed_at,
            origin=unpack_facts(row.origin),
            attributes={tag: value for tag, value in attributes.items() if tag not in computed.TAGS},
            parts=unpack_parts(row.parts),
        )

    @property
    def weight(self) -> Weight:
        """What it adds to the counts of its kind."""
        return weight_of(self.parts, self.recency)


_STORED = Fixed(
    select(
        study.c.study_pk,
        study.c.study_instance_uid,
        study.c.patient_id,
        study.c.issuer_of_patient_id,
        study.c.kind_pk,
        access_kind.c.class_pk,
        study.c.recency,
        study.c.observed_at,
        study.c.origin,
        study.c.attributes,
        study.c.parts,
    )
    .join(access_kind, (access_kind.c.tenant == study.c.tenant) & (access_kind.c.kind_pk == study.c.kind_pk))
    .where(
        study.c.tenant == bindparam("tenant"),
        study.c.archive == bindparam("archive"),
        study.c.study_instance_uid == bindparam("uid"),
    )
)
_INSERTED = Fixed(insert(study))
_UPDATED = Fixed(
    update(study).where(study.c.tenant == bindparam("of_tenant"), study.c.study_pk == bindparam("of_study"))
)
_DELETED = Fixed(
    delete(study).where(study.c.tenant == bindparam("tenant"), study.c.study_pk == bindparam("study_pk"))
)
_VALUES_INSERTED = Fixed(insert(study_value))
_VALUES_DELETED = Fixed(
    delete(study_value).where(
        study_value.c.tenant == bindparam("tenant"), study_value.c.study_pk == bindparam("study_pk")
    )
)
_LABEL = "label"
_SAID = Fixed(
    union_all(
        select(literal(_LABEL), study_label.c.attribute, study_label.c.value).where(
            study_label.c.tenant == bindparam("tenant"),
            study_label.c.archive == bindparam("archive"),
            study_label.c.study_instance_uid == bindparam("uid"),
        ),
        select(study_permission.c.action, study_permission.c.grantee_kind, study_permission.c.grantee).where(
            study_permission.c.tenant == bindparam("tenant"),
            study_permission.c.study_instance_uid == bindparam("uid"),
        ),
    )
)
"""Its labels and collections, which are one archive's, and its permissions, which are its everywhere."""
_SERIES = Fixed(
    select(
        series.c.series_instance_uid,
        series.c.part,
        series.c.class_pk,
        series.c.modality,
        series.c.instances,
        series.c.sop_classes,
        series.c.says,
        series.c.contributions,
    )
    .where(series.c.tenant == bindparam("tenant"), series.c.study_pk == bindparam("study_pk"))
    .order_by(series.c.series_instance_uid, series.c.part)
)


def stored_studies(place: Place, study_instance_uid: str) -> list[StoredStudy]:
    """The row of each patient's study with this UID."""
    here = {"tenant": place.tenant, "archive": place.archive, "uid": study_instance_uid}
    return [StoredStudy.of(row) for row in _STORED.rows(place.connection, here)]


@dataclass(frozen=True, slots=True)
class Settling:
    """What a study's row is to say besides what follows from its series."""

    study_pk: int
    key: StudyKey
    attributes: DicomJson
    origin: Attributes
    observed_at: datetime
    many: frozenset[str]
    """The attributes of many values."""

    @classmethod
    def again(cls, place: Place, stored: StoredStudy, many: frozenset[str] | None = None) -> Self:
        """What it says already."""
        if many is None:
            many = many_of(facts_of_class(place.connection, place.tenant, stored.class_pk))
        return cls(stored.study_pk, stored.key, stored.attributes, stored.origin, stored.observed_at, many)


def facts_of_stored(place: Place, stored: StoredStudy) -> dict[str, Values]:
    """What is known of a study before a change."""
    rows = _series_rows(place, stored.study_pk)
    contributions = (one for row in rows for one in unpack_contributions(row.contributions))
    return facts_of_study(place, stored.key, stored.origin, contributions)


def settle(place: Place, study_of: Settling, before: StoredStudy | None) -> dict[str, Values]:
    """Write a study's row from what its series are now.  Returns the study's facts."""
    rows = _series_rows(place, study_of.study_pk)
    contributions = (one for row in rows for one in unpack_contributions(row.contributions))
    facts = facts_of_study(place, study_of.key, study_of.origin, contributions)
    columns = column_values(study_of.attributes, STUDY_COLUMNS)
    # Where nobody is permitted anything, this attribute is not there, and no class need say so.
    many = study_of.many | ({PERMITTED_USERS.name} & facts.keys())
    of_class, values = split_facts(facts, many, columns["study_date"])
    own = digest_of({tag: value for tag, value in study_of.attributes.items() if tag not in _KEY_TAGS})
    distinct = sorted({KindPart(row.class_pk, row.modality) for row in rows})
    kind_pk = kind_of(place, of_class, distinct, agrees=all(row.says == own for row in rows))
    parts = [
        PackedPart(
            row.series_instance_uid,
            row.part,
            distinct.index(KindPart(row.class_pk, row.modality)),
            row.instances,
            tuple(row.sop_classes.split("\\")),
        )
        for row in rows
    ]
    moment = recency(columns["study_date"], columns["study_time"])
    written: dict[str, Any] = {
        **columns,
        "recency": moment,
        "kind_pk": kind_pk,
        "observed_at": study_of.observed_at,
        "origin": pack_facts(study_of.origin),
        "attributes": pack_attributes(
            {**study_of.attributes, **computed.of_study(parts, (row.modality for row in rows))}
        ),
        "parts": pack_parts(parts),
    }
    count_in(place, kind_pk, weight_of(parts, moment))
    if before is None:
        here = {"tenant": place.tenant, "archive": place.archive, "study_pk": study_of.study_pk}
        _INSERTED.run(place.connection, here | written)
    else:
        row = {"of_tenant": place.tenant, "of_study": study_of.study_pk}
        _UPDATED.run(place.connection, row | written)
        count_out(place, before.kind_pk, before.weight)
    _write_values(place, study_of.study_pk, values, {"recency": moment, "kind_pk": kind_pk})
    note_change(place, study_of.study_pk)
    return facts


def delete_study(place: Place, stored: StoredStudy) -> None:
    """Take away the row of a study that has no series any more."""
    _write_values(place, stored.study_pk, {}, {})
    _DELETED.run(place.connection, {"tenant": place.tenant, "study_pk": stored.study_pk})
    count_out(place, stored.kind_pk, stored.weight)
    note_change(place, stored.study_pk)


def facts_of_study(
    place: Place, key: StudyKey, origin: Attributes, contributions: Iterable[Contribution]
) -> dict[str, Values]:
    """The facts of one study; what the index knows itself cannot be overruled by an object."""
    facts = {name: values for name, values in study_union(contributions).items() if name not in _OWN}
    here = {"tenant": place.tenant, "archive": place.archive, "uid": key.study_instance_uid}
    labels: dict[str, set[Scalar]] = {name: set() for name in LABEL_ATTRIBUTES}
    permitted: set[Holding] = set()
    for what, name, value in _SAID.rows(place.connection, here):
        if what == _LABEL:
            labels[name].add(value)
        else:
            permitted.add(Holding(Action(what), GranteeKind(name), value))
    facts |= {name: frozenset(values) for name, values in labels.items()}
    return {**facts, **permitted_facts(permitted), **dict.fromkeys(_ORIGIN, _NONE), **origin}


def permitted_facts(holdings: Iterable[Holding]) -> dict[str, Values]:
    """The facts that a study's permissions are; a study without any lacks them."""
    facts: dict[str, set[Scalar]] = {}
    for holding in holdings:
        of_user = holding.grantee_kind is GranteeKind.USER
        facts.setdefault((PERMITTED_USERS if of_user else PERMITTED).name, set()).add(str(holding))
    return {name: frozenset(values) for name, values in facts.items()}


def _series_rows(place: Place, study_pk: int) -> list[AnyRow]:
    return _SERIES.rows(place.connection, {"tenant": place.tenant, "study_pk": study_pk})


def weight_of(parts: Iterable[PackedPart], moment: int) -> Weight:
    """What a study with these parts adds to the counts of its kind."""
    parts = tuple(parts)
    return Weight(
        series=len({part.series_instance_uid for part in parts}),
        instances=sum(part.instances for part in parts),
        recency=moment,
    )


def _write_values(place: Place, study_pk: int, values: Attributes, row: dict[str, int]) -> None:
    _VALUES_DELETED.run(place.connection, {"tenant": place.tenant, "study_pk": study_pk})
    fresh = [
        {"tenant": place.tenant, "archive": place.archive, "attribute": attribute, "value": value}
        | {"study_pk": study_pk, **row}
        for attribute, found in values.items()
        for value in found
    ]
    _VALUES_INSERTED.run_each(place.connection, fresh)
