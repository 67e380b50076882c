"""The interfaces between use cases and adapters.

Each is a question somebody in `services` asks and an adapter in `stores`,
`sinks`, `identity` or `upstream` answers.  All are plain and synchronous; the
HTTP gateway runs whatever touches a database through one bounded thread
limiter.

Invariants:
- every store method takes a `TenantScope`: there is no way to ask across tenants;
- a method that changes administrative state writes the row, the epoch and the
  outbox copy of the given audit event in one transaction.
"""

from pacsgate.ports.archives import Archive, Arrival, ByteSource, Capability, Chunk, StoreOutcome
from pacsgate.ports.clock import Clock
from pacsgate.ports.directory import Directory, SessionRecord, TokenRecord, UserRecord, session_public_id
from pacsgate.ports.identity import (
    Accounts,
    AuthenticationFailed,
    FailureKind,
    MintedToken,
    PasswordDoor,
    Passwords,
    ProbeLimit,
    Sessions,
    StartedSession,
    TokenMint,
)
from pacsgate.ports.index import (
    Ingested,
    InstanceEntry,
    Kind,
    Match,
    Page,
    SeriesEntry,
    StudyEntry,
    StudyIndex,
    UnfinishedSync,
)
from pacsgate.ports.revisions import Epochs, EpochStore, RevisionStore, StoredRevision
from pacsgate.ports.trail import AccessWindows, OutboxStore, Reading, Trail

__all__ = [
    "AccessWindows",
    "Accounts",
    "Archive",
    "Arrival",
    "AuthenticationFailed",
    "ByteSource",
    "Capability",
    "Chunk",
    "Clock",
    "Directory",
    "EpochStore",
    "Epochs",
    "FailureKind",
    "Ingested",
    "InstanceEntry",
    "Kind",
    "Match",
    "MintedToken",
    "OutboxStore",
    "Page",
    "PasswordDoor",
    "Passwords",
    "ProbeLimit",
    "Reading",
    "RevisionStore",
    "SeriesEntry",
    "SessionRecord",
    "Sessions",
    "StartedSession",
    "StoreOutcome",
    "StoredRevision",
    "StudyEntry",
    "StudyIndex",
    "TokenMint",
    "TokenRecord",
    "Trail",
    "UnfinishedSync",
    "UserRecord",
    "session_public_id",
]
