"""What is remembered of kinds and of single rows never makes an answer old."""

import pytest
from sqlalchemy import delete, update

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
    Not,
    Or,
    Scope,
    ValueType,
)
from pacsgate.stores import admission
from pacsgate.stores.database import Database
from pacsgate.stores.packing import pack_facts
from pacsgate.stores.schema import access_class, class_fact
from pacsgate.stores.study_index import SqlStudyIndex
from pacsgate.stores.tenant_wall import ANY_TENANT
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


def test_each_answer_is_of_its_moment(index: SqlStudyIndex) -> None:
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


def test_what_kinds_say_is_read_once(database: Database, index: SqlStudyIndex) -> None:
    add(index, "1.2.1", "A")
    found(index, And((IN_A, NOT_VIP)))
    add(index, "1.2.2", "A")
    with database.writing(ANY_TENANT) as connection:
        connection.execute(delete(class_fact))
        connection.execute(update(access_class).values(facts=pack_facts({})))
    assert found(index, And((IN_A, NOT_VIP))) == ["1.2.1", "1.2.2"], (
        "the new study is of a kind that is known"
    )


def test_a_full_memory_is_emptied_and_answers_stay_right(
    index: SqlStudyIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_REMEMBERED", 3)
    for letter in "ABCDEFGH":
        add(index, f"1.2.{ord(letter)}", letter)
    for letter in "ABCDEFGHABCD":
        assert found(index, Compare(DEPARTMENT, Comparison.EQ, letter)) == [f"1.2.{ord(letter)}"]
