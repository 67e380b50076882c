"""Whoever waits for something to do at a PACS, or for a result: each costs some memory, and no thread.

A waiter is a future of the event loop.  What this process changes is told to it at once; what another one
changes is found by a thread of the worker (`bootstrap.queue_thread`), which looks whenever something may
have changed.  Either wakes those whom it concerns.

Ten thousand agents that ask again every 25 seconds are four hundred questions a second, and nearly always
there is nothing: so it is remembered where somebody has looked in vain and nothing was told of since.

Called by `pacs_polls`, and by that thread.

Invariants:
- whoever is registered is woken by whatever is committed afterwards;
- one message wakes one of those who wait for it; who has got something, or leaves instead, wakes the next;
- a waiter that is woken may find nothing, because somebody else was quicker: it looks for itself;
- in a worker that stops nobody waits: whoever comes looks once, and is sent to another.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pacsgate.model.errors import TooSoonError
from pacsgate.ports.pacs_queue import Look, Place

_AGAIN_IN_SECONDS = 5


class Waiter:
    """One that waits.

    It `owes` the others at its place a look while there may be something that it has not looked for.
    """

    __slots__ = ("_woken", "owes")

    def __init__(self) -> None:
        self.owes = False
        self._woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def wait(self, gone: "asyncio.Future[None]", seconds: float) -> bool:
        """Wait until woken; `False` if the time was over or the client gone before."""
        await asyncio.wait((self._woken, gone), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if gone.done() or not self._woken.done():
            return False
        self._woken = asyncio.get_running_loop().create_future()
        return True

    def wake(self) -> bool:
        """Let it look again; `False` if it was to already."""
        if self._woken.done():
            return False
        self._woken.set_result(None)
        self.owes = True
        return True

    def rest(self) -> None:
        """It has looked in vain: it owes nothing, unless it was woken meanwhile."""
        self.owes = self._woken.done()


@dataclass(slots=True)
class _Spot:
    """What is waited for: a place, or a result."""

    waiters: dict[Waiter, None] = field(default_factory=dict)
    """In the order in which they came."""
    told: int = 0
    """How often there may have been something."""
    nothing_since: int | None = None
    """What `told` was when somebody last looked in vain."""


@dataclass(slots=True)
class Waiters:
    """All waiters of one worker, so many at most."""

    most: int
    somebody: threading.Event = field(default_factory=threading.Event)
    """Set while anybody waits."""
    _spots: dict[Place | str, _Spot] = field(default_factory=dict)
    _count: int = 0
    _is_closed: bool = False

    @contextmanager
    def waiting_for(self, what: Place | str) -> Iterator[Waiter]:
        """Wait for something to do at a place, or for the result of a message.

        Raises `TooSoonError` when too many wait already.
        """
        if self._count >= self.most:
            raise TooSoonError("too many wait here already", retry_after_seconds=_AGAIN_IN_SECONDS)
        waiter = Waiter()
        spot = self._spots.setdefault(what, _Spot())
        spot.waiters[waiter] = None
        self._count += 1
        self.somebody.set()
        try:
            yield waiter
        finally:
            del spot.waiters[waiter]
            if waiter.owes:
                self._wake_one(spot)
            if not spot.waiters and spot.nothing_since is None:
                self._spots.pop(what, None)
            self._count -= 1
            if not self._count:
                self.somebody.clear()

    @property
    def is_closed(self) -> bool:
        """Whether whoever waits should come again, to somebody else."""
        return self._is_closed

    def has_nothing(self, place: Place) -> bool:
        """Whether somebody who waits here has looked in vain, and nothing was told of since."""
        spot = self._spots[place]
        return spot.nothing_since == spot.told

    def looks(self, place: Place, waiter: Waiter) -> int:
        """This waiter looks now what there is.  Returns what `in_vain` asks for."""
        waiter.owes = True
        return self._spots[place].told

    def in_vain(self, place: Place, waiter: Waiter, told: int) -> None:
        """There was nothing."""
        waiter.rest()
        self._spots[place].nothing_since = told

    def results(self) -> tuple[str, ...]:
        """The messages whose results are waited for; may be called in any thread."""
        return tuple(what for what in tuple(self._spots) if isinstance(what, str))

    def places(self) -> tuple[Place, ...]:
        """The places at which somebody waits; may be called in any thread."""
        return tuple(
            what for what, spot in tuple(self._spots.items()) if not isinstance(what, str) and spot.waiters
        )

    def wake(self, look: Look) -> None:
        """Wake whoever waits for one of these results, and one of those who wait at each of these places."""
        for place in look.fetchable:
            if (spot := self._spots.get(place)) is not None:
                self._wake_one(spot)
        for result in look.final:
            for waiter in self._waiters_for(result):
                waiter.wake()

    def close(self) -> None:
        """Let everybody go."""
        self._is_closed = True
        for what in self._spots:
            for waiter in self._waiters_for(what):
                waiter.wake()

    def _waiters_for(self, what: Place | str) -> Iterator[Waiter]:
        spot = self._spots.get(what)
        return iter(()) if spot is None else iter(spot.waiters)

    def _wake_one(self, spot: _Spot) -> None:
        spot.told += 1
        next((waiter for waiter in spot.waiters if waiter.wake()), None)
