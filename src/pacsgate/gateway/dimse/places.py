"""How many may be here at once: connections of strangers, associations in all, and per subject.

All processes of a gate share its seats, so each limit is one for all of them.

Called by `house` for each connection and by `admission` for each request.

Invariants:
- whoever took a place gives it back when the connection ends, whatever became of it.
"""

from collections.abc import Sequence
from threading import Lock

from pacsgate.gateway.dimse.seats import Seat, Seats

STRANGERS_PER_ADDRESS = 32
"""Connections from one address that have not yet brought an association about."""
STRANGERS = 256
"""Such connections in all."""

_ASSOCIATION = "association"
_STRANGER = "stranger"


class Places:
    """The places of everybody whom this process lets in."""

    def __init__(self, seats: Seats, associations: int, associations_per_subject: int) -> None:
        self._seats = seats
        self._associations = associations
        self._per_subject = associations_per_subject
        self._taken: dict[object, Sequence[Seat]] = {}
        self._lock = Lock()

    def let_in(self, connection: object, address: str) -> bool:
        """Whether there is room for one more stranger; takes the place if so."""
        limits = ((f"address {address}", STRANGERS_PER_ADDRESS), (_STRANGER, STRANGERS))
        return self._take(connection, limits)

    def has_room(self) -> bool:
        """Whether one more association may begin."""
        return self._seats.has_room(_ASSOCIATION, self._associations)

    def seat(self, connection: object, subject: str) -> bool:
        """Whether the subject may have one more association; takes its place if so."""
        limits = ((f"subject {subject}", self._per_subject), (_ASSOCIATION, self._associations))
        return self._take(connection, limits)

    def leave(self, connection: object) -> None:
        """The connection is over."""
        with self._lock:
            taken = self._taken.pop(connection, ())
        _give_back(taken)

    def _take(self, connection: object, limits: Sequence[tuple[str, int]]) -> bool:
        """Take a seat of each name, or none; what the connection had before it gives back for them."""
        found: list[Seat] = []
        is_seated = False
        try:
            for name, limit in limits:
                seat = self._seats.take(name, limit)
                if seat is None:
                    return False
                found.append(seat)
            with self._lock:
                before, self._taken[connection] = self._taken.get(connection, ()), found
            is_seated = True
        finally:
            if not is_seated:
                _give_back(found)
        _give_back(before)
        return True


def _give_back(seats: Sequence[Seat]) -> None:
    for seat in seats:
        seat.give_back()
