"""Something that a thread waiting for its socket hears as well.

Called by `upper_layer`, and rung by its queues.

Invariants:
- `ring` is safe from any thread, also after `close`: it never writes to somebody else's descriptor.
"""

import os
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
