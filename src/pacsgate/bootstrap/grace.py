"""What the supervisor and its processes have agreed on.

Read by `supervisor`, `worker` and `dimse`.
"""

GRACE_SECONDS = 5
"""How long running answers may go on after a stop was asked for."""
