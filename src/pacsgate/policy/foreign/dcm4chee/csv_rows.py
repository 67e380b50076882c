"""Rows of a table that somebody exported as CSV; its first line says which table it is.

Called by `recognition` and by `reader`.

Standard: RFC 4180; separators are comma, semicolon or tab.
"""

import csv
from collections.abc import Iterable, Iterator

from pacsgate.model.errors import SettingsError
from pacsgate.policy.foreign.dcm4chee.tables import COLUMNS, Row, Table, row

_SEPARATORS = ",;\t"
_BYTE_ORDER_MARK = "\ufeff"


def csv_table(header: str) -> Table | None:
    """The table that a first line belongs to."""
    named = frozenset(_names(header))
    fitting = [table for table, needed in COLUMNS.items() if needed <= named]
    return max(fitting, key=lambda table: len(COLUMNS[table]), default=None)


def read_csv(lines: Iterable[str], file: str) -> Iterator[Row]:
    """The rows behind the first line.  Raises `SettingsError` with file and line."""
    remaining = iter(lines)
    header = next(remaining, "")
    table, columns = csv_table(header), _names(header)
    if table is None:
        raise SettingsError(f"{file}:1: its first line names the columns of none of {', '.join(Table)}")
    reader = csv.reader(remaining, delimiter=_separator(header), strict=True)
    try:
        for values in reader:
            if not values:
                continue
            if len(values) != len(columns):
                raise SettingsError(
                    f"{file}:{reader.line_num + 1}: a row has {len(values)} values for {len(columns)} columns"
                )
            yield row(table, columns, values, reader.line_num + 1)
    except csv.Error as error:
        raise SettingsError(f"{file}:{reader.line_num + 1}: not valid CSV: {error}") from error


def _separator(header: str) -> str:
    return max(_SEPARATORS, key=header.count)


def _names(header: str) -> list[str]:
    line = header.removeprefix(_BYTE_ORDER_MARK)
    try:
        written = next(csv.reader([line], delimiter=_separator(header)), [])
    except csv.Error:
        return []
    return [name.strip().lower() for name in written]
