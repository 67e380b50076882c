from sqlalchemy import Column, delete, select

from pacsgate.dicom.query import Query
from pacsgate.model.resource import Level, ResourceKey
from pacsgate.policy.ir import (
    LABELS,
    Attribute,
    Compare,
    Comparison,
    Contains,
    Formula,
    Has,
    Not,
    Or,
    Scope,
    Truth,
    ValueType,
)
from pacsgate.stores.constraint_sql import Translation
from pacsgate.stores.database import Database
from pacsgate.stores.schema import access_class, access_kind, class_fact, series, study
from pacsgate.stores.study_index import SqlStudyIndex
from pacsgate.stores.tenant_wall import ANY_TENANT
from tests.support.indexing import MAIN, SCOPE, SEEN, instance, within

DEPARTMENT = Attribute(Scope.STUDY, "department", ValueType.STRING)
WEIGHT = Attribute(Scope.STUDY, "weight", ValueType.NUMBER)


def found(index: SqlStudyIndex, formula: Formula) -> int:
    return len(index.search(SCOPE, MAIN, Query(Level.STUDY), within(formula)).matches)


def true_of(database: Database, formula: Formula) -> int:
    """Of how many series the database itself says that a formula is true."""
    translation = Translation(SCOPE.tenant, database.flavour)
    rows = (
        select(series.c.series_instance_uid)
        .join(study, study.c.study_pk == series.c.study_pk)
        .join(access_kind, access_kind.c.kind_pk == study.c.kind_pk)
        .where(translation.where(formula, Truth.TRUE))
    )
    with database.reading(ANY_TENANT) as connection:
        return len(connection.execute(rows).all())


FACTS = {"department": frozenset({"A"}), "weight": frozenset[str]()}


def filled(database: Database) -> SqlStudyIndex:
    index = SqlStudyIndex(database)
    index.ingest(SCOPE, MAIN, [instance(study_facts=FACTS)], SEEN)
    return index


def test_a_study_whose_facts_were_lost_is_shown_by_nothing(database: Database) -> None:
    filled(database)
    formulas = (
        Compare(DEPARTMENT, Comparison.NE, "B"),
        Not(Compare(DEPARTMENT, Comparison.EQ, "B")),
        Not(Has(WEIGHT)),
        Not(Contains(LABELS, "VIP")),
    )
    assert [true_of(database, formula) for formula in formulas] == [1, 1, 1, 1]
    with database.writing(ANY_TENANT) as connection:
        connection.execute(delete(class_fact))
    assert [true_of(database, formula) for formula in formulas] == [0, 0, 0, 0]


def test_a_thousand_alternatives_are_no_trouble(database: Database) -> None:
    index = filled(database)
    alternatives = [Compare(DEPARTMENT, Comparison.EQ, f"B{number}") for number in range(1200)]
    for asked in (found, lambda _, formula: true_of(database, formula)):
        assert asked(index, Or(tuple(alternatives))) == 0
        assert asked(index, Not(Or(tuple(alternatives)))) == 1


def test_a_class_is_stored_once_and_goes_with_its_last_row(database: Database) -> None:
    index = filled(database)

    def classes() -> int:
        with database.reading(ANY_TENANT) as connection:
            return len(connection.execute(select(access_class)).all())

    before = classes()
    index.ingest(SCOPE, MAIN, [instance("1.2.2", study_facts=FACTS)], SEEN)
    assert classes() == before
    index.remove(SCOPE, MAIN, ResourceKey("1.2.1"))
    assert classes() == before
    index.remove(SCOPE, MAIN, ResourceKey("1.2.2"))
    assert classes() == 0
    with database.reading(ANY_TENANT) as connection:
        assert connection.execute(select(class_fact)).all() == []


def test_neither_a_class_nor_a_kind_is_given_a_number_twice(database: Database) -> None:
    index = filled(database)

    def numbers(column: Column[int]) -> set[int]:
        with database.reading(ANY_TENANT) as connection:
            return set(connection.execute(select(column).where(column > 0)).scalars())

    classes, kinds = numbers(access_class.c.class_pk), numbers(study.c.kind_pk)
    index.remove(SCOPE, MAIN, ResourceKey("1.2.1"))
    index.ingest(SCOPE, MAIN, [instance(study_facts={"department": frozenset({"B"})})], SEEN)
    assert not classes & numbers(access_class.c.class_pk)
    assert not kinds & numbers(study.c.kind_pk)
