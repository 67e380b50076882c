"""Orders: what a worklist knows of a study before and besides its images."""

from typing import Protocol

from pydicom.dataset import Dataset

ORDER_ATTRIBUTES = (
    "AdmissionID",
    "ConfidentialityConstraintOnPatientDataDescription",
    "CurrentPatientLocation",
    "FillerOrderNumberImagingServiceRequest",
    "NamesOfIntendedRecipientsOfResults",
    "OrderEntererLocation",
    "PlacerOrderNumberImagingServiceRequest",
    "ReasonForTheRequestedProcedure",
    "ReferringPhysicianIdentificationSequence",
    "ReferringPhysicianName",
    "RequestedProcedureCodeSequence",
    "RequestedProcedureDescription",
    "RequestedProcedureID",
    "RequestedProcedurePriority",
    "RequestingPhysician",
    "RequestingPhysicianIdentificationSequence",
    "RequestingService",
    "RequestingServiceCodeSequence",
    "SpecialNeeds",
)
"""What an order may add."""


class Orders(Protocol):
    """A worklist that can be asked (PS3.4 annex K)."""

    def order_of(self, header: Dataset) -> Dataset | None:
        """The order that an object belongs to, found by its AccessionNumber or StudyInstanceUID.

        Holds Requesting Service, Requesting Physician and the like; `None` if there is none, or more
        than one, or the worklist does not answer within its time.
        """
        ...
