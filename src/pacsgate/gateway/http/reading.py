"""What is read goes on record before it leaves, and is counted after it left.

A request that reads takes part in one access window per study it touches.  The
first read of a window waits until the opening is durable; the rest pass.

Called by every handler that sends patient data, except searches and exports,
which have an event of their own each time.

Invariants:
- `opened` returns only when every study's opening is durable;
- whatever happens to the answer, what was sent is counted.
"""

from dataclasses import dataclass

from pacsgate.audit.events import EventKind
from pacsgate.gateway.http.exchange import Exchange
from pacsgate.gateway.http.threads import completed
from pacsgate.ports import Reading
from pacsgate.services.record import Circumstances, study_object
from pacsgate.services.resolve import Part, Reach


@dataclass(slots=True)
class _Count:
    reading: Reading
    instances: int = 0
    bytes_sent: int = 0
    handed_over: int = 0


class Readings:
    """The access windows that one request takes part in."""

    def __init__(self, counts: dict[int, _Count]) -> None:
        self._counts = counts

    async def opened(self) -> None:
        """Wait until every opening is durable.  Raises `RecordError`, and then has left the windows."""
        try:
            for count in self._counts.values():
                if count.reading.opening is not None:
                    await completed(count.reading.opening)
        except BaseException:  # cancelled or unrecorded: either way nothing was read
            self.leave()
            raise

    def sent(self, part: Part, *, instances: int, bytes_sent: int) -> None:
        """Count what left of one part's study."""
        count = self._counts[id(part.study)]
        count.instances += instances
        count.bytes_sent += bytes_sent

    def handed_over(self, part: Part) -> None:
        """Count one instance whose bytes a proxy sends."""
        count = self._counts[id(part.study)]
        count.instances += 1
        count.handed_over += 1

    def leave(self) -> None:
        """Hand the counts to the windows; called once, when the answer has ended or failed."""
        for count in self._counts.values():
            count.reading.leave(
                instances=count.instances, bytes_sent=count.bytes_sent, handed_over=count.handed_over
            )


async def open_readings(
    exchange: Exchange, reach: Reach, circumstances: Circumstances, kind: EventKind
) -> Readings:
    """Enter a window for each study in reach and wait for the openings.  Raises `RecordError`."""
    readings = Readings(
        {
            id(study): _Count(
                exchange.gate.windows.enter(
                    circumstances.event(
                        kind,
                        action=reach.action,
                        study=study_object(study, reach.parts),
                        reasons=reach.reasons,
                    )
                )
            )
            for study in reach.studies
        }
    )
    await readings.opened()
    return readings
