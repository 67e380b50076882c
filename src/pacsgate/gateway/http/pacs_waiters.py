"""Whoever waits for something to do at a PACS, or for a result: each costs some memory, and no thread.

A waiter is a future of the event loop.  One thread of the worker (`bootstrap.queue_thread`) looks what there
is whenever something may have changed, and wakes those whom it concerns.

Called by `pacs_polls`, and by that thread.

Invariants:
- whoever is registered is woken by whatever is committed afterwards;
- a waiter that is woken may find nothing, because somebody else was quicker: it looks for itself;
- in a worker that stops nobody waits: whoever comes looks once, and is sent to another.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pacsgate.model.errors import TooSoonError
from pacsgate.model.resource import ArchiveName, TenantName
from pacsgate.ports.pacs_queue import Look

Place = tuple[TenantName, ArchiveName]

_AGAIN_IN_SECONDS = 5


class Waiter:
    """One that waits."""

    __slots__ = ("_woken",)

    def __init__(self) -> None:
        self._woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def wait(self, gone: "asyncio.Future[None]", seconds: float) -> bool:
        """Wait until woken; `False` if the time was over or the client gone before."""
        await asyncio.wait((self._woken, gone), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if gone.done() or not self._woken.done():
            return False
        self._woken = asyncio.get_running_loop().create_future()
        return True

    def wake(self) -> None:
        """Let it look again."""
        if not self._woken.done():
            self._woken.set_result(None)


@dataclass(slots=True)
class Waiters:
    """All waiters of one worker, so many at most."""

    most: int
    somebody: threading.Event = field(default_factory=threading.Event)
    """Set while anybody waits."""
    _waiting: dict[Place | str, set[Waiter]] = field(default_factory=dict)
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
        self._waiting.setdefault(what, set()).add(waiter)
        self._count += 1
        self.somebody.set()
        try:
            yield waiter
        finally:
            self._forget(what, waiter)

    @property
    def is_closed(self) -> bool:
        """Whether whoever waits should come again, to somebody else."""
        return self._is_closed

    def results(self) -> tuple[str, ...]:
        """The messages whose results are waited for; may be called in any thread."""
        return tuple(what for what in tuple(self._waiting) if isinstance(what, str))

    def wake(self, look: Look) -> None:
        """Wake those for whom there is something."""
        found: tuple[Place | str, ...] = (*look.fetchable, *look.final)
        for what in found:
            for waiter in self._waiting.get(what, ()):
                waiter.wake()

    def close(self) -> None:
        """Let everybody go."""
        self._is_closed = True
        for waiters in self._waiting.values():
            for waiter in waiters:
                waiter.wake()

    def _forget(self, what: Place | str, waiter: Waiter) -> None:
        there = self._waiting[what]
        there.discard(waiter)
        if not there:
            del self._waiting[what]
        self._count -= 1
        if not self._count:
            self.somebody.clear()
