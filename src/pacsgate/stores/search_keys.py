"""A query's matching keys, by who can answer them, and whether they bound a search for instances.

Called by `search`.
"""

from dataclasses import dataclass
from typing import assert_never

from pacsgate.dicom.attributes import tag_of, vr_of
from pacsgate.dicom.matching import has_case, is_ascii, is_universal, matches, range_keys
from pacsgate.dicom.query import MatchKey, Query, Range, SingleValue, UidList, Wildcard
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.stores.admission import EVER
from pacsgate.stores.dialects import Flavour
from pacsgate.stores.match_columns import recency
from pacsgate.stores.query_sql import ALWAYS, Conditions

INSTANCE_SEARCH_KEYS = frozenset({"StudyInstanceUID", "SeriesInstanceUID", "PatientID", "AccessionNumber"})
"""Keys with an index that bound a search for instances when its path names no parent."""

MODALITIES = "ModalitiesInStudy"


@dataclass(frozen=True, slots=True)
class Keys:
    """A query's matching keys, by who can answer them."""

    condition: str
    """What the study's columns must meet; empty if nothing."""
    parameters: dict[str, object]
    of_study: tuple[MatchKey, ...]
    """The keys that the condition answers, but for those that only bound the time."""
    dates: tuple[MatchKey, ...]
    """Those that bound the time."""
    oldest: int
    newest: int
    modalities: tuple[MatchKey, ...]
    """Keys on ModalitiesInStudy, which a kind answers."""
    residual: tuple[MatchKey, ...]
    """Keys that must be asked of each answer."""


def sort_keys(query: Query, flavour: Flavour) -> Keys:
    """Put each key where it can be answered soonest."""
    conditions = Conditions(flavour)
    written: list[str] = []
    of_study: list[MatchKey] = []
    dates: list[MatchKey] = []
    modalities: list[MatchKey] = []
    residual: list[MatchKey] = []
    oldest, newest = 0, EVER
    if query.study_instance_uid is not None:
        uid = MatchKey(("StudyInstanceUID",), SingleValue(query.study_instance_uid))
        written.append(conditions.of_study(uid, fuzzy=False) or ALWAYS)
    for key in query.match:
        span = _span(key)
        if span is not None:
            oldest, newest = max(oldest, span[0]), min(newest, span[1])
            dates.append(key)
        elif query.level is Level.STUDY and _is_of_modalities(key):
            if not is_universal(key.matching):
                modalities.append(key)
        elif _is_cased(query, key):
            residual.append(key)
            if (roughly := conditions.in_any_case(key)) is not None:
                written.append(roughly)
        elif (condition := conditions.of_study(key, fuzzy=query.fuzzy)) is not None:
            if condition != ALWAYS:
                written.append(condition)
                of_study.append(key)
        else:
            residual.append(key)
    return Keys(
        " AND ".join(written),
        conditions.parameters,
        tuple(of_study),
        tuple(dates),
        oldest,
        newest,
        tuple(modalities),
        tuple(residual),
    )


def _span(key: MatchKey) -> tuple[int, int] | None:
    """The recencies that a key on StudyDate alone leaves, if it is one that bounds them."""
    if key.path != ("StudyDate",) or is_universal(key.matching):
        return None
    match key.matching:
        case SingleValue(date):
            bounds = range_keys(Range(date, date), "DA")
        case Range():
            bounds = range_keys(key.matching, "DA")
        case UidList() | Wildcard():
            return None
        case _:
            assert_never(key.matching)
    if bounds is None:
        return None
    low, high = bounds
    after = EVER if high is None else recency(str(int(high) + 1), "") - 1
    return (recency(low, "") if low else 1), after


def _is_of_modalities(key: MatchKey) -> bool:
    if key.path != (MODALITIES,):
        return False
    # An empty value among several asks for what a kind does not tell: present and empty, or missing.
    return not (isinstance(key.matching, UidList) and any(not value.strip() for value in key.matching.values))


def _is_cased(query: Query, key: MatchKey) -> bool:
    """Whether a column would tell cases apart that the query does not; those of names are folded."""
    return query.any_case and vr_of(key.path[-1]) != "PN" and has_case(key.matching)


def modalities_of(key: MatchKey, known: frozenset[str], *, any_case: bool) -> frozenset[str]:
    """The Modality values with one of which a study matches a key on ModalitiesInStudy."""
    tag = tag_of(MODALITIES)
    return frozenset(
        modality
        for modality in known
        if matches(key, {tag: {"vr": "CS", "Value": [modality]}} if modality else {}, any_case=any_case)
    )


def require_bound(query: Query) -> None:
    """Raise `RequestError` (413) unless an index bounds the series whose instances must be looked through."""
    if query.study_instance_uid is not None or query.series_instance_uid is not None:
        return
    for key in query.match:
        if _is_cased(query, key) and not is_ascii(key.matching):
            continue
        if key.keyword in INSTANCE_SEARCH_KEYS and isinstance(key.matching, SingleValue | UidList):
            return
    keys = ", ".join(f"`{key}`" for key in sorted(INSTANCE_SEARCH_KEYS))
    raise RequestError(
        f"a search for instances needs a study or series in its path, or one of {keys}", status=413
    )
