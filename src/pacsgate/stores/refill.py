"""Computes facts anew from the headers that the index keeps, once a policy declares more attributes.

Called by `study_index`.

Invariants:
- filling in never makes a disagreement disappear (`contributions.refilled`);
- a series whose UIDs two patients share cannot be told from its namesake by a
  caller who has only UIDs, so nothing is known of either until its instances are
  ingested again: permits on declared attributes fail, forbids apply.
"""

from collections.abc import Iterator

from sqlalchemy import bindparam, select, update

from pacsgate.dicom.summary import DicomJson
from pacsgate.stores.classes import class_of, forget_unused
from pacsgate.stores.contributions import Contribution, refilled
from pacsgate.stores.database import Database
from pacsgate.stores.merging import SeriesState
from pacsgate.stores.packing import unpack_header
from pacsgate.stores.place import Place
from pacsgate.stores.schema import series, study
from pacsgate.stores.study_facts import rows_with_uid, settle

_BATCH = 100
"""Headers read per transaction; refilling writes between them."""

_NEXT = (
    select(series.c.study_pk, series.c.series_instance_uid, study.c.study_instance_uid, series.c.header)
    .join(study, (study.c.tenant == series.c.tenant) & (study.c.study_pk == series.c.study_pk))
    .where(
        series.c.tenant == bindparam("tenant"),
        series.c.archive == bindparam("archive"),
        (series.c.study_pk > bindparam("study_pk"))
        | (
            (series.c.study_pk == bindparam("study_pk"))
            & (series.c.series_instance_uid > bindparam("series_instance_uid"))
        ),
    )
    .order_by(series.c.study_pk, series.c.series_instance_uid)
    .limit(_BATCH)
)


def headers(database: Database, tenant: str, archive: str) -> Iterator[tuple[str, str, DicomJson]]:
    """Each series' UIDs and kept header, in a stable order."""
    after: dict[str, str | int] = {"study_pk": 0, "series_instance_uid": ""}
    while True:
        with database.reading() as connection:
            rows = connection.execute(_NEXT, {"tenant": tenant, "archive": archive, **after}).all()
        if not rows:
            return
        for row in rows:
            yield row.study_instance_uid, row.series_instance_uid, unpack_header(row.header)
        last = rows[-1]
        after = {"study_pk": last.study_pk, "series_instance_uid": last.series_instance_uid}


def refill(place: Place, study_instance_uid: str, series_instance_uid: str, fresh: Contribution) -> None:
    """Replace what one series contributes.  A series that has gone meanwhile is none of its business."""
    studies = {row.study_pk: row for row in rows_with_uid(place, study_instance_uid)}
    rows = place.connection.execute(
        select(
            series.c.study_pk,
            series.c.class_pk,
            series.c.packed,
            series.c.contributions,
            series.c.header_instance,
        ).where(
            series.c.tenant == place.tenant,
            series.c.study_pk.in_(studies),
            series.c.series_instance_uid == series_instance_uid,
        )
    ).all()
    for row in rows:
        state = SeriesState.of(row)
        state.refill(refilled(state.contributions, fresh) if len(rows) == 1 else None)
        class_pk = class_of(place.connection, place.tenant, state.facts)
        place.connection.execute(
            update(series)
            .where(
                series.c.tenant == place.tenant,
                series.c.study_pk == row.study_pk,
                series.c.series_instance_uid == series_instance_uid,
            )
            .values(class_pk=class_pk, **state.columns())
        )
        forget_unused(place.connection, place.tenant, [row.class_pk])
        settle(place, studies[row.study_pk])
