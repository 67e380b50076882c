"""A TCP proxy that treats connections as bad networks do: it cuts, delays and reorders them.

It lives in a thread of its own.  Bytes within one connection keep their order, as TCP has it; of two
connections the later one may well arrive first.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random

_CHUNK = 16 * 1024


@dataclass
class Weather:
    """How bad it is; may be changed while connections are open."""

    random: Random
    is_down: bool = False
    """Nobody gets through."""
    cut: float = 0.0
    """How likely a chunk is the last one of its connection."""
    slowest_seconds: float = 0.0
    """A connection begins, and each of its chunks arrives, up to so much later."""
    cuts: int = 0
    connections: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set)


class MeddlingProxy:
    """Stands before a server on this machine."""

    def __init__(self, port: int, seed: int) -> None:
        self.weather = Weather(Random(seed))  # noqa: S311 - weather needs no secrecy
        self.port = 0
        self._to = port
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def cut_all(self) -> None:
        """Break every connection that is open."""
        self._loop.call_soon_threadsafe(self._abort)

    def _abort(self) -> None:
        for writer in list(self.weather._open):
            writer.transport.abort()
            self.weather.cuts += 1

    def _run(self) -> None:
        self._loop.run_until_complete(self._listen())
        with suppress(asyncio.CancelledError, RuntimeError):
            self._loop.run_forever()

    async def _listen(self) -> None:
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        weather = self.weather
        weather.connections += 1
        await self._dawdle()
        if weather.is_down:
            writer.transport.abort()
            return
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, there_writer}
        weather._open |= both
        try:
            await asyncio.gather(self._pass(reader, there_writer), self._pass(there_reader, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            weather._open -= both
            for each in both:
                each.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_CHUNK):
            await self._dawdle()
            if self.weather.is_down or self.weather.random.random() < self.weather.cut:
                self.weather.cuts += 1
                raise ConnectionResetError
            writer.write(chunk)
            await writer.drain()
        raise ConnectionResetError

    async def _dawdle(self) -> None:
        if self.weather.slowest_seconds:
            await asyncio.sleep(self.weather.random.uniform(0, self.weather.slowest_seconds))


@contextmanager
def meddling_proxy(port: int, seed: int = 1) -> Iterator[MeddlingProxy]:
    """A proxy before this port, well-behaved until told otherwise."""
    proxy = MeddlingProxy(port, seed)
    proxy._thread.start()
    assert proxy._ready.wait(10)
    try:
        yield proxy
    finally:
        proxy._loop.call_soon_threadsafe(proxy._loop.stop)
        proxy._thread.join(10)
