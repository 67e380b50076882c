"""Takes studies, series and instances out of the index, and whatever is left without children.

Called by `study_index`, inside one transaction.

Invariants:
- a study's row says what a series says that is still there;
- a study's labels stay: if the index finds the study again, it is still under
  the forbids that name them.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select

from pacsgate.model.resource import ResourceKey
from pacsgate.stores.ingest import read_series, write_series
from pacsgate.stores.packing import unpack_header
from pacsgate.stores.place import Place
from pacsgate.stores.said import identified, said
from pacsgate.stores.schema import series
from pacsgate.stores.study_row import Settling, StoredStudy, delete_study, settle, stored_studies


@dataclass(frozen=True, slots=True)
class Removal:
    """One removal from one archive."""

    place: Place

    def run(self, key: ResourceKey) -> int:
        """Remove what the key names, of every patient who has it.  Returns instances removed."""
        return sum(
            self._from_study(stored, key) for stored in stored_studies(self.place, key.study_instance_uid)
        )

    def unobserved(self, study_instance_uid: str, before: datetime) -> None:
        """Remove the rows of a study that were last confirmed before then."""
        for stored in stored_studies(self.place, study_instance_uid):
            if stored.observed_at < before:
                self._from_study(stored, ResourceKey(study_instance_uid))

    def _from_study(self, stored: StoredStudy, key: ResourceKey) -> int:
        named = {
            part.series_instance_uid
            for part in stored.parts
            if key.series_instance_uid in {None, part.series_instance_uid}
        }
        removed = sum(self._from_series(stored.study_pk, uid, key.sop_instance_uid) for uid in named)
        if removed:
            self._settle_or_delete(stored)
        return removed

    def _from_series(self, study_pk: int, uid: str, sop_instance_uid: str | None) -> int:
        state = read_series(self.place, study_pk, uid)
        if sop_instance_uid is None:
            removed = len(state)
            state.parts.clear()
        elif sop_instance_uid in state:
            removed = 1
            state.discard(sop_instance_uid)
        else:
            return 0
        write_series(self.place, study_pk, uid, state)
        return removed

    def _settle_or_delete(self, stored: StoredStudy) -> None:
        first = self.place.connection.scalars(
            select(series.c.header)
            .where(series.c.tenant == self.place.tenant, series.c.study_pk == stored.study_pk)
            .order_by(series.c.series_instance_uid, series.c.part)
            .limit(1)
        ).one_or_none()
        if first is None:
            delete_study(self.place, stored)
            return
        attributes = identified(
            said(unpack_header(first)),
            StudyInstanceUID=stored.key.study_instance_uid,
            PatientID=stored.key.patient_id,
            IssuerOfPatientID=stored.key.issuer_of_patient_id,
        )
        settle(self.place, replace(Settling.again(self.place, stored), attributes=attributes), stored)
