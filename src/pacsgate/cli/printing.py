"""Answers of administrative commands: a table for people, JSON for programs.

Called by `users`, `tokens`, `roles` and `grants`.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pacsgate.audit.renderings.visible import visible

_PIPE_COLUMNS = 2000

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]


def print_json(value: Json) -> None:
    """Print one JSON document on one line."""
    # Inside JSON strings the escapes of `visible` are JSON's own.
    sys.stdout.write(visible(json.dumps(value, ensure_ascii=False, separators=(", ", ": "))) + "\n")


def print_fields(row: Mapping[str, Json]) -> None:
    """Print one row, a line for each of its fields."""
    print_table([{"field": field, "value": value} for field, value in row.items()], ("field", "value"), "")


def print_table(rows: Iterable[Mapping[str, Json]], columns: Sequence[str], nothing: str) -> None:
    """Print some of the rows' fields under their names, or a sentence when there are no rows."""
    listed = list(rows)
    if not listed:
        sys.stdout.write(nothing + "\n")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in listed:
        # As `Text`: a name in square brackets is not markup.
        table.add_row(*(Text(visible(_shown(row[column]))) for column in columns))
    # A pipe has no width: what reads it wants each row on one line.
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else _PIPE_COLUMNS).print(table)


def print_line(text: str) -> None:
    """Print one line for a person."""
    sys.stdout.write(text + "\n")


def instant_text(at: datetime | None) -> str | None:
    """An instant as UTC to the second."""
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _shown(value: Json) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case str() | int() | float():
            return str(value)
        case Mapping():
            return "; ".join(f"{name}={_shown(part)}" for name, part in value.items()) or "-"
        case _:
            return ", ".join(_shown(part) for part in value) or "-"
