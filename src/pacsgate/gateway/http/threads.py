"""Blocking work off the event loop: a bounded number of threads, and the shortest way there and back.

Each request makes this way once, so it is built for that and nothing else: a queue, a thread that
waits on it, one wake-up of the loop when all is done.  (anyio's way there and back costs ten times as
much; see docs/performance.md.)

Called by the doors and by `exchange`.

Invariants:
- no more than `most` pieces of work run at a time; the others wait in the order in which they came;
- whoever stops waiting takes nothing back: work that was begun goes on to its end.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")

_Job = Callable[[], None]


class Threads:
    """Threads of one event loop, started when they are first needed."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._started = 0
        self._unfinished = 0
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()

    async def run(self, work: Callable[[], T]) -> T:
        """Run work in a thread and wait for it."""

        def job(loop: asyncio.AbstractEventLoop, waiter: "asyncio.Future[T]") -> None:
            try:
                result = work()
            except BaseException as raised:  # noqa: BLE001 - whatever it is, it belongs to who waits
                _tell(loop, _fail, waiter, raised)
            else:
                _tell(loop, _succeed, waiter, result)

        return await self._wait_for(job)

    async def run_until(self, work: "Callable[[], tuple[T, Future[None]]]") -> T:
        """Run work in a thread, and return its result when what it started has completed too."""

        def job(loop: asyncio.AbstractEventLoop, waiter: "asyncio.Future[T]") -> None:
            try:
                result, started = work()
            except BaseException as raised:  # noqa: BLE001 - whatever it is, it belongs to who waits
                _tell(loop, _fail, waiter, raised)
            else:
                started.add_done_callback(lambda done: _pass_on(loop, waiter, done, result))

        return await self._wait_for(job)

    async def _wait_for(self, job: "Callable[[asyncio.AbstractEventLoop, asyncio.Future[T]], None]") -> T:
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[T] = loop.create_future()
        self._unfinished += 1
        waiter.add_done_callback(self._finished)
        if self._unfinished > self._started < self._most:
            self._started += 1
            threading.Thread(target=_work_through, args=(self._jobs,), name="door", daemon=True).start()
        self._jobs.put(lambda: job(loop, waiter))
        return await waiter

    def _finished(self, _waiter: "asyncio.Future[Any]") -> None:
        self._unfinished -= 1


async def completed(future: "Future[None]") -> None:
    """Wait on the loop for what another thread completes."""
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()
    future.add_done_callback(lambda done: _pass_on(loop, waiter, done, None))
    await waiter


def _work_through(jobs: "queue.SimpleQueue[_Job]") -> None:
    while True:
        jobs.get()()


def _pass_on(
    loop: asyncio.AbstractEventLoop, waiter: "asyncio.Future[T]", done: "Future[None]", result: T
) -> None:
    raised = done.exception()
    if raised is None:
        _tell(loop, _succeed, waiter, result)
    else:
        _tell(loop, _fail, waiter, raised)


def _tell(
    loop: asyncio.AbstractEventLoop,
    settle: "Callable[[asyncio.Future[T], Any], None]",
    waiter: "asyncio.Future[T]",
    outcome: Any,
) -> None:
    with suppress(RuntimeError):  # the loop has ended, and nobody waits
        loop.call_soon_threadsafe(settle, waiter, outcome)


def _succeed(waiter: "asyncio.Future[T]", result: T) -> None:
    if not waiter.done():
        waiter.set_result(result)


def _fail(waiter: "asyncio.Future[Any]", raised: BaseException) -> None:
    if not waiter.done():
        waiter.set_exception(raised)
