"""Reads studies out of the index: the hot look-up before every decision, and all of them for `who-can`.

One statement finds a study with its series; what their access classes say is
remembered per process; instances stay packed until somebody looks at them.

Called by `study_index`.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby

from sqlalchemy import Connection, bindparam, select

from pacsgate.model.resource import ArchiveName
from pacsgate.model.subject import Values
from pacsgate.policy.ir import PATIENT_ID, SERIES_UID, STUDY_UID
from pacsgate.ports import SeriesEntry, StudyEntry
from pacsgate.stores.classes import ClassFacts
from pacsgate.stores.database import Database
from pacsgate.stores.packing import InstanceEntries, unpack_attributes
from pacsgate.stores.schema import AnyRow, series, study

_BATCH = 200
"""Studies read per transaction while walking all of them, so that no writer waits long."""

_ENTRIES = (
    select(
        study.c.study_pk,
        study.c.archive,
        study.c.study_instance_uid,
        study.c.patient_id,
        study.c.issuer_of_patient_id,
        study.c.patient_key,
        study.c.class_pk,
        study.c.observed_at,
        study.c.attributes,
        series.c.series_instance_uid,
        series.c.class_pk.label("series_class_pk"),
        series.c.attributes.label("series_attributes"),
        series.c.instances,
        series.c.packed,
    )
    .join(series, (series.c.tenant == study.c.tenant) & (series.c.study_pk == study.c.study_pk))
    .where(study.c.tenant == bindparam("tenant"), study.c.archive == bindparam("archive"))
    .order_by(study.c.study_pk, series.c.series_instance_uid)
)
_WITH_UID = _ENTRIES.where(study.c.study_instance_uid == bindparam("uid"))
_NUMBERED = _ENTRIES.where(study.c.study_pk.in_(bindparam("study_pks", expanding=True)))
_NEXT_NUMBERS = (
    select(study.c.study_pk)
    .where(
        study.c.tenant == bindparam("tenant"),
        study.c.archive == bindparam("archive"),
        study.c.study_pk > bindparam("after"),
    )
    .order_by(study.c.study_pk)
    .limit(_BATCH)
)


def studies_with_uid(
    database: Database, classes: ClassFacts, tenant: str, archive: str, study_instance_uid: str
) -> tuple[StudyEntry, ...]:
    """Every study with this UID, one per patient that has it."""
    with database.reading() as connection:
        found = connection.execute(
            _WITH_UID, {"tenant": tenant, "archive": archive, "uid": study_instance_uid}
        ).all()
        return tuple(_entries(connection, classes, tenant, found)) if found else ()


def every_study(database: Database, classes: ClassFacts, tenant: str, archive: str) -> Iterator[StudyEntry]:
    """All studies of an archive, in the order in which the index came to know them."""
    after = 0
    while True:
        with database.reading() as connection:
            here = {"tenant": tenant, "archive": archive}
            study_pks = list(connection.execute(_NEXT_NUMBERS, here | {"after": after}).scalars())
            if not study_pks:
                return
            rows = connection.execute(_NUMBERED, here | {"study_pks": study_pks}).all()
            batch = list(_entries(connection, classes, tenant, rows))
        yield from batch
        after = study_pks[-1]


def study_values(facts: dict[str, Values], study_instance_uid: str, patient_key: str) -> dict[str, Values]:
    """The facts of a study with its key attributes, which no class holds."""
    return {
        **facts,
        STUDY_UID.name: frozenset({study_instance_uid}),
        PATIENT_ID.name: frozenset({patient_key}),
    }


def series_values(facts: dict[str, Values], series_instance_uid: str) -> dict[str, Values]:
    """The facts of a series with its key attribute."""
    return {**facts, SERIES_UID.name: frozenset({series_instance_uid})}


def _entries(
    connection: Connection, classes: ClassFacts, tenant: str, rows: Iterable[AnyRow]
) -> Iterator[StudyEntry]:
    rows = list(rows)
    facts = classes.of(connection, tenant, (pk for row in rows for pk in (row.class_pk, row.series_class_pk)))
    for _, group in groupby(rows, key=lambda row: row.study_pk):
        of_study = list(group)
        first = of_study[0]
        yield StudyEntry(
            archive=ArchiveName(first.archive),
            study_instance_uid=first.study_instance_uid,
            patient_id=first.patient_id,
            issuer_of_patient_id=first.issuer_of_patient_id,
            attributes=unpack_attributes(first.attributes),
            facts=study_values(facts[first.class_pk], first.study_instance_uid, first.patient_key),
            series=tuple(_series_entry(row, facts[row.series_class_pk]) for row in of_study),
            observed_at=first.observed_at,
        )


def _series_entry(row: AnyRow, facts: dict[str, Values]) -> SeriesEntry:
    return SeriesEntry(
        series_instance_uid=row.series_instance_uid,
        attributes=unpack_attributes(row.series_attributes),
        facts=series_values(facts, row.series_instance_uid),
        instances=InstanceEntries(row.packed, row.instances),
    )
