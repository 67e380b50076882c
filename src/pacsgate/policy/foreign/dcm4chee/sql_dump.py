r"""Rows of a dump that PostgreSQL (`pg_dump`, with COPY or INSERT) or MySQL (`mysqldump`) wrote.

A strict small reader: it knows the statements that dumps are made of, and reads of them the four
tables.  A general SQL parser would hold a statement of a million rows as a tree.

Called by `reader`; one row at a time, whatever the size of the dump.

Invariants:
- a statement that is not understood and is about one of the four tables is an error, never passed over.

Standard: PostgreSQL 15, COPY (text format); MySQL 8.0, 9.1.1 (escape sequences).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from pacsgate.model.errors import SettingsError
from pacsgate.policy.foreign.dcm4chee.sql_scanner import Scanner
from pacsgate.policy.foreign.dcm4chee.tables import COLUMNS, ORDER, Row, Table, row

_NAME = r'(?:[`"]?\w+[`"]?\s*\.\s*)?[`"]?(?P<table>\w+)[`"]?'
_COPY = re.compile(rf"COPY\s+{_NAME}\s*(?:\((?P<columns>[^)]*)\))?\s+FROM\s+stdin\b.*;\s*$", re.IGNORECASE)
_INTO = re.compile(rf"(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO\s+{_NAME}", re.IGNORECASE)
_INSERT = re.compile(rf"{_INTO.pattern}\s*(?:\((?P<columns>[^)']*)\))?\s*VALUES\s*", re.IGNORECASE)
_HARMLESS = frozenset({"on", "conflict", "do", "nothing"})
"""What pg_dump may put behind the values: `ON CONFLICT DO NOTHING`."""
_CREATE = re.compile(rf"CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?{_NAME}\s*\(", re.IGNORECASE)
_COLUMN = re.compile(r'\s*[`"]?(\w+)[`"]?\s+\w')
_NO_COLUMN = frozenset({"primary", "key", "unique", "constraint", "index", "foreign", "check", "fulltext"})
_MYSQL = re.compile(r"-- (?:MySQL|MariaDB) dump|/\*!\d+ SET|/\*M!")
_NO_ESCAPES = "NO_BACKSLASH_ESCAPES"
"""With it MySQL reads strings as the standard does."""
_ESCAPING = r"(?P<escaped>(?:[^'\\]|''|\\.)*)"
_STRINGS = {True: f"'{_ESCAPING}'", False: f"[eE]'{_ESCAPING}'|'(?P<text>(?:[^']|'')*)'"}
"""By whether a backslash escapes in every string, or only in one with an `E` in front."""
_VALUES = {
    escapes: re.compile(rf"\s*(?:{strings}|(?P<bare>[-+\w.:]+)|(?P<mark>[(),;]))", re.DOTALL)
    for escapes, strings in _STRINGS.items()
}
_ESCAPES: Mapping[str, str] = {
    "0": "\0",
    "b": "\b",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "Z": "\x1a",
    "v": "\v",
    "f": "\f",
}
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED_OR_DOUBLED = re.compile(r"\\(.)|''", re.DOTALL)
_HEAD_LINES = 20
_LONGEST = 64 << 20
"""Characters of one statement: mysqldump writes up to `max_allowed_packet`, 64 MiB at its default."""

_TABLES = frozenset(Table)


def read_dump(lines: Iterable[str], file: str) -> Iterator[Row]:
    """The rows of the four tables.  Raises `SettingsError` with file and line."""
    remaining = iter(lines)
    head = [line for _, line in zip(range(_HEAD_LINES), remaining, strict=False)]
    plain = any(_NO_ESCAPES in line for line in head)
    reader = _Dump(file, Scanner(escapes=not plain and any(_MYSQL.match(line) for line in head)))
    return reader.rows(chain(head, remaining))


class _Dump:
    """One dump, as far as it has been read."""

    def __init__(self, file: str, scanner: Scanner) -> None:
        self._file = file
        self._scanner = scanner
        self._columns: dict[Table, Sequence[str]] = dict(ORDER)

    def rows(self, lines: Iterable[str]) -> Iterator[Row]:
        numbered = enumerate(lines, start=1)
        for number, line in numbered:
            if not line.strip() or line.startswith(("--", "\\")):
                continue  # the latter are orders to psql, a line each
            copied = _COPY.match(line)
            if copied is not None:
                yield from self._copy(copied, numbered)
                continue
            statement = self._statement(line, number, numbered)
            if statement is not None:
                yield from self._insert(statement, number)

    def _statement(self, first: str, start: int, numbered: Iterator[tuple[int, str]]) -> str | None:
        """The rest of a statement is stepped over; its text, if one of the tables is filled by it."""
        inserted, created = _INTO.match(first), _CREATE.match(first)
        begun = inserted or created
        wanted = begun is not None and begun["table"].lower() in _TABLES
        parts, length, line = [first] if wanted else [], len(first), first
        while not self._scanner.ends(line):
            following = next(numbered, None)
            if following is None:
                if wanted:
                    raise self._error(start, "the statement that begins here has no end")
                return None
            line = following[1]
            if wanted:
                parts.append(line)
                length += len(line)
                if length > _LONGEST:
                    raise self._error(
                        start, f"the statement that begins here is longer than {_LONGEST} characters"
                    )
        if created is not None and wanted:
            self._columns[Table(created["table"].lower())] = tuple(_created("".join(parts)[created.end() :]))
        return "".join(parts) if inserted is not None and wanted else None

    def _copy(self, copied: re.Match[str], numbered: Iterator[tuple[int, str]]) -> Iterator[Row]:
        """The data behind a COPY, up to its end; of other tables it is stepped over."""
        name = copied["table"].lower()
        table = Table(name) if name in _TABLES else None
        columns = [] if table is None else self._named(table, copied["columns"], 0)
        for number, line in numbered:
            text = line.rstrip("\r\n")
            if text == "\\.":
                return
            if table is not None:
                values = [None if value == "\\N" else _unescaped(value) for value in text.split("\t")]
                yield self._row(table, columns, values, number)

    def _insert(self, statement: str, number: int) -> Iterator[Row]:
        head = _INSERT.match(statement)
        if head is None:
            raise self._error(number, "the statement that begins here is not understood")
        table = Table(head["table"].lower())
        columns = self._named(table, head["columns"], number)
        pattern = _VALUES[self._scanner.escapes]
        values: list[str | None] = []
        depth = 0
        position = head.end()
        while position < len(statement):
            found = pattern.match(statement, position)
            if found is None:
                break
            position = found.end()
            match found["mark"]:
                case "(":
                    depth, values = depth + 1, []
                case ")":
                    depth -= 1
                    yield self._row(table, columns, values, number)
                case ";":
                    if depth == 0:
                        return
                    break
                case None if depth:
                    values.append(_value(found))
                case None if (found["bare"] or "").lower() not in _HARMLESS:
                    break
                case _:
                    pass
        raise self._error(number, f"the values for `{table}` are not understood")

    def _named(self, table: Table, written: str | None, number: int) -> Sequence[str]:
        named = self._columns.get(table)
        if written is not None:
            named = [name.strip().strip('`"').lower() for name in written.split(",")]
        if named is None or not COLUMNS[table] <= set(named):
            lacking = ", ".join(sorted(COLUMNS[table] - set(named or ())))
            raise self._error(
                number, f"table `{table}` lacks the columns {lacking}, or the dump does not name them"
            )
        return named

    def _row(self, table: Table, columns: Sequence[str], values: Sequence[str | None], number: int) -> Row:
        if len(columns) != len(values):
            raise self._error(
                number, f"a row of `{table}` has {len(values)} values for {len(columns)} columns"
            )
        return row(table, columns, values, number)

    def _error(self, line: int, message: str) -> SettingsError:
        return SettingsError(f"{self._file}:{line}: {message}")


def _value(found: re.Match[str]) -> str | None:
    """What a string or a bare word stands for."""
    groups = found.groupdict()
    if groups["escaped"] is not None:
        return _unquoted(groups["escaped"])
    if groups.get("text") is not None:
        return groups["text"].replace("''", "'")
    bare: str = groups["bare"]
    return None if bare.upper() == "NULL" else bare


def _created(body: str) -> Iterator[str]:
    """The names of the columns that a CREATE TABLE lists, one a line as dumps write them."""
    for line in body.splitlines():
        found = _COLUMN.match(line)
        if found is not None and found[1].lower() not in _NO_COLUMN:
            yield found[1].lower()


def _unescaped(text: str) -> str:
    """A value of COPY, in which a backslash escapes."""
    if "\\" not in text:
        return text
    return _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), text)


def _unquoted(text: str) -> str:
    """A literal in which a backslash escapes, and two quotes are one."""
    if "\\" not in text and "''" not in text:
        return text
    return _ESCAPED_OR_DOUBLED.sub(
        lambda found: "'" if found[1] is None else _ESCAPES.get(found[1], found[1]), text
    )
