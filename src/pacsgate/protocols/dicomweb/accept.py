"""Which representation an answer takes: what a route can send, weighed by what the client accepts.

A route offers representations in its own order of preference, the first being
the default.  The client's `accept` parameter and `Accept` header weigh them.
What comes back is every acceptable one, best first: most routes take the first,
frames take the first that fits the transfer syntax in which they are stored.

Called by the HTTP gateway.

Standard: PS3.18 8.7.4 to 8.7.8, RFC 9110 12.5.1.
"""

import re
from dataclasses import dataclass

from pacsgate.model.errors import RequestError
from pacsgate.protocols.dicomweb.media_types import HeaderMediaType, MediaType, read_media_type

MAX_HEADER_CHARACTERS = 8192
MAX_RANGES = 64

AS_STORED = "*"
"""The value of `transfer-syntax` that asks for whatever the archive holds."""

_ELEMENT = re.compile(r'(?:[^,"]|"[^"]*")+')
_QUALITY = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?", re.ASCII)
_TRANSFER_SYNTAX = re.compile(r"\*|[0-9]+(?:\.[0-9]+){0,31}", re.ASCII)
# A `+` that a client forgot to encode in a query string arrives as a space.
_LOST_PLUS = re.compile(r"(?<=dicom) (?=json|xml)")


@dataclass(frozen=True, slots=True)
class Representation:
    """A form that an answer can take.

    `transfer_syntaxes` are those asked for, best first, `*` among them; if it is
    empty, the client left the choice to the media type's default.
    """

    media: MediaType
    multipart: bool = False
    transfer_syntaxes: tuple[str, ...] = ()

    @property
    def spelled(self) -> str:
        """The media type as an `Accept` field would name it."""
        return f'multipart/related; type="{self.media}"' if self.multipart else str(self.media)


@dataclass(frozen=True, slots=True)
class _Range:
    """One element of an Accept list.  `media` may have wildcards; `specificity` is 0 for `*/*`."""

    media: str
    multipart: bool | None
    quality: float
    specificity: int
    position: int
    transfer_syntax: str | None

    def covers(self, offer: Representation) -> bool:
        if self.multipart is not None and self.multipart is not offer.multipart:
            return False
        if self.media.endswith("/*"):
            return self.media == "*/*" or offer.media.startswith(self.media[:-1])
        return self.media == offer.media


def negotiate(
    offers: tuple[Representation, ...], header: str | None, parameter: str | None = None
) -> tuple[Representation, ...]:
    """Return the acceptable offers, best first; 406 if there are none.

    The parameter goes before the header, and the header counts only where the
    parameter names nothing on offer.
    """
    if parameter:
        chosen = _acceptable(offers, _LOST_PLUS.sub("+", parameter))
        if chosen:
            return chosen
    chosen = _acceptable(offers, header) if header else offers
    if not chosen:
        names = ", ".join(dict.fromkeys(f"`{offer.spelled}`" for offer in offers))
        raise RequestError(
            f"none of the accepted media types can be sent here: available are {names}", status=406
        )
    return chosen


def _acceptable(offers: tuple[Representation, ...], text: str) -> tuple[Representation, ...]:
    ranges = _read_ranges(text)
    weighed: list[tuple[float, int, int, int, Representation]] = []
    for index, offer in enumerate(offers):
        covering = [one for one in ranges if one.covers(offer)]
        if not covering:
            continue
        deciding = max(covering, key=lambda one: (one.specificity, one.quality, -one.position))
        if deciding.quality > 0:
            exact = [one for one in covering if one.specificity == deciding.specificity and one.quality > 0]
            exact.sort(key=lambda one: (-one.quality, one.position))
            syntaxes = dict.fromkeys(one.transfer_syntax for one in exact if one.transfer_syntax)
            answer = Representation(offer.media, offer.multipart, tuple(syntaxes))
            weighed.append((-deciding.quality, -deciding.specificity, deciding.position, index, answer))
    return tuple(answer for *_, answer in sorted(weighed, key=lambda row: row[:4]))


def _read_ranges(text: str) -> tuple[_Range, ...]:
    if len(text) > MAX_HEADER_CHARACTERS:
        raise RequestError(f"`Accept` is longer than {MAX_HEADER_CHARACTERS} characters")
    if text.count('"') % 2:
        raise RequestError("`Accept` has a quotation mark that is not closed")
    elements = [element for element in _ELEMENT.findall(text) if element.strip()]
    if not elements or len(elements) > MAX_RANGES:
        raise RequestError(f"`Accept` has no media type, or more than {MAX_RANGES}")
    return tuple(_read_range(element, position) for position, element in enumerate(elements))


def _read_range(text: str, position: int) -> _Range:
    given = read_media_type(text)
    quality = given.parameters.get("q", "1")
    if not _QUALITY.fullmatch(quality):
        raise RequestError("`Accept` has a malformed `q`: expected 0 to 1 with up to three decimals")
    syntax = given.parameters.get("transfer-syntax")
    if syntax is not None and not _TRANSFER_SYNTAX.fullmatch(syntax):
        raise RequestError("`Accept` has a malformed `transfer-syntax`: expected a UID or `*`")
    media, multipart = _what_is_meant(given)
    specificity = 0 if media == "*/*" and multipart is None else 1 if media.endswith("/*") else 2
    return _Range(media, multipart, float(quality), specificity, position, syntax)


def _what_is_meant(given: HeaderMediaType) -> tuple[str, bool | None]:
    match given.name:
        case "*/*":
            return "*/*", None
        case "multipart/related":
            return given.parameters.get("type", "*/*").lower(), True
        case "multipart/*":
            return "*/*", True
        case name:
            return name, False
