"""Answers a search within a constraint.

The page comes from one indexed query over `study` (joined with `series` where the
level needs it), newest first; what may be shown of each study from one more, over
the admitted series of the page's studies.

Keys without a column, and fuzzy names, are asked with `matching.matches` of each
candidate that SQL found, in bounded batches, so that page and total are exact
whatever the key.

Columns of `study` hold what the instance that came last says.  Where the constraint
tells series apart, the studies of which something is hidden are asked first, by
what their admitted series say; where that differs from the columns, the page's
query is told so.  Such a study matches a key that any admitted series matches, and
shows what the first of them says.

Called by `study_index`.

Invariants:
- a row is made from admitted series only: its counts, its modalities, its facts,
  and what its keys are compared with;
- everything of one search is read from one snapshot.

Standard: PS3.18 section 10.6; PS3.4 section C.2.2.2.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, assert_never

from sqlalchemy import (
    Select,
    Text,
    TextClause,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    or_,
    select,
    true,
)

from pacsgate.dicom.matching import matches
from pacsgate.dicom.query import MatchKey, Query
from pacsgate.dicom.summary import DicomJson
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.policy.ir import Formula
from pacsgate.ports import Match, Page
from pacsgate.stores.admission import Admission, last_class
from pacsgate.stores.classes import ClassFacts
from pacsgate.stores.constraint_sql import Sql, by_reach, uses_series
from pacsgate.stores.dialects import member
from pacsgate.stores.entries import series_values, study_values
from pacsgate.stores.packing import unpack_instances
from pacsgate.stores.place import Place
from pacsgate.stores.said import Said, said_by
from pacsgate.stores.schema import NEWEST_FIRST, AnyRow, series, study
from pacsgate.stores.search_keys import Keys, require_bound
from pacsgate.stores.views import SeriesView, StudyView
from pacsgate.stores.window import Window

_BATCH = 200
"""Candidates in memory at a time when keys are asked in Python."""

_STUDY_ROW = (
    study.c.study_pk,
    study.c.study_instance_uid,
    study.c.patient_id,
    study.c.issuer_of_patient_id,
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
_siblings = series.alias("siblings")
_HOW_MANY_SERIES = (
    select(func.count())
    .where(_siblings.c.tenant == series.c.tenant, _siblings.c.study_pk == series.c.study_pk)
    .correlate(series)
    .scalar_subquery()
    .label("of_all")
)
_SERIES_NAME = cast(study.c.study_pk, Text) + "/" + series.c.series_instance_uid
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
        self._keys = Keys()
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
                require_bound(self._query)
                return self._instances()
            case Level.PATIENT:
                raise RequestError("there is no search for patients; search for studies by `PatientID`")
            case _:
                assert_never(self._query.level)

    # ------------------------------------------------------------- candidates

    def _studies(self, *more: Any, counting: bool = False) -> Select[*tuple[Any, ...]]:
        columns = _HOW_MANY.select_from(study) if counting else select(*_STUDY_ROW, *more)
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

    def _said(self) -> Sql:
        """The keys on what is said of a study, as far as it is said by admitted series."""
        in_row = and_(true(), *(clause for _, clause in self._keys.said))
        if not self._keys.said or not self._tells_series_apart:
            return in_row
        missed: list[Any] = []
        wrong: list[Any] = []
        of_studies = self._query.level is Level.STUDY
        name: Any = study.c.study_pk if of_studies else _SERIES_NAME
        asked = (self._studies if of_studies else self._series)(
            name.label("name"), case((in_row, 1), else_=0).label("in_row")
        )
        for batch in self._batches(asked.where(self._something_hidden())):
            studies = {row.study_pk: row for row in batch}
            said_of = self._said_of(studies, self._admitted_series(studies))
            for row in batch:
                said = said_of[row.study_pk]
                who = said.values() if of_studies else (said[row.series_instance_uid],)
                holds = all(self._any_matches(key, who) for key, _ in self._keys.said)
                if holds != bool(row.in_row):
                    (missed if holds else wrong).append(row.name)
        flavour = self._place.flavour
        found = or_(in_row, member(flavour, name, missed)) if missed else in_row
        return and_(found, ~member(flavour, name, wrong)) if wrong else found

    def _something_hidden(self) -> Sql:
        hidden = select(series.c.study_pk).where(
            _OF_STUDY, case((self._admits(self._of_series), 0), else_=1) == 1
        )
        return exists(hidden.correlate(study))

    # ------------------------------------------------------------- pages

    def _rows(self, candidates: Callable[..., Select[*tuple[Any, ...]]]) -> Page:
        self._where_study.append(self._said())
        if self._keys.residual:
            window = Window(self._query)
            for batch in self._batches(candidates()):
                for found, others in self._matches(batch):
                    if self._satisfies(found, others):
                        window.offer(found)
            return window.page()
        limit, offset = self._query.limit, self._query.offset
        rows = self._place.connection.execute(candidates().limit(limit + 1).offset(offset)).all()
        remaining = 0
        if len(rows) > limit:
            total: int = self._place.connection.execute(candidates(counting=True)).scalar_one()
            remaining = total - offset - limit
        return Page(tuple(found for found, _ in self._matches(rows[:limit])), remaining)

    def _instances(self) -> Page:
        self._where_study.append(self._said())
        window = Window(self._query)
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

    def _satisfies(self, found: Match, others: Iterable[DicomJson] = ()) -> bool:
        return all(self._any_matches(key, (found.attributes, *others)) for key in self._keys.residual)

    def _any_matches(self, key: MatchKey, said: Iterable[DicomJson]) -> bool:
        return any(matches(key, attributes, fuzzy=self._query.fuzzy) for attributes in said)

    # ------------------------------------------------------------- what may be shown

    def _matches(self, rows: Sequence[AnyRow]) -> Iterator[tuple[Match, Iterable[DicomJson]]]:
        """Each row's match, and what else admitted series say of it."""
        views, facts = self._views(rows)
        for row in rows:
            view = views[row.study_pk]
            if self._query.level is Level.STUDY:
                yield view.match(), view.said.values()
            else:
                of_series = series_values(facts[row.series_class_pk], row.series_instance_uid)
                yield view.series_match(row, of_series), ()

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
        said = self._said_of(studies, shown)
        views = {
            study_pk: StudyView(
                row,
                study_values(facts[row.class_pk], row.study_instance_uid, row.patient_key),
                of_study[study_pk],
                said.get(study_pk, {}),
            )
            for study_pk, row in studies.items()
        }
        return views, facts

    def _said_of(self, studies: dict[int, AnyRow], shown: Sequence[AnyRow]) -> dict[int, Said]:
        if not self._tells_series_apart:
            return {}
        admitted = {(row.study_pk, row.series_instance_uid) for row in shown}
        how_many = Counter(row.study_pk for row in shown)
        partly = {row.study_pk: studies[row.study_pk] for row in shown if row.of_all > how_many[row.study_pk]}
        return said_by(self._place, partly, admitted)

    def _admitted_series(self, study_pks: Iterable[int]) -> Sequence[AnyRow]:
        found = _ALL_SERIES
        if self._tells_series_apart:
            found = (
                found.add_columns(_HOW_MANY_SERIES)
                .join(study, _OF_STUDY)
                .where(self._admits(self._of_series))
            )
        return self._place.connection.execute(
            found, {"tenant": self._place.tenant, "study_pks": list(study_pks)}
        ).all()
