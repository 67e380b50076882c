"""Associations with one peer, kept open for a moment between one question and the next.

Objects are often asked for one after another; an association for each would cost more
than small objects do.

Called by `archive`, and by the modules that ask or store over an association of its pool.

Invariants:
- one borrower at a time; what a borrower left in the middle of something is aborted, not kept;
- an association that the peer has ended is not lent again; one that nobody wants is released;
- no more are idle than a few, whatever was proposed for them.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock, Timer

from pacsgate.upstream.dimse.associations import Association, associate
from pacsgate.upstream.dimse.negotiation import Proposal
from pacsgate.upstream.dimse.peer import Peer

_IDLE_SECONDS = 5.0
"""Shorter than any peer waits before it ends an idle association by itself."""
_MOST_IDLE = 6
"""Archives serve a limited number of associations, often some thirty, and not to us alone; each of the gate's
processes keeps so many."""


@dataclass(frozen=True, slots=True, eq=False)
class _Idle:
    """An association that nobody has borrowed since then."""

    proposals: tuple[Proposal, ...]
    association: Association
    since: float


class AssociationPool:
    """The associations with one peer, by what was proposed for them."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._lock = Lock()
        self._sweeper: Timer | None = None
        self._idle: list[_Idle] = []
        """Who was left first comes first."""

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
            left, self._idle = self._idle, []
            if self._sweeper is not None:
                self._sweeper.cancel()
                self._sweeper = None
        for one in left:
            one.association.release()

    def _idle_one(self, wanted: tuple[Proposal, ...]) -> Association | None:
        while True:
            with self._lock:
                found = next((one for one in reversed(self._idle) if one.proposals == wanted), None)
                if found is None:
                    return None
                self._idle.remove(found)
            if found.association.is_quiet():
                return found.association
            found.association.release()

    def _take_back(self, proposals: tuple[Proposal, ...], association: Association) -> None:
        if association.is_over:
            return
        with self._lock:
            self._idle.append(_Idle(proposals, association, time.monotonic()))
            oldest = self._idle.pop(0) if len(self._idle) > _MOST_IDLE else None
            if self._sweeper is None:
                self._sweep_later()
        if oldest is not None:
            oldest.association.release()

    def _sweep_later(self) -> None:
        self._sweeper = Timer(_IDLE_SECONDS, self._sweep)
        self._sweeper.daemon = True
        self._sweeper.start()

    def _sweep(self) -> None:
        """Release what was idle for long."""
        with self._lock:
            before = time.monotonic() - _IDLE_SECONDS
            left = [one for one in self._idle if one.since <= before]
            self._idle = [one for one in self._idle if one.since > before]
            self._sweeper = None
            if self._idle:
                self._sweep_later()
        for one in left:
            one.association.release()
