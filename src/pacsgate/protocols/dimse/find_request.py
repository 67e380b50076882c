"""From the identifier of a C-FIND to a `Query`.

An element of an identifier asks for an attribute and, if it has a value, matches on it.  What
the standard calls an unsupported optional key is left out and said so by the status (FF01);
everything else that is not understood is refused, since a condition that is passed over
widens the answer.

Called by the DICOM door.

Invariants:
- of a search without `relational`, every level above has one unique key with one value;
- an attribute that was matched on is also returned;
- the queries of one search have no row in common, and the newest rows are of the first.

Standard: PS3.4 C.4.1 (C-FIND), C.2.2.2 (kinds of matching), C.6 (levels).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from pacsgate.dicom.attributes import keyword_of, tag_of, vr_of
from pacsgate.dicom.query import Matching, MatchKey, Query, SingleValue
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.protocols.dimse.extended_negotiation import QueryExtensions
from pacsgate.protocols.dimse.identifiers import LEVELS, QUERY_LEVELS, UNIQUE_KEYS, Identifier, Keys
from pacsgate.protocols.dimse.moments import Conditions, combined
from pacsgate.protocols.dimse.query_keys import DEPTH, PATIENT_COUNTS, query_level_of
from pacsgate.protocols.dimse.services import Root
from pacsgate.protocols.matching_values import read_matching

_NO_KEYS = frozenset(
    map(
        tag_of,
        (
            "SpecificCharacterSet",
            "QueryRetrieveLevel",
            "RetrieveAETitle",
        ),
    )
)
"""Elements that say something about the identifier, not about what is looked for."""
_NOT_MATCHED = frozenset({"TimezoneOffsetFromUTC"})
"""Returned, and with a value the zone of the request's own times, which only counts if that was agreed on."""
_LONGEST = 16_384
"""Characters of a search in the record; whatever is longer lists UIDs, or was made to fill a disk."""
_SHOWN = "^*?=\\-., :@"
"""Characters that need no escape in a record."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An attribute of the answer; of a sequence, the attributes of its items, none for all of them."""

    tag: str
    inside: tuple["Wanted", ...] = ()


@dataclass(frozen=True, slots=True)
class Find:
    """One C-FIND.  A search for patients has queries for studies, of which the patients are to be told.

    `limit` and `offset` of the queries are whoever's who asks them.
    """

    root: Root
    level: Level
    queries: tuple[Query, ...]
    wanted: tuple[Wanted, ...]
    """In the order of their tags, with the unique keys of the level and of those above."""
    ignores_keys: bool
    """Whether a key was not supported."""

    @property
    def counts(self) -> frozenset[str]:
        """The counts of a patient that are asked for."""
        tags = {tag_of(keyword): keyword for keyword in PATIENT_COUNTS}
        return frozenset(tags[wanted.tag] for wanted in self.wanted if wanted.tag in tags)


def read_find(identifier: Identifier, extensions: QueryExtensions) -> Find:
    """Read what is looked for.  Raises `RequestError`."""
    reader = _Reader(identifier)
    _require_unique_keys(identifier, reader.keys, extensions)
    questions = combined(reader.keys) if extensions.combined_date_time else (reader.keys,)
    uniques = [UNIQUE_KEYS[level] for level in _down_to(identifier)]
    wanted = {tag_of(keyword): Wanted(tag_of(keyword)) for keyword in uniques} | reader.wanted
    return Find(
        root=identifier.root,
        level=identifier.level,
        queries=tuple(_query(identifier, keys, extensions) for keys in questions),
        wanted=tuple(wanted[tag] for tag in sorted(wanted)),
        ignores_keys=reader.ignores_keys,
    )


def spelled(identifier: Identifier) -> str:
    """The search as the trail names it: its level, and every key with what must hold."""
    level = next(name for name, level in QUERY_LEVELS.items() if level is identifier.level)
    return f"C-FIND {identifier.root} {level}?{spelled_keys(identifier.keys)}"


def spelled_keys(keys: Keys) -> str:
    """Every key of a search with what must hold; an attribute that is only asked for has nothing."""
    said = "&".join(_spelled(keys, ""))
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"


