"""Values from outside, made fit for any database before they are kept.

PostgreSQL refuses NUL in text, SQLite's GLOB stops at it, and neither takes half
a surrogate pair; an integer beyond 64 bits has no column.  What an object or a
directory sends is repaired once, on the way in, so that rows, blobs and answers
hold the same values and a search never fails on what was stored.

Called by everything in `stores` that writes patient data or facts.
"""

from collections.abc import Mapping
from typing import Any

from pacsgate.model.subject import Attributes, Scalar

_LARGEST = 2**63 - 1
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def storable_text(text: str) -> str:
    """The text with a replacement character for NUL and for lone surrogates."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").replace("\0", _REPLACEMENT)


def storable_scalar(value: Scalar) -> Scalar:
    """A fact's value as it can be kept; an integer beyond 64 bits becomes an unreadable number."""
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, int) and not -_LARGEST <= value <= _LARGEST:
        return float("inf") if value > 0 else float("-inf")
    return value


def storable_facts(facts: Attributes) -> dict[str, frozenset[Scalar]]:
    """Facts as they can be kept."""
    return {
        storable_text(name): frozenset(storable_scalar(value) for value in values)
        for name, values in facts.items()
    }


def storable_json(value: Any) -> Any:
    """A value of the DICOM JSON Model as it can be kept."""
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, Mapping):
        return {storable_text(str(key)): storable_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable_json(item) for item in value]
    return storable_scalar(value) if isinstance(value, int) else value
