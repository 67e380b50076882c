"""The words of a question: a subject, an action, a resource, and the circumstances that count.

Subjects and resources carry `properties`, in which a client can claim anything.
What decides is what the gate itself knows, so of those claims only these are read:
where the subject asks from (`ip_address`), in which archive, and under which study
and series something is said to be; that, the index confirms.  Of the context, the
purpose, the reason given and the risk count; the time is the gate's own.

Made by `requests`; read by `pacsgate.services`.

Standard: AuthZEN Authorization API 1.0 section 5 (Information Model); PurposeOfUse of HL7 v3.
"""

from dataclasses import dataclass
from enum import StrEnum

from pacsgate.model.resource import ArchiveName, Level, ResourceKey


@dataclass(frozen=True, slots=True)
class SubjectName:
    """An account, by its kind (`user`, `device` or `service`) and name, and where it asks from."""

    type: str
    id: str
    ip_address: str | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """What is asked about: an object of the information model in one archive.

    `level` is `None` for a type that the gate does not guard.  `key` is the name of a
    study, series or instance; a patient is `id` alone, spelled as policies spell it.
    `archive` `None` is the default archive.
    """

    type: str
    id: str
    level: Level | None = None
    key: ResourceKey | None = None
    archive: ArchiveName | None = None


@dataclass(frozen=True, slots=True)
class ResourceKind:
    """What a search for resources looks for: all of one level, within a study or series if one is named."""

    level: Level
    study_instance_uid: str | None = None
    series_instance_uid: str | None = None
    archive: ArchiveName | None = None


@dataclass(frozen=True, slots=True)
class Claims:
    """What the enforcement point says of a request: its purpose of use, the reason given, a risk score."""

    purpose: str | None = None
    reason: str | None = None
    risk: float | None = None


NO_CLAIMS = Claims()


@dataclass(frozen=True, slots=True)
class Question:
    """May this subject do this to this resource?"""

    subject: SubjectName
    action: str
    resource: Resource
    claims: Claims = NO_CLAIMS


@dataclass(frozen=True, slots=True)
class Unanswerable:
    """One question of several that cannot be read; the others are answered all the same."""

    message: str


class Semantic(StrEnum):
    """When a batch of questions ends."""

    EXECUTE_ALL = "execute_all"
    DENY_ON_FIRST_DENY = "deny_on_first_deny"
    PERMIT_ON_FIRST_PERMIT = "permit_on_first_permit"


@dataclass(frozen=True, slots=True)
class Batch:
    """Questions to be answered in order."""

    questions: tuple[Question | Unanswerable, ...]
    semantic: Semantic


@dataclass(frozen=True, slots=True)
class PageRequest:
    """So many results from here; `position` is what the last page ended with, `None` for the first."""

    limit: int
    position: str | None = None


@dataclass(frozen=True, slots=True)
class SubjectSearch:
    """Which accounts of one kind may do this to that?"""

    type: str
    action: str
    resource: Resource
    claims: Claims
    page: PageRequest


@dataclass(frozen=True, slots=True)
class ResourceSearch:
    """To which resources may this subject do this?"""

    subject: SubjectName
    action: str
    kind: ResourceKind
    claims: Claims
    page: PageRequest


@dataclass(frozen=True, slots=True)
class ActionSearch:
    """What may this subject do to that?"""

    subject: SubjectName
    resource: Resource
    claims: Claims
    page: PageRequest
