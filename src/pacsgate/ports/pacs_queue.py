"""What is to be done in PACSes, from when somebody is told that it will be until its result is forgotten.

A message is `queued` until an agent takes it under a lease, `leased` until the agent answers or the lease
ends, and then `answered`, `failed` or `expired`.  Which change follows which is decided by
`services.pacs_queue`; a queue keeps the messages, hands out the next one, and lets a change happen only
to the very state that it was decided on.  A message broker could be a queue as well as a database.

Invariants:
- of the messages of one PACS about one entity, one at a time is leased, in the order in which they were
  accepted;
- `record` returns before its change is committed, and what it raises prevents the change.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pacsgate.model.resource import ArchiveName, TenantName, TenantScope
from pacsgate.ports.pacs_adapters import Command, Outcome


class MessageState(StrEnum):
    """Where a message is on its way."""

    QUEUED = "queued"
    LEASED = "leased"
    ANSWERED = "answered"
    """The PACS did it, or refused it."""
    FAILED = "failed"
    """It was given up: taken too often without an answer, not permitted any more, or the PACS is gone."""
    EXPIRED = "expired"
    """Nobody fetched it in time."""

    @property
    def is_final(self) -> bool:
        """Whether nothing more becomes of it by itself."""
        return self in _FINAL


_FINAL = frozenset({MessageState.ANSWERED, MessageState.FAILED, MessageState.EXPIRED})

DEAD = (MessageState.FAILED, MessageState.EXPIRED)
"""Dead letters: never done as far as anybody knows; an administrator may queue them again."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who has taken a message, until when; `token` is what its response must name."""

    holder: str
    token: str = field(repr=False)
    until: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """One message.  `version` counts its changes.

    `entity` is what it is about, and by what order is kept.  A queued one may be leased from `due` on.
    Of a final one, `outcome` is its result, to be had until `readable_until`.
    """

    command: Command
    entity: str
    state: MessageState
    due: datetime
    lease: Lease | None = None
    outcome: Outcome | None = None
    ended_at: datetime | None = None
    readable_until: datetime | None = None
    version: int = 0

    @property
    def scope(self) -> TenantScope:
        """The tenant whose it is."""
        return TenantScope(self.command.tenant)


@dataclass(frozen=True, slots=True)
class Once:
    """A name that the requester has given to a request, so that it counts once however often it is sent.

    `fingerprint` tells a repetition from another request under the same name.
    """

    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Depth:
    """How many messages of a PACS are where; `oldest` is when the first queued one was accepted."""

    queued: int
    leased: int
    dead: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class AgentSighting:
    """When an account was last seen asking for the messages of a PACS."""

    tenant: TenantName
    pacs: ArchiveName
    account: str
    at: datetime


Place = tuple[TenantName, ArchiveName]
"""A PACS of a tenant."""


@dataclass(frozen=True, slots=True)
class Look:
    """What whoever waits wants to know: where there is something to fetch, and which results are there.

    Whoever comes to a `fetchable` place gets something, or ends what holds it up.  `next_due` is when
    something now held back may be fetched, if nothing changes before.
    """

    fetchable: frozenset[Place]
    final: frozenset[str]
    next_due: datetime | None


Record = Callable[[Message], None]
"""Puts a change on record: called with what the message is about to be."""


class PacsQueue(Protocol):
    """The messages of all PACSes."""

    def add(
        self, scope: TenantScope, new: Message, once: Once | None, *, most: int, record: Record
    ) -> Message:
        """Keep a new message; the earlier one if the requester has sent it before under the same name.

        Raises `ConflictError` for another request under that name, and `RequestError` (429) when so many
        wait for this PACS already.
        """
        ...

    def lease(
        self, scope: TenantScope, pacs: ArchiveName, lease: Lease, now: datetime, record: Record
    ) -> Message | None:
        """Lease the first message that may be; `None` if there is none.  Its `attempt` is one more."""
        ...

    def change(self, before: Message, after: Message, record: Record) -> bool:
        """Replace a message; `False`, with nothing done or recorded, if it is not what it was `before`."""
        ...

    def message(self, scope: TenantScope, pacs: ArchiveName, message_id: str) -> Message | None:
        """One message."""
        ...

    def pending(self, scope: TenantScope, pacs: ArchiveName) -> tuple[Message, ...]:
        """Those queued or leased, oldest first."""
        ...

    def dead(self, scope: TenantScope, pacs: ArchiveName, limit: int = 100) -> tuple[Message, ...]:
        """The dead letters, newest first."""
        ...

    def overdue(
        self, now: datetime, furthest: datetime, place: Place | None = None, limit: int = 500
    ) -> tuple[Message, ...]:
        """Those whose lease has ended, and queued ones that have expired; of one PACS, or of all tenants.

        Those, too, that are due later than `furthest`, for which nothing is meant to wait.
        """
        ...

    def look(
        self,
        results: Collection[str],
        now: datetime,
        furthest: datetime,
        places: Collection[Place] | None = None,
    ) -> Look:
        """What there is for those who wait for these results, and at these places or anywhere.

        Where there are many, other places may be named too.
        """
        ...

    def depth(self, scope: TenantScope, pacs: ArchiveName) -> Depth:
        """How many messages there are."""
        ...

    def forget(self, *, unreadable: datetime, ended_before: datetime) -> int:
        """Take the contents out of what nobody may read any more, and forget what ended before then."""
        ...

    @property
    def sender(self) -> str:
        """By what a bell tells what this process changes from what others change."""
        ...

    def tell(self, changed: Callable[[Look], None]) -> None:
        """Call this, too, after whatever this process changes from now on, with what there may be then."""
        ...

    def note_agents(self, seen: Collection[AgentSighting]) -> None:
        """Remember when agents were last seen."""
        ...

    def agents(self, scope: TenantScope, pacs: ArchiveName) -> tuple[AgentSighting, ...]:
        """When each was last seen, latest first."""
        ...


class QueueBell(Protocol):
    """Tells a process that something may have changed in the queue, whichever process changed it."""

    def wait(self, seconds: float) -> None:
        """Return as soon as it rings, and after so long anyway; what this process changes may not ring."""
        ...

    def ring(self) -> None:
        """Let `wait` return in this process: for what it has changed itself, and to end."""
        ...
