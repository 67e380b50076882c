"""The way along the studies to the rows of one list.

What is passed over on the way to a page is counted, not read, where the counts of the visible part are
at hand: a mask may hide them, and a key of a lower level makes them too large.

Called by `orthanc_lists`; calls `search`.

Invariants:
- of several patients who share a study's UID, each has its own part of what is found under it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from pacsgate.dicom.attributes import level_of
from pacsgate.dicom.query import MatchKey, Query
from pacsgate.model.decision import Reason
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import ArchiveName, Level, ResourceKey, TenantScope
from pacsgate.policy.engine import Bound
from pacsgate.protocols.orthanc.identifiers import orthanc_id
from pacsgate.services.resolve import Refusal
from pacsgate.services.search import Findings, Found, Search

PAGE = 500
"""Rows that are asked of the index at a time, at most."""
_MOST_PASSED = 200_000
"""Studies looked through for one page of something that is no study; deeper pages are refused."""

_COUNTS = {Level.SERIES: "00201206", Level.INSTANCE: "00201208"}
"""NumberOfStudyRelatedSeries and …Instances, of the visible part."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list is to hold: rows of a level that meet a query, in one of `parents` unless that is `None`.

    Of the query, only what must hold counts; a search for patients is one for their studies.
    """

    level: Level
    query: Query
    parents: tuple[ResourceKey, ...] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a list.  The key of a patient's row is that of its first visible study."""

    level: Level
    orthanc_id: str
    key: ResourceKey


@dataclass(slots=True)
class Walk:
    """One list on its way through the studies."""

    search: Search
    scope: TenantScope
    archive: ArchiveName
    asked: Asked
    bound: Bound
    page: int = PAGE
    """How many rows are asked of the index at a time."""
    reasons: dict[Reason, None] = field(default_factory=dict)

    def rows(self, since: int) -> Iterator[Row]:
        """What is listed, after the first `since` rows."""
        match self.asked.level:
            case Level.STUDY if self.asked.parents is None:
                return map(_study_row, self._pages(self._of_studies, since))
            case Level.STUDY:
                return islice(map(_study_row, self._studies()), since, None)
            case Level.PATIENT:
                return islice(self._patients(), since, None)
            case _:
                return self._parts(since)

    def count(self) -> int:
        """How many rows there are."""
        if self.asked.level is Level.STUDY and self.asked.parents is None:
            first = self._find(replace(self._of_studies, limit=1))
            return 0 if isinstance(first, Refusal) else len(first.rows) + first.remaining
        if self.asked.level in {Level.SERIES, Level.INSTANCE} and not self._lower_keys:
            counts = ((study, _count(study, self.asked.level)) for study in self._studies())
            return sum(
                count
                if count is not None and self._is_all_of(study)
                else len(self._parts_of(study, self.asked.level))
                for study, count in counts
            )
        return sum(1 for _ in self.rows(0))

    def counts(self) -> Mapping[Level, int]:
        """How many there are of each level."""
        patients: set[str] = set()
        totals = dict.fromkeys(Level, 0)
        for study in self._studies():
            patients.add(study.patient_id)
            totals[Level.STUDY] += 1
            for level in _COUNTS:
                count = _count(study, level)
                totals[level] += len(self._parts_of(study, level)) if count is None else count
        return {**totals, Level.PATIENT: len(patients)}

    def _patients(self) -> Iterator[Row]:
        seen: set[str] = set()
        for found in self._studies():
            if found.patient_id not in seen:
                seen.add(found.patient_id)
                yield Row(Level.PATIENT, orthanc_id(found.patient_id), _key(found))

    def _parts(self, since: int) -> Iterator[Row]:
        for study in self._studies():
            count = None if self._lower_keys else _count(study, self.asked.level)
            if count is not None and count <= since and self._is_all_of(study):
                since -= count
                continue
            parts = self._parts_of(study, self.asked.level)
            yield from (_part_row(self.asked.level, row) for row in parts[since:])
            since = max(0, since - len(parts))

    def _studies(self) -> Iterator[Found]:
        """Every study in which something may be found."""
        if self.asked.parents is None:
            for passed, found in enumerate(self._pages(self._of_studies)):
                if passed >= _MOST_PASSED:
                    raise RequestError(
                        f"this lies behind {_MOST_PASSED} studies: ask for studies, then for what is in them",
                        status=413,
                    )
                yield found
            return
        for parent in self.asked.parents:
            of_parent = replace(self._of_studies, study_instance_uid=parent.study_instance_uid)
            for found in self._pages(of_parent):
                if parent.patient_id in {None, found.patient_id}:
                    yield found

    def _parts_of(self, study: Found, level: Level) -> list[Found]:
        """What is found in one study at a level.  Several patients may have a study with its UID."""
        series = {
            parent.series_instance_uid
            for parent in self.asked.parents or ()
            if parent.study_instance_uid == study.key.study_instance_uid
        }
        within = replace(
            self.asked.query,
            level=level,
            study_instance_uid=study.key.study_instance_uid,
            series_instance_uid=series.pop() if len(series) == 1 else None,
        )
        return [found for found in self._pages(within) if found.patient_id == study.patient_id]

    def _is_all_of(self, study: Found) -> bool:
        """Whether all of a study is asked for, and not one of its series."""
        return not any(
            parent.series_instance_uid is not None
            for parent in self.asked.parents or ()
            if parent.study_instance_uid == study.key.study_instance_uid
        )

    @property
    def _lower_keys(self) -> bool:
        return any(not _is_of_study(key) for key in self.asked.query.match)

    @property
    def _of_studies(self) -> Query:
        """The question about the studies in which the query may find something."""
        keys = self.asked.query.match
        if self.asked.level in {Level.SERIES, Level.INSTANCE}:
            keys = tuple(key for key in keys if _is_of_study(key))
        return replace(self.asked.query, level=Level.STUDY, match=keys)

    def _pages(self, query: Query, offset: int = 0) -> Iterator[Found]:
        remaining = 1
        while remaining:
            findings = self._find(replace(query, offset=offset, limit=self.page))
            if isinstance(findings, Refusal):
                return
            self.reasons.update(dict.fromkeys(findings.reasons))
            yield from findings.rows
            offset, remaining = offset + len(findings.rows), findings.remaining

    def _find(self, query: Query) -> Findings | Refusal:
        return self.search.find(self.scope, self.archive, query, self.bound)


def _is_of_study(key: MatchKey) -> bool:
    return level_of(key.keyword) is Level.STUDY


def _count(study: Found, level: Level) -> int | None:
    """How many visible parts a study has, unless a mask hides that."""
    values: Iterable[object] = study.attributes.get(_COUNTS[level], {}).get("Value", ())
    return next((value for value in values if isinstance(value, int)), None)


def _key(found: Found) -> ResourceKey:
    return replace(found.key, patient_id=found.patient_id)


def _study_row(found: Found) -> Row:
    identifier = orthanc_id(found.patient_id, found.key.study_instance_uid)
    return Row(Level.STUDY, identifier, _key(found))


def _part_row(level: Level, found: Found) -> Row:
    key = found.key
    uids = (key.study_instance_uid, key.series_instance_uid, key.sop_instance_uid)
    return Row(level, orthanc_id(found.patient_id, *(uid for uid in uids if uid is not None)), _key(found))
