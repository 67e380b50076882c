"""Identifiers: what a query or retrieve request says it is about.

An identifier is read here as far as C-FIND, C-MOVE and C-GET have in common: its elements, its level,
its text, its unique keys.  `find_request` makes a search of it.

Called by the DICOM door; a `RequestError` becomes a status by `status_of`.

Invariants:
- text holds no control character but those that its VR allows;
- `unique_keys` never yields an empty or malformed UID.

Standard: PS3.4 C.4.1.1.3, C.4.2.1.4 (identifiers), C.6 (levels, unique keys).
"""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from pacsgate.dicom.attributes import keyword_of, tag_of
from pacsgate.dicom.uids import is_valid_uid
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.protocols.dimse.character_sets import CharacterSet, read_character_set
from pacsgate.protocols.dimse.elements import ENCODINGS, Element, Elements, UnreadableError, read_elements
from pacsgate.protocols.dimse.services import Root
from pacsgate.protocols.dimse.statuses import Status
from pacsgate.protocols.dimse.values import BINARY_FORMATS, CODED_VRS

UNIQUE_KEYS: Mapping[Level, str] = {
    Level.PATIENT: "PatientID",
    Level.STUDY: "StudyInstanceUID",
    Level.SERIES: "SeriesInstanceUID",
    Level.INSTANCE: "SOPInstanceUID",
}
QUERY_LEVELS: Mapping[str, Level] = {
    "PATIENT": Level.PATIENT,
    "STUDY": Level.STUDY,
    "SERIES": Level.SERIES,
    "IMAGE": Level.INSTANCE,
}
"""Query/Retrieve Level, as it is written on the wire."""
LEVELS: Mapping[Root, tuple[Level, ...]] = {
    Root.PATIENT: tuple(Level),
    Root.STUDY: (Level.STUDY, Level.SERIES, Level.INSTANCE),
}
"""The levels of each information model, top first."""

_LEVEL_TAG = tag_of("QueryRetrieveLevel")
_CHARACTER_SET_TAG = tag_of("SpecificCharacterSet")
_OTHER_SET_VRS = CODED_VRS | {"PN"}
"""VRs whose text is in the Specific Character Set; all others are in ASCII."""
_LINES_VRS = frozenset({"LT", "ST", "UT"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_IN_LINES = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")

_STATUSES = {413: Status.OUT_OF_RESOURCES}
"""A question that is too large is no wrong question."""


def status_of(error: RequestError) -> Status:
    """Return the status that answers an identifier which cannot be served."""
    if isinstance(error, UnreadableError):
        return Status.CANNOT_UNDERSTAND
    return _STATUSES.get(error.status, Status.IDENTIFIER_DOES_NOT_MATCH)


@dataclass(frozen=True, slots=True)
class Keys:
    """The elements of an identifier, or of one of its items, and how to read them."""

    elements: Elements
    characters: CharacterSet = field(default_factory=CharacterSet)
    little_endian: bool = True

    def text(self, tag: str) -> str:
        """Read the value of an element as text, values separated by backslashes; empty if it has none.

        Raises `RequestError` for text that its character set does not explain.
        """
        element = self.elements.get(tag)
        if element is None or not element.value:
            return ""
        return self._text(keyword_of(tag) or tag, element)

    def _text(self, name: str, element: Element) -> str:
        if element.vr in BINARY_FORMATS:
            return self._numbers(name, element)
        if element.vr == "UN" and keyword_of(name) is None:
            # Nobody knows what a private element is, nor has to: none is searched by.
            return ""
        value = element.value.rstrip(b"\0 ")
        try:
            if element.vr in _OTHER_SET_VRS:
                text = self.characters.decode(value, is_name=element.vr == "PN")
            else:
                text = value.decode("ascii")
        except (UnicodeError, LookupError):
            raise RequestError(f"`{name}` is not in the Specific Character Set of the identifier") from None
        if (_CONTROL_IN_LINES if element.vr in _LINES_VRS else _CONTROL).search(text):
            raise RequestError(f"`{name}` holds a control character")
        return text

    def _numbers(self, name: str, element: Element) -> str:
        form = f"{'<' if self.little_endian else '>'}{BINARY_FORMATS[element.vr]}"
        if len(element.value) % struct.calcsize(form):
            raise RequestError(f"`{name}` is no number")
        return "\\".join(str(number) for (number,) in struct.iter_unpack(form, element.value))

    def items(self, tag: str) -> tuple["Keys", ...]:
        """Return the items of a sequence."""
        element = self.elements.get(tag)
        return () if element is None else tuple(map(self._inside, element.items))

    def _inside(self, elements: Elements) -> "Keys":
        return Keys(elements, _characters(elements) or self.characters, self.little_endian)


@dataclass(frozen=True, slots=True)
class Identifier:
    """An identifier of one of the two information models."""

    root: Root
    level: Level
    keys: Keys

    def text(self, keyword: str) -> str:
        """Read the value of an attribute; empty if it has none."""
        return self.keys.text(tag_of(keyword))

    def values(self, keyword: str) -> tuple[str, ...]:
        """Return the values of an attribute, without the spaces around them."""
        text = self.text(keyword).strip(" ")
        return tuple(value.strip(" ") for value in text.split("\\")) if text else ()


def read_keys(encoded: bytes, transfer_syntax_uid: str) -> Keys:
    """Read the keys of an encoded identifier.  Raises `RequestError`."""
    elements = read_elements(encoded, transfer_syntax_uid)
    little_endian = ENCODINGS[transfer_syntax_uid].little_endian
    return Keys(elements, _characters(elements) or CharacterSet(), little_endian)


def read_identifier(encoded: bytes, transfer_syntax_uid: str, root: Root) -> Identifier:
    """Read an identifier and its level.  Raises `RequestError`."""
    keys = read_keys(encoded, transfer_syntax_uid)
    level = QUERY_LEVELS.get(keys.text(_LEVEL_TAG).strip(" "))
    if level is None or level not in LEVELS[root]:
        raise RequestError(f"`QueryRetrieveLevel` is missing or none of {root}")
    return Identifier(root, level, keys)


def unique_keys(identifier: Identifier, *, relational: bool = False) -> Mapping[Level, tuple[str, ...]]:
    """Return the unique keys of a retrieve request: one value above its level, one or more at it.

    A level whose key is not given is absent, which only a relational request may do, and not
    at its own level.  A PatientID is one value.  Raises `RequestError`.
    """
    keys: dict[Level, tuple[str, ...]] = {}
    for level in LEVELS[identifier.root]:
        keyword = UNIQUE_KEYS[level]
        values = identifier.values(keyword)
        _require_well_formed(keyword, values)
        if level is identifier.level:
            if not values:
                raise RequestError(f"`{keyword}` is missing")
            return {**keys, level: values}
        if len(values) != 1 and not relational:
            raise RequestError(f"`{keyword}` must have one value")
        if values:
            keys[level] = values
    raise RequestError("`QueryRetrieveLevel` is none of the information model")


def _require_well_formed(keyword: str, values: tuple[str, ...]) -> None:
    if keyword == UNIQUE_KEYS[Level.PATIENT]:
        if len(values) > 1 or any(set("*?") & set(value) for value in values):
            raise RequestError(f"`{keyword}` must be one value without wildcards")
    elif not all(map(is_valid_uid, values)):
        raise RequestError(f"`{keyword}` has a malformed UID")


def _characters(elements: Elements) -> CharacterSet | None:
    element = elements.get(_CHARACTER_SET_TAG)
    if element is None:
        return None
    return read_character_set(Keys({_CHARACTER_SET_TAG: element}).text(_CHARACTER_SET_TAG))
