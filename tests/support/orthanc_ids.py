"""Orthanc's identifiers as its documentation says they are made, written a second time."""

import hashlib

from pydicom.dataset import Dataset


def orthanc_id(patient_id: str, *uids: str) -> str:
    """The identifier of a patient, or of the study, series or instance that the UIDs lead to."""
    digest = hashlib.sha1("|".join((patient_id, *uids)).encode(), usedforsecurity=False).hexdigest()
    return "-".join(digest[start : start + 8] for start in range(0, 40, 8))


def ids_of(instance: Dataset) -> tuple[str, str, str, str]:
    """The identifiers of an object's patient, study, series and of the object itself."""
    uids = (instance.StudyInstanceUID, instance.SeriesInstanceUID, instance.SOPInstanceUID)
    return tuple(orthanc_id(instance.PatientID, *uids[:count]) for count in range(4))  # type: ignore[return-value]
