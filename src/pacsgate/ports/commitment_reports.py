"""Telling a requestor, over an association of the gate's own, what became of a storage commitment request.

Standard: PS3.4 J.3.3 (N-EVENT-REPORT; the SCP may associate anew).
"""

from typing import Protocol

from pydicom.dataset import Dataset

from pacsgate.model.application_entity import RemoteAe


class CommitmentReports(Protocol):
    """Delivers reports in the background."""

    def post(
        self, remote: RemoteAe, event_type_id: int, information: Dataset, *, calling_ae_title: str
    ) -> None:
        """Take a report for delivery.  What cannot be delivered is logged: requestors ask again."""
        ...
