"""Computes facts anew from the headers that the index keeps, once a policy declares more attributes.

Called by `study_index`.

Invariants:
- filling in never makes a disagreement disappear (`contributions.refilled`);
- a series whose UIDs two patients share cannot be told from its namesake by a
  caller who has only UIDs, so nothing is known of either until its instances are
  ingested again: permits on declared attributes fail, forbids apply.
"""

from collections.abc import Iterator

from sqlalchemy import bindparam, select

from pacsgate.dicom.summary import DicomJson
from pacsgate.stores.contributions import Contribution, refilled
from pacsgate.stores.database import Database
from pacsgate.stores.ingest import read_series, write_series
from pacsgate.stores.packing import unpack_header
from pacsgate.stores.place import Place
from pacsgate.stores.schema import series, study
from pacsgate.stores.study_row import Settling, settle, stored_studies

_BATCH = 100
"""Headers read per transaction; refilling writes between them."""

_BEYOND = 2**62
"""No study has a number so high."""

_NEXT = (
    select(series.c.study_pk, series.c.series_instance_uid, study.c.study_instance_uid, series.c.header)
    .join(study, (study.c.tenant == series.c.tenant) & (study.c.study_pk == series.c.study_pk))
    .where(
        series.c.tenant == bindparam("tenant"),
        series.c.archive == bindparam("archive"),
        series.c.part == 0,
        (series.c.study_pk < bindparam("study_pk"))
        | (
            (series.c.study_pk == bindparam("study_pk"))
            & (series.c.series_instance_uid > bindparam("series_instance_uid"))
        ),
    )
    .order_by(series.c.study_pk.desc(), series.c.series_instance_uid)
    .limit(_BATCH)
)


def headers(database: Database, tenant: str, archive: str) -> Iterator[tuple[str, str, DicomJson]]:
    """Each series' UIDs and kept header, the studies that came last first."""
    after: dict[str, str | int] = {"study_pk": _BEYOND, "series_instance_uid": ""}
    while True:
        with database.reading(tenant) as connection:
            rows = connection.execute(_NEXT, {"tenant": tenant, "archive": archive, **after}).all()
        if not rows:
            return
        for row in rows:
            yield row.study_instance_uid, row.series_instance_uid, unpack_header(row.header)
        last = rows[-1]
        after = {"study_pk": last.study_pk, "series_instance_uid": last.series_instance_uid}


def refill(
    place: Place,
    study_instance_uid: str,
    series_instance_uid: str,
    fresh: Contribution,
    many: frozenset[str],
) -> None:
    """Replace what one series contributes.  A series that has gone meanwhile is none of its business."""
    having = [
        stored
        for stored in stored_studies(place, study_instance_uid)
        if any(part.series_instance_uid == series_instance_uid for part in stored.parts)
    ]
    for stored in having:
        state = read_series(place, stored.study_pk, series_instance_uid)
        state.refill(refilled(state.contributions, fresh) if len(having) == 1 else Contribution({}, {}))
        write_series(place, stored.study_pk, series_instance_uid, state)
        settle(place, Settling.again(place, stored, many), stored)
