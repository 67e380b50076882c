"""What wakes a thread: one that waits for its socket, and one that waits for nothing else.

Called by `upper_layer` and `association`, and rung by their queues.

Invariants:
- `ring` is safe from any thread, also after `close`: it never writes to somebody else's descriptor.
"""

import os
import queue
from contextlib import suppress
from threading import Lock


class Bell:
    """Wakes a thread that polls `fileno`."""

    def __init__(self) -> None:
        self._hears, self._rings = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._closed = False
        self._lock = Lock()

    def fileno(self) -> int:
        """Readable once the bell has rung."""
        return self._hears

    def ring(self) -> None:
        """Wake the thread; once is enough however often it is rung."""
        with self._lock, suppress(BlockingIOError):
            if not self._closed:
                os.write(self._rings, b"\0")

    def silence(self) -> None:
        """Forget every ring so far."""
        with suppress(BlockingIOError):
            while os.read(self._hears, 4096):
                pass

    def close(self) -> None:
        """Give the descriptors back."""
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self._hears)
                os.close(self._rings)


class Nudge:
    """Wakes a thread that waits for nothing else; a `threading.Event` takes three times as long."""

    def __init__(self) -> None:
        self._given: queue.SimpleQueue[None] = queue.SimpleQueue()

    def give(self) -> None:
        """Wake the thread, now or as soon as it waits; once is enough however often it is given."""
        if self._given.empty():
            self._given.put(None)

    def await_one(self, seconds: float) -> None:
        """Wait until one was given since the last that was waited for, but not longer than so long."""
        with suppress(queue.Empty):
            self._given.get(timeout=seconds)
