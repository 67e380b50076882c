"""Puts instances into the index.

Instances are taken study by study and series by series.  What a series knows is
read once, its instances merged, its facts worked out anew (`merging`), then its
study's row (`study_row`).

The attributes of a study or series, for answers, are those of the instance that
came last; only facts remember that instances disagree.

Called by `study_index`, inside one transaction.

Invariants:
- every study has a series and every series an instance;
- identifiers stand in the kept attributes as they stand in the row's keys.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import bindparam, delete, insert, select

from pacsgate.dicom.matching import text_key
from pacsgate.model.subject import Attributes
from pacsgate.policy.ir import COLLECTIONS, LABELS, ORIGIN, PERMITTED, PERMITTED_USERS
from pacsgate.ports import Ingested
from pacsgate.stores.classes import class_of
from pacsgate.stores.contributions import disagreements
from pacsgate.stores.fixed import Fixed
from pacsgate.stores.match_columns import STUDY_COLUMNS, single_valued
from pacsgate.stores.merging import SeriesState
from pacsgate.stores.orthanc_names import names_of_series, names_of_study, write_names
from pacsgate.stores.place import Place
from pacsgate.stores.said import identified
from pacsgate.stores.schema import series
from pacsgate.stores.serials import STUDY, next_number
from pacsgate.stores.storable import storable_facts, storable_text
from pacsgate.stores.study_row import Settling, StoredStudy, StudyKey, facts_of_stored, settle, stored_studies

_ORIGIN = frozenset(attribute.name for attribute in ORIGIN)
_SETS = frozenset(attribute.name for attribute in (LABELS, COLLECTIONS, PERMITTED, PERMITTED_USERS))
"""What people say of a study: several values are no disagreement."""


@dataclass(frozen=True, slots=True)
class Ingest:
    """One batch into one archive."""

    place: Place
    observed_at: datetime

    def run(self, items: Sequence[Ingested]) -> tuple[str, ...]:
        """Add or replace; returns the StudyInstanceUIDs that have come to disagree."""
        return tuple(
            dict.fromkeys(
                key.study_instance_uid
                for key, of_study in _grouped(items, _key_of)
                if self._study(key, of_study)
            )
        )

    def _study(self, key: StudyKey, items: list[Ingested]) -> bool:
        stored = next(
            (one for one in stored_studies(self.place, key.study_instance_uid) if one.key == key), None
        )
        sets = _SETS.union(*(item.sets for item in items))
        before: Attributes = {} if stored is None else facts_of_stored(self.place, stored)
        study_pk = (
            next_number(self.place.connection, self.place.tenant, STUDY)
            if stored is None
            else stored.study_pk
        )
        disagrees = False
        names = names_of_study(key)
        for uid, of_series in _grouped(items, lambda item: item.summary.series_instance_uid):
            disagrees |= self._series(study_pk, uid, of_series, sets)
            came = (item.summary.sop_instance_uid for item in of_series)
            names += names_of_series(key, uid, came, itself=True)
        write_names(self.place, study_pk, names)
        after = settle(self.place, self._settling(study_pk, key, stored, items), stored)
        return _newly_disagrees(before, after, sets) or disagrees

    def _settling(
        self, study_pk: int, key: StudyKey, stored: StoredStudy | None, items: list[Ingested]
    ) -> Settling:
        last = items[-1]
        witnessed = storable_facts(items[0].origin) if stored is None else stored.origin
        return Settling(
            study_pk=study_pk,
            key=key,
            attributes=identified(
                single_valued(last.summary.study, STUDY_COLUMNS),
                StudyInstanceUID=key.study_instance_uid,
                PatientID=key.patient_id,
                IssuerOfPatientID=key.issuer_of_patient_id,
            ),
            origin={name: values for name, values in witnessed.items() if name in _ORIGIN},
            observed_at=self.observed_at,
            many=last.many,
        )

    def _series(self, study_pk: int, uid: str, items: list[Ingested], sets: frozenset[str]) -> bool:
        """Merge what came of one series; whether its instances have come to disagree."""
        state = read_series(self.place, study_pk, uid)
        before = state.facts
        state.add(items)
        write_series(self.place, study_pk, uid, state)
        return _newly_disagrees(before, state.facts, sets)


_OF_SERIES = (
    series.c.tenant == bindparam("of_tenant"),
    series.c.study_pk == bindparam("of_study"),
    series.c.series_instance_uid == bindparam("of_series"),
)
_READ = Fixed(
    select(
        series.c.contributions,
        series.c.packed,
        series.c.attributes,
        series.c.header_instance,
        series.c.header,
        series.c.says,
    )
    .where(*_OF_SERIES)
    .order_by(series.c.part)
)
_DELETED = Fixed(delete(series).where(*_OF_SERIES))
_INSERTED = Fixed(insert(series))


def read_series(place: Place, study_pk: int, uid: str) -> SeriesState:
    """What a series holds; nothing, if there is none."""
    return SeriesState.of(_READ.rows(place.connection, _named(place, study_pk, uid)))


def write_series(place: Place, study_pk: int, uid: str, state: SeriesState) -> None:
    """Replace what is stored of a series."""
    _DELETED.run(place.connection, _named(place, study_pk, uid))
    here = {"tenant": place.tenant, "archive": place.archive, "study_pk": study_pk}
    rows = [
        part.columns()
        | here
        | {"series_instance_uid": uid, "part": number}
        | {"class_pk": class_of(place.connection, place.tenant, state.facts_of(part))}
        for number, part in enumerate(state.parts)
    ]
    _INSERTED.run_each(place.connection, rows)


def _named(place: Place, study_pk: int, uid: str) -> dict[str, str | int]:
    return {"of_tenant": place.tenant, "of_study": study_pk, "of_series": uid}


def _key_of(item: Ingested) -> StudyKey:
    """Padding does not make another patient (PS3.5 6.2, LO)."""
    summary = item.summary
    return StudyKey(
        summary.study_instance_uid,
        storable_text(text_key(summary.patient_id, "LO")),
        storable_text(text_key(summary.issuer_of_patient_id, "LO")),
    )


def _newly_disagrees(before: Attributes, after: Attributes, sets: frozenset[str]) -> bool:
    return any(before.get(name) != values for name, values in disagreements(after, sets).items())


_Key = TypeVar("_Key")


def _grouped(
    items: Iterable[Ingested], key: Callable[[Ingested], _Key]
) -> Iterable[tuple[_Key, list[Ingested]]]:
    groups: dict[_Key, list[Ingested]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups.items()
