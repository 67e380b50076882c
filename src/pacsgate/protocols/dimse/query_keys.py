"""Which attributes a C-FIND at a level may match on and ask for.

The index knows them all (`dicom.attributes`); here they are put to the levels of the DIMSE
information models, which have one for patients.

Called by `find_request`, and by the conformance statement, whose tables are made of `keys_of`.

Standard: PS3.4 C.6.1.1, C.6.2.1 (attributes of the levels).
"""

from collections.abc import Mapping

from pacsgate.dicom.attributes import SEARCH_ATTRIBUTES, level_of
from pacsgate.model.resource import Level
from pacsgate.protocols.dimse.services import Root

DEPTH: Mapping[Level, int] = {level: depth for depth, level in enumerate(Level)}

PATIENT_COUNTS: Mapping[str, str] = {
    "NumberOfPatientRelatedStudies": "",
    "NumberOfPatientRelatedSeries": "NumberOfStudyRelatedSeries",
    "NumberOfPatientRelatedInstances": "NumberOfStudyRelatedInstances",
}
"""Counts of what is visible of a patient, each with the count of a study that it sums up."""

_OF_PATIENTS = frozenset(
    {
        "PatientName",
        "PatientID",
        "IssuerOfPatientID",
        "PatientBirthDate",
        "PatientSex",
        "OtherPatientIDs",
        "PatientComments",
    }
)
"""Of what the index keeps with a study, what is the patient's (PS3.3 C.7.1.1)."""
_OF_THE_WEB = frozenset({"RetrieveURL"})


def query_level_of(keyword: str) -> Level | None:
    """The level of an attribute in the Patient Root model; `None` for one that is not supported."""
    if keyword in _OF_PATIENTS or keyword in PATIENT_COUNTS:
        return Level.PATIENT
    return None if keyword in _OF_THE_WEB else level_of(keyword)


def keys_of(root: Root, level: Level) -> tuple[str, ...]:
    """The keywords that belong to a level of a model, those that make rows first."""
    keywords = dict.fromkeys((*(attribute.keyword for attribute in SEARCH_ATTRIBUTES), *PATIENT_COUNTS))
    return tuple(keyword for keyword in keywords if _at(root, keyword) is level)


def _at(root: Root, keyword: str) -> Level | None:
    level = query_level_of(keyword)
    if root is Root.STUDY and level is Level.PATIENT:
        return None if keyword in PATIENT_COUNTS else Level.STUDY
    return level
