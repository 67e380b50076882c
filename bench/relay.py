"""Stands before a server and notes when: the times at which a client sent it anything.

Called by `credentials_stage`, between the gate and those whom it asks who somebody is.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Relay:
    """Passes connections on to a server on this machine; TLS goes through as it is."""

    def __init__(self, server: int) -> None:
        self._server = server
        self._sent_at: list[float] = []

    def messages(self, spans: Iterable[tuple[float, float]]) -> int:
        """How often anything was sent to the server within these spans of `time.perf_counter`."""
        return sum(begin <= at < end for begin, end in spans for at in self._sent_at)

    async def serve(self, port: int, ready: threading.Event, stop: asyncio.Event) -> None:
        """Listen until it is told to stop."""
        async with await asyncio.start_server(self._relayed, "127.0.0.1", port):
            ready.set()
            await stop.wait()

    async def _relayed(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, questions = await asyncio.open_connection("127.0.0.1", self._server)
        await asyncio.gather(
            self._passed(reader, questions, self._sent_at), self._passed(answers, writer, [])
        )

    @staticmethod
    async def _passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, noted: list[float]) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                noted.append(time.perf_counter())
                writer.write(data)
                await writer.drain()
        writer.close()


@contextmanager
def relaying(server: int, port: int) -> Iterator[Relay]:
    """A relay at `port`, in a thread of its own, until the block ends."""
    relay, ready = Relay(server), threading.Event()
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(relay.serve(port, ready, stop),))
    thread.start()
    try:
        if not ready.wait(timeout=10):
            raise RuntimeError(f"the relay before port {server} does not listen at {port}")
        yield relay
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
