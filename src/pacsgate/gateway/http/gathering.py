"""A transport that sends small pieces together.

uvicorn writes an answer's head and its body one after the other, and a streamed body has
frames between its chunks.  Each would be a system call, a packet, and a client woken to find out
that there is more to wait for.  Here small pieces wait for the large one that follows them, or for
the end of the loop's turn.

Called by `bounded_head`, for each connection.

Invariants:
- bytes leave in the order in which they were written;
- nothing waits longer than until the loop's next turn.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

SMALL_BYTES = 16 * 1024
"""To put more than this into one piece costs as much as a system call."""

_Bytes = bytes | bytearray | memoryview


class GatheringTransport(asyncio.Transport):
    """Around the transport of one connection."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._waiting: list[_Bytes] = []
        self.get_extra_info = transport.get_extra_info  # type: ignore[method-assign]  # asked as it is
        self.is_closing = transport.is_closing  # type: ignore[method-assign]  # likewise
        self.pause_reading = transport.pause_reading  # type: ignore[method-assign]  # likewise
        self.resume_reading = transport.resume_reading  # type: ignore[method-assign]  # likewise

    def write(self, data: _Bytes) -> None:
        """Send, now or with what comes next."""
        if not self._waiting:
            if len(data) > SMALL_BYTES:
                self._transport.write(data)
                return
            self._loop.call_soon(self._send)
        self._waiting.append(data)
        if len(data) > SMALL_BYTES:
            self._send()

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        """Send several pieces."""
        for data in list_of_data:
            self.write(data)

    def close(self) -> None:
        """Send what waits, and close."""
        self._send()
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._waiting.clear()
        self._transport.abort()

    def _send(self) -> None:
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self._transport.writelines(waiting)
