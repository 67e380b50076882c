"""What follows `?` in requests for lists and documents.

Orthanc takes an argument without a value for `true`, and reads numbers in pairs: a page has both
`since` and `limit` or is none.

Called by the gateway for each handler that has arguments.

Invariants: an argument that is not understood is refused, but for jQuery's `_`, which only defeats caches.

Standard: Orthanc's OpenAPI document.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pacsgate.model.errors import RequestError
from pacsgate.protocols.orthanc.tag_forms import TagsForm
from pacsgate.protocols.orthanc.tag_names import read_names
from pacsgate.protocols.query_string import Parameters, quoted, single_values, unknown_parameter

MAX_POSITION = 2**31 - 1
"""More than any archive holds."""

_CACHE_BUSTER = "_"
_WHOLE = re.compile(r"[0-9]{1,20}", re.ASCII)
_TRUE, _FALSE = frozenset({"", "1", "true"}), frozenset({"0", "false"})
_FORMS = {form.value: form for form in TagsForm}
_REQUESTED = ("requestedTags", "requested-tags")

FORM_ARGUMENTS = tuple(_FORMS)
LIST_ARGUMENTS = ("expand", "since", "limit", *_REQUESTED, *FORM_ARGUMENTS)
DOCUMENT_ARGUMENTS = (*_REQUESTED, *FORM_ARGUMENTS)
# Orthanc Explorer 2 writes `expanded` where children are expanded anyway.
RELATIVES_ARGUMENTS = ("expand", "expanded", *DOCUMENT_ARGUMENTS)
TAGS_ARGUMENTS = ("ignore-length", *FORM_ARGUMENTS)


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for; `limit` is `None` for all of it."""

    since: int = 0
    limit: int | None = None


def read_arguments(parameters: Parameters, known: Collection[str]) -> Mapping[str, str]:
    """Read the arguments of a request, of which only `known` ones may be there."""
    arguments = single_values(pair for pair in parameters if pair[0] != _CACHE_BUSTER)
    for name in arguments:
        if name not in known:
            raise unknown_parameter(name, tuple(known))
    return arguments


def read_flag(arguments: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    """Read a flag; without a value it is set."""
    text = arguments.get(name)
    if text is None:
        return default
    if text.lower() not in _TRUE | _FALSE:
        raise RequestError(f"parameter {quoted(name)} is `true` or `false`")
    return text.lower() in _TRUE


def read_page(arguments: Mapping[str, str]) -> Page:
    """Read `since` and `limit`, of which Orthanc wants both or neither."""
    if "since" not in arguments and "limit" not in arguments:
        return Page()
    if "since" not in arguments or "limit" not in arguments:
        missing = "since" if "limit" in arguments else "limit"
        raise RequestError(f"missing parameter `{missing}`: a page has both `since` and `limit`")
    return Page(read_position(arguments, "since"), read_position(arguments, "limit"))


def read_position(arguments: Mapping[str, str], name: str, default: int = 0) -> int:
    """Read a whole number from 0."""
    text = arguments.get(name)
    if text is None:
        return default
    if not _WHOLE.fullmatch(text):
        raise RequestError(f"parameter {quoted(name)} is a whole number from 0")
    return min(int(text), MAX_POSITION)


def read_form(arguments: Mapping[str, str], default: TagsForm) -> TagsForm:
    """Read the form of tags: the first of `simplify`, `short` and `full` that is there, with any value."""
    return next((form for name, form in _FORMS.items() if name in arguments), default)


def read_requested_tags(arguments: Mapping[str, str]) -> tuple[str, ...]:
    """Read the attributes that a document is to hold beyond its own."""
    lists = (arguments[name] for name in _REQUESTED if name in arguments)
    return read_names(text.strip() for each in lists for text in each.split(";") if text.strip())


def read_ignored_lengths(arguments: Mapping[str, str]) -> tuple[str, ...]:
    """Read the attributes whose values are wanted however long they are."""
    text = arguments.get("ignore-length", "")
    return read_names(name.strip() for name in text.split(",") if name.strip())
