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
from pacsgate.stores.orthanc_names import delete_names, names_of_series, names_of_study
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
        """Remove what the key names, of every patient it names who has it.  Returns instances removed."""
        return sum(
            self._from_study(stored, key)
            for stored in stored_studies(self.place, key.study_instance_uid)
            if key.patient_id in {None, stored.key.patient_id}
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
        removed = sum(self._from_series(stored, uid, key.sop_instance_uid) for uid in named)
        if removed:
            self._settle_or_delete(stored)
        return removed

    def _from_series(self, stored: StoredStudy, uid: str, sop_instance_uid: str | None) -> int:
        state = read_series(self.place, stored.study_pk, uid)
        if sop_instance_uid is None:
            removed = [held for part in state.parts for held in part.instances]
            state.parts.clear()
        elif sop_instance_uid in state:
            removed = [sop_instance_uid]
            state.discard(sop_instance_uid)
        else:
            return 0
        write_series(self.place, stored.study_pk, uid, state)
        names = names_of_series(stored.key, uid, removed, itself=not state.parts)
        delete_names(self.place, stored.study_pk, names)
        return len(removed)

    def _settle_or_delete(self, stored: StoredStudy) -> None:
        first = self.place.connection.scalars(
            select(series.c.header)
            .where(series.c.tenant == self.place.tenant, series.c.study_pk == stored.study_pk)
            .order_by(series.c.series_instance_uid, series.c.part)
            .limit(1)
        ).one_or_none()
        if first is None:
            delete_study(self.place, stored)
            delete_names(self.place, stored.study_pk, names_of_study(stored.key))
            return
        attributes = identified(
            said(unpack_header(first)),
            StudyInstanceUID=stored.key.study_instance_uid,
            PatientID=stored.key.patient_id,
            IssuerOfPatientID=stored.key.issuer_of_patient_id,
        )
        settle(self.place, replace(Settling.again(self.place, stored), attributes=attributes), stored)
