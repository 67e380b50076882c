"""The MLLP listener: frames in, frames out, everything bounded.

One message at a time on each connection; its work is done by one of a few threads.

Called by `bootstrap.hl7`, on an event loop of its own; calls `reception`.

Invariants:
- before a connection is known to be a sender's, not a byte of it is read beyond the TLS handshake;
- a frame has at most `LARGEST` bytes and must be complete `FRAME_SECONDS` after it began.

Standard: HL7 Transport Specification MLLP, Release 1, section 2 (frames).
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from socket import socket

import structlog

from pacsgate.gateway.hl7.reception import Reception
from pacsgate.gateway.hl7.senders import Sender, sender_at
from pacsgate.model.addresses import plain_address
from pacsgate.model.errors import RecordError

_log = structlog.get_logger("pacsgate.hl7")

LARGEST = 1 << 20
FRAME_SECONDS = 30.0
IDLE_SECONDS = 3600.0
"""Interfaces keep their connection; one that has said nothing for so long may come again."""
HANDSHAKE_SECONDS = 10.0
CONNECTIONS = 64
_THREADS = 4
_BETWEEN_REFUSALS_SECONDS = 60.0
_REMEMBERED = 1000

_START = b"\x0b"
_END = b"\x1c\r"
_BETWEEN_FRAMES = frozenset(b"\r\n")
"""What some senders put behind a frame."""


_Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]


@dataclass(frozen=True, slots=True)
class Listening:
    """One listener: its socket, its TLS, and who may send to it."""

    socket: socket
    tls: ssl.SSLContext | None
    senders: tuple[Sender, ...]


@dataclass(slots=True)
class MllpDoor:
    """Every listener of an installation."""

    reception: Reception
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_THREADS, thread_name_prefix="hl7")
    )
    _open: set["asyncio.Task[None]"] = field(default_factory=set)
    _refused: dict[str, float] = field(default_factory=dict)

    async def serve(self, listening: Sequence[Listening], stop: asyncio.Event) -> None:
        """Serve until told to stop; what is being done is finished."""
        servers = [
            await asyncio.start_server(
                self._connected(each.senders),
                sock=each.socket,
                ssl=each.tls,
                ssl_handshake_timeout=None if each.tls is None else HANDSHAKE_SECONDS,
                limit=LARGEST,
            )
            for each in listening
        ]
        await stop.wait()
        for server in servers:
            server.close()
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)

    def _connected(self, senders: tuple[Sender, ...]) -> _Connected:
        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            has_room = len(self._open) < CONNECTIONS
            conversation = self._connection(senders, reader, writer, has_room=has_room)
            task = asyncio.get_running_loop().create_task(conversation)
            self._open.add(task)
            task.add_done_callback(self._open.discard)

        return connected

    async def _connection(
        self,
        senders: tuple[Sender, ...],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        has_room: bool,
    ) -> None:
        try:
            address = plain_address(str(writer.get_extra_info("peername")[0]))
            sender = sender_at(senders, address, _certificate(writer))
            if sender is None:
                await self._refuse(address)
            elif has_room:
                await self._converse(sender, address, reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the peer is gone, silent, or does not speak MLLP: it may come again
        except Exception:  # noqa: BLE001 - the outermost edge of a connection: the others go on
            _log.exception("connection broke")
        finally:
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await asyncio.wait_for(writer.wait_closed(), 1)

    async def _converse(
        self, sender: Sender, address: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while (frame := await _frame(reader)) is not None:
            answer = await asyncio.shield(
                asyncio.get_running_loop().run_in_executor(
                    self._threads, self._receive, sender, address, frame
                )
            )
            writer.write(_START + answer + _END)
            await asyncio.wait_for(writer.drain(), FRAME_SECONDS)

    def _receive(self, sender: Sender, address: str, frame: bytes) -> bytes:
        try:
            return self.reception.receive(sender, address, frame)
        except Exception:  # noqa: BLE001 - the outermost edge of a message: denied, recorded, and the next one served
            _log.exception("message broke")
            return self.reception.broken(sender, address)

    async def _refuse(self, address: str) -> None:
        """Record a stranger, but once a minute for each address, so that nobody fills a disk with it."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._refused.get(address, -_BETWEEN_REFUSALS_SECONDS) < _BETWEEN_REFUSALS_SECONDS:
            return
        if len(self._refused) >= _REMEMBERED:
            self._refused.clear()
        self._refused[address] = loop.time()
        with suppress(RecordError):
            await loop.run_in_executor(self._threads, self.reception.refuse, address)


def _certificate(writer: asyncio.StreamWriter) -> str | None:
    """SHA-256 of the client certificate that TLS has verified."""
    connection = writer.get_extra_info("ssl_object")
    shown = None if connection is None else connection.getpeercert(binary_form=True)
    return None if shown is None else sha256(shown).hexdigest()


async def _frame(reader: asyncio.StreamReader) -> bytes | None:
    """The next message; `None` when the sender has closed, or speaks something else."""
    async with asyncio.timeout(IDLE_SECONDS):
        while (first := await reader.read(1)) and first[0] in _BETWEEN_FRAMES:
            pass
    if first != _START:
        return None
    async with asyncio.timeout(FRAME_SECONDS):
        block = await reader.readuntil(_END)
    return block[: -len(_END)]
