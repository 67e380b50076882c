"""Fills an index with a world by the millions, in minutes.

The first study of each shape goes in as every study does, through `StudyIndex.ingest`.  Every other
is a copy of the rows of the first of its shape, with its own numbers, names and dates in their
places, written in bulk.  What a row means the loader does not know, only what stands in it for the
study itself: its marks.

Called by `databases`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, text

from bench.lists.kinds import Shape, add_kinds, told_apart_by
from bench.lists.world import Likeness, WorldStudy, world
from pacsgate.dicom.attributes import tag_of, vr_of
from pacsgate.dicom.summary import InstanceSummary
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName, TenantScope
from pacsgate.ports import Ingested
from pacsgate.stores.database import Database
from pacsgate.stores.match_columns import recency
from pacsgate.stores.schema import series, study, study_value
from pacsgate.stores.stores import stores_on
from pacsgate.stores.tenant_wall import ANY_TENANT

SCOPE = TenantScope(DEFAULT_TENANT)
ARCHIVE = ArchiveName("main")
REFERRER = "referrer"
"""The fact of many values: who referred the patient."""
_SEEN = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
_ROOT = "1.2.826.0.1.3680043.10.1733.9"
_CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class _Mark:
    """What stands in the rows of one study for that study, each always as long as in any other."""

    uid: str
    patient: str
    accession: str
    date: str
    time: str
    referrer: str

    @classmethod
    def of(cls, study: WorldStudy) -> "_Mark":
        return cls(
            f"1{study.number:09}",
            f"2{study.patient:09}",
            f"3{study.number:09}",
            study.study_date,
            study.study_time,
            f"referrer{study.referrer:05}",
        )

    def texts(self) -> tuple[str, ...]:
        """In the order of the places that `_Copied` finds."""
        return (self.uid, self.patient, self.accession, self.date, self.time, self.referrer)


def uid_of(number: int) -> str:
    """The StudyInstanceUID of the study with this number."""
    return f"{_ROOT}.1{number:09}"


def patient_of(study: WorldStudy) -> str:
    """Its PatientID."""
    return f"PAT{_Mark.of(study).patient}"


def load(
    database: Database,
    studies: int,
    bulk: Callable[[Database, Table, Iterable[Sequence[Any]]], None],
    told: Callable[[str], None],
    *,
    with_series: bool,
) -> None:
    """Fill an empty database; `bulk` puts rows into one table as fast as the database can."""
    first: dict[Shape, WorldStudy] = {}
    likenesses: dict[Likeness, None] = {}
    for one in world(studies):
        first.setdefault(Shape.of(one.likeness), one)
        likenesses[one.likeness] = None
    _ingest(database, first.values())
    told(f"{len(likenesses):,} kinds of study")
    with database.writing(ANY_TENANT) as connection:
        shapes = {shape: one.likeness for shape, one in first.items()}
        kinds = add_kinds(connection, shapes, likenesses)
    with database.reading(ANY_TENANT) as connection:
        copied = _copies(connection, first, with_series=with_series)
    told(f"{studies:,} studies")
    for table in copied:
        # One table after the other: a pass over the world costs less than holding it.
        bulk(database, table, _rows(table, copied[table], first, kinds, studies))
    with database.writing(ANY_TENANT) as connection:
        if not with_series:
            connection.execute(text("DELETE FROM series"))
        connection.execute(text("UPDATE serial SET value = :last WHERE name = 'study'"), {"last": studies})
        connection.execute(_SUMS)


_SUMS = text(
    """
    UPDATE access_kind SET changed = 1,
      series = series * counted.n / studies, instances = instances * counted.n / studies,
      studies = counted.n, newest = counted.newest
    FROM (
      SELECT tenant, kind_pk, count(*) AS n, max(recency) AS newest FROM study GROUP BY tenant, kind_pk
    ) AS counted
    WHERE counted.tenant = access_kind.tenant AND counted.kind_pk = access_kind.kind_pk
    """
)


def _ingest(database: Database, studies: Iterable[WorldStudy]) -> None:
    index = stores_on(database).index
    items = [item for study in studies for item in _items(study)]
    for start in range(0, len(items), _BATCH):
        index.ingest(SCOPE, ARCHIVE, items[start : start + _BATCH], _SEEN)


def _items(study: WorldStudy) -> Iterator[Ingested]:
    mark, like = _Mark.of(study), study.likeness
    uid = uid_of(study.number)
    attributes = _json(
        StudyInstanceUID=uid,
        StudyDate=mark.date,
        StudyTime=mark.time,
        AccessionNumber=f"ACC{mark.accession}",
        StudyDescription="STUDY",
        ReferringPhysicianName={"Alphabetic": f"{mark.referrer}^DR".upper()},
        PatientName={"Alphabetic": f"NAME{mark.patient}^PATIENT"},
        PatientID=patient_of(study),
        PatientBirthDate="19700101",
        PatientSex="O",
        StudyID="1",
    )
    modalities = (*like.modalities, "SR") if like.reported else like.modalities
    for number, modality in enumerate(modalities, 1):
        series_uid = f"{uid}.{number}"
        series = _json(SeriesInstanceUID=series_uid, Modality=modality, SeriesNumber=number)
        yield Ingested(
            summary=InstanceSummary(
                study_instance_uid=uid,
                series_instance_uid=series_uid,
                sop_instance_uid=f"{series_uid}.1",
                sop_class_uid=_CT_IMAGE,
                patient_id=patient_of(study),
                issuer_of_patient_id="",
                transfer_syntax_uid="1.2.840.10008.1.2.1",
                number_of_frames=1,
                study=attributes,
                series=series,
                instance=_json(SOPInstanceUID=f"{series_uid}.1", SOPClassUID=_CT_IMAGE, InstanceNumber=1),
                header={**attributes, **series},
            ),
            study_facts={
                **told_apart_by(like),
                "modalities": frozenset(modalities),
                REFERRER: frozenset({mark.referrer}),
            },
            series_facts={"modality": frozenset({modality})},
            sets=frozenset({"modalities", "flags"}),
            many=frozenset({REFERRER}),
        )


def _json(**attributes: Any) -> dict[str, dict[str, Any]]:
    return {
        tag_of(keyword): {"vr": vr_of(keyword), "Value": [value]} for keyword, value in attributes.items()
    }


# ------------------------------------------------------------------ copies of rows


@dataclass(frozen=True, slots=True)
class _Places:
    """One value of a row in which some of the marks stand: what is between them, and which they are."""

    between: tuple[Any, ...]
    marks: tuple[int, ...]

    def filled(self, texts: Sequence[str], encoded: Sequence[bytes]) -> str | bytes:
        own: Sequence[Any] = texts if isinstance(self.between[0], str) else encoded
        parts = [self.between[0]]
        for mark, after in zip(self.marks, self.between[1:], strict=True):
            parts += (own[mark], after)
        empty: Any = self.between[0][:0]
        return empty.join(parts)  # type: ignore[no-any-return]


_Row = tuple[tuple[Any, ...], tuple[tuple[int, _Places], ...]]
"""The values of a row as they are, and those of them in which marks stand, by position."""


def _copies(
    connection: Connection, first: Mapping[Shape, WorldStudy], *, with_series: bool
) -> dict[Table, dict[Shape, list[_Row]]]:
    """For each table with rows of a study, those of the first of each shape, ready to be copied."""
    by_uid = {uid_of(one.number): (shape, one) for shape, one in first.items()}
    known = connection.execute(text("SELECT study_pk, study_instance_uid FROM study"))
    numbers = {number: by_uid[uid] for number, uid in known}
    copied: dict[Table, dict[Shape, list[_Row]]] = {}
    for table in (study, study_value, *((series,) if with_series else ())):
        rows: dict[Shape, list[_Row]] = {shape: [] for shape in first}
        columns = ", ".join(column.name for column in table.c)
        for row in connection.execute(text(f"SELECT {columns} FROM {table.name}")):  # noqa: S608 - our own
            shape, one = numbers[row.study_pk]
            rows[shape].append(_prepared(tuple(row), _Mark.of(one).texts()))
        copied[table] = rows
    return copied


def _prepared(row: tuple[Any, ...], marks: tuple[str, ...]) -> _Row:
    found = []
    for position, value in enumerate(row):
        if isinstance(value, str | bytes) and (places := _places(value, marks)).marks:
            found.append((position, places))
    return row, tuple(found)


def _places(value: str | bytes, marks: tuple[str, ...]) -> _Places:
    pieces: list[Any] = [value]
    order: list[int] = []
    for number, mark in enumerate(marks):
        separator: Any = mark if isinstance(value, str) else mark.encode()
        for index in range(len(pieces) - 1, -1, -1):
            split = pieces[index].split(separator)
            pieces[index : index + 1] = split
            order[index:index] = [number] * (len(split) - 1)
    return _Places(tuple(pieces), tuple(order))


def _rows(
    table: Table,
    prepared: Mapping[Shape, list[_Row]],
    first: Mapping[Shape, WorldStudy],
    kinds: Mapping[Likeness, int],
    studies: int,
) -> Iterator[tuple[Any, ...]]:
    """The rows of every study that is not the first of its shape."""
    at = {column.name: position for position, column in enumerate(table.c)}
    originals = {one.number for one in first.values()}
    # The first ones were given the numbers from 1 on, in whatever order they went in.
    free = iter(range(len(first) + 1, studies + 1))
    for one in world(studies):
        if one.number in originals:
            continue
        own = {
            "study_pk": next(free),
            "kind_pk": kinds[one.likeness],
            "recency": recency(one.study_date, one.study_time),
        }
        replaced = [(at[name], value) for name, value in own.items() if name in at]
        texts = _Mark.of(one).texts()
        encoded = tuple(text.encode() for text in texts)
        for values, places in prepared[Shape.of(one.likeness)]:
            row = list(values)
            for position, value in replaced:
                row[position] = value
            for position, place in places:
                row[position] = place.filled(texts, encoded)
            yield tuple(row)
