from sqlalchemy import delete, select

from pacsgate.dicom.query import Query
from pacsgate.model.resource import Level, ResourceKey
from pacsgate.policy.ir import (
    LABELS,
    And,
    Attribute,
    Compare,
    Comparison,
    Contains,
    Formula,
    Has,
    Not,
    Or,
    Scope,
    ValueType,
)
from pacsgate.stores.classes import ClassFacts
from pacsgate.stores.constraint_sql import by_reach, uses_series
from pacsgate.stores.database import Database
from pacsgate.stores.schema import access_class, class_fact
from pacsgate.stores.study_index import SqlStudyIndex
from tests.support.indexing import MAIN, SCOPE, SEEN, instance, within

DEPARTMENT = Attribute(Scope.STUDY, "department", ValueType.STRING)
WEIGHT = Attribute(Scope.STUDY, "weight", ValueType.NUMBER)
PART = Attribute(Scope.SERIES, "part", ValueType.STRING)


def found(index: SqlStudyIndex, formula: Formula) -> int:
    return len(index.search(SCOPE, MAIN, Query(Level.STUDY), within(formula)).matches)


def filled(database: Database) -> SqlStudyIndex:
    index = SqlStudyIndex(database)
    index.ingest(SCOPE, MAIN, [instance(study_facts={"department": frozenset({"A"})})], SEEN)
    return index


def test_a_study_whose_facts_were_lost_is_shown_by_nothing(database: Database) -> None:
    index = filled(database)
    formulas = (
        Compare(DEPARTMENT, Comparison.NE, "B"),
        Not(Compare(DEPARTMENT, Comparison.EQ, "B")),
        Not(Has(WEIGHT)),
        Not(Contains(LABELS, "VIP")),
    )
    assert [found(index, formula) for formula in formulas] == [1, 1, 1, 1]
    with database.writing() as connection:
        connection.execute(delete(class_fact))
    afresh = SqlStudyIndex(database)
    assert [found(afresh, formula) for formula in formulas] == [0, 0, 0, 0]


def test_a_thousand_alternatives_are_no_trouble(database: Database) -> None:
    index = filled(database)
    alternatives = [Compare(DEPARTMENT, Comparison.EQ, f"B{number}") for number in range(1200)]
    assert found(index, Or(tuple(alternatives))) == 0
    assert found(index, Not(Or(tuple(alternatives)))) == 1


def test_what_is_alike_for_all_series_is_told_from_the_rest() -> None:
    of_study, of_series = Has(DEPARTMENT), Has(PART)
    both = Or((of_study, of_series))
    outer, inner = by_reach(And((of_study, of_series, both)))
    assert (outer, inner) == (And((of_study,)), And((of_series, both)))
    assert not uses_series(outer)


def test_a_class_is_stored_once_and_goes_with_its_last_row(database: Database) -> None:
    index = filled(database)

    def classes() -> int:
        with database.reading() as connection:
            return len(connection.execute(select(access_class)).all())

    before = classes()
    index.ingest(SCOPE, MAIN, [instance("1.2.2", study_facts={"department": frozenset({"A"})})], SEEN)
    assert classes() == before
    index.remove(SCOPE, MAIN, ResourceKey("1.2.1"))
    assert classes() == before
    index.remove(SCOPE, MAIN, ResourceKey("1.2.2"))
    assert classes() == 0
    with database.reading() as connection:
        assert connection.execute(select(class_fact)).all() == []


def test_a_class_number_is_never_given_twice(database: Database) -> None:
    index = filled(database)
    facts = ClassFacts()

    def numbers() -> set[int]:
        with database.reading() as connection:
            return set(connection.execute(select(access_class.c.class_pk)).scalars())

    first = numbers()
    index.remove(SCOPE, MAIN, ResourceKey("1.2.1"))
    index.ingest(SCOPE, MAIN, [instance(study_facts={"department": frozenset({"B"})})], SEEN)
    assert not first & numbers()
    with database.reading() as connection:
        held = facts.of(connection, SCOPE.tenant, numbers())
        assert facts.of(connection, SCOPE.tenant, numbers()) == held
