"""The kinds of events on site that mean something to the gate; a PACS may report others.

Called by the simulator, the archive adapter and `services.take_reports`.

Invariants:
- who was let through or kept out at a door is always one of the two kinds of doors.
"""

from typing import Final

ACCESS_GRANTED: Final = "access-granted"
"""A door let somebody through; `zone` is where they are from then on."""
ACCESS_DENIED: Final = "access-denied"
"""A door let nobody through; the detail `reason` says why."""
ANTI_PASSBACK_RESET: Final = "anti-passback-reset"
"""Somebody may pass a door again although their card says that they are elsewhere."""
HOLDER_ENDED: Final = "holder-ended"
"""A visit has ended, or an identity was removed, whose holder was inside: they count as being nowhere."""

INDEX_COUNTED: Final = "index-counted"
"""A picture archive has another number of studies; `studies` says how many."""
POLICY_ACTIVATED: Final = "policy-activated"
"""Another policy is live in a picture archive; `revision` says which."""

OF_DOORS: Final = frozenset({ACCESS_GRANTED, ACCESS_DENIED, ANTI_PASSBACK_RESET, HOLDER_ENDED})
"""What belongs into the trail: who went where, and who was not let in."""
