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

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from pydicom.dataset import Dataset

from pacsgate.audit.events import AuditEvent
from pacsgate.dicom.query import Query
from pacsgate.dicom.summary import DicomJson, InstanceSummary
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.grant import Grant
from pacsgate.model.resource import ArchiveName, ResourceKey, TenantName, TenantScope
from pacsgate.model.role import Assignment, Role
from pacsgate.model.subject import Attributes, Subject
from pacsgate.policy.constraint import Constraint
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import MODALITIES


class Clock(Protocol):
    """The only source of time.  A door reads it once per request."""

    def now(self) -> datetime:
        """The present, as aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that is never set back, for idle limits and timeouts."""
        ...


# --------------------------------------------------------------------- the trail


class Trail(Protocol):
    """Where events become durable.

    Raises (or completes the future with) `RecordError` when the event cannot be
    made durable; the caller then lets nothing leave.
    """

    def submit(self, event: AuditEvent) -> "Future[None]":
        """Queue an event; the future completes when it is on disk and chained."""
        ...

    def record(self, event: AuditEvent) -> None:
        """Block until the event is on disk and chained."""
        ...


class Reading(Protocol):
    """One read inside an access window."""

    @property
    def opening(self) -> "Future[None] | None":
        """What must complete before anything is sent; `None` if the window is durably open."""
        ...

    def leave(self, *, instances: int, bytes_sent: int) -> None:
        """Count what was sent in this read: zeros if nothing left.  Called once."""
        ...


class AccessWindows(Protocol):
    """Folds the many reads of one study by one subject and action into an opening and a close."""

    def enter(self, event: AuditEvent) -> Reading:
        """Take part in the window that `event` would open; opens it if there is none.

        Takes microseconds; may be called on an event loop.  Every reading is left
        again, whatever became of it.
        """
        ...


# --------------------------------------------------------------------- the index


@dataclass(frozen=True, slots=True)
class InstanceEntry:
    """One instance as the index holds it.  `digest` is the hex SHA-256 of its Part 10 bytes, if known."""

    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    number_of_frames: int
    size: int | None
    digest: str | None
    attributes: DicomJson


@dataclass(frozen=True, slots=True)
class SeriesEntry:
    """One series: its attributes for answers, its facts for decisions, its instances."""

    series_instance_uid: str
    attributes: DicomJson
    facts: Attributes
    instances: Sequence[InstanceEntry]


@dataclass(frozen=True, slots=True)
class StudyEntry:
    """One study under one patient.

    `facts` holds the study's policy attributes including `uid` and `patient_id`.
    `observed_at` is when the row was last confirmed against the archive.
    """

    archive: ArchiveName
    study_instance_uid: str
    patient_id: str
    issuer_of_patient_id: str
    attributes: DicomJson
    facts: Attributes
    series: tuple[SeriesEntry, ...]
    observed_at: datetime

    def facts_of(self, series: SeriesEntry) -> ResourceFacts:
        """What a decision about one of this study's series may know."""
        return ResourceFacts(study=self.facts, series=series.facts)


