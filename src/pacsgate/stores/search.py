"""Answers a search within a constraint.

The page comes from one indexed query over `study` (joined with `series` where the
level needs it), newest first; what may be shown of each study from one more, over
the admitted series of the page's studies.

Keys without a column, and fuzzy names, are asked with `matching.matches` of each
candidate that SQL found, in bounded batches, so that page and total are exact
whatever the key.

Called by `study_index`.

Invariants:
- a row is made from admitted series only: its counts, its modalities, its facts,
  and what its keys are compared with;
- everything of one search is read from one snapshot.

Standard: PS3.18 section 10.6; PS3.4 section C.2.2.2.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, assert_never

from sqlalchemy import Select, TextClause, bindparam, exists, func, select

from pacsgate.dicom.matching import matches
from pacsgate.dicom.query import MatchKey, Query, SingleValue, UidList
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.policy.ir import Formula
from pacsgate.ports import Match, Page
from pacsgate.stores.admission import Admission, last_class
from pacsgate.stores.classes import ClassFacts
from pacsgate.stores.constraint_sql import Sql, by_reach, uses_series
from pacsgate.stores.dialects import Flavour
from pacsgate.stores.entries import series_values, study_values
from pacsgate.stores.packing import unpack_instances
from pacsgate.stores.place import Place
from pacsgate.stores.query_sql import modalities_clause, series_clause, study_clause
from pacsgate.stores.schema import NEWEST_FIRST, AnyRow, series, study
from pacsgate.stores.views import SeriesView, StudyView

INSTANCE_SEARCH_KEYS = frozenset({"StudyInstanceUID", "SeriesInstanceUID", "PatientID", "AccessionNumber"})
"""Keys with an index that bound a search for instances when its path names no parent."""

_BATCH = 200
"""Candidates in memory at a time when keys are asked in Python."""

_STUDY_ROW = (
    study.c.study_pk,
    study.c.study_instance_uid,
    study.c.patient_id,
    study.c.patient_key,
    study.c.class_pk,
    study.c.attributes,
)
_SERIES_ROW = (
    series.c.series_instance_uid,
    series.c.class_pk.label("series_class_pk"),
    series.c.instances,
    series.c.attributes.label("series_attributes"),
)
_OF_STUDY = (series.c.tenant == study.c.tenant) & (series.c.study_pk == study.c.study_pk)
_HOW_MANY = select(func.count())
_ALL_SERIES = (
    select(
        series.c.study_pk,
        series.c.series_instance_uid,
        series.c.class_pk.label("series_class_pk"),
        series.c.instances,
        series.c.modality,
        series.c.sop_classes,
    )
    .where(
        series.c.tenant == bindparam("tenant"),
        series.c.study_pk.in_(bindparam("study_pks", expanding=True)),
    )
    .order_by(series.c.study_pk, series.c.series_instance_uid)
)


@dataclass(slots=True)
class _Keys:
    """A query's matching keys, by who can answer them."""

    of_study: list[Sql] = field(default_factory=list)
    of_series: list[Sql] = field(default_factory=list)
    of_any_series: list[Sql] = field(default_factory=list)
    residual: list[MatchKey] = field(default_factory=list)

    def sort_in(self, key: MatchKey, query: Query, flavour: Flavour) -> None:
        """Put one key where it can be answered soonest."""
        clause = study_clause(key, flavour, fuzzy=query.fuzzy)
        if clause is not None:
            self.of_study.append(clause)
        elif (
            query.level is not Level.STUDY
            and (clause := series_clause(key, flavour, fuzzy=query.fuzzy)) is not None
        ):
            self.of_series.append(clause)
        elif query.level is Level.STUDY and (clause := modalities_clause(key, flavour)) is not None:
            self.of_any_series.append(clause)
        else:
            self.residual.append(key)


