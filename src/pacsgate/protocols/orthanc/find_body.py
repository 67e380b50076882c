"""The body of `/tools/find` and `/tools/count-resources`.

Orthanc's searches ignore the case of letters unless `CaseSensitive` says otherwise, take lists
separated by backslashes, and find patients as well.  A search for patients is read as one for
studies, of which the gateway then names the patients.

Called by the gateway.

Invariants:
- `query` has the level at which the index is asked, which is never that of patients;
- a condition that is not understood is refused: skipped, it would widen the answer.

Standard: Orthanc's OpenAPI document and the sources of 1.13 (`/tools/find`); matching is PS3.4 C.2.2.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pacsgate.dicom.attributes import level_of, tag_of, vr_of
from pacsgate.dicom.query import MatchKey, Query, SingleValue, UidList
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.protocols.matching_values import MAX_LIST_VALUES, read_matching
from pacsgate.protocols.orthanc.arguments import MAX_POSITION, Page
from pacsgate.protocols.orthanc.identifiers import is_orthanc_id
from pacsgate.protocols.orthanc.json_body import Fields, read_json
from pacsgate.protocols.orthanc.tag_forms import TagsForm
from pacsgate.protocols.orthanc.tag_names import read_name, read_names

_LEVELS: Mapping[str, Level] = {
    "patient": Level.PATIENT,
    "patients": Level.PATIENT,
    "study": Level.STUDY,
    "studies": Level.STUDY,
    "series": Level.SERIES,
    "instance": Level.INSTANCE,
    "instances": Level.INSTANCE,
    "image": Level.INSTANCE,
    "images": Level.INSTANCE,
}
"""Orthanc's words, in any case."""
_DEPTH = {level: depth for depth, level in enumerate(Level)}
_PARENTS: Mapping[str, Level] = {
    "ParentPatient": Level.PATIENT,
    "ParentStudy": Level.STUDY,
    "ParentSeries": Level.SERIES,
}

_COUNT_FIELDS = ("Level", "Query", "CaseSensitive", "Labels", "LabelsConstraint", *_PARENTS)
_FIND_FIELDS = (
    *_COUNT_FIELDS,
    "Expand",
    "Limit",
    "Since",
    "RequestedTags",
    "Simplify",
    "Short",
    "Full",
)
_REFUSED = {
    "OrderBy": "the gate keeps an order of its own, newest study first",
    "ResponseContent": "ask for the whole document with `Expand`",
    "MetadataQuery": "the gate does not keep what Orthanc notes beside an object",
}


@dataclass(frozen=True, slots=True)
class Find:
    """One search.  `page.limit` is `None` for all; `parent` is above everything wanted, and to be resolved.

    `query` has neither the page nor the parent.
    """

    level: Level
    query: Query
    page: Page
    expand: bool = False
    form: TagsForm = TagsForm.HUMAN
    requested: tuple[str, ...] = ()
    parent: tuple[Level, str] | None = None


def read_find(raw: bytes) -> Find:
    """Read the body of `/tools/find`."""
    fields = Fields(read_json(raw), _FIND_FIELDS, _REFUSED)
    _refuse_labels(fields)
    level = _level(fields)
    return Find(
        level=level,
        query=_query(fields, level),
        page=Page(
            fields.whole("Since", least=0, most=MAX_POSITION) or 0,
            # Orthanc's 0 is no limit at all.
            fields.whole("Limit", least=0, most=MAX_POSITION) or None,
        ),
        expand=fields.flag("Expand"),
        form=read_body_form(fields, TagsForm.HUMAN),
        requested=read_names(fields.texts("RequestedTags")),
        parent=_parent(fields, level),
    )


def read_count(raw: bytes) -> Find:
    """Read the body of `/tools/count-resources`: the conditions of a search alone."""
    fields = Fields(read_json(raw), _COUNT_FIELDS, _REFUSED)
    _refuse_labels(fields)
    level = _level(fields)
    return Find(
        level=level,
        query=_query(fields, level),
        page=Page(),
        parent=_parent(fields, level),
    )


def read_level(text: str | None) -> Level:
    """Read a level in one of Orthanc's words."""
    level = _LEVELS.get((text or "").lower())
    if level is None:
        raise RequestError("field `Level` must be `Patient`, `Study`, `Series` or `Instance`")
    return level


def read_body_form(fields: Fields, default: TagsForm) -> TagsForm:
    """Read the form of tags in the answer: the first of `Simplify`, `Short` and `Full` that is true."""
    for name, form in (("Simplify", TagsForm.HUMAN), ("Short", TagsForm.SHORT), ("Full", TagsForm.FULL)):
        if fields.flag(name):
            return form
    return default


def _level(fields: Fields) -> Level:
    return read_level(fields.text("Level"))


def _query(fields: Fields, level: Level) -> Query:
    if fields.anything("Query") is None:
        raise RequestError("field `Query` is missing: what must hold, or `{}`")
    keys = [_key(name, value, level) for name, value in fields.mapping("Query").items()]
    keys_asked = [key for key in keys if key is not None]
    if len({key.path for key in keys_asked}) < len(keys_asked):
        raise RequestError("field `Query` names an attribute twice")
    return Query(
        level=Level.STUDY if level is Level.PATIENT else level,
        match=tuple(keys_asked),
        any_case=not fields.flag("CaseSensitive"),
    )


def _key(name: str, value: Any, level: Level) -> MatchKey | None:
    keyword = read_name(name)
    if not isinstance(value, str):
        raise RequestError(f"`{keyword}` in `Query` must be matched with a text")
    own = _level_of(keyword)
    if own is not None and _DEPTH[own] > _DEPTH[level]:
        raise RequestError(f"`{keyword}` is an attribute of a {own}, and this search is for a {level}")
    vr = vr_of(keyword)
    if vr == "PN" and "\\" in value:
        return MatchKey((keyword,), _names(keyword, value))
    matching = read_matching(keyword, vr, value, several=True)
    return None if matching is None else MatchKey((keyword,), matching)


def _names(keyword: str, value: str) -> UidList:
    """Read several names, which DICOM does not ask for at once and Orthanc does."""
    names = [read_matching(keyword, "PN", name, several=False) for name in value.split("\\")]
    whole = tuple(name.value for name in names if isinstance(name, SingleValue))
    if len(whole) < len(names) or len(names) > MAX_LIST_VALUES:
        raise RequestError(
            f"`{keyword}` lists an empty name, a wildcard, or more than {MAX_LIST_VALUES} names"
        )
    return UidList(whole)


def _level_of(keyword: str) -> Level | None:
    """The level of an attribute; those of group 0010 are the patient's, which QIDO-RS counts to the study."""
    own = level_of(keyword)
    return Level.PATIENT if own is Level.STUDY and tag_of(keyword).startswith("0010") else own


def _refuse_labels(fields: Fields) -> None:
    """Refuse a search for labels; some clients send an empty list of them with every search."""
    constraint = fields.text("LabelsConstraint")
    if fields.texts("Labels") or constraint not in {None, "All", "Any"}:
        raise RequestError("field `Labels` is not accepted: labels are for policies to ask about", status=501)


def _parent(fields: Fields, level: Level) -> tuple[Level, str] | None:
    named = [(above, text) for name, above in _PARENTS.items() if (text := fields.text(name)) is not None]
    if not named:
        return None
    if len(named) > 1:
        raise RequestError("only one parent may be named")
    above, text = named[0]
    if not is_orthanc_id(text):
        raise RequestError("a parent is named by its Orthanc identifier")
    if _DEPTH[above] >= _DEPTH[level]:
        raise RequestError(f"a {above} is not above a {level}")
    return above, text
