"""Instances by a query over their data sets, among those that the subject may search.

The studies that the subject may search are gone through, the newest first, and in each
the instances.  A query about attributes that the index keeps is answered from the index;
for any other, data sets are read from the archive.  Whichever it is, the query is asked of
what the subject may see: what a mask hides is absent.

A search ends when it has found enough, when nothing is left, or when its time is
over; which it was is part of the answer, with a cursor to go on from.

Called by the API and the command line; calls the engine for a constraint, the index and the archive.

Invariants:
- an instance is in the answer only if the engine allows `search` on it: the query can
  narrow what is found and never widen it;
- a search that is not complete has a cursor.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from pacsgate.dicom.attributes import KEPT_KEYWORDS, tag_of
from pacsgate.dicom.masking import mask_json
from pacsgate.dicom.query import MatchKey, Query
from pacsgate.dicom.summary import DicomJson
from pacsgate.model.actions import Action
from pacsgate.model.decision import Deny, Reason, Revision
from pacsgate.model.resource import ArchiveName, Level, ResourceKey, TenantScope
from pacsgate.policy.constraint import Constraint
from pacsgate.policy.engine import Bound
from pacsgate.policy.instance_facts import with_file_meta
from pacsgate.policy.instance_query.matching import matches
from pacsgate.policy.instance_query.tree import InstanceQuery, tests_of
from pacsgate.ports import Archive, Clock, Match, StudyIndex
from pacsgate.services.freshness import Freshness
from pacsgate.services.instance_data_sets import data_sets
from pacsgate.services.narrowing import study_keys
from pacsgate.services.resolve import Answer, Refusal
from pacsgate.services.search import Found, Masks
from pacsgate.services.search_cursor import SearchCursor

_STUDIES = 50
"""Studies looked up at a time; few searches need more than some."""
_INSTANCES = 1000

_KEPT = frozenset(tag_of(keyword) for keywords in KEPT_KEYWORDS.values() for keyword in keywords)
_FILE_META = frozenset({"00020002", "00020003", "00020010"})
_TRANSFER_SYNTAX = tag_of("AvailableTransferSyntaxUID")


@dataclass(frozen=True, slots=True)
class InstanceFindings:
    """One page of instances, with what the index knows of each, already masked.

    `cursor` is `None` when everything has been looked at.  `out_of_time` tells that the page ended
    early, so that it may hold fewer instances than were asked for.
    """

    rows: tuple[Found, ...]
    cursor: SearchCursor | None
    out_of_time: bool
    reasons: tuple[Reason, ...]
    revision: Revision


class SearchInstances:
    """Answers instance queries within what a subject may search."""

    def __init__(
        self,
        index: StudyIndex,
        archives: Mapping[ArchiveName, Archive],
        freshness: Freshness,
        clock: Clock,
    ) -> None:
        self._index = index
        self._archives = archives
        self._freshness = freshness
        self._clock = clock

    def find(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        query: InstanceQuery,
        bound: Bound,
        *,
        limit: int,
        seconds: float,
        cursor: SearchCursor | None = None,
    ) -> InstanceFindings | Refusal:
        """At most `limit` matches, newest study first, found in about `seconds`.  Raises `ArchiveError`."""
        constraint = bound.constraint(Action.SEARCH)
        if isinstance(constraint, Deny):
            return Refusal(Answer.FORBIDDEN, constraint.reasons, constraint.revision, constraint.message)
        keys = study_keys(query)
        narrowed = bound.constraint(Action.SEARCH, frozenset(key.keyword for key in keys))
        # Where a key is masked everywhere nothing can match, and there is nothing to narrow it by.
        studies = (keys, narrowed) if isinstance(narrowed, Constraint) else ((), constraint)
        walk = _Walk(
            self._index,
            self._archives[archive],
            self._freshness,
            scope,
            archive,
            query,
            studies,
            constraint,
            Masks(bound),
        )
        deadline = self._clock.monotonic() + seconds
        rows: list[Found] = []
        for place, found in walk.series(cursor):
            for row, is_match in found:
                if is_match:
                    rows.append(row)
                if len(rows) == limit:
                    return walk.findings(rows, place.at(row.key), out_of_time=False)
            if self._clock.monotonic() >= deadline:
                return walk.findings(rows, place.at(found[-1][0].key), out_of_time=True)
        return walk.findings(rows, None, out_of_time=False)


@dataclass(frozen=True, slots=True)
class _Place:
    """A study among all that the subject may search."""

    studies_before: int
    study_instance_uid: str

    def at(self, key: ResourceKey) -> SearchCursor:
        """Behind an instance of this study."""
        return SearchCursor(self.studies_before, self.study_instance_uid, key.sop_instance_uid or "")


_Judged = Sequence[tuple[Found, bool]]
"""Instances, each with whether it matches."""


@dataclass(frozen=True, slots=True)
class _Walk:
    """One pass over what a subject may search."""

    index: StudyIndex
    source: Archive
    freshness: Freshness
    scope: TenantScope
    archive: ArchiveName
    query: InstanceQuery
    studies: tuple[tuple[MatchKey, ...], Constraint]
    """What studies to go through: those that match these keys, within this constraint."""
    constraint: Constraint
    masks: Masks

    def findings(
        self, rows: list[Found], cursor: SearchCursor | None, *, out_of_time: bool
    ) -> InstanceFindings:
        """What was found until the walk stopped."""
        return InstanceFindings(tuple(rows), cursor, out_of_time, self.masks.reasons, self.masks.revision)

    def series(self, cursor: SearchCursor | None) -> Iterator[tuple[_Place, _Judged]]:
        """What is visible of each series, from the cursor on, judged."""
        for place, study in self._studies(cursor):
            instances = self._instances(study)
            if cursor is not None and place.study_instance_uid == cursor.study_instance_uid:
                instances = _behind(instances, cursor.sop_instance_uid)
            for _, group in groupby(instances, key=lambda match: match.key.series_instance_uid):
                yield place, self._judged(tuple(group))

    def _studies(self, cursor: SearchCursor | None) -> Iterator[tuple[_Place, Match]]:
        offset = 0 if cursor is None else self._resumed(cursor)
        while True:
            page = self._visible(limit=_STUDIES, offset=offset)
            for number, match in enumerate(page, start=offset):
                yield _Place(number, match.key.study_instance_uid), match
            if len(page) < _STUDIES:
                return
            offset += len(page)

    def _resumed(self, cursor: SearchCursor) -> int:
        """Where the cursor's study is now: others may have come or gone before it."""
        first = max(0, cursor.studies_before - _STUDIES)
        near = self._visible(limit=3 * _STUDIES, offset=first)
        places = [
            number
            for number, match in enumerate(near, start=first)
            if match.key.study_instance_uid == cursor.study_instance_uid
        ]
        return min(
            places, key=lambda number: abs(number - cursor.studies_before), default=cursor.studies_before
        )

    def _instances(self, study: Match) -> tuple[Match, ...]:
        """The visible instances of one patient's study."""
        uid = study.key.study_instance_uid
        if not self._is_indexed():
            self.freshness.studies(self.scope, self.archive, uid)
        found: list[Match] = []
        while True:
            query = Query(
                Level.INSTANCE, study_instance_uid=uid, include_all=True, limit=_INSTANCES, offset=len(found)
            )
            page = self.index.search(self.scope, self.archive, query, self.constraint).matches
            found += page
            if len(page) < _INSTANCES:
                return tuple(match for match in found if _patient(match) == _patient(study))

    def _visible(self, *, limit: int, offset: int) -> tuple[Match, ...]:
        keys, constraint = self.studies
        query = Query(Level.STUDY, match=keys, limit=limit, offset=offset)
        return self.index.search(self.scope, self.archive, query, constraint).matches

    def _is_indexed(self) -> bool:
        """Whether the index keeps everything that the query asks about."""
        return all(test.path[0] in _KEPT | _FILE_META for test in tests_of(self.query))

    def _judged(self, rows: tuple[Match, ...]) -> _Judged:
        """The visible instances of one series."""
        known = None if self._is_indexed() else self._data_sets(rows)
        judged = []
        for row in rows:
            mask = self.masks.of(row)
            found = Found(row.key, mask_json(row.attributes, mask), row.patient_id, mask)
            if known is None:
                asked = {tag: element for tag, element in found.attributes.items() if tag in _KEPT}
                judged.append((found, matches(self.query, _with_meta(asked, row))))
            else:
                data_set = known.get(row.key.sop_instance_uid or "")
                is_match = data_set is not None and matches(
                    self.query, _with_meta(mask_json(data_set, mask), row)
                )
                judged.append((found, is_match))
        return judged

    def _data_sets(self, rows: tuple[Match, ...]) -> Mapping[str, DicomJson]:
        return data_sets(self.index, self.source, self.scope, self.archive, [row.key for row in rows])


def _behind(instances: tuple[Match, ...], sop_instance_uid: str) -> tuple[Match, ...]:
    """Those after the one that a cursor names; all of them if it is gone."""
    uids = [match.key.sop_instance_uid for match in instances]
    return instances[uids.index(sop_instance_uid) + 1 :] if sop_instance_uid in uids else instances


def _patient(match: Match) -> object:
    return match.facts[0].study.get("patient_id") if match.facts else match.patient_id


def _with_meta(data_set: DicomJson, row: Match) -> DicomJson:
    return with_file_meta(
        data_set,
        sop_class_uid=_text(row.attributes, tag_of("SOPClassUID")),
        sop_instance_uid=row.key.sop_instance_uid or "",
        transfer_syntax_uid=_text(row.attributes, _TRANSFER_SYNTAX),
    )


def _text(attributes: Mapping[str, Mapping[str, Any]], tag: str) -> str:
    values = attributes.get(tag, {}).get("Value", ())
    return str(values[0]) if values else ""
