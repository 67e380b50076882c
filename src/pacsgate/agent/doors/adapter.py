"""The simulated doors as a PACS: commands go to the desk of the site, events come from its doors.

Made by `bootstrap.agent`.
"""

from collections.abc import Sequence

from pacsgate.model.access import PacsPlace
from pacsgate.ports import Clock
from pacsgate.ports.pacs_adapters import Command, Outcome, PacsEvent, PacsFeatures
from pacsgate.ports.site import SiteSpool
from pacsgate.services.access.desk import OPERATIONS_OF_THE_DESK, AccessDesk

EVENTS_COLLECT = "EventsCollect"
MOST_CREDENTIALS = 10
_AT_ONCE = 100
_TICK_SECONDS = 10.0
"""Doors look at the end of a visit themselves: this only writes it down."""


class DoorSimulator:
    """`ports.pacs_adapters.PacsAdapter` for simulated doors."""

    def __init__(self, place: PacsPlace, desk: AccessDesk, spool: SiteSpool, clock: Clock) -> None:
        self._place = place
        self._desk = desk
        self._spool = spool
        self._clock = clock
        self._ticked = float("-inf")

    def features(self) -> PacsFeatures:
        """Every operation on people, cards and doors."""
        features = frozenset({*OPERATIONS_OF_THE_DESK, EVENTS_COLLECT})
        return PacsFeatures(features, {"MaxCredentialsPerEntity": MOST_CREDENTIALS})

    def execute(self, command: Command) -> Outcome:
        """Carry out a command at the desk."""
        return self._desk.execute(command)

    def events(self, after: str | None) -> Sequence[PacsEvent]:
        """What happened at the doors; now and then, visits whose time is over are checked out first."""
        now = self._clock.monotonic()
        if now - self._ticked >= _TICK_SECONDS:
            self._desk.tick(self._place)
            self._ticked = now
        return self._spool.events(self._place, after, _AT_ONCE)

    def close(self) -> None:
        """Nothing is held: the agent's database is closed by whoever opened it."""