def _spelled(keys: Keys, above: str) -> Iterator[str]:
    for tag, element in keys.elements.items():
        if not above and tag in _NO_KEYS:
            continue
        name = above + (keyword_of(tag) or tag)
        if element.items:
            for item in keys.items(tag):
                yield from _spelled(item, f"{name}.")
        else:
            yield f"{name}={quote(keys.text(tag).strip(' '), safe=_SHOWN)}"


class _Reader:
    """The keys of one identifier."""

    def __init__(self, identifier: Identifier) -> None:
        self._identifier = identifier
        self.keys: dict[tuple[str, ...], Matching] = {}
        self.wanted: dict[str, Wanted] = {}
        self.ignores_keys = False
        for tag in identifier.keys.elements:
            if tag not in _NO_KEYS:
                self._read(tag)

    def _read(self, tag: str) -> None:
        keys, level = self._identifier.keys, self._identifier.level
        keyword = keyword_of(tag) or tag
        own = query_level_of(keyword)
        if own is not None and DEPTH[own] > DEPTH[level] and (keys.text(tag) or keys.items(tag)):
            raise RequestError(f"`{keyword}` is an attribute of a {own}, and this search is for a {level}")
        is_count = keyword in PATIENT_COUNTS
        if own is None or DEPTH[own] > DEPTH[level] or (is_count and level is not Level.PATIENT):
            self.ignores_keys = True
            return
        if is_count and keys.text(tag):
            self.ignores_keys = True
            self.wanted[tag] = Wanted(tag)
            return
        self.wanted[tag] = self._key(keys, (), tag)

    def _key(self, keys: Keys, above: tuple[str, ...], tag: str) -> Wanted:
        """One attribute of a data set, in sequences or not."""
        path = (*above, keyword_of(tag) or tag)
        element = keys.elements[tag]
        if element.vr == "SQ":
            items = keys.items(tag)
            if len(items) > 1:
                raise RequestError(f"`{'.'.join(path)}` has several items: one is matched on")
            inside = tuple(self._key(item, path, inner) for item in items for inner in sorted(item.elements))
            return Wanted(tag, inside)
        matching = _matching(".".join(path), vr_of(path[-1]), keys.text(tag))
        if matching is not None and path[-1] not in _NOT_MATCHED:
            self.keys[path] = matching
        return Wanted(tag)


def _matching(name: str, vr: str, text: str) -> Matching | None:
    """What a value asks for.  Lists are of UIDs and codes; a backslash in a PatientID is no separator."""
    if "\\" in text and vr not in {"UI", "CS", "LT", "ST", "UT", "UR"}:
        raise RequestError(f"`{name}` has several values: one is matched on")
    return read_matching(name, vr, text, several=False)


def _down_to(identifier: Identifier) -> Iterator[Level]:
    """The levels of the model, to that of the identifier."""
    for level in LEVELS[identifier.root]:
        yield level
        if level is identifier.level:
            return


def _require_unique_keys(identifier: Identifier, keys: Conditions, extensions: QueryExtensions) -> None:
    if extensions.relational:
        return
    for level in _down_to(identifier):
        keyword = UNIQUE_KEYS[level]
        if level is not identifier.level and not isinstance(keys.get((keyword,)), SingleValue):
            raise RequestError(f"`{keyword}` must have one value: queries are hierarchical here")


def _query(identifier: Identifier, keys: Conditions, extensions: QueryExtensions) -> Query:
    """The question to the index.  UIDs of parents stand where it looks for them first."""
    remaining = dict(keys)
    level = Level.STUDY if identifier.level is Level.PATIENT else identifier.level
    if identifier.level is Level.PATIENT:
        # Who may not see a PatientID is not told by it who is the same patient.
        remaining.setdefault((UNIQUE_KEYS[Level.PATIENT],), SingleValue(""))
    return Query(
        level=level,
        study_instance_uid=_parent(remaining, UNIQUE_KEYS[Level.STUDY]),
        series_instance_uid=(None if level is Level.STUDY else _parent(remaining, UNIQUE_KEYS[Level.SERIES])),
        match=tuple(MatchKey(path, matching) for path, matching in remaining.items()),
        fuzzy=extensions.fuzzy,
    )


def _parent(keys: dict[tuple[str, ...], Matching], keyword: str) -> str | None:
    match keys.get((keyword,)):
        case SingleValue(uid):
            del keys[(keyword,)]
            return uid
        case _:
            return None
