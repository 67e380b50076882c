"""An Orthanc's own REST API, as the gate asks it with the gate's own account.

What is asked here has been decided already, and is named by identifiers that the
gate computed or verified itself: no path of a client is handed on.

`OrthancWatch` asks the same API what has become of it: its changes, its counts, and what an identifier names.

Called by the Orthanc door, the feed and the services behind them; answered by `upstream.orthanc`.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pacsgate.model.resource import Level
from pacsgate.ports.archives import Arrival, Chunk


@dataclass(frozen=True, slots=True)
class OrthancRequest:
    """One request to Orthanc.

    `path` is below Orthanc's root and made of segments that the gate checked; it begins with `/`.
    `body` is JSON or text in hand, or a spooled file. `expected` are the statuses that are answers;
    404 and 410 raise `GoneError` unless they are among them, all others `ArchiveError`.
    `patience_seconds` is for what has a body and lets Orthanc work before it answers, if not as configured.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Path | None = None
    expected: frozenset[int] = frozenset({200})
    patience_seconds: float | None = None


JOB_SECONDS = 3600.0
"""How long Orthanc may work on a job that somebody waits for: sending a large study over a slow line."""


class OrthancResponse(Protocol):
    """An answer whose body is not yet read.  Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    size: int | None
    """The length of the body where Orthanc says it."""

    def stream(self) -> AsyncGenerator[Chunk, None]:
        """The body as it comes.  Raises `ArchiveError`."""
        ...

    async def read(self, at_most: int) -> bytes:
        """The whole body.  Raises `ArchiveError` if it is longer than `at_most` bytes."""
        ...


class Orthanc(Protocol):
    """The REST side of an archive of kind `orthanc`, which is an `Archive` as well.

    Raises `ArchiveError` when Orthanc is down, slow or refuses the gate, `GoneError` for what it
    does not have.
    """

    def ask(self, request: OrthancRequest) -> AbstractAsyncContextManager[OrthancResponse]:
        """Ask from the event loop; the body is read inside the context."""
        ...

    def ask_json(self, request: OrthancRequest) -> object:
        """Ask from a thread and decode the JSON answer (`None` for an empty one)."""
        ...


@dataclass(frozen=True, slots=True)
class OrthancStudy:
    """One study of one patient by its DICOM names, of which `orthanc_id` is verified to be the hash."""

    orthanc_id: str
    patient_id: str
    study_instance_uid: str


@dataclass(frozen=True, slots=True)
class OrthancChange:
    """One entry of Orthanc's log of changes; `level` is `None` for what concerns no resource."""

    number: int
    change_type: str
    level: Level | None
    orthanc_id: str
    fingerprint: str
    """What tells this entry from one of the same number in another database."""


@dataclass(frozen=True, slots=True)
class OrthancChanges:
    """One page of changes, in order.

    `last` is the number of its last one, and of an empty page the highest number that Orthanc has
    given; `done` says that none follow yet.
    """

    changes: Sequence[OrthancChange]
    last: int
    done: bool


@dataclass(frozen=True, slots=True)
class OrthancCounts:
    """How much an Orthanc holds by its own account."""

    studies: int
    series: int
    instances: int


class OrthancWatch(Protocol):
    """What a feed asks, from a thread.

    Raises `ArchiveError` when Orthanc is down, slow or refuses the gate; whatever it does not have
    is an empty answer.
    """

    def studies_of(self, level: Level, orthanc_id: str) -> Sequence[OrthancStudy]:
        """The study that a resource is or belongs to, every study of a patient; none if there is none."""
        ...

    def arrivals(self, orthanc_ids: Sequence[str]) -> Iterator[Arrival]:
        """These instances as they are now; those that are gone or cannot be read are left out."""
        ...

    def changes(self, since: int, limit: int) -> OrthancChanges:
        """The changes after number `since`, oldest first."""
        ...

    def newest(self) -> OrthancChanges:
        """The page that holds the newest change alone, or nothing where the log is empty."""
        ...

    def counts(self) -> OrthancCounts:
        """How much there is, at the price of one cheap question."""
        ...

    def study_ids(self, since: int, limit: int) -> Sequence[str]:
        """A page of the identifiers of all studies, in Orthanc's own order."""
        ...

    def instances_of(self, study_orthanc_id: str) -> int | None:
        """How many instances a study has; `None` if it is gone."""
        ...

    def made_from(self, level: Level, orthanc_id: str) -> Sequence[str]:
        """The identifier of what a study or series was modified or anonymized from, if it was."""
        ...
