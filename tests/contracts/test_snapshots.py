"""Reading with the driver itself: both databases give the same rows, and a mistake spoils no other reader."""

import pytest

from pacsgate.stores.database import Database
from pacsgate.stores.dialects import Flavour
from pacsgate.stores.reading import Snapshot
from pacsgate.stores.tenant_wall import ANY_TENANT

_TYPES = {
    Flavour.SQLITE: ("INTEGER", "TEXT", "BLOB", "REAL"),
    Flavour.POSTGRESQL: ("bigint", "text", "bytea", "double precision"),
}
ODD_TEXTS = ["", "a,b", '{"x"}', "it's", "back\\slash", "%s", "NULL", "Ünïcødé", "a:b"]
NUMBERS = [0, -1, 2**15, 2**31, 2**62]


def asked(database: Database, statement: str, **parameters: object) -> list[tuple[object, ...]]:
    with database.snapshot(ANY_TENANT) as snapshot:
        return snapshot.rows(statement, parameters)


def cast(snapshot_of: Database, place: int, name: str) -> str:
    return f"CAST(:{name} AS {_TYPES[snapshot_of.flavour][place]})"


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_comes_back_as_it_went(database: Database, number: int) -> None:
    assert asked(database, f"SELECT {cast(database, 0, 'number')}", number=number) == [(number,)]


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_a_text_comes_back_as_it_went_whatever_is_in_it(database: Database, text: str) -> None:
    assert asked(database, f"SELECT {cast(database, 1, 'given')}", given=text) == [(text,)]


def test_bytes_fractions_and_nothing_come_back_as_they_went(database: Database) -> None:
    columns = f"{cast(database, 2, 'raw')}, {cast(database, 3, 'half')}, {cast(database, 1, 'none')}"
    found = asked(database, f"SELECT {columns}", raw=b"\0\xff'{", half=0.5, none=None)
    assert found == [(b"\0\xff'{", 0.5, None)]


@pytest.mark.parametrize("listed", [[], ["it's"], ODD_TEXTS])
def test_a_list_of_texts_holds_each_of_them_and_no_other(database: Database, listed: list[str]) -> None:
    for text in [*ODD_TEXTS, "absent"]:
        found = asked(
            database, f"SELECT 1 WHERE {cast(database, 1, 'given')} IN :listed", given=text, listed=listed
        )
        assert bool(found) is (text in listed), text


def test_a_list_of_numbers_holds_each_of_them_and_no_other(database: Database) -> None:
    for number in [*NUMBERS, 7]:
        found = asked(
            database, f"SELECT 1 WHERE {cast(database, 0, 'given')} IN :listed", given=number, listed=NUMBERS
        )
        assert bool(found) is (number in NUMBERS)


def test_a_parameter_may_be_named_twice(database: Database) -> None:
    doubled = f"{cast(database, 0, 'number')} + {cast(database, 0, 'number')}"
    assert asked(database, f"SELECT {doubled}", number=21) == [(42,)]


def test_a_statement_runs_with_each_value_in_turn(database: Database) -> None:
    with database.snapshot(ANY_TENANT) as snapshot:
        found = snapshot.rows_of_each(f"SELECT {cast(database, 0, 'number')}", {}, "number", NUMBERS)
    assert [row[0] for row in found] == NUMBERS


def test_a_statement_that_fails_raises_and_the_next_snapshot_reads_on(database: Database) -> None:
    failure = database.engine.dialect.loaded_dbapi.Error
    for _ in range(3):
        with pytest.raises(failure), database.snapshot(ANY_TENANT) as snapshot:
            snapshot.rows("SELECT nothing FROM nowhere", {})
        assert asked(database, f"SELECT {cast(database, 0, 'one')}", one=1) == [(1,)]


def test_any_number_of_different_statements_can_be_asked(database: Database) -> None:
    def each(snapshot: Snapshot) -> list[object]:
        return [snapshot.rows(f"SELECT {number}", {})[0][0] for number in range(600)]

    with database.snapshot(ANY_TENANT) as snapshot:
        assert each(snapshot) == each(snapshot) == list(range(600))
