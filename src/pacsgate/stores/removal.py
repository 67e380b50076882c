"""Takes studies, series and instances out of the index, and whatever is left without children.

Called by `study_index`, inside one transaction.

Invariants:
- an access class that no row has any more is gone too;
- a study's row says what a series says that is still there;
- a study's labels stay: if the index finds the study again, it is still under
  the forbids that name them.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update

from pacsgate.model.resource import ResourceKey
from pacsgate.stores.classes import class_of, forget_unused
from pacsgate.stores.match_columns import STUDY_COLUMNS, column_values
from pacsgate.stores.merging import SeriesState
from pacsgate.stores.packing import pack_attributes
from pacsgate.stores.place import Place
from pacsgate.stores.said import said_by
from pacsgate.stores.schema import AnyRow, series, study
from pacsgate.stores.study_facts import rows_with_uid, settle


@dataclass(frozen=True, slots=True)
class Removal:
    """One removal from one archive."""

    place: Place

    def run(self, key: ResourceKey) -> int:
        """Remove what the key names, of every patient who has it.  Returns instances removed."""
        return sum(self._from_study(row, key) for row in rows_with_uid(self.place, key.study_instance_uid))

    def unobserved(self, study_instance_uid: str, before: datetime) -> None:
        """Remove the rows of a study that were last confirmed before then."""
        for row in rows_with_uid(self.place, study_instance_uid):
            if row.observed_at < before:
                self._from_study(row, ResourceKey(study_instance_uid))

    def _from_study(self, row: AnyRow, key: ResourceKey) -> int:
        removed = sum(self._from_series(one, key) for one in self._series_of(row.study_pk, key))
        if removed:
            self._settle_or_delete(row)
        return removed

    def _series_of(self, study_pk: int, key: ResourceKey) -> list[AnyRow]:
        rows = select(
            series.c.study_pk,
            series.c.series_instance_uid,
            series.c.class_pk,
            series.c.instances,
            series.c.packed,
            series.c.contributions,
            series.c.header_instance,
        ).where(series.c.tenant == self.place.tenant, series.c.study_pk == study_pk)
        if key.series_instance_uid is not None:
            rows = rows.where(series.c.series_instance_uid == key.series_instance_uid)
        return list(self.place.connection.execute(rows))

    def _from_series(self, row: AnyRow, key: ResourceKey) -> int:
        here = (
            (series.c.tenant == self.place.tenant)
            & (series.c.study_pk == row.study_pk)
            & (series.c.series_instance_uid == row.series_instance_uid)
        )
        state = SeriesState.of(row)
        if key.sop_instance_uid is not None and key.sop_instance_uid not in state.instances:
            return 0
        if key.sop_instance_uid is not None and len(state.instances) > 1:
            state.discard(key.sop_instance_uid)
            class_pk = class_of(self.place.connection, self.place.tenant, state.facts)
            self.place.connection.execute(
                update(series).where(here).values(class_pk=class_pk, **state.columns())
            )
            removed = 1
        else:
            self.place.connection.execute(delete(series).where(here))
            removed = row.instances
        forget_unused(self.place.connection, self.place.tenant, [row.class_pk])
        return removed

    def _settle_or_delete(self, row: AnyRow) -> None:
        of_study = (series.c.tenant == self.place.tenant) & (series.c.study_pk == row.study_pk)
        here = (study.c.tenant == self.place.tenant) & (study.c.study_pk == row.study_pk)
        remaining = self.place.connection.scalars(select(series.c.series_instance_uid).where(of_study)).all()
        if remaining:
            settle(self.place, row)
            said = said_by(self.place, {row.study_pk: row}, {(row.study_pk, uid) for uid in remaining})
            attributes = next(iter(said[row.study_pk].values()))
            values = {**column_values(attributes, STUDY_COLUMNS), "attributes": pack_attributes(attributes)}
            self.place.connection.execute(update(study).where(here).values(values))
            return
        self.place.connection.execute(delete(study).where(here))
        forget_unused(self.place.connection, self.place.tenant, [row.class_pk])
