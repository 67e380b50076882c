"""What each series says of its study and patient, by the header that the index keeps of it.

The attributes of a study's row are those of the instance that came last.  Whoever
sees only some of its series may learn only what these say.  Mostly all say the
same; then the row speaks for each of them.  A digest tells whether they do.

Called by `merging` and `study_row`, which compare, and by `torn`, for studies of which
something is hidden that says something else.

Invariants:
- the patient and the study that a row is about are those of the row's keys, as in its own attributes.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from pacsgate.dicom.attributes import KEPT_KEYWORDS, tag_of, vr_of
from pacsgate.dicom.summary import DicomJson
from pacsgate.model.resource import Level
from pacsgate.stores.match_columns import STUDY_COLUMNS, single_valued
from pacsgate.stores.packing import pack_attributes

KEYS_OF_THE_ROW = frozenset({"StudyInstanceUID", "PatientID", "IssuerOfPatientID"})
"""All series of one row say the same of these."""

_KEPT_TAGS = frozenset(tag_of(keyword) for keyword in KEPT_KEYWORDS[Level.STUDY] - KEYS_OF_THE_ROW)
_DIGEST = 8
"""Bytes: enough to tell the few series of one study apart."""


def said(header: DicomJson) -> dict[str, Mapping[str, Any]]:
    """What a data set says of its study and patient, but for who they are."""
    return single_valued({tag: value for tag, value in header.items() if tag in _KEPT_TAGS}, STUDY_COLUMNS)


def digest_of(attributes: DicomJson) -> bytes:
    """By which two say the same."""
    in_order = {tag: attributes[tag] for tag in sorted(attributes)}
    return hashlib.sha256(pack_attributes(in_order)).digest()[:_DIGEST]


def identified(attributes: DicomJson, **identifiers: str) -> dict[str, Mapping[str, Any]]:
    """The attributes with these identifiers as the index knows them; an empty one is no attribute."""
    result = dict(attributes)
    for keyword, value in identifiers.items():
        tag = tag_of(keyword)
        if value:
            result[tag] = {"vr": vr_of(keyword), "Value": [value]}
        else:
            result.pop(tag, None)
    return result
