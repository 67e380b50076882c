"""Numbers for monitoring: associations and operations.

They are shared with the HTTP workers, which answer `/metrics` for all processes.
Labels come from closed lists: no AE title, name or UID ever is one.

Called by `dispatch` and `house`.
"""

from prometheus_client import Counter, Gauge

ASSOCIATIONS = Gauge(
    "pacsgate_dicom_associations", "Associations that are open.", multiprocess_mode="livesum"
)
OPERATIONS = Counter("pacsgate_dicom_operations", "DIMSE operations served.", ("service", "outcome"))
