"""A list of people as a file of comma-separated values, as personnel departments export them.

The header names the columns: `id` and `name` must be there, the others may be (`display_name`, `active`,
`groups`, `from`, `until`, and `attribute:…` for each attribute of policies).  What has no column is not
spoken about, and stays as it is here.  Several groups in one cell stand between `|`.

Called by the command line; what comes out goes to `services.reconcile_accounts`.

Invariants:
- a file that breaks off in the middle of a row, or has a row too short or too long, is no list at all:
  half a list would end the accounts of the other half.

Standard: RFC 4180, in UTF-8, with or without a byte order mark; `;` separates if the header has it.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pacsgate.model.errors import RequestError, SettingsError
from pacsgate.model.subject import Attributes
from pacsgate.ports.identity_sources import SourceAccount

MOST_BYTES = 64 * 1024 * 1024
"""Some 500,000 people."""

_NEEDED = ("id", "name")
_FIELD_OF = {
    "display_name": "display_name",
    "groups": "groups",
    "from": "starts",
    "until": "until",
}
_COLUMNS = (*_NEEDED, "active", *_FIELD_OF)
_ATTRIBUTE = "attribute:"
_YES = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False, "": True}

ReadAttribute = Callable[[str, str], Attributes]
"""From name and text to the attribute, by the type that the policy declares."""


@dataclass(frozen=True, slots=True)
class PeopleList:
    """Everybody in a file, and what the file speaks of."""

    people: tuple[SourceAccount, ...]
    speaks_of: frozenset[str]


def read_people(data: bytes, read_attribute: ReadAttribute) -> PeopleList:
    """Read a whole file.  Raises `RequestError` with the line of what is wrong."""
    rows = _rows(_text(data))
    _, header = next(rows, (1, []))
    columns = _columns(header)
    people = tuple(_person(line, columns, row, read_attribute) for line, row in rows if row)
    speaks_of = {_FIELD_OF[column] for column in columns if column in _FIELD_OF}
    if any(column.startswith(_ATTRIBUTE) for column in columns):
        speaks_of.add("attributes")
    return PeopleList(people, frozenset(speaks_of))


def _text(data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise RequestError(f"a list has at most {MOST_BYTES} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RequestError(f"line {line}: this is not UTF-8; save the list as `CSV UTF-8`") from None
    if "\0" in text:
        raise RequestError(f"line {text[: text.index(chr(0))].count(chr(10)) + 1}: no list holds a NUL")
    return text


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line on which it begins."""
    first = text.partition("\n")[0]
    separator = ";" if ";" in first and "," not in first else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    begins = 1
    try:
        for row in reader:
            yield begins, row
            begins = reader.line_num + 1
    except csv.Error as error:
        raise RequestError(f"line {begins}: this row cannot be read ({error}); is the list whole?") from None


def _columns(header: list[str]) -> tuple[str, ...]:
    columns = tuple(name.strip() for name in header)
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        raise RequestError(
            f"line 1: the header lacks {_quoted(missing)}; it names the columns: {_quoted(_COLUMNS)}"
        )
    unknown = [name for name in columns if name not in _COLUMNS and not name.startswith(_ATTRIBUTE)]
    if unknown:
        raise RequestError(f"line 1: {_quoted(unknown)} is no column; there are {_quoted(_COLUMNS)}")
    twice = {name for name in columns if columns.count(name) > 1}
    if twice:
        raise RequestError(f"line 1: {_quoted(sorted(twice))} stands there twice")
    return columns


def _person(
    line: int, columns: tuple[str, ...], row: list[str], read_attribute: ReadAttribute
) -> SourceAccount:
    if len(row) != len(columns):
        raise RequestError(f"line {line}: {len(row)} cells under {len(columns)} columns; is the list whole?")
    cells = {column: cell.strip() for column, cell in zip(columns, row, strict=True)}
    for needed in _NEEDED:
        if not cells[needed]:
            raise RequestError(f"line {line}: `{needed}` is empty")
    active = _YES.get(cells.get("active", "").lower())
    if active is None:
        raise RequestError(f"line {line}: `active` is `yes` or `no`")
    return SourceAccount(
        external_id=cells["id"],
        name=cells["name"],
        display_name=cells.get("display_name", ""),
        active=active,
        groups=frozenset(filter(None, (name.strip() for name in cells.get("groups", "").split("|")))),
        attributes=_attributes(line, cells, read_attribute),
        starts=_instant(line, "from", cells),
        until=_instant(line, "until", cells),
    )


def _attributes(line: int, cells: Mapping[str, str], read_attribute: ReadAttribute) -> Attributes:
    read: dict[str, frozenset[str | int | float | bool]] = {}
    for column, text in cells.items():
        name = column.removeprefix(_ATTRIBUTE)
        if name == column:
            continue
        try:
            read |= read_attribute(name, text) if text else {name: frozenset()}
        except SettingsError as error:
            raise RequestError(f"line {line}: {error.public}") from None
    return read


def _instant(line: int, column: str, cells: Mapping[str, str]) -> datetime | None:
    text = cells.get(column, "")
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RequestError(
            f"line {line}: `{column}` is `2027-01-01` or `2027-01-01T08:00+01:00`, not `{text}`"
        ) from None


def _quoted(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
