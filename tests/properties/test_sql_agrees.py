"""A constraint in SQL admits exactly what the constraint itself admits.

Random hospitals fill the index once; random formulas are then asked of both.  The faults below are patched into
the translation one by one, and the same questions must tell.
"""

# ruff: noqa: ARG001 - a fault has the signature of what it replaces

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pytest
from sqlalchemy import func, not_, or_, true

from pacsgate.dicom.query import Query
from pacsgate.model.resource import ArchiveName, Level
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import And, Comparison, Const, Formula, Not, Or, Truth
from pacsgate.policy.truth import evaluate
from pacsgate.ports import Match
from pacsgate.stores import admission, constraint_sql
from pacsgate.stores.constraint_sql import Translation
from pacsgate.stores.database import Database
from pacsgate.stores.schema import Kind
from pacsgate.stores.search import Search
from pacsgate.stores.study_index import SqlStudyIndex
from tests.properties import worlds
from tests.support.databases import cluster, opened, sqlite_url
from tests.support.events import READ
from tests.support.indexing import SCOPE, SEEN, instance, within

ARCHIVES = tuple(ArchiveName(f"archive{number}") for number in range(6))
PATIENTS = (("P1", ""), ("P1", "site"), ("P2", ""))

SeriesName = tuple[str, str, str]
"""Patient key, StudyInstanceUID, SeriesInstanceUID."""


@dataclass(frozen=True)
class Filled:
    """An index of random hospitals, and what it says of each series."""

    database: Database
    index: SqlStudyIndex
    resources: dict[ArchiveName, dict[SeriesName, ResourceFacts]]


def fill(database: Database) -> Filled:
    index = SqlStudyIndex(database)
    random = worlds.seeded(1)
    for archive in ARCHIVES:
        items = []
        labelled = {}
        for uid, (patient, issuer) in product(worlds.STUDY_UIDS, PATIENTS):
            study = worlds.study(random, uid)
            labelled[uid] = study.facts
            items.extend(
                instance(
                    uid,
                    only(series["uid"]),
                    patient=patient,
                    issuer=issuer,
                    study_facts=study.facts,
                    series_facts=series,
                    ingest_principal=only(study.facts.get("ingest_principal", ())),
                )
                for series in study.series
            )
        index.ingest(SCOPE, archive, items, SEEN)
        for uid, facts in labelled.items():
            labels, collections = facts.get("labels"), facts.get("collections")
            index.set_labels(SCOPE, archive, uid, labels=labels, collections=collections, event=READ)
    return Filled(
        database,
        index,
        {
            archive: {
                named(facts): facts
                for study in index.every_study(SCOPE, archive)
                for facts in map(study.facts_of, study.series)
            }
            for archive in ARCHIVES
        },
    )


def only(values: Any) -> str | None:
    return next(iter(values), None)


def named(facts: ResourceFacts) -> SeriesName:
    assert facts.series is not None
    return only(facts.study["patient_id"]), only(facts.study["uid"]), only(facts.series["uid"])


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server("postgresql"))]
)
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    directory = tmp_path_factory.mktemp("agrees")
    if request.param == "sqlite":
        with opened(sqlite_url(directory)) as database:
            yield fill(database)
        return
    with cluster() as postgresql, opened(postgresql.url()) as database:
        yield fill(database)


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    with opened(sqlite_url(tmp_path_factory.mktemp("faults"))) as database:
        yield fill(database)


# ------------------------------------------------------------------ constraints


def question(seed: int) -> tuple[ArchiveName, Formula]:
    return ARCHIVES[seed % len(ARCHIVES)], worlds.formula(worlds.seeded(seed), depth=seed % 4, bound=True)


def listed(index: SqlStudyIndex, archive: ArchiveName, level: Level, formula: Formula) -> list[Match]:
    page = index.search(SCOPE, archive, Query(level, limit=1000), within(formula))
    assert page.remaining == 0
    return list(page.matches)


def admitted_by_truth(filled: Filled, archive: ArchiveName, formula: Formula) -> set[SeriesName]:
    return {
        name for name, facts in filled.resources[archive].items() if evaluate(formula, facts) is Truth.TRUE
    }


def differences(filled: Filled, seeds: range) -> Iterator[str]:
    """Formulas for which the index lists other series or studies than those of which they are true."""
    for seed in seeds:
        archive, formula = question(seed)
        expected = admitted_by_truth(filled, archive, formula)
        by_series = [
            named(facts)
            for match in listed(filled.index, archive, Level.SERIES, formula)
            for facts in match.facts
        ]
        studies = [
            tuple(map(named, match.facts)) for match in listed(filled.index, archive, Level.STUDY, formula)
        ]
        by_study = [name for study in studies for name in study]
        if not (sorted(by_series) == sorted(by_study) == sorted(expected) and all(studies)):
            yield f"seed {seed}: {formula}"


def atoms(formula: Formula) -> Iterator[Formula]:
    match formula:
        case Const():
            return
        case Not(inner):
            yield from atoms(inner)
        case And(formulas) | Or(formulas):
            for part in formulas:
                yield from atoms(part)
        case atom:
            yield atom


def test_the_index_lists_exactly_what_a_constraint_admits(filled: Filled) -> None:
    assert not list(differences(filled, range(400)))


def test_it_does_so_too_when_there_are_more_classes_than_it_lists(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "LISTED_CLASSES", 4)
    index = SqlStudyIndex(filled.database)
    assert not list(differences(replace(filled, index=index), range(400)))


def test_the_questions_meet_every_kind_of_atom_and_outcome() -> None:
    kinds = Counter(type(atom).__name__ for seed in range(400) for atom in atoms(question(seed)[1]))
    assert min(kinds[kind] for kind in ("Compare", "OneOf", "Contains", "Like", "Has")) >= 50, kinds


