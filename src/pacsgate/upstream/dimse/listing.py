"""What an archive says it has: its studies, and the instances of each.

Archives may refuse to tell everything at once.  Then the question is put for
shorter and shorter spans of study dates, until each is answered in full.

Called by `archive`.

Invariants:
- a list is whole, or an `ArchiveError`; a row that answers another question is an error.

Standard: PS3.4 C.4.1.2.2.1 (hierarchical queries), C.2.2.2.5 (ranges), C.6.2 (Study Root).
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from pydicom.dataset import Dataset

from pacsgate.dicom.uids import is_valid_uid
from pacsgate.model.errors import ArchiveError
from pacsgate.model.resource import ResourceKey
from pacsgate.upstream.dimse.association_pool import AssociationPool
from pacsgate.upstream.dimse.connection import nonsense
from pacsgate.upstream.dimse.finding import TooManyRowsError, find, query_proposal

STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
_QUERY = (query_proposal(STUDY_ROOT_FIND),)
_RELATIONAL_QUERY = (query_proposal(STUDY_ROOT_FIND, b"\x01"),)
"""With relational queries negotiated (PS3.4 C.5.1.1)."""
_MOST_STUDIES = 200_000
"""Of one answer; beyond that the question is split as well."""
_MOST_SERIES = 20_000
_MOST_INSTANCES = 200_000
_MOST_PLACES = 100
_FIRST_DAY, _LAST_DAY = date(1800, 1, 1), date(2199, 12, 31)

_TOLD = {
    "STUDY": (
        "PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyDate",
        "StudyTime", "StudyID", "AccessionNumber", "StudyDescription", "ReferringPhysicianName",
    ),
    "SERIES": ("Modality", "SeriesNumber", "SeriesDescription"),
    "IMAGE": ("InstanceNumber",),
}  # fmt: skip
"""Besides the unique keys, what changes of an object would show in: all of it is in tables C.6-1 to C.6-4."""
_OPTIONAL_UIDS = ("SOPClassUID", "AvailableTransferSyntaxUID")


@dataclass(frozen=True, slots=True)
class Listed:
    """One instance, as the archive's rows tell of it."""

    key: ResourceKey
    sop_class_uid: str
    transfer_syntax_uid: str
    """Both are empty if the archive does not tell."""
    told: str
    """A digest of all that the rows of its study, its series and itself say."""


def study_instance_uids(pool: AssociationPool) -> Iterator[str]:
    """Every StudyInstanceUID, in the archive's order, perhaps more than once.

    Studies without a date are missing from an archive that does not tell everything at once.
    """
    try:
        yield from _studies_of(pool, "")
    except TooManyRowsError:
        yield from _studies_between(pool, _FIRST_DAY, _LAST_DAY)


def instances_of(pool: AssociationPool, study_instance_uid: str) -> list[Listed]:
    """Every instance of a study; none if the archive has no such study."""
    found: list[Listed] = []
    study = ResourceKey(study_instance_uid)
    studies = _rows(pool, "STUDY", study, _MOST_SERIES)
    told = _digest("STUDY", studies)
    for row in _rows(pool, "SERIES", study, _MOST_SERIES) if studies else ():
        series = ResourceKey(study_instance_uid, _uid_in(row, "SeriesInstanceUID"))
        found += _instances(pool, series, _digest("SERIES", [row], told))
    return found


def instances_of_series(pool: AssociationPool, series: ResourceKey) -> list[Listed]:
    """Every instance of a series; none if the archive has no such series in this study."""
    return _instances(pool, series, "")


def instance(pool: AssociationPool, key: ResourceKey) -> Listed | None:
    """One instance, if the archive has it in this very series and study."""
    rows = _rows(pool, "IMAGE", key, 1)
    return _listed(key, rows[0], "") if rows else None


