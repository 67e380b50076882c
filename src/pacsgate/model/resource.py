"""What is asked about: the levels of the DICOM information model, and names in them.

Standard: PS3.3 section 7 (patient, study, series, instance); UIDs are PS3.5 section 9.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

TenantName = NewType("TenantName", str)
"""One organisation; the first part of every key in every store."""
ArchiveName = NewType("ArchiveName", str)
"""One guarded archive, by its name in the configuration."""

DEFAULT_TENANT = TenantName("default")
PLATFORM_TENANT = TenantName("platform")
"""Whose people register tenants, and who has no patients."""


@dataclass(frozen=True, slots=True)
class TenantScope:
    """The tenant within which a store answers.  Every store method takes one; there is no 'all'."""

    tenant: TenantName


class Level(StrEnum):
    """A level of the DICOM information model, top first."""

    PATIENT = "patient"
    STUDY = "study"
    SERIES = "series"
    INSTANCE = "instance"


@dataclass(frozen=True, slots=True)
class ResourceKey:
    """The name of a study, series or instance, as a request gave it.

    A key says nothing about existence: the parent in it is a claim until the
    index has confirmed it (`/studies/{mine}/series/{of another study}` is a
    well-formed key of nothing).
    """

    study_instance_uid: str
    series_instance_uid: str | None = None
    sop_instance_uid: str | None = None
    patient_id: str | None = None
    """Which of several patients' studies with this UID, where a request named the patient as well
    (Orthanc's own identifiers do); `None` means all of them."""

    @property
    def level(self) -> Level:
        """The lowest level that the key names."""
        if self.sop_instance_uid is not None:
            return Level.INSTANCE
        return Level.STUDY if self.series_instance_uid is None else Level.SERIES

    def __str__(self) -> str:
        parts = (self.study_instance_uid, self.series_instance_uid, self.sop_instance_uid)
        return "/".join(part for part in parts if part is not None)


def patient_key(patient_id: str, issuer_of_patient_id: str) -> str:
    """The one spelling of a patient in policies and grants: `issuer|PatientID`, or `PatientID` alone.

    A PatientID that itself has a bar and no issuer is written with a bar in
    front, so that it cannot pass for the patient of some issuer.
    """
    if issuer_of_patient_id or "|" in patient_id:
        return f"{issuer_of_patient_id}|{patient_id}"
    return patient_id
