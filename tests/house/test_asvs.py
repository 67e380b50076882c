"""The table of OWASP ASVS 5.0 is whole, and every test that it names exists."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "security" / "asvs.md"
ITEMS = {
    "6.1": 3, "6.2": 12, "6.3": 8, "6.4": 6, "6.5": 8, "6.6": 4, "6.7": 2, "6.8": 4,
    "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 3, "7.6": 2,
    "8.1": 4, "8.2": 4, "8.3": 3, "8.4": 2,
    "9.1": 3, "9.2": 4,
    "10.1": 2, "10.2": 3, "10.3": 5, "10.4": 16, "10.5": 5, "10.6": 2, "10.7": 3,
}  # fmt: skip
"""How many items each section of chapters 6 to 10 has in version 5.0.0."""
LINK = re.compile(r"\[([^]]+)\]\(([^)#]+)(#[^)]+)?\)")


@dataclass(frozen=True)
class Row:
    """One item."""

    item: str
    level: str
    how: str
    shown: str

    @property
    def links(self) -> list[tuple[str, Path]]:
        return [(text, (PAGE.parent / path).resolve()) for text, path, _ in LINK.findall(self.shown)]

    @property
    def has_reason(self) -> bool:
        return self.how.startswith(("Not applicable: ", "Not met: "))


def rows() -> Iterator[Row]:
    for line in PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and re.fullmatch(r"\d+\.\d+\.\d+", cells[0]):
            yield Row(cells[0], cells[1], cells[3], cells[4])


@cache
def functions_of(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_item_has_one_row_in_its_order() -> None:
    wanted = [f"{section}.{number + 1}" for section, count in ITEMS.items() for number in range(count)]
    assert [row.item for row in rows()] == wanted
    assert {row.level for row in rows()} == {"1", "2", "3"}


def test_every_row_is_shown_by_something_or_says_why_not() -> None:
    assert [row.item for row in rows() if not row.links and not row.has_reason] == []


def test_every_test_that_is_named_is_where_the_link_leads() -> None:
    named = [(text.strip("`"), target) for row in rows() for text, target in row.links]
    tests = [(name, file) for name, file in named if file.suffix == ".py"]
    assert tests
    missing = [name for name, file in tests if not file.is_file() or name not in functions_of(file)]
    assert missing == []


def test_of_levels_1_and_2_only_what_asks_for_a_page_is_shown_by_a_page_alone() -> None:
    asked = [row for row in rows() if row.level in "12" and not row.has_reason]
    tested = [row for row in asked if any(target.suffix == ".py" for _, target in row.links)]
    assert {row.item for row in asked} - {row.item for row in tested} == {"6.1.3", "7.1.3", "8.1.1", "8.1.2"}
