"""Objects read from an archive while the one before is being sent.

A destination is waited for after each object; meanwhile one thread fetches what comes
next, up to a bound of bytes.  What is a local file is handed on as that: the kernel reads it.

Called by `send_objects`.

Invariants:
- at most `MAX_AHEAD_BYTES` and one chunk lie in memory, whatever the sizes of objects are;
- an object is given out only with its first chunk in hand, so that an archive that is down is
  known before anything of the object was sent.
"""

import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from pacsgate.model.errors import ArchiveError, PacsgateError
from pacsgate.ports import ByteSource, Chunk

MAX_AHEAD_BYTES = 8 * 1024 * 1024
"""Some images ahead; a larger one flows through."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """Another object, whose chunks follow unless it is a local file."""

    source: ByteSource
    weight: int = 0


class _End:
    """Nothing more of this object."""


class _Stopped(Exception):  # noqa: N818 - it ends the reader and is shown to nobody
    """Nobody will take what is read."""


_Item = _Opened | Chunk | PacsgateError | _End


class FetchedObject:
    """One object whose bytes are taken as they arrive; implements `ByteSource`."""

    def __init__(self, first: Chunk, rest: Callable[[], Chunk | None], size: int | None) -> None:
        self.path: Path | None = None
        self.size = size
        self._first = first
        self._rest = rest

    def chunks(self) -> Iterator[Chunk]:
        """The bytes, once."""
        yield self._first
        while (chunk := self._rest()) is not None:
            yield chunk

    async def stream(self) -> AsyncGenerator[Chunk, None]:
        """The same; nothing here waits on an event loop."""
        for chunk in self.chunks():
            yield chunk


class ReadAhead:
    """What `opens` open, one after another.  A context manager: left, the reading ends."""

    def __init__(self, opens: Iterable[Callable[[], ByteSource]]) -> None:
        self._opens = opens
        self._waiting: deque[_Item] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._is_stopped = False
        self._has_ended = False
        self._is_inside = False
        """Whether what comes next belongs to the object that was given out last."""
        self._reader = threading.Thread(target=self._read_all, name="read-ahead", daemon=True)

    def __enter__(self) -> Self:
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._is_stopped = True
            self._waiting.clear()
            self._changed.notify_all()

    def next(self) -> ByteSource:
        """The next object.  Raises `ArchiveError` or `GoneError` if it cannot be had; the one after may."""
        while self._is_inside:
            self._rest()
        match self._take():
            case _Opened(source=source):
                self._is_inside = source.path is None
                return source
            case PacsgateError() as failure:
                raise failure
            case _:
                raise ArchiveError("the archive sent something out of order")

    # ---------------------------------------------------------------- the sender's side

    def _rest(self) -> Chunk | None:
        item = self._take()
        if isinstance(item, bytes | memoryview):
            return item
        self._is_inside = False
        if isinstance(item, PacsgateError):
            raise item
        return None

    def _take(self) -> _Item:
        with self._changed:
            while not self._waiting:
                if self._has_ended:
                    raise ArchiveError("nothing more is read from the archive")
                self._changed.wait()
            item = self._waiting.popleft()
            self._bytes -= _weight(item)
            self._changed.notify_all()
            return item

    # ---------------------------------------------------------------- the reader's side

    def _read_all(self) -> None:
        try:
            for open_one in self._opens:
                self._read(open_one)
        except _Stopped:
            return
        finally:  # whatever it was: nobody may wait for ever
            with self._changed:
                self._has_ended = True
                self._changed.notify_all()

    def _read(self, open_one: Callable[[], ByteSource]) -> None:
        try:
            source = open_one()
            if source.path is not None:
                self._put(_Opened(source))
                return
            chunks = iter(source.chunks())
            first = next(chunks, b"")
            self._put(_Opened(FetchedObject(first, self._rest, source.size), len(first)))
            for chunk in chunks:
                self._put(chunk)
        except PacsgateError as failure:
            self._put(failure)
        else:
            self._put(_End())

    def _put(self, item: _Item) -> None:
        with self._changed:
            while self._bytes >= MAX_AHEAD_BYTES and not self._is_stopped:
                self._changed.wait()
            if self._is_stopped:
                raise _Stopped
            self._waiting.append(item)
            self._bytes += _weight(item)
            self._changed.notify_all()


def _weight(item: _Item) -> int:
    match item:
        case _Opened(weight=weight):
            return weight
        case bytes() | memoryview():
            return len(item)
        case _:
            return 0
