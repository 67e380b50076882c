"""The rows of a search as the client asked to see them.

A row comes with everything the index holds and the subject may know; here it is
reduced to the attributes that the standard returns by default, that were matched
on, or that `includefield` names, and gets its retrieve URL.

Called by the HTTP gateway, after masks were applied.

Standard: PS3.18 10.6.3.3 (attributes of an answer), 8.3.4.4 (Warning 299), F.2 (JSON).
"""

from collections.abc import Iterable, Mapping
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


def selected_tags(query: Query) -> frozenset[str] | None:
    """Return the tags of an answer's attributes, or `None` for all that the index holds.

    A level's rows hold their parents' attributes too, unless the path named that
    parent (PS3.18 10.6.3.3.2 and .3); UIDs of parents are always there.
    """
    if query.include_all:
        return None
    named = {
        Level.STUDY: query.study_instance_uid is not None,
        Level.SERIES: query.series_instance_uid is not None,
    }
    levels = [level for level in _LEVELS_SHOWN[query.level] if level is query.level or not named[level]]
    keywords = {keyword for level in levels for keyword in RETURNED_KEYWORDS[level]}
    keywords |= {path.partition(".")[0] for path in query.include}
    keywords |= _PARENTS[query.level]
    return frozenset(tag_of(keyword) for keyword in keywords)


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
    key: ResourceKey, attributes: DicomJson, tags: frozenset[str] | None, root: str
) -> dict[str, Mapping[str, Any]]:
    chosen = {tag: element for tag, element in attributes.items() if tags is None or tag in tags}
    chosen[RETRIEVE_URL] = {"vr": "UR", "Value": [resource_url(root, key)]}
    return dict(sorted(chosen.items()))


def more_results_warning(service: str, remaining: int) -> str | None:
    """Return the `Warning` field of an answer that is not the whole, or `None` if it is."""
    if remaining <= 0:
        return None
    return f"299 {service}: There are {remaining} additional results that can be requested"
