"""Puts instances into the index.

Instances are taken study by study and series by series.  What a series knows is
read once, its instances merged, its facts and its study's worked out anew
(`contributions`), and each row moved to the access class of its facts.

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

from sqlalchemy import insert, select, update

from pacsgate.dicom.matching import text_key
from pacsgate.model.resource import patient_key
from pacsgate.model.subject import Attributes
from pacsgate.ports import Ingested
from pacsgate.stores.classes import class_of, facts_of_class, forget_unused
from pacsgate.stores.contributions import Contribution, disagreements, unpack_contributions
from pacsgate.stores.match_columns import SERIES_COLUMNS, STUDY_COLUMNS, column_values, single_valued
from pacsgate.stores.merging import SeriesState
from pacsgate.stores.packing import pack_attributes
from pacsgate.stores.place import Place
from pacsgate.stores.said import identified
from pacsgate.stores.schema import AnyRow, series, study
from pacsgate.stores.serials import STUDY, next_number
from pacsgate.stores.storable import storable_text
from pacsgate.stores.study_facts import facts_of_study


@dataclass(frozen=True, slots=True)
class _StudyKey:
    study_instance_uid: str
    patient_id: str
    issuer_of_patient_id: str

    @classmethod
    def of(cls, item: Ingested) -> "_StudyKey":
        """Padding does not make another patient (PS3.5 6.2, LO)."""
        summary = item.summary
        return cls(
            summary.study_instance_uid,
            storable_text(text_key(summary.patient_id, "LO")),
            storable_text(text_key(summary.issuer_of_patient_id, "LO")),
        )


@dataclass(frozen=True, slots=True)
class _Merged:
    """One series after the merge.  `row` is what was stored before, if anything was."""

    state: SeriesState
    last: Ingested
    row: AnyRow | None
    class_pk: int


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
                for key, of_study in _grouped(items, _StudyKey.of)
                if self._study(key, of_study)
            )
        )

    def _study(self, key: _StudyKey, items: list[Ingested]) -> bool:
        row = self._stored_study(key)
        stored = {} if row is None else self._stored_contributions(row.study_pk)
        merged = {
            uid: self._merge(row, uid, of_series)
            for uid, of_series in _grouped(items, lambda item: item.summary.series_instance_uid)
        }
        principal = (items[0].ingest_principal or "") if row is None else row.ingest_principal
        facts = facts_of_study(
            self.place,
            key.study_instance_uid,
            principal,
            _flat(stored | {uid: one.state.contributions for uid, one in merged.items()}),
        )
        class_pk = class_of(self.place.connection, self.place.tenant, facts)
        sets = frozenset().union(*(item.sets for item in items))
        disagrees = class_pk != (row and row.class_pk) and self._newly_disagrees(row, facts, sets)
        study_pk = self._write_study(key, items[-1], row, class_pk, principal)
        for uid, one in merged.items():
            disagrees = self._newly_disagrees(one.row, one.state.facts, sets) or disagrees
            self._write_series(study_pk, uid, one)
        left = [
            before.class_pk for before in (row, *(one.row for one in merged.values())) if before is not None
        ]
        forget_unused(self.place.connection, self.place.tenant, left)
        return disagrees

    def _stored_study(self, key: _StudyKey) -> AnyRow | None:
        return self.place.connection.execute(
            select(study.c.study_pk, study.c.class_pk, study.c.ingest_principal).where(
                study.c.tenant == self.place.tenant,
                study.c.archive == self.place.archive,
                study.c.study_instance_uid == key.study_instance_uid,
                study.c.issuer_of_patient_id == key.issuer_of_patient_id,
                study.c.patient_id == key.patient_id,
            )
        ).one_or_none()

    def _stored_contributions(self, study_pk: int) -> dict[str, list[Contribution]]:
        rows = self.place.connection.execute(
            select(series.c.series_instance_uid, series.c.contributions).where(
                series.c.tenant == self.place.tenant, series.c.study_pk == study_pk
            )
        )
        return {uid: unpack_contributions(packed) for uid, packed in rows}

    def _merge(self, study_row: AnyRow | None, uid: str, items: list[Ingested]) -> _Merged:
        row = (
            None
            if study_row is None
            else self.place.connection.execute(
                select(
                    series.c.class_pk, series.c.packed, series.c.contributions, series.c.header_instance
                ).where(
                    series.c.tenant == self.place.tenant,
                    series.c.study_pk == study_row.study_pk,
                    series.c.series_instance_uid == uid,
                )
            ).one_or_none()
        )
        state = SeriesState() if row is None else SeriesState.of(row)
        state.add(items)
        return _Merged(state, items[-1], row, class_of(self.place.connection, self.place.tenant, state.facts))

    def _newly_disagrees(self, row: AnyRow | None, after: Attributes, sets: frozenset[str]) -> bool:
        several = disagreements(after, sets)
        if not several:
            return False
        before = {} if row is None else facts_of_class(self.place.connection, self.place.tenant, row.class_pk)
        return any(before.get(name) != values for name, values in several.items())

    def _write_study(
        self, key: _StudyKey, last: Ingested, row: AnyRow | None, class_pk: int, principal: str
    ) -> int:
        attributes = identified(
            single_valued(last.summary.study, STUDY_COLUMNS),
            StudyInstanceUID=key.study_instance_uid,
            PatientID=key.patient_id,
            IssuerOfPatientID=key.issuer_of_patient_id,
        )
        values = {
            **column_values(attributes, STUDY_COLUMNS),
            "attributes": pack_attributes(attributes),
            "class_pk": class_pk,
            "observed_at": self.observed_at,
        }
        if row is not None:
            here = (study.c.tenant == self.place.tenant) & (study.c.study_pk == row.study_pk)
            self.place.connection.execute(update(study).where(here).values(values))
            return int(row.study_pk)
        study_pk = next_number(self.place.connection, self.place.tenant, STUDY)
        values |= {
            "tenant": self.place.tenant,
            "study_pk": study_pk,
            "archive": self.place.archive,
            "patient_key": patient_key(key.patient_id, key.issuer_of_patient_id),
            "ingest_principal": storable_text(principal),
        }
        self.place.connection.execute(insert(study).values(values))
        return study_pk

    def _write_series(self, study_pk: int, uid: str, merged: _Merged) -> None:
        attributes = identified(
            single_valued(merged.last.summary.series, SERIES_COLUMNS), SeriesInstanceUID=uid
        )
        values = {
            **column_values(attributes, SERIES_COLUMNS),
            **merged.state.columns(),
            "attributes": pack_attributes(attributes),
            "class_pk": merged.class_pk,
        }
        if merged.row is not None:
            here = (
                (series.c.tenant == self.place.tenant)
                & (series.c.study_pk == study_pk)
                & (series.c.series_instance_uid == uid)
            )
            self.place.connection.execute(update(series).where(here).values(values))
            return
        values |= {"tenant": self.place.tenant, "study_pk": study_pk, "archive": self.place.archive}
        self.place.connection.execute(insert(series).values(values))


_Key = TypeVar("_Key")


def _grouped(
    items: Iterable[Ingested], key: Callable[[Ingested], _Key]
) -> Iterable[tuple[_Key, list[Ingested]]]:
    groups: dict[_Key, list[Ingested]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups.items()


def _flat(by_series: dict[str, list[Contribution]]) -> list[Contribution]:
    return [contribution for contributions in by_series.values() for contribution in contributions]
