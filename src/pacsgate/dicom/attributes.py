"""Which attributes a search knows, at which level, and how attributes are named.

One table: each row is an attribute that the index keeps at a level, whether
PS3.18 requires matching on it and returning it, and whether the archive's value
is replaced by one computed from what is visible.  Patient attributes belong to
the study level, since QIDO-RS has no patient level.

An attribute is named by its keyword or, if it has none (a private element), by
its tag as eight upper-case hexadecimal digits.

Called by the index (what to keep), the dialects (what may be asked and what is
answered by default), matching and masks (names to tags and back).

Standard: PS3.18 tables 10.6.1-5, 10.6.3-3, 10.6.3-4, 10.6.3-5; names are PS3.6.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword

from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level


class Use(Enum):
    """What PS3.18 asks of an attribute, beyond its being kept."""

    KEPT = "kept"
    """Searchable and returned on request; not required."""
    RETURNED = "returned"
    """In every answer at its level, if the object has it."""
    MATCHED = "matched"
    """Required as a matching key, and in every answer at its level."""


@dataclass(frozen=True, slots=True)
class SearchAttribute:
    """One attribute at one level.  `computed` ones come from the visible part, never from an object."""

    keyword: str
    level: Level
    use: Use = Use.KEPT
    computed: bool = False

    @property
    def tag(self) -> str:
        """Eight upper-case hexadecimal digits."""
        return tag_of(self.keyword)

    @property
    def vr(self) -> str:
        """The value representation of PS3.6."""
        return vr_of(self.keyword)


_MATCHED: Mapping[Level, tuple[str, ...]] = {
    Level.STUDY: (
        "StudyDate",
        "StudyTime",
        "AccessionNumber",
        "ReferringPhysicianName",
        "PatientName",
        "PatientID",
        "StudyInstanceUID",
        "StudyID",
    ),
    Level.SERIES: (
        "Modality",
        "SeriesInstanceUID",
        "SeriesNumber",
        "PerformedProcedureStepStartDate",
        "PerformedProcedureStepStartTime",
        "RequestAttributesSequence",  # > ScheduledProcedureStepID, RequestedProcedureID
    ),
    Level.INSTANCE: ("SOPClassUID", "SOPInstanceUID", "InstanceNumber"),
}

_RETURNED: Mapping[Level, tuple[str, ...]] = {
    Level.STUDY: ("TimezoneOffsetFromUTC", "PatientBirthDate", "PatientSex"),
    Level.SERIES: ("SeriesDescription",),
    Level.INSTANCE: ("Rows", "Columns", "BitsAllocated", "NumberOfFrames"),
}

# Not required by PS3.18; widely asked for by viewers, worklists and policies.
_KEPT: Mapping[Level, tuple[str, ...]] = {
    Level.STUDY: (
        "IssuerOfPatientID",
        "OtherPatientIDs",
        "PatientAge",
        "PatientSize",
        "PatientWeight",
        "PatientComments",
        "StudyDescription",
        "InstitutionName",
        "InstitutionalDepartmentName",
        "PhysiciansOfRecord",
        "NameOfPhysiciansReadingStudy",
        "AdmittingDiagnosesDescription",
        "ProcedureCodeSequence",
        "IssuerOfAccessionNumberSequence",
        "RequestingPhysician",
        "RequestedProcedureDescription",
    ),
    Level.SERIES: (
        "SeriesDate",
        "SeriesTime",
        "BodyPartExamined",
        "Laterality",
        "ProtocolName",
        "PatientPosition",
        "FrameOfReferenceUID",
        "OperatorsName",
        "PerformingPhysicianName",
        "StationName",
        "Manufacturer",
        "ManufacturerModelName",
        "PerformedProcedureStepID",
        "PerformedProcedureStepDescription",
    ),
    Level.INSTANCE: (
        "ImageType",
        "AcquisitionNumber",
        "AcquisitionDate",
        "AcquisitionTime",
        "ContentDate",
        "ContentTime",
        "ContentLabel",
        "ContentDescription",
        "ConceptNameCodeSequence",
        "CompletionFlag",
        "VerificationFlag",
    ),
}

_COMPUTED: tuple[SearchAttribute, ...] = (
    SearchAttribute("ModalitiesInStudy", Level.STUDY, Use.MATCHED, computed=True),
    SearchAttribute("SOPClassesInStudy", Level.STUDY, computed=True),
    SearchAttribute("NumberOfStudyRelatedSeries", Level.STUDY, Use.RETURNED, computed=True),
    SearchAttribute("NumberOfStudyRelatedInstances", Level.STUDY, Use.RETURNED, computed=True),
    SearchAttribute("NumberOfSeriesRelatedInstances", Level.SERIES, Use.RETURNED, computed=True),
    *(
        SearchAttribute(keyword, level, Use.RETURNED, computed=True)
        for level in (Level.STUDY, Level.SERIES, Level.INSTANCE)
        for keyword in ("InstanceAvailability", "RetrieveURL")
    ),
    SearchAttribute("AvailableTransferSyntaxUID", Level.INSTANCE, computed=True),
)

SEARCH_ATTRIBUTES: tuple[SearchAttribute, ...] = (
    *(
        SearchAttribute(keyword, level, use)
        for use, keywords_of in ((Use.MATCHED, _MATCHED), (Use.RETURNED, _RETURNED), (Use.KEPT, _KEPT))
        for level, keywords in keywords_of.items()
        for keyword in keywords
    ),
    *_COMPUTED,
)

COMPUTED_KEYWORDS: frozenset[str] = frozenset(attribute.keyword for attribute in _COMPUTED)
"""Never taken from an object: a study of which one sees a part has the counts of that part."""

KEPT_KEYWORDS: Mapping[Level, frozenset[str]] = {
    level: frozenset(a.keyword for a in SEARCH_ATTRIBUTES if a.level is level and not a.computed)
    for level in (Level.STUDY, Level.SERIES, Level.INSTANCE)
}
"""What a summary takes from an object for each level."""

RETURNED_KEYWORDS: Mapping[Level, frozenset[str]] = {
    level: frozenset(a.keyword for a in SEARCH_ATTRIBUTES if a.level is level and a.use is not Use.KEPT)
    for level in (Level.STUDY, Level.SERIES, Level.INSTANCE)
}
"""What an answer at a level holds without `includefield` (its own level's rows only)."""

_LEVELS: Mapping[str, Level] = {
    attribute.keyword: attribute.level for attribute in reversed(SEARCH_ATTRIBUTES)
}


def level_of(keyword: str) -> Level | None:
    """The level that holds a top-level attribute (the highest, if several do), or `None` if none keeps it."""
    return _LEVELS.get(keyword)


_TAG = re.compile(r"[0-9A-Fa-f]{8}", re.ASCII)
_MAX_DEPTH = 8
"""Of a path into sequences; no search in PS3.4 or PS3.18 goes deeper than two."""
_MAX_NAME = 64
"""The longest keyword of PS3.6 has 63 characters."""


@lru_cache(maxsize=8192)
def tag_of(name: str) -> str:
    """The tag of a keyword, or of a tag in either case.  Raises `RequestError` for any other name."""
    if _TAG.fullmatch(name):
        return name.upper()
    tag = tag_for_keyword(name) if 0 < len(name) <= _MAX_NAME else None
    if tag is None:
        raise RequestError(f"unknown attribute {_shown(name)}{_suggestion(name)}")
    return f"{tag:08X}"


@lru_cache(maxsize=8192)
def keyword_of(tag: str) -> str | None:
    """The keyword of a tag (eight hexadecimal digits), or `None` for private and unknown elements."""
    return keyword_for_tag(int(tag, 16)) or None


@lru_cache(maxsize=8192)
def vr_of(name: str) -> str:
    """The VR of a keyword or tag by PS3.6 (`US or SS` becomes `US`), or `UN` if it is not in there."""
    try:
        return dictionary_VR(int(tag_of(name), 16)).partition(" ")[0]
    except KeyError:
        return "UN"


def is_private(tag: str) -> bool:
    """Whether a tag (eight hexadecimal digits) belongs to a private group."""
    return int(tag[3], 16) % 2 == 1


def parse_attribute_path(text: str) -> tuple[str, ...]:
    """Read what a client wrote: a keyword, a tag, or several joined by dots into sequences.

    Returns names as in `MatchKey.path`: keywords where there is one, else upper-case
    tags.  All but the last must be sequences.  Raises `RequestError`.
    """
    names = text.split(".")
    if len(names) > _MAX_DEPTH:
        raise RequestError(f"attribute path of {len(names)} parts: at most {_MAX_DEPTH} are read")
    tags = [tag_of(name) for name in names]
    path = tuple(keyword_of(tag) or tag for tag in tags)
    for name in path[:-1]:
        if vr_of(name) not in {"SQ", "UN"}:
            raise RequestError(f"`{name}` is not a sequence, so nothing is inside it")
    return path


def _shown(name: str) -> str:
    return f"`{name}`" if len(name) <= _MAX_NAME and name.isascii() and name.isprintable() else "name"


def _suggestion(name: str) -> str:
    close = difflib.get_close_matches(name[:_MAX_NAME], _keywords(), n=1, cutoff=0.8)
    return f" (did you mean `{close[0]}`?)" if close else ""


@lru_cache(maxsize=1)
def _keywords() -> tuple[str, ...]:
    # The searchable ones first; a difflib pass over all 5,000 keywords takes tens of
    # milliseconds, which a peer who sends many wrong names should not be able to buy.
    return tuple(dict.fromkeys(attribute.keyword for attribute in SEARCH_ATTRIBUTES))
