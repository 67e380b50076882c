"""The part of a URL after `?`, decoded once into names and values.

Form encoding, as browsers and every HTTP client send it: `&` separates and `+`
is a space.  What those who come after would otherwise each have to fear (broken
escapes, bytes that are not UTF-8, control characters, endless values) is
refused here.

Called by the HTTP gateway; `search_request`, `rendering_parameters`, `wado_uri`
and `accept` read their parameters from the result.

Invariants: a value holds no control character; a name is not empty.

Standard: PS3.18 8.3 (query parameters), WHATWG URL 5.1 (form encoding).
"""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from urllib.parse import unquote_to_bytes

from pacsgate.model.errors import RequestError

MAX_QUERY_BYTES = 65536
"""Room for a thousand UIDs, which is what research clients put into one search."""
MAX_PARAMETERS = 100
MAX_NAME_CHARACTERS = 128

_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_QUOTABLE = re.compile(r"[A-Za-z0-9._-]{1,64}")

Parameters = tuple[tuple[str, str], ...]
"""Names and values, in the order received; a name may come twice."""


def read_query_string(raw: bytes) -> Parameters:
    """Decode a raw query string.  A parameter without `=` has the empty value."""
    if len(raw) > MAX_QUERY_BYTES:
        raise RequestError(f"query is longer than {MAX_QUERY_BYTES} bytes", status=414)
    if _BROKEN_ESCAPE.search(raw):
        raise RequestError("query has a `%` that is not followed by two hexadecimal digits")
    fields = [field for field in raw.split(b"&") if field]
    if len(fields) > MAX_PARAMETERS:
        raise RequestError(f"query has more than {MAX_PARAMETERS} parameters")
    pairs = (field.partition(b"=") for field in fields)
    return tuple((_name(name), _text(value)) for name, _, value in pairs)


def _name(raw: bytes) -> str:
    name = _text(raw)
    if not name or len(name) > MAX_NAME_CHARACTERS:
        raise RequestError(
            f"query has a parameter name that is empty or over {MAX_NAME_CHARACTERS} characters"
        )
    return name


def _text(raw: bytes) -> str:
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise RequestError("query is not UTF-8") from None
    if _CONTROL.search(text):
        raise RequestError("query has a control character")
    return text


def single_values(parameters: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return each parameter's value, refusing a name that comes twice: which one would count?"""
    values: dict[str, str] = {}
    for name, value in parameters:
        if name in values:
            raise RequestError(f"parameter {quoted(name)} is given twice")
        values[name] = value
    return values


def unknown_parameter(name: str, known: Sequence[str]) -> RequestError:
    """Return the refusal of a parameter, with the nearest one that exists."""
    near = get_close_matches(name, known, n=1) if _QUOTABLE.fullmatch(name) else []
    hint = f" (did you mean `{near[0]}`?)" if near else ""
    return RequestError(f"unknown parameter {quoted(name)}{hint}")


def quoted(name: str) -> str:
    """Return a name in backticks if it looks like one; what does not may be somebody's name."""
    return f"`{name}`" if _QUOTABLE.fullmatch(name) else "(not repeated here: it is not a plain name)"
