"""What is remembered about classes never makes an answer old."""

from collections import Counter

import pytest
from sqlalchemy import event

from pacsgate.dicom.query import Query
from pacsgate.model.resource import Level, ResourceKey
from pacsgate.policy.ir import (
    LABELS,
    STUDY_UID,
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
from pacsgate.stores import admission
from pacsgate.stores.constraint_sql import sole_scope
from pacsgate.stores.database import Database
from pacsgate.stores.study_index import SqlStudyIndex
from tests.support.events import READ
from tests.support.indexing import MAIN, SCOPE, SEEN, instance, within

DEPARTMENT = Attribute(Scope.STUDY, "department", ValueType.STRING)
PART = Attribute(Scope.SERIES, "part", ValueType.STRING)
IN_A = Compare(DEPARTMENT, Comparison.EQ, "A")
NOT_VIP = Not(Contains(LABELS, "VIP"))
GRANTED = Compare(STUDY_UID, Comparison.EQ, "1.2.9")
HEADS = Compare(PART, Comparison.EQ, "HEAD")


@pytest.fixture
def index(database: Database) -> SqlStudyIndex:
    return SqlStudyIndex(database)


def add(index: SqlStudyIndex, uid: str, department: str, part: str = "HEAD") -> None:
    of_study, of_series = {"department": frozenset({department})}, {"part": frozenset({part})}
    index.ingest(SCOPE, MAIN, [instance(uid, study_facts=of_study, series_facts=of_series)], SEEN)


def found(index: SqlStudyIndex, formula: Formula) -> list[str]:
    matches = index.search(SCOPE, MAIN, Query(Level.STUDY), within(formula)).matches
    return sorted(match.key.study_instance_uid for match in matches)


@pytest.mark.parametrize("listed", [admission.LISTED_CLASSES, 1])
def test_each_answer_is_of_its_moment(
    index: SqlStudyIndex, listed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "LISTED_CLASSES", listed)
    formula = And((Or((IN_A, GRANTED)), NOT_VIP, HEADS))
    assert found(index, formula) == []
    add(index, "1.2.1", "A")
    assert found(index, formula) == ["1.2.1"]
    add(index, "1.2.9", "B")
    add(index, "1.2.2", "B")
    assert found(index, formula) == ["1.2.1", "1.2.9"]
    index.set_labels(SCOPE, MAIN, "1.2.1", labels=frozenset({"VIP"}), event=READ)
    assert found(index, formula) == ["1.2.9"]
    index.set_labels(SCOPE, MAIN, "1.2.1", labels=frozenset({"TEACH"}), event=READ)
    assert found(index, formula) == ["1.2.1", "1.2.9"]
    add(index, "1.2.9", "B", "KNEE")
    index.remove(SCOPE, MAIN, ResourceKey("1.2.1"))
    assert found(index, formula) == []
    add(index, "1.2.1", "A")
    assert found(index, formula) == ["1.2.1"]


def test_what_is_known_of_a_class_is_not_asked_again(database: Database, index: SqlStudyIndex) -> None:
    asked = Counter[str]()

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked["class facts" if "class_fact" in statement else "others"] += 1

    add(index, "1.2.1", "A")
    found(index, And((IN_A, NOT_VIP)))
    event.listen(database.engine, "before_cursor_execute", count)
    found(index, And((IN_A, NOT_VIP)))
    assert asked["class facts"] == 0
    assert asked["others"]
    add(index, "1.2.2", "A")
    asked.clear()
    found(index, And((IN_A, NOT_VIP)))
    assert asked["class facts"] == 0, "the new study is of a class that is known"
    event.remove(database.engine, "before_cursor_execute", count)


@pytest.mark.parametrize(
    ("formula", "scope"),
    [
        (And((IN_A, NOT_VIP)), Scope.STUDY),
        (Not(HEADS), Scope.SERIES),
        (Has(DEPARTMENT), Scope.STUDY),
        (Has(PART), None),
        (Or((IN_A, GRANTED)), None),
        (And((IN_A, HEADS)), None),
        (Compare(Attribute(Scope.USER, "site", ValueType.STRING), Comparison.EQ, "A"), None),
        (And(()), None),
    ],
)
def test_a_class_settles_what_is_about_its_own_facts_only(formula: Formula, scope: Scope | None) -> None:
    assert sole_scope(formula) is scope


def test_a_full_memory_is_emptied_and_answers_stay_right(
    index: SqlStudyIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_REMEMBERED", 3)
    for letter in "ABCDEFGH":
        add(index, f"1.2.{ord(letter)}", letter)
    for letter in "ABCDEFGHABCD":
        assert found(index, Compare(DEPARTMENT, Comparison.EQ, letter)) == [f"1.2.{ord(letter)}"]
