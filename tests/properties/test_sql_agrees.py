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
from sqlalchemy import func, not_, or_, select, true

from pacsgate.dicom.query import Query
from pacsgate.model.resource import ArchiveName, Level, patient_key
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import And, Comparison, Const, Formula, Not, Or, Truth
from pacsgate.policy.truth import evaluate
from pacsgate.ports import Match
from pacsgate.stores import admission, constraint_sql, dialects, kind_sets, specials
from pacsgate.stores.constraint_sql import Translation
from pacsgate.stores.database import Database
from pacsgate.stores.schema import Form, access_kind, series, study
from pacsgate.stores.specials import SpecialRows
from pacsgate.stores.study_index import SqlStudyIndex
from pacsgate.stores.tenant_wall import ANY_TENANT
from tests.properties import formulas, worlds
from tests.support.databases import cluster, opened, sqlite_url
from tests.support.events import READ
from tests.support.indexing import SCOPE, SEEN, instance, within

ARCHIVES = tuple(ArchiveName(f"archive{number}") for number in range(6))
PATIENTS = (("P1", ""), ("P1", "site"), ("P2", ""))

IN_ROWS = frozenset({"date", "department"})
"""The attributes of many values: of these the index keeps values with the rows."""

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
            world = worlds.study(random, uid)
            labelled[uid] = world.facts
            dated = only(sorted(world.facts.get("date", ())))
            items.extend(
                instance(
                    uid,
                    only(of_series["uid"]),
                    patient=patient,
                    issuer=issuer,
                    of_study={"StudyDate": dated},
                    study_facts=world.facts,
                    series_facts=of_series,
                    many=IN_ROWS,
                    ingest_principal=only(world.facts.get("ingest_principal", ())),
                )
                for of_series in world.series
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
                for entry in index.every_study(SCOPE, archive)
                for facts in map(entry.facts_of, entry.series)
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
    return ARCHIVES[seed % len(ARCHIVES)], formulas.formula(worlds.seeded(seed), depth=seed % 4, bound=True)


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
        found = [
            tuple(map(named, match.facts)) for match in listed(filled.index, archive, Level.STUDY, formula)
        ]
        by_study = [name for names in found for name in names]
        if not (
            sorted(by_series) == sorted(by_study) == sorted(expected)
            and all(found)
            and filled.index.count(SCOPE, archive, within(formula)) == len(found)
        ):
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


# ------------------------------------------------------------------ the translation into SQL


def translated(filled: Filled, archive: ArchiveName, formula: Formula) -> set[SeriesName]:
    """The series of which the database itself says that a formula is true."""
    flavour = filled.database.flavour
    wanted = (
        select(study.c.patient_id, study.c.issuer_of_patient_id, study.c.study_instance_uid)
        .add_columns(series.c.series_instance_uid)
        .join(
            access_kind, (access_kind.c.tenant == study.c.tenant) & (access_kind.c.kind_pk == study.c.kind_pk)
        )
        .join(series, (series.c.tenant == study.c.tenant) & (series.c.study_pk == study.c.study_pk))
        .where(
            study.c.tenant == SCOPE.tenant,
            study.c.archive == archive,
            Translation(SCOPE.tenant, flavour, IN_ROWS).where(formula, Truth.TRUE),
        )
    )
    with filled.database.snapshot(ANY_TENANT) as snapshot:
        rows = snapshot.rows(*dialects.written_out(wanted, flavour))
    return {(patient_key(row[0], row[1]), row[2], row[3]) for row in rows}


def mistranslated(filled: Filled, seeds: range) -> Iterator[str]:
    for seed in seeds:
        archive, formula = question(seed)
        if translated(filled, archive, formula) != admitted_by_truth(filled, archive, formula):
            yield f"seed {seed}: {formula}"


def test_the_database_itself_says_of_which_series_a_constraint_is_true(filled: Filled) -> None:
    assert not list(mistranslated(filled, range(400)))


# ------------------------------------------------------------------ faults in it

_where, _some, _of_every_value = Translation.where, Translation._some, Translation._of_every_value


def _something(self: Translation, attribute: Any, condition: Any) -> Any:
    return true()


def _bad_values_overlooked(self: Translation, atom: Any, outcome: Truth) -> Any:
    return _some(self, atom.attribute, lambda row: _is_wanted(self, atom, row, outcome))


def _is_wanted(self: Translation, atom: Any, row: Any, outcome: Truth) -> Any:
    form = constraint_sql.FORMS[atom.attribute.type]
    holds = self._good(row.text if form is Form.TEXT else row.number, atom)
    if holds is None:
        return constraint_sql.false()
    return constraint_sql.and_(row.form == form, holds if outcome is Truth.TRUE else not_(holds))


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


_has = Translation._has


def _unread_is_absent(self: Translation, attribute: Any, outcome: Truth) -> Any:
    holds = _has(self, attribute, Truth.TRUE)
    return holds if outcome is Truth.TRUE else not_(holds)


_contains = Translation._contains


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


WILDCARD = constraint_sql.wildcard
COMPARISONS = constraint_sql.COMPARISONS

FAULTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "what was not looked for is absent": lambda p: p.setattr(Translation, "_has", _unread_is_absent),
    "whatever is asked of a value is held": lambda p: p.setattr(Translation, "_some", _something),
    "a bad value beside a good one is overlooked": lambda p: p.setattr(
        Translation, "_of_every_value", _bad_values_overlooked
    ),
    "values that rows hold are not asked": lambda p: p.setattr(
        Translation,
        "_some",
        lambda self, attribute, condition: _some(replace(self, in_rows=frozenset()), attribute, condition),
    ),
    "negation is SQL's NOT": lambda p: p.setattr(Translation, "where", _negation_by_not),
    "the opposite of AND is AND": lambda p: p.setattr(Translation, "where", _and_or_not_exchanged),
    "unknown counts as true": lambda p: p.setattr(Translation, "where", _unknown_is_true),
    "series atoms are not asked": lambda p: p.setattr(Translation, "_of_every_value", _any_value_will_do),
    "a missing set is an empty one": lambda p: p.setattr(Translation, "_contains", _missing_set_is_empty),
    "a comparison becomes NULL": lambda p: p.setattr(Translation, "_of_every_value", _null_for_missing),
    "LIKE folds case": lambda p: p.setattr(constraint_sql, "wildcard", _case_does_not_count),
    "a question mark is wild": lambda p: p.setattr(constraint_sql, "wildcard", _question_mark_is_wild),
    "booleans are read as numbers": lambda p: p.setattr(
        constraint_sql, "FORMS", {**constraint_sql.FORMS, worlds.ValueType.BOOLEAN: Form.NUMBER}
    ),
    "numbers are read as text": lambda p: p.setattr(
        constraint_sql, "FORMS", {**constraint_sql.FORMS, worlds.ValueType.NUMBER: Form.TEXT}
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
    assert next(mistranslated(on_sqlite, range(400)), None)


# ------------------------------------------------------------------ faults in what is known of kinds

_outcome, _guessed, _of_layer = kind_sets.outcome, admission._outcome, kind_sets._Layer.where


def _missing_is_false(atom: Any, values: Any) -> Truth:
    found = _outcome(atom, values)
    return Truth.FALSE if found is Truth.UNKNOWN else found


def _listed_by_default(atom: Any, value: str) -> Truth:
    found = _guessed(atom, value)
    return Truth.TRUE if found is Truth.FALSE else found


def _true_is_one(values: Any) -> object:
    return values


_kinds_where = kind_sets.KindSets.where


def _first_layer(self: Any, *asked: Any) -> Any:
    first, *others = _kinds_where(self, *asked)
    return (first, *(type(first)() for _ in others))


KIND_FAULTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "unknown is false": lambda p: p.setattr(kind_sets, "outcome", _missing_is_false),
    "a value that is not named is": lambda p: p.setattr(admission, "_outcome", _listed_by_default),
    "named values are not looked up": lambda p: p.setattr(admission, "_named", lambda *_: {}),
    "rows are not asked": lambda p: p.setattr(SpecialRows, "of", lambda *_: specials.NONE),
    "dates do not split time": lambda p: p.setattr(admission, "_dates", lambda _: ()),
    "the opposite of a formula is itself": lambda p: p.setattr(kind_sets, "negation", lambda truth: truth),
    "only the first part of a study counts": lambda p: p.setattr(kind_sets.KindSets, "where", _first_layer),
    "what kinds of later rows say is not asked again": lambda p: p.setattr(
        admission, "EVER", admission.recency("20000101", "")
    ),
}


@pytest.mark.parametrize("fault", KIND_FAULTS)
def test_a_fault_in_what_is_known_of_kinds_is_noticed(
    fault: str, on_sqlite: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    KIND_FAULTS[fault](monkeypatch)
    # A new object, which remembers nothing that was worked out before.
    index = SqlStudyIndex(on_sqlite.database)
    assert next(differences(replace(on_sqlite, index=index), range(400)), None)
