"""JSON read closely: a text that two readers could take for two things is refused.

Called by readers of bodies, which then see to fields and types.

Invariants:
- no field comes twice, no number is one that JSON does not know, no text holds half of a character;
- nesting is bounded, so that nobody downstream runs out of stack.

Standard: RFC 8259, and of RFC 7493 (I-JSON) sections 2.1 to 2.3.
"""

import json
from collections.abc import Collection
from typing import Any

from pacsgate.model.errors import RequestError

Json = Any
"""What JSON can say: objects, arrays, texts, numbers, booleans, `None`."""

MAX_DEPTH = 16


def read_strict_json(raw: bytes, *, at_most: int) -> Json:
    """Decode a body.  Raises `RequestError` (413 for one of more bytes, 400 for whatever else)."""
    if len(raw) > at_most:
        raise RequestError(f"the body is longer than {at_most} bytes", status=413)
    try:
        decoded = json.loads(raw, object_pairs_hook=_object, parse_constant=_refuse_constant)
        _need_plain(decoded, MAX_DEPTH)
    except (ValueError, RecursionError):
        raise RequestError("the body is not JSON") from None
    return decoded


def write_json(value: Json) -> bytes:
    """The same in few bytes, with fields in one order: equal values are equal bytes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RequestError("the body has a field twice: which one would count?")
    return found


def _refuse_constant(_: str) -> Json:
    raise RequestError("the body has a number that JSON does not know")


def _need_plain(value: Json, depth: int) -> None:
    if isinstance(value, str) and not value.isascii():
        value.encode()  # a `UnicodeEncodeError` is a `ValueError`
    children: Collection[Json] = ()
    if isinstance(value, dict):
        children = (*value, *value.values())
    elif isinstance(value, list):
        children = value
    if children and not depth:
        raise RequestError(f"the body is nested deeper than {MAX_DEPTH} levels")
    for child in children:
        _need_plain(child, depth - 1)
