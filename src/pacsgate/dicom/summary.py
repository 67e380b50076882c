"""What the index keeps of one DICOM object.

A summary is made once, when an object passes through the gate or is read by
`index sync`, and holds the parts of its data set that searches and policies
need, sorted by level, in the DICOM JSON Model (PS3.18 Annex F).
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DicomJson = Mapping[str, Mapping[str, Any]]
"""A data set in the DICOM JSON Model: eight-digit upper-case tag to `{"vr": …, "Value": […]}`."""


class PackedJson(Mapping[str, Mapping[str, Any]]):
    """A data set in the DICOM JSON Model, read from bytes that say the same wherever they occur."""

    __slots__ = ()

    @property
    @abstractmethod
    def packed(self) -> bytes:
        """The bytes: whatever is worked out from the data set alone can be remembered by them."""


@dataclass(frozen=True, slots=True)
class InstanceSummary:
    """One SOP instance, as the index knows it.

    `study`, `series` and `instance` hold the attributes that PS3.18 makes
    searchable or returned at their level (`study` includes the patient's).
    `header` is the whole data set without bulk data, and `bulk` has the places of
    the elements that were left out for that (`00880200.7FE00010` within a sequence).  `patient_id` and
    `issuer_of_patient_id` are empty strings when absent.
    """

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    patient_id: str
    issuer_of_patient_id: str
    transfer_syntax_uid: str
    number_of_frames: int
    study: DicomJson
    series: DicomJson
    instance: DicomJson
    header: DicomJson
    bulk: frozenset[str] = frozenset()
