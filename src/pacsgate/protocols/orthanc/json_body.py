"""The JSON body of a request, read closely: what is not understood is refused, not passed on.

A field that the gate skips would be a field that Orthanc obeys, or one that the client believes
in; a name that comes twice means one thing to one parser and another to the next.

Called by the readers of bodies in this package.

Invariants: nobody gets a value of another type than asked for; `true` is not 1.

Standard: RFC 8259; types are those of Orthanc's OpenAPI document.
"""

import json
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

from pacsgate.model.errors import RequestError
from pacsgate.protocols.query_string import quoted

MAX_DEPTH = 16
"""Sequences in `Replace` and `Tags` are two deep; nothing else is."""
MAX_NAMES = 100_000
"""In one list: the instances of the largest studies, and no more than a body of some megabytes holds."""


def read_json(raw: bytes) -> object:
    """Decode a body.  An empty one is `None`."""
    if not raw.strip():
        return None
    try:
        decoded = json.loads(raw, object_pairs_hook=_object, parse_constant=_refuse_constant)
        _require_plain(decoded, MAX_DEPTH)
    except (ValueError, RecursionError):
        raise RequestError("body is not JSON") from None
    return decoded


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RequestError("body has a field twice: which one would count?")
    return found


def _refuse_constant(_: str) -> object:
    raise RequestError("body has a number that JSON does not know")


def _require_plain(value: object, depth: int) -> None:
    """Refuse what is nested too deep, and half of a character, which no other parser takes."""
    if isinstance(value, str) and not value.isascii():
        value.encode()  # a `UnicodeEncodeError` is a `ValueError`
    children: Collection[object] = ()
    if isinstance(value, dict):
        children = (*value, *value.values())
    elif isinstance(value, list):
        children = value
    if children and not depth:
        raise RequestError(f"body is nested deeper than {MAX_DEPTH} levels")
    for child in children:
        _require_plain(child, depth - 1)


class Fields:
    """The fields of one object, of which only `known` ones may be there.

    `refused` are those that Orthanc knows and the gate does not carry out, each with its reason.
    """

    def __init__(
        self, value: object, known: Collection[str], refused: Mapping[str, str] | None = None
    ) -> None:
        if not isinstance(value, dict):
            raise RequestError("body must be a JSON object")
        for name in value:
            if name in (refused or {}):
                raise RequestError(f"field `{name}` is not accepted: {(refused or {})[name]}")
            if name not in known:
                near = get_close_matches(name[:64], known, n=1)
                hint = f" (did you mean `{near[0]}`?)" if near else ""
                raise RequestError(f"unknown field {quoted(name)}{hint}")
        self._values: Mapping[str, Any] = value

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str | None:
        """A text, or `None` if the field is missing."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, str):
            raise RequestError(f"field `{name}` must be a text")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """`true` or `false`."""
        value = self._values.get(name, default)
        if not isinstance(value, bool):
            raise RequestError(f"field `{name}` must be `true` or `false`")
        return value

    def whole(self, name: str, *, least: int, most: int) -> int | None:
        """A whole number within bounds, or `None` if the field is missing."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise RequestError(f"field `{name}` must be a whole number from {least} to {most}")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; none if the field is missing."""
        value = self._values.get(name)
        if value is None:
            return ()
        return texts(value, f"field `{name}`")

    def mapping(self, name: str) -> Mapping[str, Any]:
        """An object; an empty one if the field is missing."""
        value = self._values.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise RequestError(f"field `{name}` must be an object")
        return value

    def anything(self, name: str) -> object:
        """The value as it is, for a field of several shapes."""
        return self._values.get(name)


def texts(value: object, what: str) -> tuple[str, ...]:
    """A list of texts; `what` names it in the refusal."""
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise RequestError(f"{what} must be a list of texts")
    if len(value) > MAX_NAMES:
        raise RequestError(f"{what} has more than {MAX_NAMES} members", status=413)
    return tuple(value)
