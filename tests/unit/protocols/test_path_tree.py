from dataclasses import dataclass

import pytest

from pacsgate.protocols.path_tree import PathTree


@dataclass(frozen=True)
class Row:
    method: str
    template: str


TABLE = (
    Row("GET", "/"),
    Row("GET", "/a"),
    Row("GET", "/a/{one}"),
    Row("PUT", "/a/{one}/b"),
    Row("GET", "/a/word/c"),
    Row("GET", "/files/{rest*}"),
)
TREE = PathTree(TABLE, {"one"})


@pytest.mark.parametrize(
    ("method", "path", "template"),
    [
        ("GET", (), "/"),
        ("HEAD", ("a",), "/a"),
        ("GET", ("a", "x"), "/a/{one}"),
        ("PUT", ("a", "x", "b"), "/a/{one}/b"),
        ("GET", ("files", "x"), "/files/{rest*}"),
        ("GET", ("files", "x", "y"), "/files/{rest*}"),
    ],
)
def test_a_path_leads_to_its_row(method: str, path: tuple[str, ...], template: str) -> None:
    found = TREE.find(method, path)
    assert found is not None
    assert found.row.template == template


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ("a",)),
        ("get", ("a",)),
        ("HEAD", ("a", "x", "b")),
        ("GET", ("b",)),
        ("GET", ("a", "x", "c")),
        ("GET", ("files",)),
    ],
)
def test_what_is_not_in_the_table_leads_nowhere(method: str, path: tuple[str, ...]) -> None:
    assert TREE.find(method, path) is None


def test_a_literal_is_never_taken_for_a_name() -> None:
    assert TREE.find("PUT", ("a", "word", "b")) is None


def test_the_names_arrive_as_text_in_the_order_of_the_path() -> None:
    found = TREE.find("PUT", ("a", "x", "b"))
    assert found is not None
    assert found.names == (("one", "x"),)
    rest = TREE.find("GET", ("files", "x", "y"))
    assert rest is not None
    assert rest.rest == ("x", "y")


@pytest.mark.parametrize(
    "rows",
    [
        (Row("GET", "/a"), Row("GET", "/a")),
        (Row("GET", "/a/{one}"), Row("GET", "/a/{two}/b")),
        (Row("GET", "/{unread}"),),
    ],
)
def test_an_ambiguous_table_is_refused(rows: tuple[Row, ...]) -> None:
    with pytest.raises(ValueError):
        PathTree(rows, {"one", "two"})