def whereabouts(pool: AssociationPool, sop_instance_uid: str) -> ResourceKey | None:
    """Where an instance is, by a relational query; the first place, if there are several."""
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "IMAGE"
    identifier.SOPInstanceUID = sop_instance_uid
    identifier.StudyInstanceUID = identifier.SeriesInstanceUID = ""
    with pool.borrowed(_RELATIONAL_QUERY) as association:
        rows = list(find(association, STUDY_ROOT_FIND, identifier, limit=_MOST_PLACES))
    if not rows:
        return None
    if str(rows[0].get("SOPInstanceUID", "")) != sop_instance_uid:
        raise nonsense("a row of another `SOPInstanceUID`")
    return ResourceKey(
        _uid_in(rows[0], "StudyInstanceUID"), _uid_in(rows[0], "SeriesInstanceUID"), sop_instance_uid
    )


def _instances(pool: AssociationPool, series: ResourceKey, told: str) -> list[Listed]:
    return [
        _listed(
            ResourceKey(
                series.study_instance_uid, series.series_instance_uid, _uid_in(row, "SOPInstanceUID")
            ),
            row,
            told,
        )
        for row in _rows(pool, "IMAGE", series, _MOST_INSTANCES)
    ]


def _listed(key: ResourceKey, row: Dataset, told: str) -> Listed:
    told_uids = [str(row.get(keyword, "") or "") for keyword in _OPTIONAL_UIDS]
    sop_class, syntax = (uid if is_valid_uid(uid) else "" for uid in told_uids)
    return Listed(key, sop_class, syntax, _digest("IMAGE", [row], told))


def _studies_between(pool: AssociationPool, first: date, last: date) -> Iterator[str]:
    try:
        yield from _studies_of(pool, f"{first:%Y%m%d}-{last:%Y%m%d}")
    except TooManyRowsError:
        if first == last:
            raise ArchiveError("the archive does not tell all studies of a day", detail=f"{first}") from None
        middle = first + (last - first) // 2
        yield from _studies_between(pool, first, middle)
        yield from _studies_between(pool, middle + timedelta(days=1), last)


def _studies_of(pool: AssociationPool, dates: str) -> Iterator[str]:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.StudyInstanceUID = ""
    identifier.StudyDate = dates
    with pool.borrowed(_QUERY) as association:
        for row in find(association, STUDY_ROOT_FIND, identifier, limit=_MOST_STUDIES):
            yield _uid_in(row, "StudyInstanceUID")


def _rows(pool: AssociationPool, level: str, key: ResourceKey, limit: int) -> list[Dataset]:
    """The rows of one level below a key, whose own UIDs the archive must repeat."""
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    for keyword in _TOLD[level]:
        setattr(identifier, keyword, "")
    if level == "IMAGE":
        for keyword in _OPTIONAL_UIDS:
            setattr(identifier, keyword, "")
    named = {
        "StudyInstanceUID": key.study_instance_uid,
        "SeriesInstanceUID": key.series_instance_uid if level != "STUDY" else None,
        "SOPInstanceUID": key.sop_instance_uid if level == "IMAGE" else None,
    }
    for keyword, uid in named.items():
        if uid is not None:
            setattr(identifier, keyword, uid)
    unnamed = {"SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}.get(level)
    if unnamed is not None and named[unnamed] is None:
        setattr(identifier, unnamed, "")
    with pool.borrowed(_QUERY) as association:
        rows = list(find(association, STUDY_ROOT_FIND, identifier, limit=limit))
    for row in rows:
        _require_answer(row, named)
    return rows


def _require_answer(row: Dataset, named: dict[str, str | None]) -> None:
    for keyword, uid in named.items():
        if uid is not None and str(row.get(keyword, uid) or uid) != uid:
            raise nonsense(f"a row of another `{keyword}`")


def _uid_in(row: Dataset, keyword: str) -> str:
    uid = str(row.get(keyword, "") or "")
    if not is_valid_uid(uid):
        raise nonsense(f"a row without a valid `{keyword}`")
    return uid


def _digest(level: str, rows: Iterable[Dataset], above: str = "") -> str:
    """What rows say of what they were asked, in one word; archives add to rows what changes by itself."""
    asked = (*_TOLD[level], *_OPTIONAL_UIDS)
    said = sorted(repr([(keyword, str(row.get(keyword, ""))) for keyword in asked]) for row in rows)
    return hashlib.sha256("\n".join((above, *said)).encode("utf-8", "backslashreplace")).hexdigest()
