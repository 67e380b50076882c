"""Fields that a tenant adds to its identities and visits, and whether values fit them.

A tenant says once which further fields its people have, of which type, and which are required; every value
is then checked where it is submitted and again where it is kept.

Called by the tenants' administration, and by whatever takes identities and visits.

Invariants:
- what is not declared is refused, whatever its value;
- a boolean is no integer, and a date is one that the calendar has.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pacsgate.model.errors import RequestError

LONGEST_TEXT = 1000
"""Characters of one value."""
MOST_FIELDS = 100
"""Fields of one kind of entity."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_LARGEST = 2**53 - 1
"""Every reader of JSON has whole numbers up to here exactly (RFC 8259 6)."""


class FieldType(StrEnum):
    """What the values of a field are."""

    STRING = "string"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATE = "date"
    """A day of the calendar, as `2027-01-31`."""


@dataclass(frozen=True, slots=True)
class ExtensionField:
    """One field."""

    type: FieldType
    description: str = ""
    required: bool = False


ExtensionFields = Mapping[str, ExtensionField]
"""By name."""
ExtensionValue = str | int | bool


def check_fields(fields: ExtensionFields) -> None:
    """Raise `RequestError` for fields that nobody could fill in."""
    if len(fields) > MOST_FIELDS:
        raise RequestError(f"there can be {MOST_FIELDS} extension fields at most")
    for name in fields:
        if _NAME.fullmatch(name) is None:
            raise RequestError(
                "an extension field is called by a letter, then up to 63 letters, digits and `_`"
            )


def check_values(fields: ExtensionFields, values: Mapping[str, object]) -> dict[str, ExtensionValue]:
    """The values, if they fit the fields: on making an entity, and whenever it is written anew.

    Raises `RequestError` for an unknown field, a value of another type, and a required one that is missing;
    it names fields, and never values.
    """
    unknown = values.keys() - fields.keys()
    if unknown:
        known = ", ".join(f"`{name}`" for name in sorted(fields)) or "none"
        raise RequestError(f"{len(unknown)} extension fields are unknown; those that there are: {known}")
    missing = sorted(name for name, field in fields.items() if field.required and values.get(name) is None)
    if missing:
        raise RequestError(f"the extension field `{missing[0]}` is required")
    return {
        name: _checked(name, fields[name].type, value) for name, value in values.items() if value is not None
    }


def _checked(name: str, wanted: FieldType, value: object) -> ExtensionValue:
    reads, says = _TYPES[wanted]
    found = reads(value)
    if found is None:
        raise RequestError(f"the extension field `{name}` takes {says}")
    return found


def _string(value: object) -> str | None:
    return value if isinstance(value, str) and len(value) <= LONGEST_TEXT and "\0" not in value else None


def _integer(value: object) -> int | None:
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    return value if isinstance(value, int) and is_integer and abs(value) <= _LARGEST else None


def _boolean(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _date(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        # Other spellings of ISO 8601, such as weeks, are read too: they would be two texts for one day.
        return value if date.fromisoformat(value).isoformat() == value else None
    except ValueError:
        return None


_TYPES: Mapping[FieldType, tuple[Callable[[object], ExtensionValue | None], str]] = {
    FieldType.STRING: (_string, f"a text of at most {LONGEST_TEXT} characters"),
    FieldType.INTEGER: (_integer, "a whole number"),
    FieldType.BOOLEAN: (_boolean, "`true` or `false`"),
    FieldType.DATE: (_date, "a date such as `2027-01-31`"),
}
