"""An event loop in a thread of its own, for callers that have none.

Ports are synchronous and aiohttp is not; services, the command line and the
background process reach an origin through this loop.

Called by the origin's synchronous methods.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterator
from typing import Any, TypeVar

T = TypeVar("T")


class BackgroundLoop:
    """Started at the first use, so that a process that forks before has nothing to lose."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._started()).result()

    def iterate(self, stream: AsyncGenerator[T, None]) -> Iterator[T]:
        """Go through an asynchronous generator; leaving early closes it."""
        try:
            while True:
                try:
                    item = self.run(_next(stream))
                except StopAsyncIteration:
                    return
                yield item
        finally:
            self.run(stream.aclose())

    def close(self) -> None:
        """Stop the thread."""
        if self._loop is None or self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = self._thread = None

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name=self._name, daemon=True)
                self._thread.start()
            return self._loop


async def _next(stream: AsyncGenerator[T, None]) -> T:
    return await anext(stream)
