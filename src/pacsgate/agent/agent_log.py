"""The agent's own log: written where it runs, and kept for the gate.

Called by everything in `agent` that has something to say.

Invariants:
- a line holds no secret and nothing of what a command was about: operations and statuses only.
"""

from collections import deque

import structlog

from pacsgate.model.access import PacsPlace
from pacsgate.ports import Clock
from pacsgate.ports.site import SiteSpool

_FRESH = 1000
"""Lines that wait to be kept; older ones are written where the agent runs, and that is all."""

_log = structlog.get_logger("pacsgate.agent")


class AgentLog:
    """Takes lines, from whichever thread."""

    def __init__(self, place: PacsPlace, spool: SiteSpool, clock: Clock) -> None:
        self._place = place
        self._spool = spool
        self._clock = clock
        self._fresh: deque[tuple[str, str, dict[str, str]]] = deque(maxlen=_FRESH)

    def info(self, event: str, **details: str) -> None:
        """Something that went as it should."""
        _log.info(event, **details)
        self._fresh.append(("info", event, details))

    def warning(self, event: str, **details: str) -> None:
        """Something that an operator may want to look at."""
        _log.warning(event, **details)
        self._fresh.append(("warning", event, details))

    def keep(self) -> None:
        """Move what is fresh to the spool; writes to the disk."""
        while self._fresh:
            level, event, details = self._fresh.popleft()
            self._spool.add_log(self._place, self._clock.now(), level, event, details)
