"""From the unique keys of a retrieve request to what of each study it may take.

One request may name ten thousand studies, or ten thousand instances of one series.
So each study is looked at once, cut down to the series and instances that are named,
and then asked about in the order of questions of `resolve`.

Called by the DICOM door for C-MOVE and C-GET.

Invariants:
- what a hidden study and a study that does not exist leave behind is the same: nothing;
- a PatientID finds nothing for whoever may not see PatientIDs.

Standard: PS3.4 C.4.2.2.1, C.4.2.2.2 (retrieval by unique keys, hierarchical and relational).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pacsgate.dicom.query import MatchKey, Query, SingleValue, UidList
from pacsgate.model.actions import Action
from pacsgate.model.decision import Deny
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import ArchiveName, Level, ResourceKey, TenantScope
from pacsgate.policy.engine import Bound
from pacsgate.ports import SeriesEntry, StudyEntry
from pacsgate.services.freshness import Freshness
from pacsgate.services.resolve import Answer, Reach, Refusal, reach_among
from pacsgate.services.search import Search

MAX_NAMED = 10_000
"""Studies, series or instances in one request: what fills an identifier of its greatest size."""

_PAGE = 1000
_PATIENT_ID = frozenset({"PatientID"})

UniqueKeys = Mapping[Level, tuple[str, ...]]
"""The values of a request's unique keys; the lowest level that has any is what it asks for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request names of one study; `None` is everything."""

    study_instance_uid: str
    patient_id: str | None = None
    series: frozenset[str] | None = None
    instances: frozenset[str] | None = None

    @property
    def keys(self) -> tuple[ResourceKey, ...]:
        """The same, name by name; instances of a series that is not named count as their study."""
        study, patient = self.study_instance_uid, self.patient_id
        if self.series is None:
            return (ResourceKey(study, patient_id=patient),)
        if self.instances is None or len(self.series) > 1:
            return tuple(ResourceKey(study, series, patient_id=patient) for series in sorted(self.series))
        (only,) = self.series
        return tuple(ResourceKey(study, only, uid, patient) for uid in sorted(self.instances))


class ResolveMany:
    """Resolves unique keys for one subject."""

    def __init__(
        self, search: Search, freshness: Freshness, scope: TenantScope, archive: ArchiveName, bound: Bound
    ) -> None:
        self._search = search
        self._freshness = freshness
        self._scope = scope
        self._archive = archive
        self._bound = bound

    def wanted(self, keys: UniqueKeys) -> Iterator[Wanted]:
        """The studies that the keys lead to, as far as the subject may search.

        Raises `RequestError`: 413 for what is too much, or what no index can find.
        """
        if max(map(len, keys.values())) > MAX_NAMED:
            raise RequestError(f"more than {MAX_NAMED} objects are named", status=413)
        patient = next(iter(keys.get(Level.PATIENT, ())), None)
        series, instances = _some(keys, Level.SERIES), _some(keys, Level.INSTANCE)
        for study in self._studies(keys):
            yield Wanted(study, patient, series, instances)

    def reach(self, wanted: Wanted, action: Action) -> Reach | Refusal:
        """The parts of what is named on which an action that reads is allowed, or why there are none."""
        fresh = self._freshness.studies(self._scope, self._archive, wanted.study_instance_uid)
        named = tuple(self._cut(fresh.studies, wanted))
        key = ResourceKey(wanted.study_instance_uid)
        found = reach_among(named, key, action, self._bound)
        if isinstance(found, Refusal) and found.answer is Answer.NOT_FOUND:
            self._freshness.ask_anyway(self._scope, self._archive, asked=fresh.asked)
        return found

    def _studies(self, keys: UniqueKeys) -> Iterable[str]:
        if Level.STUDY in keys:
            return dict.fromkeys(keys[Level.STUDY])
        for level, keyword in (
            (Level.INSTANCE, "SOPInstanceUID"),
            (Level.SERIES, "SeriesInstanceUID"),
            (Level.PATIENT, "PatientID"),
        ):
            if level in keys:
                return dict.fromkeys(self._found(level, keyword, keys[level]))
        return ()

    def _found(self, level: Level, keyword: str, values: tuple[str, ...]) -> Iterator[str]:
        """The studies of a patient, or those of series and instances that a relational request names."""
        matching = SingleValue(values[0]) if len(values) == 1 else UidList(values)
        query = Query(
            Level.STUDY if level is Level.PATIENT else level,
            match=(MatchKey((keyword,), matching),),
            limit=_PAGE,
        )
        remaining = 1
        while remaining:
            page = self._search.find(self._scope, self._archive, query, self._bound)
            if isinstance(page, Refusal):
                return
            yield from (row.key.study_instance_uid for row in page.rows)
            query, remaining = replace(query, offset=query.offset + len(page.rows)), page.remaining

    def _cut(self, studies: Iterable[StudyEntry], wanted: Wanted) -> Iterator[StudyEntry]:
        """The studies with nothing in them but what is named."""
        by_patient = wanted.patient_id is not None
        visible = self._bound.constraint(Action.SEARCH, _PATIENT_ID) if by_patient else None
        if isinstance(visible, Deny):
            return
        for study in studies:
            if wanted.patient_id not in {None, study.patient_id}:
                continue
            series = tuple(
                part
                for part in _named(study.series, wanted)
                if visible is None or visible.admits(study.facts_of(part))
            )
            if series:
                yield replace(study, series=series)


def _some(keys: UniqueKeys, level: Level) -> frozenset[str] | None:
    return frozenset(keys[level]) if level in keys else None


def _named(series: Iterable[SeriesEntry], wanted: Wanted) -> Iterator[SeriesEntry]:
    for part in series:
        if wanted.series is not None and part.series_instance_uid not in wanted.series:
            continue
        if wanted.instances is None:
            yield part
            continue
        instances = tuple(each for each in part.instances if each.sop_instance_uid in wanted.instances)
        if instances:
            yield replace(part, instances=instances)
