"""Objects come in: each is decided by itself, recorded, made durable, indexed, and only then confirmed.

The order: begin event → objects durable in the archive → a new study is told of →
index → completion event → answer.  What a crash leaves between these steps
`reconcile` repairs; the trail itself is the journal.  Permissions that follow from
a new study are kept by its UID, so they are there before anybody can see it.

Called by the STOW-RS and the C-STORE doors; calls the engine, an archive, the index, the trail.

Invariants:
- a store never overwrites; a refusal for a hidden object reads like any refused `append`;
- nothing is confirmed before its completion event is durable;
- who keeps hitting on UIDs of hidden objects is made to wait, longer each time.

Standard: PS3.18 section 10.5 (Store Transaction); PS3.4 annex B.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from pacsgate.audit.events import EventKind
from pacsgate.dicom.summary import InstanceSummary
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import ArchiveError, TooSoonError
from pacsgate.model.resource import ArchiveName, ResourceKey, TenantScope
from pacsgate.model.subject import Subject
from pacsgate.policy.engine import Bound
from pacsgate.policy.origin import origin_facts
from pacsgate.ports import Archive, Arrival, ProbeLimit, StoreOutcome, Trail
from pacsgate.ports.occurrences import OccurrenceKind, Occurrences
from pacsgate.services.arrivals import arrival
from pacsgate.services.freshness import Freshness
from pacsgate.services.index_objects import ObjectIndexer
from pacsgate.services.index_together import IndexTogether
from pacsgate.services.judge_store import Ruling, StoreJudge
from pacsgate.services.live_policy import LivePolicy
from pacsgate.services.record import Circumstances, stored_objects
from pacsgate.services.resolve import Reach, Resolver
from pacsgate.services.study_orders import StudyOrders

INSTANCES_DETAIL = "sop_instance_uids"
"""Detail of store events: the SOP Instance UIDs concerned, separated by spaces.  `reconcile` reads it."""

_UNLOCKED = 1000
"""Subjects remembered as being under no lock."""
_TAKEN = Ruling(None, (Reason(ReasonCode.NOT_VISIBLE),))
"""The SOP Instance UID is that of something hidden: whoever asks so may be probing for what there is."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """One received object: its summary, and the durable temporary file that holds its Part 10 bytes."""

    summary: InstanceSummary
    path: Path
    size: int
    digest: str

    @property
    def key(self) -> ResourceKey:
        """The full name of the object."""
        summary = self.summary
        return ResourceKey(summary.study_instance_uid, summary.series_instance_uid, summary.sop_instance_uid)


class StoreResult(Enum):
    """What became of one object."""

    STORED = "stored"
    REFUSED = "refused"
    """Not authorized (0124H, 292 in a STOW answer); also a conflict with something hidden."""
    DUPLICATE = "duplicate"
    """The SOP Instance UID is taken by something else that the subject may search (0111H)."""
    FAILED = "failed"
    """The archive could not take it (0110H)."""
    MISPLACED = "misplaced"
    """It belongs to another study than the one that the request named (A900H)."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The outcome for one object."""

    summary: InstanceSummary
    result: StoreResult
    was_there: bool = False
    """Whether the archive had these very bytes already; stored is stored, but some protocols tell."""
    action: Action | None = None
    """Which action allowed it, of what was stored."""