class _Window:
    """The part of all matches that a page shows, and how many there are."""

    def __init__(self, query: Query) -> None:
        self.matches: list[Match] = []
        self._seen = 0
        self._first = query.offset
        self._end = query.offset + query.limit

    def stretch(self, count: int) -> slice:
        """Count so many further matches; which of them, numbered from 0, are on the page."""
        wanted = slice(max(0, self._first - self._seen), max(0, min(count, self._end - self._seen)))
        self._seen += count
        return wanted

    def offer(self, match: Match) -> None:
        """Count one match, and keep it if it is on the page."""
        if self._first <= self._seen < self._end:
            self.matches.append(match)
        self._seen += 1

    def page(self) -> Page:
        """The page, once all matches have been counted."""
        return Page(tuple(self.matches), max(0, self._seen - self._end))


class Search:
    """One search, on one snapshot."""

    def __init__(
        self,
        place: Place,
        classes: ClassFacts,
        admission: Admission,
        query: Query,
        formula: Formula,
    ) -> None:
        self._place = place
        self._classes = classes
        self._admission = admission
        self._last_class = last_class(place)
        self._query = query
        self._of_study, self._of_series = by_reach(formula)
        self._tells_series_apart = uses_series(self._of_series)
        self._keys = _Keys()
        for key in query.match:
            self._keys.sort_in(key, query, place.flavour)
        self._where_study = [
            study.c.tenant == place.tenant,
            study.c.archive == place.archive,
            *(
                []
                if query.study_instance_uid is None
                else [study.c.study_instance_uid == query.study_instance_uid]
            ),
            *self._keys.of_study,
        ]

    def run(self) -> Page:
        """Answer it.  Raises `RequestError`."""
        match self._query.level:
            case Level.STUDY:
                return self._rows(self._studies)
            case Level.SERIES:
                return self._rows(self._series)
            case Level.INSTANCE:
                _require_bound(self._query)
                return self._instances()
            case Level.PATIENT:
                raise RequestError("there is no search for patients; search for studies by `PatientID`")
            case _:
                assert_never(self._query.level)

    # ------------------------------------------------------------- candidates

    def _studies(self, *, counting: bool = False) -> Select[*tuple[Any, ...]]:
        columns = _HOW_MANY.select_from(study) if counting else select(*_STUDY_ROW)
        found = columns.where(*self._where_study, self._admits(self._of_study, in_order=not counting))
        if self._tells_series_apart:
            found = found.where(self._some_series())
        for clause in self._keys.of_any_series:
            found = found.where(self._some_series(clause))
        return found if counting else found.order_by(*NEWEST_FIRST)

    def _some_series(self, *conditions: Sql) -> Sql:
        inner = select(series.c.study_pk).where(_OF_STUDY, self._admits(self._of_series), *conditions)
        return exists(inner.correlate(study))

    def _series(self, *more: Any, counting: bool = False) -> Select[*tuple[Any, ...]]:
        columns = _HOW_MANY.select_from(study) if counting else select(*_STUDY_ROW, *_SERIES_ROW, *more)
        found = columns.join(series, _OF_STUDY).where(
            *self._where_study,
            self._admits(self._of_study, in_order=not counting),
            self._admits(self._of_series),
            *self._keys.of_series,
        )
        if self._query.series_instance_uid is not None:
            found = found.where(series.c.series_instance_uid == self._query.series_instance_uid)
        return found if counting else found.order_by(*NEWEST_FIRST, series.c.series_instance_uid)

    def _admits(self, formula: Formula, *, in_order: bool = False) -> TextClause:
        return self._admission.condition(self._place, formula, self._last_class, in_order=in_order)

    # ------------------------------------------------------------- pages

    def _rows(self, candidates: Callable[..., Select[*tuple[Any, ...]]]) -> Page:
        if self._keys.residual:
            window = _Window(self._query)
            for batch in self._batches(candidates()):
                for found in self._matches(batch):
                    if self._satisfies(found):
                        window.offer(found)
            return window.page()
        limit, offset = self._query.limit, self._query.offset
        rows = self._place.connection.execute(candidates().limit(limit + 1).offset(offset)).all()
        remaining = 0
        if len(rows) > limit:
            total: int = self._place.connection.execute(candidates(counting=True)).scalar_one()
            remaining = total - offset - limit
        return Page(tuple(self._matches(rows[:limit])), remaining)

    def _instances(self) -> Page:
        window = _Window(self._query)
        for batch in self._batches(self._series(series.c.packed)):
            views, facts = self._views(batch)
            for row in batch:
                view = views[row.study_pk]
                if self._keys.residual:
                    for found in self._instance_matches(view, row, facts, slice(None)):
                        if self._satisfies(found):
                            window.offer(found)
                else:
                    wanted = window.stretch(row.instances)
                    if wanted.start < wanted.stop:
                        window.matches.extend(self._instance_matches(view, row, facts, wanted))
        return window.page()

    def _batches(self, candidates: Select[*tuple[Any, ...]]) -> Iterator[Sequence[AnyRow]]:
        return self._place.connection.execute(candidates.execution_options(yield_per=_BATCH)).partitions()

    def _satisfies(self, found: Match) -> bool:
        return all(matches(key, found.attributes, fuzzy=self._query.fuzzy) for key in self._keys.residual)

    # ------------------------------------------------------------- what may be shown

    def _matches(self, rows: Sequence[AnyRow]) -> Iterator[Match]:
        views, facts = self._views(rows)
        for row in rows:
            view = views[row.study_pk]
            if self._query.level is Level.STUDY:
                yield view.match()
            else:
                yield view.series_match(
                    row, series_values(facts[row.series_class_pk], row.series_instance_uid)
                )

    def _instance_matches(
        self, view: StudyView, row: AnyRow, facts: dict[int, Any], wanted: slice
    ) -> Iterator[Match]:
        parents = view.series_attributes(row)
        of_series = series_values(facts[row.series_class_pk], row.series_instance_uid)
        for packed in unpack_instances(row.packed)[wanted]:
            yield view.instance_match(row, of_series, parents, packed)

    def _views(self, rows: Sequence[AnyRow]) -> tuple[dict[int, StudyView], dict[int, Any]]:
        studies = {row.study_pk: row for row in rows}
        shown = self._admitted_series(studies)
        facts = self._classes.of(
            self._place.connection,
            self._place.tenant,
            [row.class_pk for row in studies.values()] + [row.series_class_pk for row in shown],
        )
        of_study: dict[int, list[SeriesView]] = {study_pk: [] for study_pk in studies}
        for row in shown:
            values = series_values(facts[row.series_class_pk], row.series_instance_uid)
            of_study[row.study_pk].append(SeriesView(row, values))
        views = {
            study_pk: StudyView(
                row,
                study_values(facts[row.class_pk], row.study_instance_uid, row.patient_key),
                of_study[study_pk],
            )
            for study_pk, row in studies.items()
        }
        return views, facts

    def _admitted_series(self, study_pks: Iterable[int]) -> Sequence[AnyRow]:
        found = _ALL_SERIES
        if self._tells_series_apart:
            found = found.join(study, _OF_STUDY).where(self._admits(self._of_series))
        return self._place.connection.execute(
            found, {"tenant": self._place.tenant, "study_pks": list(study_pks)}
        ).all()


def _require_bound(query: Query) -> None:
    """Raise `RequestError` (413) unless an index bounds the series whose instances must be looked through."""
    if query.study_instance_uid is not None or query.series_instance_uid is not None:
        return
    for key in query.match:
        if key.keyword in INSTANCE_SEARCH_KEYS and isinstance(key.matching, SingleValue | UidList):
            return
    keys = ", ".join(f"`{key}`" for key in sorted(INSTANCE_SEARCH_KEYS))
    raise RequestError(
        f"a search for instances needs a study or series in its path, or one of {keys}", status=413
    )
