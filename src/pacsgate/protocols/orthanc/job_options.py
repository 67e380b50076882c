"""How a job is to be run: now or in the background, how urgently, and whether one failure ends it.

Called by the readers of bodies in this package.

Standard: Orthanc's OpenAPI document.
"""

from dataclasses import dataclass
from typing import Any

from pacsgate.model.errors import RequestError
from pacsgate.protocols.orthanc.json_body import Fields

JOB_FIELDS = ("Asynchronous", "Permissive", "Priority", "Synchronous", "UserData")

_MOST_URGENT = 1_000_000


@dataclass(frozen=True, slots=True)
class JobOptions:
    """`priority` is `None` where the client leaves it to Orthanc; `user_data` is its own note on the job."""

    asynchronous: bool = False
    priority: int | None = None
    permissive: bool = False
    user_data: object = None

    def upstream(self) -> dict[str, Any]:
        """The fields that say the same to Orthanc."""
        fields: dict[str, Any] = {"Synchronous": not self.asynchronous, "Permissive": self.permissive}
        if self.priority is not None:
            fields["Priority"] = self.priority
        if self.user_data is not None:
            fields["UserData"] = self.user_data
        return fields


def read_job_options(fields: Fields) -> JobOptions:
    """Read the options of a job, which is synchronous unless it is said otherwise.  Raises `RequestError`."""
    asynchronous = fields.flag("Asynchronous")
    if "Synchronous" in fields:
        synchronous = fields.flag("Synchronous")
        if "Asynchronous" in fields and synchronous is asynchronous:
            raise RequestError("fields `Synchronous` and `Asynchronous` contradict each other")
        asynchronous = not synchronous
    return JobOptions(
        asynchronous,
        fields.whole("Priority", least=-_MOST_URGENT, most=_MOST_URGENT),
        fields.flag("Permissive"),
        fields.anything("UserData"),
    )
