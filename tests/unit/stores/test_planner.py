"""The plans that make searches quick, as SQLite itself tells them."""

from collections.abc import Callable

import pytest
from sqlalchemy import event, text

from pacsgate.dicom.query import MatchKey, Query, SingleValue
from pacsgate.model.resource import Level
from pacsgate.policy.ir import (
    LABELS,
    SERIES_MODALITY,
    And,
    Attribute,
    Compare,
    Comparison,
    Contains,
    Formula,
    Not,
    Scope,
    ValueType,
)
from pacsgate.stores.database import Database
from pacsgate.stores.planner import STATISTICS
from pacsgate.stores.schema import metadata
from pacsgate.stores.study_index import SqlStudyIndex
from tests.support.indexing import EVERYTHING, MAIN, SCOPE, SEEN, instance, within

DEPARTMENT = Compare(Attribute(Scope.STUDY, "department", ValueType.STRING), Comparison.EQ, "A")
OWN_DEPARTMENT = And((DEPARTMENT, Not(Contains(LABELS, "VIP"))))
NO_REPORTS = And((OWN_DEPARTMENT, Not(Compare(SERIES_MODALITY, Comparison.EQ, "SR"))))


@pytest.fixture
def index(database: Database) -> SqlStudyIndex:
    index = SqlStudyIndex(database)
    index.ingest(
        SCOPE,
        MAIN,
        [instance(f"1.2.{n}", study_facts={"department": frozenset({"A"})}) for n in range(5)],
        SEEN,
    )
    return index


def plans(database: Database, ask: Callable[[], object]) -> list[tuple[str, list[str]]]:
    """Each SELECT from studies that is run, with the steps of its plan."""
    found: list[tuple[str, list[str]]] = []

    def explain(_connection: object, cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.startswith("SELECT study."):
            steps = cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            found.append((statement, [step[3] for step in steps]))

    event.listen(database.engine, "before_cursor_execute", explain)
    try:
        ask()
    finally:
        event.remove(database.engine, "before_cursor_execute", explain)
    return found


def page(index: SqlStudyIndex, formula: Formula, *keys: MatchKey) -> Callable[[], object]:
    return lambda: index.search(SCOPE, MAIN, Query(Level.STUDY, keys, limit=2), within(formula))


@pytest.mark.parametrize("formula", [EVERYTHING.formula, OWN_DEPARTMENT, NO_REPORTS])
def test_a_page_is_read_in_the_order_of_its_index_and_never_sorted(
    database: Database, index: SqlStudyIndex, formula: Formula
) -> None:
    (_, first), *_ = plans(database, page(index, formula))
    assert first[0].startswith("SEARCH study USING INDEX ix_study_newest (tenant=? AND archive=?")
    assert not any("TEMP B-TREE" in step for step in first)


def test_a_constraint_on_studies_alone_asks_no_series_for_the_page(
    database: Database, index: SqlStudyIndex
) -> None:
    (statement, _), *_ = plans(database, page(index, OWN_DEPARTMENT))
    assert "FROM series" not in statement


def test_series_are_asked_in_a_covering_index(database: Database, index: SqlStudyIndex) -> None:
    (_, steps), *_ = plans(database, page(index, NO_REPORTS))
    assert any("series USING COVERING INDEX ix_series_admission" in step for step in steps)


@pytest.mark.parametrize(
    ("keyword", "expected"),
    [
        ("PatientID", "ix_study_patient_id (tenant=? AND archive=? AND patient_id=?)"),
        ("AccessionNumber", "ix_study_accession_number (tenant=? AND archive=? AND accession_number=?)"),
        ("StudyInstanceUID", "ux_study_natural (tenant=? AND archive=? AND study_instance_uid=?)"),
    ],
)
def test_a_key_that_names_few_studies_is_looked_up(
    database: Database, index: SqlStudyIndex, keyword: str, expected: str
) -> None:
    (_, steps), *_ = plans(database, page(index, OWN_DEPARTMENT, MatchKey((keyword,), SingleValue("1.2.3"))))
    assert steps[0] == f"SEARCH study USING INDEX {expected}"


def test_the_look_up_before_a_decision_reads_one_study(database: Database, index: SqlStudyIndex) -> None:
    ((_, steps), *_) = plans(database, lambda: index.studies(SCOPE, MAIN, "1.2.3"))
    assert (
        steps[0]
        == "SEARCH study USING INDEX ux_study_natural (tenant=? AND archive=? AND study_instance_uid=?)"
    )
    assert "SEARCH series USING INDEX" in steps[1]
    assert "(tenant=? AND study_pk=?" in steps[1]


def test_the_statistics_are_of_indexes_that_exist(database: Database) -> None:
    with database.reading() as connection:
        existing = set(connection.execute(text("SELECT name FROM sqlite_master")).scalars())
        written = connection.execute(text("SELECT tbl, idx, stat FROM sqlite_stat1")).all()
    assert {tuple(row) for row in written} == set(STATISTICS)
    for table, name, numbers in STATISTICS:
        assert name in existing
        index = next((index for index in metadata.tables[table].indexes if index.name == name), None)
        columns = metadata.tables[table].primary_key.columns if index is None else index.expressions
        assert len(numbers.split()) == 1 + len(list(columns)), name