class StoreInstances:
    """The store use case over one set of archives."""

    def __init__(
        self,
        archives: Mapping[ArchiveName, Archive],
        resolver: Resolver,
        freshness: Freshness,
        indexer: ObjectIndexer,
        policies: LivePolicy,
        probes: ProbeLimit,
        trail: Trail,
        occurrences: Occurrences,
        orders: StudyOrders,
    ) -> None:
        self._archives = archives
        self._probes = probes
        self._resolver = resolver
        self._freshness = freshness
        self._index = IndexTogether(indexer)
        self._policies = policies
        self._trail = trail
        self._occurrences = occurrences
        self._orders = orders
        self._unlocked: dict[tuple[TenantScope, str], int] = {}
        """At which epoch of locks a subject was found to be under none."""

    def store(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        objects: Sequence[Spooled],
        subject: Subject,
        bound: Bound,
        circumstances: Circumstances,
        study_instance_uid: str | None = None,
    ) -> tuple[Stored, ...]:
        """Decide, record, store, index and confirm `objects`; one outcome each, in the order received.

        With a `study_instance_uid`, objects of other studies are not looked at.
        Raises `TooSoonError` for who has probed too often.
        """
        self._refuse_probing(scope, subject, circumstances)
        placed = {
            number: replace(spooled, summary=self._orders.completed(scope, spooled.summary))
            for number, spooled in enumerate(objects)
            if study_instance_uid in {None, spooled.summary.study_instance_uid}
        }
        results = self._store(scope, archive, list(placed.values()), subject, bound, circumstances)
        return tuple(
            results[id(placed[number])]
            if number in placed
            else Stored(spooled.summary, StoreResult.MISPLACED)
            for number, spooled in enumerate(objects)
        )

    def end_series(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        outcomes: Iterable[Stored],
        subject: Subject,
        context: Context,
    ) -> None:
        """Tell of each series of what was stored that no more objects of it are coming.

        Not of annotations: who may only annotate a study changes nothing of who may see it.
        """
        last = {
            (outcome.summary.study_instance_uid, outcome.summary.series_instance_uid): outcome.summary
            for outcome in outcomes
            if outcome.result is StoreResult.STORED and outcome.action is not Action.ANNOTATE
        }
        for summary in last.values():
            self._occurrences.happened(
                arrival(OccurrenceKind.SERIES_STORED, scope, archive, subject, context, summary)
            )

    def _store(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        objects: Sequence[Spooled],
        subject: Subject,
        bound: Bound,
        circumstances: Circumstances,
    ) -> dict[int, Stored]:
        origin = origin_facts(subject.name, circumstances.context)
        judge = StoreJudge(self._freshness, scope, archive, self._policies.current(scope), origin, bound)
        rulings = [judge.rule(spooled.summary) for spooled in objects]
        self._record_refusals(objects, rulings, circumstances)
        actions = {
            id(spooled): ruling.action
            for spooled, ruling in zip(objects, rulings, strict=True)
            if ruling.action is not None
        }
        allowed = [spooled for spooled in objects if id(spooled) in actions]
        reasons = tuple(
            dict.fromkeys(reason for ruling in rulings if ruling.action for reason in ruling.reasons)
        )
        self._record(EventKind.STORE_BEGUN, allowed, reasons, circumstances)
        results = {id(spooled): Stored(spooled.summary, StoreResult.REFUSED) for spooled in objects}
        results.update(
            {
                id(spooled): replace(self._put(scope, archive, spooled, bound), action=actions[id(spooled)])
                for spooled in allowed
            }
        )
        probing = [spooled for spooled in allowed if results[id(spooled)].result is StoreResult.REFUSED]
        self._record_refusals(probing, [_TAKEN] * len(probing), circumstances)
        if probing:
            self._probes.note(scope, subject.name, circumstances.context.now)
        done = [spooled for spooled in allowed if results[id(spooled)].result is StoreResult.STORED]
        started = {
            spooled.summary.study_instance_uid: spooled.summary
            for spooled in done
            if actions[id(spooled)] is Action.STORE
        }
        for summary in started.values():
            self._occurrences.happened(
                arrival(OccurrenceKind.STUDY_ARRIVED, scope, archive, subject, circumstances.context, summary)
            )
        arrivals = tuple(
            Arrival(spooled.summary, spooled.size, spooled.digest, cursor="") for spooled in done
        )
        if arrivals:
            self._index.add(scope, archive, arrivals, origin)
        self._record(EventKind.INSTANCES_STORED, done, reasons, circumstances)
        return results

    def _refuse_probing(self, scope: TenantScope, subject: Subject, circumstances: Circumstances) -> None:
        # Nobody comes under a lock without moving its epoch, so who was under none need not be asked about.
        locks = self._policies.epochs().locks
        if self._unlocked.get((scope, subject.name)) == locks:
            return
        left = self._probes.seconds_left(scope, subject.name, circumstances.context.now)
        if left is None:
            if len(self._unlocked) >= _UNLOCKED:
                self._unlocked.clear()
            self._unlocked[scope, subject.name] = locks
        else:
            self._trail.record(circumstances.denial((Reason(ReasonCode.LOCKED_OUT),), action=Action.STORE))
            raise TooSoonError("too many objects under UIDs that are taken", retry_after_seconds=left)

    def _put(self, scope: TenantScope, archive: ArchiveName, spooled: Spooled, bound: Bound) -> Stored:
        try:
            outcome = self._archives[archive].store(spooled.key, spooled.path, spooled.digest)
        except ArchiveError:
            return Stored(spooled.summary, StoreResult.FAILED)
        match outcome:
            case StoreOutcome.STORED:
                return Stored(spooled.summary, StoreResult.STORED)
            case StoreOutcome.ALREADY_THERE:
                return Stored(spooled.summary, StoreResult.STORED, was_there=True)
            case StoreOutcome.CONFLICT:
                taken = self._archives[archive].existing(spooled.summary.sop_instance_uid)
                known = taken is not None and isinstance(
                    self._resolver.reach(scope, archive, taken, Action.SEARCH, bound), Reach
                )
                return Stored(spooled.summary, StoreResult.DUPLICATE if known else StoreResult.REFUSED)

    def _record(
        self,
        kind: EventKind,
        objects: Sequence[Spooled],
        reasons: Iterable[Reason],
        circumstances: Circumstances,
    ) -> None:
        """One event per patient and study, as PS3.15 A.5.3 asks."""
        for study in stored_objects(spooled.summary for spooled in objects):
            uids = " ".join(
                spooled.summary.sop_instance_uid
                for spooled in objects
                if spooled.summary.study_instance_uid == study.study_instance_uid
            )
            self._trail.record(
                circumstances.event(kind, study=study, reasons=reasons, details={INSTANCES_DETAIL: uids})
            )

    def _record_refusals(
        self, objects: Sequence[Spooled], rulings: Sequence[Ruling], circumstances: Circumstances
    ) -> None:
        refused: dict[str, Ruling] = {}
        for spooled, ruling in zip(objects, rulings, strict=True):
            if ruling.action is None:
                refused.setdefault(spooled.summary.study_instance_uid, ruling)
        for study_uid, ruling in refused.items():
            self._trail.record(
                circumstances.denial(ruling.reasons, action=Action.STORE, study_instance_uid=study_uid)
            )
