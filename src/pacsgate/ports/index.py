"""What the gate knows of each archive's studies."""

from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pacsgate.audit.events import AuditEvent
from pacsgate.dicom.query import Query
from pacsgate.dicom.summary import DicomJson, InstanceSummary
from pacsgate.model.resource import ArchiveName, ResourceKey, TenantScope
from pacsgate.model.subject import Attributes
from pacsgate.policy.constraint import Constraint
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import MODALITIES


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
    """One series, or the part of one whose instances are alike in what decides about them.

    A policy may tell the instances of one series apart (a filter on instance-level
    tags).  Then the series is held as several entries with the same
    SeriesInstanceUID: each has the instances that share their instance facts, and
    `facts` holds those together with the series' own.  Otherwise it is one entry.
    """

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
class Kind:
    """Everything that studies which no rule can tell apart have in common, and how many there are.

    `study` and each of `parts` are facts without the key attributes (`uid`,
    `patient_id`); `parts` are the distinct facts of the study's series.  Of the
    attributes in `open`, all of the study, these studies hold values of their own, which are not
    here.  Every study of an archive is of exactly one kind.
    """

    number: int
    study: Attributes
    parts: tuple[Attributes, ...]
    studies: int
    open: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Match:
    """One row that a search found.

    `attributes` is what the answer may contain, in the DICOM JSON Model, already
    holding the level's parents' attributes and all counts, computed from
    admitted series only.  Of a study of which a series is hidden, the study's and
    patient's attributes are those that the row's first admitted series says, and keys
    match what any of its admitted series says.  `facts` are the facts of each admitted series that
    the row is made of (a study row: all its admitted series), for masks; of what the constraint
    does not read (`Constraint.reads`) they may lack values that are the row's own.  Of one archive
    and constraint, rows with an equal `alike` that is not `None` are decided alike: their series'
    facts differ in nothing that the constraint reads.
    """

    key: ResourceKey
    patient_id: str
    attributes: DicomJson
    facts: Sequence[ResourceFacts]
    alike: Hashable = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search.  `remaining` counts the admitted matches after it, exactly."""

    matches: tuple[Match, ...]
    remaining: int


@dataclass(frozen=True, slots=True)
class Ingested:
    """One instance for the index: its summary and the policy facts computed from it.

    `origin` is what the gate itself witnessed when it stored the instance (`policy.ir.ORIGIN`),
    nothing for what was synced; a study keeps that of its first instance.
    `sets` names the facts of type `SET`; of all others several values are a disagreement.
    `instance_facts` are those by which instances of one series may be told apart.
    `many` names the study facts with so many different values that no class is made of
    them: they are kept per study and found by value.
    """

    summary: InstanceSummary
    study_facts: Attributes
    series_facts: Attributes
    size: int | None = None
    digest: str | None = None
    origin: Attributes = field(default_factory=dict)
    sets: frozenset[str] = frozenset({MODALITIES.name})
    instance_facts: Attributes = field(default_factory=dict)
    many: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class UnfinishedSync:
    """How far an `index sync` came, and when it began."""

    cursor: str
    began_at: datetime


class RollCall(Protocol):
    """Compares the studies of the index with those of an Orthanc, without holding either in memory."""

    def present(self, orthanc_ids: Sequence[str]) -> Sequence[str]:
        """Tick off these studies; returns those that the index does not know."""
        ...

    def absent(self) -> Iterator[str]:
        """The UID of each study that nobody named, of those that were there when the call began."""
        ...


class StudyIndex(Protocol):
    """What the gate knows of each archive's studies; the ground of every decision."""

    def search(self, scope: TenantScope, archive: ArchiveName, query: Query, constraint: Constraint) -> Page:
        """Answer a query within a constraint.

        Ordered by StudyDate then StudyTime, newest first, then as the index came to
        know the studies, so that paging is stable; within a study by UIDs.  Raises
        `RequestError` (413) for an instance search that no index can bound.
        """
        ...

    def studies(
        self, scope: TenantScope, archive: ArchiveName, study_instance_uid: str
    ) -> tuple[StudyEntry, ...]:
        """Every study with this UID: none, one, or one per patient that shares it."""
        ...

    def with_orthanc_id(
        self, scope: TenantScope, archive: ArchiveName, orthanc_id: str
    ) -> tuple[StudyEntry, ...]:
        """Every study with something in it, its patient included, that Orthanc would give this identifier.

        Only for archives of kind `orthanc`.  Found by the first eight bytes; whoever asks computes the rest.
        """
        ...

    def roll_call(self, scope: TenantScope, archive: ArchiveName) -> RollCall:
        """Begin to compare the studies held with those of an archive of kind `orthanc`."""
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

    def copy_labels(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        sources: Collection[str],
        study_instance_uid: str,
        event: AuditEvent,
    ) -> bool:
        """Add the labels and collections of these studies to another, which the index need not know yet.

        Returns whether it lacked any; only then is there an event.
        """
        ...

    def add_labels(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        study_instance_uid: str,
        labels: Collection[str],
        event: AuditEvent,
    ) -> bool:
        """Add labels to those of a study, which the index need not know yet.

        Returns whether it lacked any; only then is there an event.
        """
        ...

    def headers(self, scope: TenantScope, archive: ArchiveName) -> Iterator[tuple[str, str, DicomJson]]:
        """Each series' (StudyInstanceUID, SeriesInstanceUID, kept header), for newly declared attributes.

        The studies that the index came to know last come first.
        """
        ...

    def refill(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        study_instance_uid: str,
        series_instance_uid: str,
        study_facts: Attributes,
        series_facts: Attributes,
        many: frozenset[str] = frozenset(),
    ) -> None:
        """Replace the declared facts that one series contributes; `many` as in `Ingested`."""
        ...

    def count(self, scope: TenantScope, archive: ArchiveName, constraint: Constraint) -> int:
        """How many studies a constraint admits, exactly."""
        ...

    def kinds(self, scope: TenantScope, archive: ArchiveName) -> Iterator[Kind]:
        """Every kind of study that the archive holds, for questions about all of it at once."""
        ...

    def of_kind(self, scope: TenantScope, archive: ArchiveName, number: int, limit: int) -> tuple[str, ...]:
        """StudyInstanceUIDs of some studies of one kind, as examples: the newest first."""
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
