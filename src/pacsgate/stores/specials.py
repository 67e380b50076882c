"""The rows that a constraint does not treat as it treats the rest of their kind.

A row that holds a value which the constraint names (a granted study, one's own
patient), or whose kind must be asked row by row, is looked at by itself.  So is one
of which something is hidden that says something else of its study than what is
shown: its place in the order and its matching keys are then those that the
admitted series say.

Worked out once for each constraint, then kept up with the rows that each version of
the index wrote.

Called by `search`; one object per process and archive remembers for all of them.

Invariants:
- a row that is no special is admitted as its kind is (`admission.Admitted`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from pacsgate.dicom.summary import DicomJson
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import PATIENT_ID, SERIES_UID, STUDY_UID, Formula, Truth
from pacsgate.stores.admission import Admitted, Name
from pacsgate.stores.constraint_sql import Translation
from pacsgate.stores.dialects import member, written_out
from pacsgate.stores.kinds import KEPT_VERSIONS
from pacsgate.stores.known_kinds import StaleSnapshot, View
from pacsgate.stores.match_columns import STUDY_COLUMNS, column_values, recency
from pacsgate.stores.packing import PackedPart, unpack_header, unpack_parts
from pacsgate.stores.reading import Row, Snapshot
from pacsgate.stores.row_facts import part_facts, row_values, study_facts
from pacsgate.stores.said import identified, said
from pacsgate.stores.schema import access_kind, series, study

_BATCH = 1000
_REMEMBERED = 200
"""Constraints of which specials are kept."""

_COLUMNS = (
    "SELECT study_pk, kind_pk, recency, study_instance_uid, patient_id, issuer_of_patient_id, parts"
    " FROM study WHERE tenant = :tenant AND "
)
# Numbers of rows and kinds are of one archive already; to say so again leads SQLite's planner astray.
_NUMBERED = _COLUMNS + "study_pk IN :wanted"
_OF_KINDS = _COLUMNS + "kind_pk IN :wanted"
_WITH_UID = _COLUMNS + "archive = :archive AND study_instance_uid IN :wanted"
_OF_PATIENT = _COLUMNS + "archive = :archive AND patient_id IN :wanted"
_WITH_SERIES = (
    "SELECT study_pk FROM series"
    " WHERE tenant = :tenant AND archive = :archive AND series_instance_uid IN :wanted"
)
_WITH_VALUE = (
    "SELECT study_pk FROM study_value"
    " WHERE tenant = :tenant AND archive = :archive AND attribute = :attribute AND value IN :wanted"
)


@dataclass(frozen=True, slots=True)
class Special:
    """One row as the constraint shows it."""

    study_pk: int
    kind_pk: int
    row_recency: int
    recency: int
    """By what is shown."""
    shown: tuple[int, ...]
    """Which of its parts are admitted, by their place; none if nothing is."""
    is_whole: bool
    """Whether these are all."""
    said: tuple[DicomJson, ...]
    """What each of these says of the study; nothing where the row speaks for all."""
    modalities: frozenset[str]
    """Of the admitted parts."""


@dataclass(frozen=True, slots=True)
class Specials:
    """All specials of one constraint, at one version of the index."""

    version: int
    by_row: Mapping[int, Special]
    newest_first: Sequence[Special]
    """Those of which something is shown."""
    of_kinds: Mapping[int, int]
    """How many there are of each kind."""
    counted: int
    """How many would be admitted as their kind is."""

    @classmethod
    def of(cls, version: int, found: Mapping[int, Special], admitted: Admitted) -> "Specials":
        """Put them in order."""
        shown = [special for special in found.values() if special.shown]
        shown.sort(key=lambda special: (-special.recency, special.study_pk))
        counted = sum(special.kind_pk in admitted.at(special.row_recency).kinds for special in found.values())
        return cls(version, found, shown, Counter(special.kind_pk for special in found.values()), counted)


NONE = Specials(0, {}, (), {}, 0)


class SpecialRows:
    """The specials of constraints in one archive; threads share it: each entry is replaced whole."""

    def __init__(self, tenant: str, archive: str) -> None:
        self._place = {"tenant": tenant, "archive": archive}
        self._known: dict[Formula, Specials] = {}
        self._changed: tuple[tuple[int, int], frozenset[int]] = ((0, 0), frozenset())
        """What was written from one version to another, as last asked: many constraints ask the same."""

    def of(self, snapshot: Snapshot, view: View, admitted: Admitted, formula: Formula) -> Specials:
        """The specials of a constraint.  Raises `StaleSnapshot`."""
        if not admitted.has_specials:
            return NONE
        known = self._known.get(formula)
        if known is not None and known.version == view.version:
            return known
        if known is not None and known.version > view.version:
            raise StaleSnapshot
        looking = _Looking(snapshot, self._place, view, admitted, formula)
        if known is not None and view.version - known.version <= KEPT_VERSIONS:
            found = looking.brought_up(known, self._changed_since(known.version, looking))
        else:
            found = Specials.of(
                view.version, {special.study_pk: special for special in looking.everywhere()}, admitted
            )
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[formula] = found
        return found

    def _changed_since(self, version: int, looking: "_Looking") -> frozenset[int]:
        between, changed = self._changed
        if between != (version, looking.view.version):
            changed = looking.changed_since(version)
            self._changed = (version, looking.view.version), changed
        return changed


@dataclass(frozen=True, slots=True)
class _Looking:
    """Looks at single rows."""

    snapshot: Snapshot
    place: Mapping[str, str]
    view: View
    admitted: Admitted
    formula: Formula

    def changed_since(self, version: int) -> frozenset[int]:
        """The rows that later versions wrote or removed."""
        rows = self.snapshot.rows(
            "SELECT study_pk FROM study_change"
            " WHERE tenant = :tenant AND version > :version AND archive = :archive",
            {**self.place, "version": version},
        )
        return frozenset(study_pk for (study_pk,) in rows)

    def brought_up(self, known: Specials, changed: frozenset[int]) -> Specials:
        """What was known of an earlier version, as it is now that these rows have changed."""
        fresh = {special.study_pk: special for special in self.at_rows(changed)}
        if not fresh and changed.isdisjoint(known.by_row):
            return replace(known, version=self.view.version)
        kept = {study_pk: special for study_pk, special in known.by_row.items() if study_pk not in changed}
        return Specials.of(self.view.version, kept | fresh, self.admitted)

    def at_rows(self, study_pks: Iterable[int]) -> Iterator[Special]:
        """The specials among these rows."""
        for rows in self._rows(_NUMBERED, sorted(study_pks)):
            yield from self._special(rows)

    def everywhere(self) -> Iterator[Special]:
        """All specials."""
        seen: set[int] = set()
        for rows in self._candidates():
            fresh = [row for row in rows if row[0] not in seen]
            seen.update(row[0] for row in fresh)
            yield from self._special(fresh)

    def _candidates(self) -> Iterator[Sequence[Row]]:
        if self.admitted.torn:
            yield from self._rows(_OF_KINDS, sorted(self.admitted.torn))
        if self.admitted.asked:
            yield from self._rows(_NUMBERED, self._asked())
        for name, values in self.admitted.named.items():
            for rows in self._holding(name, sorted(values)):
                yield [row for row in rows if row[1] in self.admitted.touched]

    def _asked(self) -> list[int]:
        """The rows that the database says are admitted, among those of kinds that must be asked."""
        flavour = self.snapshot.flavour
        with self.view.lock:
            translation = Translation(self.place["tenant"], flavour, self.view.sets.in_rows)
        found = (
            select(study.c.study_pk)
            .distinct()
            .join(
                access_kind,
                (access_kind.c.tenant == study.c.tenant) & (access_kind.c.kind_pk == study.c.kind_pk),
            )
            .join(series, (series.c.tenant == study.c.tenant) & (series.c.study_pk == study.c.study_pk))
            .where(
                study.c.tenant == self.place["tenant"],
                study.c.archive == self.place["archive"],
                member(flavour, study.c.kind_pk, sorted(self.admitted.asked)),
                translation.where(self.formula, Truth.TRUE),
            )
        )
        return [study_pk for (study_pk,) in self.snapshot.rows(*written_out(found, flavour))]

    def _holding(self, name: Name, values: list[str]) -> Iterator[Sequence[Row]]:
        if name == (STUDY_UID.scope, STUDY_UID.name):
            yield from self._rows(_WITH_UID, values)
        elif name == (PATIENT_ID.scope, PATIENT_ID.name):
            # `issuer|id`: what stands behind each bar may be the PatientID; who it is, is asked of the row.
            ids = sorted({value[at + 1 :] for value in values for at in _bars(value)})
            yield from self._rows(_OF_PATIENT, ids)
        elif name == (SERIES_UID.scope, SERIES_UID.name):
            yield from self._through(_WITH_SERIES, {"wanted": values})
        else:
            yield from self._through(_WITH_VALUE, {"wanted": values, "attribute": name[1]})

    def _through(self, statement: str, parameters: Mapping[str, object]) -> Iterator[Sequence[Row]]:
        found = self.snapshot.rows(statement, {**self.place, **parameters})
        yield from self._rows(_NUMBERED, sorted({study_pk for (study_pk,) in found}))

    def _rows(self, statement: str, values: Sequence[int] | Sequence[str]) -> Iterator[Sequence[Row]]:
        for start in range(0, len(values), _BATCH):
            wanted = list(values[start : start + _BATCH])
            yield from self.snapshot.stream(statement, {**self.place, "wanted": wanted}, _BATCH)

    def _special(self, rows: Sequence[Row]) -> Iterator[Special]:
        kinds = self.view.kinds
        held = row_values(self.snapshot, self.place["tenant"], ((row[0], kinds[row[1]]) for row in rows))
        torn: list[tuple[Row, tuple[PackedPart, ...], list[int]]] = []
        for row in rows:
            kind = kinds[row[1]]
            parts = unpack_parts(row[6])
            facts = study_facts(kind, row[3], row[4], row[5], row[2], held.get(row[0], {}))
            shown = [
                place
                for place, part in enumerate(parts)
                if self.admitted.admits(ResourceFacts(facts, part_facts(kind, part)))
            ]
            if shown and len(shown) < len(parts) and not kind.agrees:
                torn.append((row, parts, shown))
            elif tuple(shown) != self._of_kind(row, parts) or self._is_by_itself(row[1]):
                yield self._made(row, row[2], parts, shown, ())
        if torn:
            yield from self._torn(torn)

    def _of_kind(self, row: Row, parts: Sequence[PackedPart]) -> tuple[int, ...]:
        layers = self.admitted.at(row[2]).layers
        return tuple(place for place, part in enumerate(parts) if row[1] in layers[part.position])

    def _is_by_itself(self, kind_pk: int) -> bool:
        return kind_pk in self.admitted.asked or kind_pk in self.admitted.torn

    def _made(
        self,
        row: Row,
        moment: int,
        parts: Sequence[PackedPart],
        shown: Sequence[int],
        spoken: tuple[DicomJson, ...],
    ) -> Special:
        of_kind = self.view.kinds[row[1]].modalities
        modalities = frozenset(of_kind[parts[place].position] for place in shown)
        is_whole = len(shown) == len(parts)
        return Special(row[0], row[1], row[2], moment, tuple(shown), is_whole, spoken, modalities)

    def _torn(self, rows: Sequence[tuple[Row, tuple[PackedPart, ...], list[int]]]) -> Iterator[Special]:
        headers = self._headers([row[0] for row, _, _ in rows])
        for row, parts, shown in rows:
            spoken = tuple(
                identified(
                    said(unpack_header(headers[row[0], parts[place].series_instance_uid, parts[place].part])),
                    StudyInstanceUID=row[3],
                    PatientID=row[4],
                    IssuerOfPatientID=row[5],
                )
                for place in shown
            )
            columns = column_values(spoken[0], STUDY_COLUMNS)
            moment = recency(columns["study_date"], columns["study_time"])
            yield self._made(row, moment, parts, shown, spoken)

    def _headers(self, study_pks: list[int]) -> dict[tuple[int, str, int], Any]:
        rows = self.snapshot.rows(
            "SELECT study_pk, series_instance_uid, part, header FROM series"
            " WHERE tenant = :tenant AND study_pk IN :study_pks",
            {**self.place, "study_pks": study_pks},
        )
        return {(row[0], row[1], row[2]): row[3] for row in rows}


def _bars(value: str) -> Iterator[int]:
    """Where a PatientID may begin, less one."""
    yield -1
    yield from (at for at, character in enumerate(value) if character == "|")
