"""Associations with one peer, kept open for a moment between one question and the next.

Objects are often asked for one after another; an association for each would cost more
than small objects do.

Called by `archive`, and by the modules that ask or store over an association of its pool.

Invariants:
- one borrower at a time; what a borrower left in the middle of something is aborted, not kept;
- an association that the peer has ended is not lent again; one that nobody wants is released.
"""

import time
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock, Timer

from pacsgate.upstream.dimse.associations import Association, associate
from pacsgate.upstream.dimse.negotiation import Proposal
from pacsgate.upstream.dimse.peer import Peer

_IDLE_SECONDS = 5.0
"""Shorter than any peer waits before it ends an idle association by itself."""
_MOST_IDLE = 4
"""Of each set of proposals: archives serve a limited number of associations, and not to us alone."""


class AssociationPool:
    """The associations with one peer, by what was proposed for them."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._lock = Lock()
        self._sweeper: Timer | None = None
        self._idle: defaultdict[tuple[Proposal, ...], deque[tuple[float, Association]]] = defaultdict(deque)

    @contextmanager
    def borrowed(self, proposals: Sequence[Proposal]) -> Iterator[Association]:
        """An association for the length of the block.  Raises `ArchiveError`."""
        wanted = tuple(proposals)
        association = self._idle_one(wanted) or associate(self._peer, wanted)
        is_between_messages = False
        try:
            yield association
            is_between_messages = True
        finally:
            if is_between_messages:
                self._take_back(wanted, association)
            else:
                association.abort()

    def close(self) -> None:
        """Release what is idle."""
        with self._lock:
            left = [association for idle in self._idle.values() for _, association in idle]
            self._idle.clear()
            if self._sweeper is not None:
                self._sweeper.cancel()
                self._sweeper = None
        for association in left:
            association.release()

    def _idle_one(self, wanted: tuple[Proposal, ...]) -> Association | None:
        while True:
            with self._lock:
                if not self._idle.get(wanted):
                    return None
                _, association = self._idle[wanted].pop()
            if association.is_quiet():
                return association
            association.release()

    def _take_back(self, proposals: tuple[Proposal, ...], association: Association) -> None:
        if association.is_over:
            return
        with self._lock:
            idle = self._idle[proposals]
            idle.append((time.monotonic(), association))
            oldest = idle.popleft()[1] if len(idle) > _MOST_IDLE else None
            if self._sweeper is None:
                self._sweep_later()
        if oldest is not None:
            oldest.release()

    def _sweep_later(self) -> None:
        self._sweeper = Timer(_IDLE_SECONDS, self._sweep)
        self._sweeper.daemon = True
        self._sweeper.start()

    def _sweep(self) -> None:
        """Release what was idle for long."""
        left: list[Association] = []
        with self._lock:
            before = time.monotonic() - _IDLE_SECONDS
            for proposals, idle in list(self._idle.items()):
                while idle and idle[0][0] <= before:
                    left.append(idle.popleft()[1])
                if not idle:
                    del self._idle[proposals]
            self._sweeper = None
            if self._idle:
                self._sweep_later()
        for association in left:
            association.release()
