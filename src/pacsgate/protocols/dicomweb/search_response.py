"""The rows of a search as the client asked to see them.

A row comes with everything the index holds and the subject may know; here it is
reduced to the attributes that the standard returns by default, that were matched
on, or that `includefield` names, and gets its retrieve URL.

Called by the HTTP gateway, after masks were applied.

Standard: PS3.18 10.6.3.3 (attributes of an answer), 8.3.4.4 (Warning 299), F.2 (JSON).
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from pacsgate.dicom.attributes import RETURNED_KEYWORDS, tag_of
from pacsgate.dicom.query import Query
from pacsgate.dicom.summary import DicomJson
from pacsgate.model.resource import Level, ResourceKey
from pacsgate.protocols.dicomweb.bulk_uris import RETRIEVE_URL, resource_url

_LEVELS_SHOWN: Mapping[Level, tuple[Level, ...]] = {
    Level.STUDY: (Level.STUDY,),
    Level.SERIES: (Level.STUDY, Level.SERIES),
    Level.INSTANCE: (Level.STUDY, Level.SERIES, Level.INSTANCE),
}


def selected_tags(query: Query) -> tuple[str, ...] | None:
    """Return the tags of an answer's attributes in order, or `None` for all that the index holds.

    A level's rows hold their parents' attributes too, unless the path named that
    parent (PS3.18 10.6.3.3.2 and .3); UIDs of parents are always there.
    """
    if query.include_all:
        return None
    named = query.study_instance_uid is not None, query.series_instance_uid is not None
    return _tags(query.level, *named, query.include)


@lru_cache(maxsize=256)
def _tags(
    level: Level,
    study_is_named: bool,  # noqa: FBT001 - keywords would double the cost of a look-up
    series_is_named: bool,  # noqa: FBT001 - likewise
    include: frozenset[str],
) -> tuple[str, ...]:
    """Remembered, because a client asks for the same attributes again and again."""
    named = {Level.STUDY: study_is_named, Level.SERIES: series_is_named}
    levels = [shown for shown in _LEVELS_SHOWN[level] if shown is level or not named[shown]]
    keywords = {keyword for shown in levels for keyword in RETURNED_KEYWORDS[shown]}
    keywords |= {path.partition(".")[0] for path in include}
    keywords |= _PARENTS[level]
    return tuple(sorted({RETRIEVE_URL, *map(tag_of, keywords)}))


_PARENTS: Mapping[Level, frozenset[str]] = {
    Level.STUDY: frozenset({"SpecificCharacterSet"}),
    Level.SERIES: frozenset({"SpecificCharacterSet", "StudyInstanceUID"}),
    Level.INSTANCE: frozenset({"SpecificCharacterSet", "StudyInstanceUID", "SeriesInstanceUID"}),
}


def search_response(
    query: Query, rows: Iterable[tuple[ResourceKey, DicomJson]], root: str
) -> list[dict[str, Mapping[str, Any]]]:
    """Return the data sets of an answer, in tag order.  `root` is the mount without a trailing slash."""
    tags = selected_tags(query)
    return [_row(key, attributes, tags, root) for key, attributes in rows]


def _row(
    key: ResourceKey, attributes: DicomJson, tags: tuple[str, ...] | None, root: str
) -> dict[str, Mapping[str, Any]]:
    url = {"vr": "UR", "Value": [resource_url(root, key)]}
    if tags is None:
        return dict(sorted({**attributes, RETRIEVE_URL: url}.items()))
    chosen = {}
    for tag in tags:
        element = url if tag == RETRIEVE_URL else attributes.get(tag)
        if element is not None:
            chosen[tag] = element
    return chosen


def more_results_warning(service: str, remaining: int) -> str | None:
    """Return the `Warning` field of an answer that is not the whole, or `None` if it is."""
    if remaining <= 0:
        return None
    return f"299 {service}: There are {remaining} additional results that can be requested"
