"""Values for attributes in a body: at the top of a data set, or at a place inside its sequences.

A place is written as Orthanc does: `PatientName`, `0010-0010`, or
`RequestAttributesSequence[0].RequestedProcedureID`, with `[*]` for every item.

Called by `modify_body` and `create_body`.

Invariants: every name in what comes out is an attribute; a value is a text or a list of items.

Standard: Orthanc's sources (since 1.9.4 places inside sequences).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pacsgate.model.errors import RequestError
from pacsgate.protocols.orthanc.tag_names import read_name

_STEP = re.compile(r"(?P<name>[^\[\].]{1,64})(?:\[(?P<item>\*|[0-9]{1,6})\])?")
_DEEPEST = 8

Value = str | list[dict[str, Any]]
"""A text, or the items of a sequence."""


def read_place(text: str) -> str:
    """Read one place and write it in one spelling.  Raises `RequestError`."""
    steps = text.split(".")
    if len(steps) > _DEEPEST:
        raise RequestError(f"a place in a data set has at most {_DEEPEST} steps")
    return ".".join(_step(step, last=position == len(steps) - 1) for position, step in enumerate(steps))


def _step(text: str, *, last: bool) -> str:
    found = _STEP.fullmatch(text)
    if found is None or (found["item"] is None) is not last:
        raise RequestError("a place in a data set is written `Attribute` or `Sequence[0].Attribute`")
    name = read_name(found["name"])
    return name if last else f"{name}[{found['item']}]"


def read_places(texts: Iterable[str]) -> tuple[str, ...]:
    """Read several places, each once."""
    return tuple(dict.fromkeys(map(read_place, texts)))


def read_values(values: Mapping[str, Any], what: str) -> dict[str, Value]:
    """Read values by place; `what` is the field that holds them."""
    read = {read_place(place): _value(value, what) for place, value in values.items()}
    if len(read) != len(values):
        raise RequestError(f"field `{what}` names an attribute twice")
    return read


def _value(value: object, what: str) -> Value:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        raise RequestError(f"a value in `{what}` must be a text, a number or a list of items")
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return [dict(read_values(item, what)) for item in value]
    raise RequestError(f"a value in `{what}` must be a text, a number or a list of items")
