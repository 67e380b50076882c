"""From QIDO-RS parameters to a `Query`.

A parameter is one of the standard's own (`limit`, `includefield`, …) or names
an attribute: by keyword, by tag, or by a dotted path of them into sequences.
Nothing is skipped: a condition that is not understood would widen the answer.

Called by the HTTP gateway for the six search resources.

Invariants:
- `limit` is set and no greater than the gate's maximum; what lies beyond it is
  told by `search_response.more_results_warning`;
- an attribute that was matched on is also returned.

Standard: PS3.18 8.3.4 (search parameters), 10.6.1.2 (levels).
"""

import re
from collections.abc import Mapping

from pacsgate.dicom.attributes import level_of, parse_attribute_path, vr_of
from pacsgate.dicom.query import MatchKey, Query
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level, ResourceKey
from pacsgate.protocols.matching_values import read_matching
from pacsgate.protocols.query_string import Parameters, quoted, single_values, unknown_parameter

MAX_OFFSET = 2**31 - 1
"""More than any archive holds; a greater offset is as good as this one."""

_WHOLE = re.compile(r"[0-9]{1,40}", re.ASCII)
_ATTRIBUTE = re.compile(r"[A-Z0-9][A-Za-z0-9]*(?:\.[A-Z0-9][A-Za-z0-9]*)*", re.ASCII)

_INCLUDE = "includefield"
_OWN = (
    _INCLUDE,
    "limit",
    "offset",
    "fuzzymatching",
    "emptyvaluematching",
    "multiplevaluematching",
    "accept",
    "charset",
)
_DEPTH: Mapping[Level, int] = {level: depth for depth, level in enumerate(Level)}


def read_search(level: Level, key: ResourceKey | None, parameters: Parameters, *, maximum: int) -> Query:
    """Read a search for rows of a level, below the parents named in the path (`key`).

    `accept` and `charset` are passed over: they choose the answer's form, not its content.
    """
    own = single_values((name, value) for name, value in parameters if name in _OWN and name != _INCLUDE)
    if _flag(own, "emptyvaluematching"):
        raise RequestError("`emptyvaluematching` is not supported: an empty value matches everything")
    several = _flag(own, "multiplevaluematching")
    keys: dict[tuple[str, ...], MatchKey | None] = {}
    for name, value in parameters:
        if name not in _OWN:
            path = _matchable_path(level, name)
            if path in keys:
                raise RequestError(f"attribute `{'.'.join(path)}` is matched on twice")
            matching = read_matching(".".join(path), vr_of(path[-1]), value, several=several)
            keys[path] = None if matching is None else MatchKey(path, matching)
    fields = [field for name, value in parameters if name == _INCLUDE for field in value.split(",")]
    included = (_included_path(field.strip(" ")) for field in fields if field != "all")
    return Query(
        level=level,
        match=tuple(key for key in keys.values() if key is not None),
        study_instance_uid=key.study_instance_uid if key else None,
        series_instance_uid=key.series_instance_uid if key else None,
        include=frozenset(".".join(path) for path in (*keys, *included)),
        include_all="all" in fields,
        limit=_whole(own, "limit", default=maximum, maximum=maximum),
        offset=_whole(own, "offset", default=0, maximum=MAX_OFFSET),
        fuzzy=_flag(own, "fuzzymatching"),
    )


def _matchable_path(level: Level, name: str) -> tuple[str, ...]:
    if not _ATTRIBUTE.fullmatch(name):
        raise unknown_parameter(name, _OWN)
    path = parse_attribute_path(name)
    own_level = level_of(path[0])
    if own_level is not None and _DEPTH[own_level] > _DEPTH[level]:
        raise RequestError(f"`{path[0]}` is an attribute of a {own_level}, and this search is for a {level}")
    return path


def _included_path(name: str) -> tuple[str, ...]:
    if not _ATTRIBUTE.fullmatch(name):
        raise RequestError(f"`{_INCLUDE}` names no attribute: expected keywords or tags, or `all`")
    return parse_attribute_path(name)


def _flag(values: Mapping[str, str], name: str) -> bool:
    text = values.get(name, "false").lower()
    if text not in {"true", "false"}:
        raise RequestError(f"parameter {quoted(name)} is `true` or `false`")
    return text == "true"


def _whole(values: Mapping[str, str], name: str, *, default: int, maximum: int) -> int:
    text = values.get(name)
    if text is None:
        return default
    if not _WHOLE.fullmatch(text):
        raise RequestError(f"parameter {quoted(name)} is a whole number from 0")
    return min(int(text), maximum)
