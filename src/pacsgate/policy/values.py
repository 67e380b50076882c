"""Which values belong to which attribute type.

Facts and user attributes come from outside: from images, directories and
databases that were filled under an older declaration.  A value that does not
fit its attribute's type is not an error and not a match; it is unreadable, and
an atom that reads it is `UNKNOWN`.

Called by `truth`, `closures`, `binding` and `declared`, and by the language when
it reads literals and maps.

Invariants:
- two values that fit `NUMBER` compare alike as Python numbers and as IEEE
  doubles, so that a database may keep them in a floating-point column.
"""

import re
from typing import assert_never

from pacsgate.model.subject import Scalar
from pacsgate.policy.ir import ValueType

LARGEST_NUMBER = 2**53
"""Up to here every integer is exactly one IEEE 754 double."""


_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", re.ASCII)
_DATE = re.compile(r"[0-9]{8}", re.ASCII)


def fits(value: Scalar, value_type: ValueType) -> bool:
    """Whether a value can be read as this type; the element of a `SET` is a string."""
    match value_type:
        case ValueType.STRING | ValueType.DATE | ValueType.SET:
            return isinstance(value, str)
        case ValueType.BOOLEAN:
            return isinstance(value, bool)
        case ValueType.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool) and in_range(value)
        case _:
            assert_never(value_type)


def in_range(number: float) -> bool:
    """Whether a number is one that compares alike everywhere; false of NaN and the infinities."""
    return -LARGEST_NUMBER <= number <= LARGEST_NUMBER


def number_from(text: str) -> int | float | None:
    """The number that a decimal text says, whole ones as integers; `None` when it is none or out of range."""
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    if not in_range(value):
        return None
    return int(value) if value.is_integer() else value


def is_date(text: str) -> bool:
    """Whether a text is a DICOM date (PS3.5 6.2 DA), of whatever calendar."""
    return _DATE.fullmatch(text) is not None
