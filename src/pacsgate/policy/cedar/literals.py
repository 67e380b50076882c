"""Values and names as Cedar writes them.

A string of DICOM is any text, so whatever is not plain is escaped.  A number is a
`decimal`, which holds four places; a date is a `Long` of its eight digits, which
order alike.

Called by the modules beside it, and by whoever makes Cedar entities from facts.

Invariants:
- a number that a `decimal` cannot hold exactly is refused with `None`, never rounded.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal

from pacsgate.model.subject import Scalar
from pacsgate.policy.ir import ValueType
from pacsgate.policy.values import fits, is_date

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_RESERVED = frozenset({"true", "false", "if", "then", "else", "in", "is", "like", "has", "__cedar"})
_PLACES = 4
_LARGEST_DECIMAL = Decimal("922337203685477.5807")
_ESCAPES = {'"': '\\"', "\\": "\\\\"}


def string(text: str) -> str:
    """A string literal."""
    return f'"{_escaped(text)}"'


def name(word: str) -> str:
    """A name as a declaration or `has` writes it."""
    return word if _PLAIN_NAME.fullmatch(word) and word not in _RESERVED else string(word)


def member(record: str, word: str) -> str:
    """The access to one attribute of a record."""
    written = name(word)
    return f"{record}[{written}]" if written.startswith('"') else f"{record}.{written}"


def entity(kind: str, identifier: str) -> str:
    """The name of one entity."""
    return f"{kind}::{string(identifier)}"


def instant(moment: datetime) -> str:
    """A moment, to the millisecond."""
    utc = moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
    return f'datetime("{utc}Z")'


def literal(value: Scalar, value_type: ValueType) -> str | None:
    """A value of one type; `None` when it is not of the type, or Cedar cannot hold it."""
    if not fits(value, value_type):
        return None
    match value_type:
        case ValueType.BOOLEAN:
            return "true" if value else "false"
        case ValueType.NUMBER:
            written = decimal_text(value)
            return None if written is None else f'decimal("{written}")'
        case ValueType.DATE:
            return str(int(str(value))) if is_date(str(value)) else None
        case ValueType.STRING | ValueType.SET:
            return string(str(value))


def decimal_text(value: Scalar) -> str | None:
    """A number as Cedar's `decimal` takes it; `None` when it has more than four places or is too large."""
    exact = Decimal(str(value))
    if exact != exact.quantize(Decimal(1).scaleb(-_PLACES)) or abs(exact) > _LARGEST_DECIMAL:
        return None
    return f"{exact:.{_PLACES}f}"


def _escaped(text: str) -> str:
    return "".join(
        _ESCAPES.get(character, character) if character.isprintable() else f"\\u{{{ord(character):x}}}"
        for character in text
    )
