"""The plans that make searches quick, as SQLite itself tells them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from sqlalchemy import text

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
from pacsgate.stores import plans as plans_of_walks
from pacsgate.stores import search, specials
from pacsgate.stores.database import Database
from pacsgate.stores.planner import STATISTICS
from pacsgate.stores.reading import Snapshot
from pacsgate.stores.schema import metadata
from pacsgate.stores.study_index import SqlStudyIndex
from pacsgate.stores.tenant_wall import ANY_TENANT
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
        [
            instance(
                f"1.2.{n}",
                study_facts={"department": frozenset({"A"})},
                series_facts={"modality": frozenset({"CT"})},
            )
            for n in range(5)
        ],
        SEEN,
    )
    return index


def plans(ask: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The steps of the plan of each question about studies."""
    found: list[list[str]] = []
    run = Snapshot._sqlite

    def explained(self: Snapshot, statement: str, parameters: Mapping[str, object]) -> Any:
        if "FROM study" in statement:
            steps = run(self, f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            found.append([step[3] for step in steps])
        return run(self, statement, parameters)

    def each_explained(
        self: Snapshot, statement: str, parameters: Mapping[str, object], name: str, values: Iterable[object]
    ) -> object:
        return [row for value in values for row in explained(self, statement, {**parameters, name: value})]

    monkeypatch.setattr(Snapshot, "_sqlite", explained)
    monkeypatch.setattr(Snapshot, "rows_of_each", each_explained)
    ask()
    return found


def page(index: SqlStudyIndex, formula: Formula, *keys: MatchKey) -> Callable[[], object]:
    return lambda: index.search(SCOPE, MAIN, Query(Level.STUDY, keys, limit=2), within(formula))


@pytest.mark.parametrize("patience", [plans_of_walks._SCAN_WORTH, 0])
@pytest.mark.parametrize("formula", [EVERYTHING.formula, OWN_DEPARTMENT, NO_REPORTS])
def test_a_page_is_read_in_the_order_of_its_index_and_never_sorted(
    index: SqlStudyIndex,
    formula: Formula,
    patience: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plans_of_walks, "_SCAN_WORTH", patience)
    first, *_ = plans(page(index, formula), monkeypatch)
    expected = (
        "ix_study_newest (tenant=? AND archive=?" if patience else "ix_study_kind (tenant=? AND kind_pk=?"
    )
    assert first == [f"SEARCH study USING COVERING INDEX {expected} AND recency>? AND recency<?)"]


def test_a_total_asks_no_study(index: SqlStudyIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = plans(lambda: index.count(SCOPE, MAIN, within(NO_REPORTS)), monkeypatch)
    assert asked == []


@pytest.mark.parametrize(
    ("keyword", "expected"),
    [
        ("PatientID", "ix_study_patient_id (tenant=? AND archive=? AND patient_id=?)"),
        ("AccessionNumber", "ix_study_accession_number (tenant=? AND archive=? AND accession_number=?)"),
        ("StudyInstanceUID", "ux_study_natural (tenant=? AND archive=? AND study_instance_uid=?)"),
    ],
)
def test_a_key_that_names_few_studies_is_looked_up(
    index: SqlStudyIndex, keyword: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = MatchKey((keyword,), SingleValue("1.2.3"))
    steps, *_ = plans(page(index, OWN_DEPARTMENT, key), monkeypatch)
    assert steps == [f"SEARCH study USING INDEX {expected}"]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (specials._NUMBERED, "sqlite_autoindex_study_1 (tenant=? AND study_pk=?)"),
        (specials._OF_KINDS, "ix_study_kind (tenant=? AND kind_pk=?)"),
        (specials._WITH_UID, "ux_study_natural (tenant=? AND archive=? AND study_instance_uid=?)"),
        (specials._OF_PATIENT, "ix_study_patient_id (tenant=? AND archive=? AND patient_id=?)"),
        (specials._WITH_SERIES, "ix_series_uid (tenant=? AND archive=? AND series_instance_uid=?)"),
        (specials._WITH_VALUE, "PRIMARY KEY (tenant=? AND archive=? AND attribute=? AND value=?)"),
        (search._ROWS, "sqlite_autoindex_study_1 (tenant=? AND study_pk=?)"),
    ],
)
def test_rows_that_are_named_are_looked_up(database: Database, statement: str, expected: str) -> None:
    asked = {"tenant": "", "archive": "", "attribute": "", "wanted": [1], "study_pks": [1]}
    with database.snapshot(ANY_TENANT) as snapshot:
        first, *_ = snapshot.rows(f"EXPLAIN QUERY PLAN {statement}", asked)
    assert first[3].endswith(f" {expected}")


def test_the_look_up_before_a_decision_reads_one_study(
    index: SqlStudyIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    (steps,) = plans(lambda: index.studies(SCOPE, MAIN, "1.2.3"), monkeypatch)
    assert (
        steps[0]
        == "SEARCH study USING INDEX ux_study_natural (tenant=? AND archive=? AND study_instance_uid=?)"
    )
    assert "SEARCH series USING INDEX" in steps[1]
    assert "(tenant=? AND study_pk=?" in steps[1]


def test_the_statistics_are_of_indexes_that_exist(database: Database) -> None:
    with database.reading(ANY_TENANT) as connection:
        existing = set(connection.execute(text("SELECT name FROM sqlite_master")).scalars())
        written = connection.execute(text("SELECT tbl, idx, stat FROM sqlite_stat1")).all()
    assert {tuple(row) for row in written} == set(STATISTICS)
    for table, name, numbers in STATISTICS:
        assert name in existing
        index = next((index for index in metadata.tables[table].indexes if index.name == name), None)
        columns = metadata.tables[table].primary_key.columns if index is None else index.expressions
        assert len(numbers.split()) == 1 + len(list(columns)), name