@dataclass(frozen=True, slots=True)
class Match:
    """One row that a search found.

    `attributes` is what the answer may contain, in the DICOM JSON Model, already
    holding the level's parents' attributes and all counts, computed from
    admitted series only.  `facts` are the facts of each admitted series that
    the row is made of (a study row: all its admitted series), for masks.
    """

    key: ResourceKey
    patient_id: str
    attributes: DicomJson
    facts: tuple[ResourceFacts, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search.  `remaining` counts the admitted matches after it, exactly."""

    matches: tuple[Match, ...]
    remaining: int


@dataclass(frozen=True, slots=True)
class Ingested:
    """One instance for the index: its summary and the policy facts computed from it.

    `sets` names the facts of type `SET`; of all others several values are a disagreement.
    """

    summary: InstanceSummary
    study_facts: Attributes
    series_facts: Attributes
    size: int | None = None
    digest: str | None = None
    ingest_principal: str | None = None
    sets: frozenset[str] = frozenset({MODALITIES.name})


@dataclass(frozen=True, slots=True)
class UnfinishedSync:
    """How far an `index sync` came, and when it began."""

    cursor: str
    began_at: datetime


class StudyIndex(Protocol):
    """What the gate knows of each archive's studies; the ground of every decision."""

    def search(self, scope: TenantScope, archive: ArchiveName, query: Query, constraint: Constraint) -> Page:
        """Answer a query within a constraint.

        Ordered by StudyDate then StudyTime, newest first, then UIDs, so that
        paging is stable.  Raises `RequestError` (413) for an instance search
        that no index can bound.
        """
        ...

    def studies(
        self, scope: TenantScope, archive: ArchiveName, study_instance_uid: str
    ) -> tuple[StudyEntry, ...]:
        """Every study with this UID: none, one, or one per patient that shares it."""
        ...

    def every_study(self, scope: TenantScope, archive: ArchiveName) -> Iterator[StudyEntry]:
        """Every study of an archive, without holding them all in memory."""
        ...

    def ingest(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        items: Sequence[Ingested],
        observed_at: datetime,
    ) -> tuple[str, ...]:
        """Add or replace instances, in one transaction.

        Returns the StudyInstanceUIDs in which a fact that decides access now disagrees.
        """
        ...

    def remove(self, scope: TenantScope, archive: ArchiveName, key: ResourceKey) -> int:
        """Remove a study, series or instance; parents without children go too.  Returns instances removed."""
        ...

    def observed_before(self, scope: TenantScope, archive: ArchiveName, at: datetime) -> Iterator[str]:
        """The UID of each study with a row that was last confirmed before `at`."""
        ...

    def remove_unobserved(
        self, scope: TenantScope, archive: ArchiveName, study_instance_uid: str, before: datetime
    ) -> None:
        """Remove the rows of a study that were last confirmed before then: of patients it was taken from."""
        ...

    def set_labels(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        study_instance_uid: str,
        *,
        labels: frozenset[str] | None = None,
        collections: frozenset[str] | None = None,
        event: AuditEvent,
    ) -> None:
        """Replace a study's labels or collections (those that are not `None`).  Raises `NotFoundError`."""
        ...

    def headers(self, scope: TenantScope, archive: ArchiveName) -> Iterator[tuple[str, str, DicomJson]]:
        """Each series' (StudyInstanceUID, SeriesInstanceUID, kept header), for newly declared attributes."""
        ...

    def refill(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        study_instance_uid: str,
        series_instance_uid: str,
        study_facts: Attributes,
        series_facts: Attributes,
    ) -> None:
        """Replace the declared facts that one series contributes."""
        ...

    def counts(self, scope: TenantScope, archive: ArchiveName) -> tuple[int, int, int]:
        """Studies, series and instances held."""
        ...

    def unfinished_sync(self, scope: TenantScope, archive: ArchiveName) -> UnfinishedSync | None:
        """The `index sync` that stopped before its end, if one did."""
        ...

    def save_sync(self, scope: TenantScope, archive: ArchiveName, sync: UnfinishedSync | None) -> None:
        """Remember where a sync stands; `None` when it is complete."""
        ...


# --------------------------------------------------------------------- people


@dataclass(frozen=True, slots=True)
class UserRecord:
    """A local account.  `password_hash` is an argon2id encoded string, or `None` for no password."""

    name: str
    kind: str
    display_name: str = ""
    password_hash: str | None = None
    disabled: bool = False
    groups: frozenset[str] = frozenset()
    attributes: Attributes = field(default_factory=dict)
    assignments: tuple[Assignment, ...] = ()
    created_at: datetime | None = None
    last_sign_in_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """An API token.  The secret is never stored, only its SHA-256; `actions` `None` is no narrowing."""

    token_id: str
    user: str
    secret_sha256: bytes
    label: str
    actions: frozenset[Action] | None
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A browser session, found by the SHA-256 of its cookie."""

    cookie_sha256: bytes
    user: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    csrf_token: str


class Directory(Protocol):
    """Users, roles, tokens, sessions and grants of one tenant: what may not be lost.

    Lookups that miss return `None`.  Changes raise `NotFoundError` or
    `ConflictError`.  `event` is written to the outbox in the same transaction.

    The users epoch moves with every change to a user, role or token and when a
    session ends, because verified subjects are remembered under it.  It stays
    with `note_sign_in`, `note_token_use`, `touch_session` and `add_session`,
    which take nothing away from anybody.  When `note_failure` locks a name, the
    locks epoch moves: passwords are remembered under that one too, and whoever
    guesses at names must not make every process read its policy again.
    """

    def user(self, scope: TenantScope, name: str) -> UserRecord | None:
        """The account of this name."""
        ...

    def tenant_of(self, user: str) -> TenantName | None:
        """The tenant to which a user name belongs; each belongs to one."""
        ...

    def users(self, scope: TenantScope) -> tuple[UserRecord, ...]:
        """Every account."""
        ...

    def add_user(self, scope: TenantScope, user: UserRecord, event: AuditEvent) -> None:
        """Make an account."""
        ...

    def change_user(self, scope: TenantScope, user: UserRecord, event: AuditEvent) -> None:
        """Replace an account."""
        ...

    def remove_user(self, scope: TenantScope, name: str, event: AuditEvent) -> None:
        """Remove an account with its tokens and sessions."""
        ...

    def note_sign_in(self, scope: TenantScope, name: str, at: datetime) -> None:
        """Remember when somebody last signed in."""
        ...

    def roles(self, scope: TenantScope) -> tuple[Role, ...]:
        """The stored roles."""
        ...

    def add_role(self, scope: TenantScope, role: Role, event: AuditEvent) -> None:
        """Make a role."""
        ...

    def remove_role(self, scope: TenantScope, name: str, event: AuditEvent) -> None:
        """Remove a role and its assignments."""
        ...

    def token(self, token_id: str) -> tuple[TenantName, TokenRecord] | None:
        """The token with this public id, and its tenant."""
        ...

    def tokens(self, scope: TenantScope, user: str | None = None) -> tuple[TokenRecord, ...]:
        """Every token, or those of one user."""
        ...

    def add_token(self, scope: TenantScope, token: TokenRecord, event: AuditEvent) -> None:
        """Keep a new token."""
        ...

    def revoke_token(self, scope: TenantScope, token_id: str, at: datetime, event: AuditEvent) -> None:
        """End a token."""
        ...

    def note_token_use(self, scope: TenantScope, token_id: str, at: datetime) -> None:
        """Remember when a token was last used."""
        ...

    def session(self, cookie_sha256: bytes) -> tuple[TenantName, SessionRecord] | None:
        """The session of a cookie, and its tenant."""
        ...

    def add_session(self, scope: TenantScope, session: SessionRecord) -> None:
        """Keep a new session."""
        ...

    def touch_session(self, scope: TenantScope, cookie_sha256: bytes, at: datetime) -> None:
        """Remember that a session was used."""
        ...

    def end_session(self, scope: TenantScope, cookie_sha256: bytes) -> None:
        """End one session."""
        ...

    def end_sessions_of(self, scope: TenantScope, user: str) -> int:
        """End every session of a user; returns how many."""
        ...

    def grants(self, scope: TenantScope) -> tuple[Grant, ...]:
        """Every grant, lapsed ones included."""
        ...

    def add_grant(self, scope: TenantScope, grant: Grant, event: AuditEvent) -> None:
        """Keep a new grant."""
        ...

    def revoke_grant(self, scope: TenantScope, grant_id: str, event: AuditEvent) -> None:
        """End a grant."""
        ...

    def failures(self, scope: TenantScope, name: str) -> tuple[int, datetime | None]:
        """Consecutive failed sign-ins for a *claimed* name, existing or not, and when the lock ends."""
        ...

    def note_failure(self, scope: TenantScope, name: str, count: int, locked_until: datetime | None) -> None:
        """Count a failure, and lock the name until then."""
        ...

    def clear_failures(self, scope: TenantScope, name: str) -> None:
        """Forget the failures of a name."""
        ...

    def setup_code_sha256(self, scope: TenantScope) -> bytes | None:
        """The hash of the code that is worth the first account."""
        ...

    def set_setup_code(self, scope: TenantScope, code_sha256: bytes | None) -> None:
        """Replace that hash; `None` ends it."""
        ...


class FailureKind(StrEnum):
    """Why nobody was verified, as far as the caller may know."""

    NO_CREDENTIAL = "no-credential"
    """The request carries none."""
    REFUSED = "refused"
    """Unknown, wrong, expired, revoked or disabled: all the same to the caller."""
    LOCKED_OUT = "locked-out"
    """The claimed name is locked, whether it exists or not, and whatever the password."""
    BUSY = "busy"
    """Too many passwords are being checked at this moment."""


@dataclass(frozen=True, slots=True)
class AuthenticationFailed:
    """Nobody was verified.  `retry_after_seconds` is set for what time alone will cure."""

    kind: FailureKind
    retry_after_seconds: int | None = None


class PasswordDoor(Protocol):
    """Where a name and a password become a subject, at a sign-in page."""

    def sign_in(self, name: str, password: str, context: Context) -> Subject | AuthenticationFailed:
        """Verify, count failures and record either outcome before returning."""
        ...


class Passwords(Protocol):
    """What is done to a new password before it is kept."""

    def refuse_weak(self, password: str, user: str) -> None:
        """Raise `RequestError` with the sentence for whoever chose the password."""
        ...

    def hash(self, password: str) -> str:
        """The encoded hash to keep."""
        ...

    def generate(self) -> str:
        """A random password that is never weak."""
        ...


@dataclass(frozen=True, slots=True)
class MintedToken:
    """A new API token: what its owner is shown once, and what is kept."""

    text: str
    token_id: str
    secret_sha256: bytes


class TokenMint(Protocol):
    """Where API tokens come from."""

    def mint(self) -> MintedToken:
        """Make a new token that nobody holds yet."""
        ...


@dataclass(frozen=True, slots=True)
class StartedSession:
    """A new browser session: the cookie's value is known to the browser only."""

    subject: Subject
    cookie: str
    csrf_token: str
    expires_at: datetime


class Sessions(Protocol):
    """Browser sessions, begun for a verified subject."""

    def begin(self, subject: Subject, at: datetime) -> StartedSession:
        """Begin a session for a subject whose credential has just been verified."""
        ...

    def end(self, cookie: str) -> str | None:
        """End the session, if there is one, and return the name of its user."""
        ...


class OutboxStore(Protocol):
    """Audit events that were committed together with an administrative change, on their way to the trail."""

    def pending(self, limit: int = 100) -> tuple[tuple[int, bytes], ...]:
        """Undelivered rows, oldest first: row id and canonical JSON of the event."""
        ...

    def delivered(self, ids: Sequence[int]) -> None:
        """Forget rows that have reached the trail."""
        ...


# --------------------------------------------------------------------- policy revisions and epochs


@dataclass(frozen=True, slots=True)
class StoredRevision:
    """A revision as it is kept: its id and the sources (file name to text) it was made from."""

    revision: str
    sources: Mapping[str, str]
    activated_at: datetime
    activated_by: str


class RevisionStore(Protocol):
    """Every policy revision that was ever active; the newest is the live one."""

    def live(self, scope: TenantScope) -> StoredRevision | None:
        """The newest revision."""
        ...

    def activate(self, scope: TenantScope, revision: StoredRevision, event: AuditEvent) -> None:
        """Make a revision the live one."""
        ...

    def history(self, scope: TenantScope, limit: int = 50) -> tuple[StoredRevision, ...]:
        """The newest revisions first."""
        ...


@dataclass(frozen=True, slots=True)
class Epochs:
    """Counters that move whenever something a cache may hold has changed."""

    policy: int
    users: int
    grants: int
    labels: int
    locks: int = 0


class EpochStore(Protocol):
    """Tells, cheaply and before every decision, whether caches are still exact."""

    def current(self) -> Epochs:
        """The epochs as committed now.  On SQLite a few microseconds when nothing changed."""
        ...


# --------------------------------------------------------------------- archives


class Capability(StrEnum):
    """What an archive can do by itself; the gate makes the rest from retrieved instances, or answers 501."""

    STORE = "store"
    DELETE = "delete"


class ByteSource(Protocol):
    """The bytes of one DICOM Part 10 object, not yet read.

    `path` is set when they are a local file, so that a door may hand the file to
    the kernel; `size` when it is known before reading.
    """

    path: Path | None
    size: int | None

    def chunks(self) -> Iterator[bytes]:
        """Read from a thread.  Raises `ArchiveError`."""
        ...

    def stream(self) -> AsyncIterator[bytes]:
        """Read from an event loop.  Raises `ArchiveError`."""
        ...


@dataclass(frozen=True, slots=True)
class Arrival:
    """One object that `Archive.walk` found: the summary and, where known, size and digest."""

    summary: InstanceSummary
    size: int | None
    digest: str | None
    cursor: str


class StoreOutcome(StrEnum):
    """What became of one object handed to an archive."""

    STORED = "stored"
    ALREADY_THERE = "already-there"
    """Same UIDs, same bytes: success, stored once."""
    CONFLICT = "conflict"
    """Same SOP Instance UID with anything else: never overwritten (0111H)."""


class Archive(Protocol):
    """One guarded archive.

    Whatever is asked here has been decided already; an archive never decides.
    Raises `ArchiveError` when it is down or slow and `RequestError` (404) when
    the object is gone.
    """

    name: ArchiveName
    capabilities: frozenset[Capability]

    def open(self, key: ResourceKey) -> ByteSource:
        """The Part 10 bytes of one instance, in the transfer syntax in which they are stored."""
        ...

    def dataset(self, key: ResourceKey) -> Dataset:
        """One instance as a data set with its pixel data, for what the gate makes itself."""
        ...

    def headers(self, key: ResourceKey) -> Iterator[Dataset]:
        """The data sets, without bulk data, of one instance or of every instance of one series.

        Values left out because they are bulk keep their element with no value.
        """
        ...

    def study(self, study_instance_uid: str) -> Iterator[Arrival]:
        """Every instance of one study as the archive holds it now; none when it is gone."""
        ...

    def existing(self, sop_instance_uid: str) -> ResourceKey | None:
        """Where an instance with this UID already is, if the archive can tell without a search."""
        ...

    def store(self, key: ResourceKey, spooled: Path, digest: str) -> StoreOutcome:
        """Take a spooled Part 10 file; on return it is durable.  The file may be consumed."""
        ...

    def delete(self, key: ResourceKey) -> None:
        """Remove a study, series or instance, durably."""
        ...

    def walk(self, cursor: str | None) -> Iterator[Arrival]:
        """Every instance in a stable order, after `cursor`; for `index sync`."""
        ...

    def count(self) -> int | None:
        """How many instances a walk will find, if that is cheap to know; for progress bars."""
        ...