def test_the_answers_are_neither_mostly_empty_nor_mostly_everything(on_sqlite: Filled) -> None:
    shares = Counter[str]()
    for seed in range(400):
        archive, formula = question(seed)
        for facts in on_sqlite.resources[archive].values():
            shares[evaluate(formula, facts).name] += 1
    total = sum(shares.values())
    print(dict(shares))
    assert all(0.05 < shares[outcome.name] / total < 0.8 for outcome in Truth), shares


# ------------------------------------------------------------------ faults in the translation

_where, _some, _none = Translation.where, Translation._some, Translation._none
_of_every_value, _contains, _has = Translation._of_every_value, Translation._contains, Translation._has


def _without_exists(self: Translation, attribute: Any, condition: Any) -> Any:
    return true()


def _negation_by_not(self: Translation, formula: Formula, outcome: Truth) -> Any:
    if isinstance(formula, Not):
        return not_(_where(self, formula.formula, outcome))
    return _where(self, formula, outcome)


def _and_or_not_exchanged(self: Translation, formula: Formula, outcome: Truth) -> Any:
    if isinstance(formula, And) and outcome is Truth.FALSE:
        return constraint_sql.and_(true(), *(self.where(part, outcome) for part in formula.formulas))
    return _where(self, formula, outcome)


def _unknown_is_true(self: Translation, formula: Formula, outcome: Truth) -> Any:
    if outcome is Truth.TRUE:
        return or_(_where(self, formula, outcome), not_(_where(self, formula, Truth.FALSE)))
    return _where(self, formula, outcome)


def _any_value_will_do(self: Translation, atom: Any, outcome: Truth) -> Any:
    return (
        true()
        if outcome is Truth.TRUE and atom.attribute.scope == "series"
        else _of_every_value(self, atom, outcome)
    )


def _missing_set_is_empty(self: Translation, attribute: Any, element: Any, outcome: Truth) -> Any:
    holds = _contains(self, attribute, element, Truth.TRUE)
    return holds if outcome is Truth.TRUE else not_(holds)


def _null_for_missing(self: Translation, atom: Any, outcome: Truth) -> Any:
    # `NOT IN` over a list with a NULL in it is never true: what an outer join would bring.
    return constraint_sql.and_(_of_every_value(self, atom, outcome), func.nullif(1, 1).is_not(None))


def _case_does_not_count(flavour: Any, column: Any, pattern: str, *, one: bool) -> Any:
    return column.like(pattern.replace("*", "%"))


def _question_mark_is_wild(flavour: Any, column: Any, pattern: str, *, one: bool) -> Any:
    return WILDCARD(flavour, column, pattern, one=True)


def _all_series(self: Search, study_pks: Any) -> Any:
    self._tells_series_apart = False
    return _admitted_series(self, study_pks)


_admitted_series = Search._admitted_series
WILDCARD = constraint_sql.wildcard
COMPARISONS = constraint_sql.COMPARISONS

FAULTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "the EXISTS beside a NOT EXISTS is dropped": lambda p: p.setattr(Translation, "_some", _without_exists),
    "a bad value beside a good one is overlooked": lambda p: p.setattr(Translation, "_none", _without_exists),
    "negation is SQL's NOT": lambda p: p.setattr(Translation, "where", _negation_by_not),
    "the opposite of AND is AND": lambda p: p.setattr(Translation, "where", _and_or_not_exchanged),
    "unknown counts as true": lambda p: p.setattr(Translation, "where", _unknown_is_true),
    "series atoms are not asked": lambda p: p.setattr(Translation, "_of_every_value", _any_value_will_do),
    "a missing set is an empty one": lambda p: p.setattr(Translation, "_contains", _missing_set_is_empty),
    "a comparison becomes NULL": lambda p: p.setattr(Translation, "_of_every_value", _null_for_missing),
    "LIKE folds case": lambda p: p.setattr(constraint_sql, "wildcard", _case_does_not_count),
    "a question mark is wild": lambda p: p.setattr(constraint_sql, "wildcard", _question_mark_is_wild),
    "booleans are read as numbers": lambda p: p.setattr(
        constraint_sql, "KINDS", {**constraint_sql.KINDS, worlds.ValueType.BOOLEAN: Kind.NUMBER}
    ),
    "numbers are read as text": lambda p: p.setattr(
        constraint_sql, "KINDS", {**constraint_sql.KINDS, worlds.ValueType.NUMBER: Kind.TEXT}
    ),
    "a study is shown with its hidden series": lambda p: p.setattr(Search, "_admitted_series", _all_series),
    "a study shows without an admitted series": lambda p: p.setattr(
        Search, "_some_series", lambda *_: true()
    ),
    **{
        f"{one} is read as {other}": lambda p, one=one, other=other: p.setattr(
            constraint_sql, "COMPARISONS", {**COMPARISONS, one: COMPARISONS[other]}
        )
        for one, other in (
            (Comparison.LT, Comparison.LE),
            (Comparison.LE, Comparison.LT),
            (Comparison.GT, Comparison.GE),
            (Comparison.GE, Comparison.GT),
            (Comparison.EQ, Comparison.NE),
            (Comparison.NE, Comparison.EQ),
        )
    },
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_translation_is_noticed(
    fault: str, on_sqlite: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    FAULTS[fault](monkeypatch)
    # A new object, which remembers nothing that was put together before.
    index = SqlStudyIndex(on_sqlite.database)
    assert next(differences(replace(on_sqlite, index=index), range(400)), None)
