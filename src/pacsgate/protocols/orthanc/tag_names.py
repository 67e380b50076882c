"""How Orthanc's clients name an attribute: `PatientName`, `0010,0010`, `0010-0010` or `00100010`.

Called by the readers of bodies, arguments and content paths.

Invariants: what comes out is a keyword of PS3.6 where there is one, else eight upper-case hexadecimal digits.

Standard: PS3.6; Orthanc's sources name the forms.
"""

import re
from collections.abc import Iterable

from pacsgate.dicom.attributes import keyword_of, tag_of
from pacsgate.model.errors import RequestError

_NUMBERED = re.compile(r"([0-9A-Fa-f]{4})[,-]?([0-9A-Fa-f]{4})")
_KEYWORD = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")
_ITEM = re.compile(r"0|[1-9][0-9]{0,6}")


def read_name(text: str) -> str:
    """Read one attribute.  Raises `RequestError` for what is none."""
    numbered = _NUMBERED.fullmatch(text)
    if numbered:
        tag = (numbered[1] + numbered[2]).upper()
        return keyword_of(tag) or tag
    if not _KEYWORD.fullmatch(text):
        raise RequestError("an attribute is named by its keyword or as `gggg,eeee`")
    tag_of(text)
    return text


def read_names(texts: Iterable[str]) -> tuple[str, ...]:
    """Read several, each once, in their order."""
    return tuple(dict.fromkeys(map(read_name, texts)))


def written(tag: str) -> str:
    """A tag as Orthanc writes it in documents: `0010,0010`."""
    return f"{tag[:4]},{tag[4:]}".lower()


def read_content_path(segments: tuple[str, ...]) -> tuple[str, ...]:
    """Read a place below `/instances/{id}/content`: tags (eight digits), item numbers from 0 between them.

    Raises `RequestError` 404: what is no place has nothing at it.
    """
    if not all(map(_ITEM.fullmatch, segments[1::2])):
        raise RequestError("the instance has no such attribute", status=404)
    try:
        return tuple(
            tag_of(read_name(segment)) if position % 2 == 0 else segment
            for position, segment in enumerate(segments)
        )
    except RequestError:
        raise RequestError("the instance has no such attribute", status=404) from None
