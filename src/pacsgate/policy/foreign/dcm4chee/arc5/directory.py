"""Entries of a directory, from LDIF as an export of it is written.

A reader of our own: the one library for this in pure Python (ldif3) stopped at Python 3.8.  Changes
(`changetype`) are refused, values from URLs are never fetched.

Called by `reader`.

Standard: RFC 2849.
"""

import binascii
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pacsgate.model.errors import SettingsError
from pacsgate.policy.language.problems import Position

_LONGEST_LINE = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its distinguished name, and its values by attribute in small letters."""

    dn: str
    values: Mapping[str, tuple[str, ...]]
    position: Position

    def all(self, attribute: str) -> tuple[str, ...]:
        """Every value."""
        return self.values.get(attribute.lower(), ())

    def one(self, attribute: str, otherwise: str = "") -> str:
        """The first value."""
        return next(iter(self.all(attribute)), otherwise)

    def is_a(self, name: str) -> bool:
        """Whether it is of an object class."""
        return any(each.lower() == name.lower() for each in self.all("objectClass"))


def read_directory(lines: Iterable[str], file: str) -> Iterator[Entry]:
    """Every entry.  Raises `SettingsError` with file and line."""
    block: list[tuple[int, str]] = []
    for number, line in _unfolded(lines):
        if line:
            block.append((number, line))
            continue
        if block:
            yield from _entry(block, file)
        block = []
    if block:
        yield from _entry(block, file)


def _unfolded(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Each line with what continues it; comments are left out."""
    start, text = 0, None
    for number, raw in enumerate(lines, start=1):
        line = raw.rstrip("\r\n")
        if line.startswith(" ") and text is not None and len(text) < _LONGEST_LINE:
            text += line[1:]
            continue
        if text is not None and not text.startswith("#"):
            yield start, text
        start, text = number, line
    if text is not None and not text.startswith("#"):
        yield start, text


def _entry(block: list[tuple[int, str]], file: str) -> Iterator[Entry]:
    values: dict[str, list[str]] = {}
    for number, line in block:
        name, value = _value(line, file, number)
        values.setdefault(name, []).append(value)
    first = block[0][0]
    if "changetype" in values:
        raise SettingsError(
            f"{file}:{first}: this LDIF holds changes: export the directory's entries instead"
        )
    named = values.pop("dn", None)
    values.pop("version", None)
    if named is not None:
        yield Entry(named[0], {name: tuple(each) for name, each in values.items()}, Position(file, first, 1))
    elif values:
        raise SettingsError(f"{file}:{first}: an entry begins with its `dn`")


def _value(line: str, file: str, number: int) -> tuple[str, str]:
    name, colon, rest = line.partition(":")
    if not colon or not name:
        raise SettingsError(f"{file}:{number}: no attribute and value stand here")
    name = name.partition(";")[0].lower()
    if rest.startswith(":"):
        try:
            return name, b64decode(rest[1:].strip(), validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError) as error:
            raise SettingsError(f"{file}:{number}: the value of `{name}` is not base64") from error
    return name, "" if rest.startswith("<") else rest.strip()
