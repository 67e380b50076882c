"""What happened, as events: one place that knows how a request becomes a line of the trail.

Called by the use cases and doors; calls nothing but the event type.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pacsgate.audit.events import REASON_GIVEN, Actor, AuditEvent, EventKind, Outcome, StudyObject
from pacsgate.dicom.summary import InstanceSummary
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Reason, Revision
from pacsgate.model.resource import ArchiveName, TenantName
from pacsgate.model.subject import Subject
from pacsgate.policy.naming import evidence_in
from pacsgate.ports import StudyEntry
from pacsgate.services.resolve import Part


def actor_of(subject: Subject, context: Context, roles: Iterable[str] = ()) -> Actor:
    """The verified subject of a request as the trail names it."""
    return Actor(
        name=subject.name,
        verified=True,
        credential=subject.credential.value,
        credential_id=subject.credential_id,
        roles=tuple(sorted(roles)),
        address=context.client_address,
    )


def claimed_actor(name: str, context: Context) -> Actor:
    """Somebody whose name nobody has verified."""
    return Actor(name=name, verified=False, address=context.client_address)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What all events of one request have in common."""

    context: Context
    actor: Actor
    tenant: TenantName | None = None
    archive: ArchiveName | None = None
    revision: Revision | None = None

    def event(
        self,
        kind: EventKind,
        *,
        outcome: Outcome = Outcome.SUCCESS,
        action: Action | None = None,
        study: StudyObject | None = None,
        reasons: Iterable[Reason] = (),
        query: str | None = None,
        window: str | None = None,
        recipient: str | None = None,
        count: int | None = None,
        bytes_sent: int | None = None,
        details: Mapping[str, str] | None = None,
    ) -> AuditEvent:
        """One event of this request."""
        return AuditEvent(
            kind=kind,
            at=self.context.now,
            actor=self.actor,
            outcome=outcome,
            tenant=self.tenant,
            archive=self.archive,
            action=None if action is None else action.value,
            study=study,
            query=query,
            reasons=tuple(str(reason) for reason in reasons),
            revision=self.revision,
            purpose=self.context.purpose,
            request_id=self.context.request_id,
            window=window,
            count=count,
            bytes_sent=bytes_sent,
            recipient=recipient,
            details=self._with_reason(details or {}),
        )

    def _with_reason(self, details: Mapping[str, str]) -> Mapping[str, str]:
        reason = self.context.reason
        return details if reason is None else {**details, REASON_GIVEN: reason}

    def denial(
        self,
        reasons: Iterable[Reason],
        *,
        action: Action | None = None,
        study_instance_uid: str | None = None,
        details: Mapping[str, str] | None = None,
    ) -> AuditEvent:
        """The one security alert that every denied request leaves."""
        return self.event(
            EventKind.DENIED,
            outcome=Outcome.SERIOUS,
            action=action,
            study=None if study_instance_uid is None else StudyObject(study_instance_uid),
            reasons=reasons,
            details=details,
        )


def study_object(study: StudyEntry, parts: Iterable[Part]) -> StudyObject:
    """A study with the instances of it that take part, counted by SOP class."""
    classes: Counter[str] = Counter()
    for part in parts:
        if part.study is study:
            classes.update(instance.sop_class_uid for instance in part.instances)
    return StudyObject(
        study.study_instance_uid,
        study.patient_id or None,
        dict(classes),
        sum(classes.values()),
        evidence_in(study.facts),
    )


def stored_objects(summaries: Iterable[InstanceSummary]) -> tuple[StudyObject, ...]:
    """The studies that some incoming objects belong to, one per patient and study."""
    classes: dict[tuple[str, str], Counter[str]] = {}
    for summary in summaries:
        key = (summary.study_instance_uid, summary.patient_id)
        classes.setdefault(key, Counter())[summary.sop_class_uid] += 1
    return tuple(
        StudyObject(study, patient or None, dict(counts), sum(counts.values()))
        for (study, patient), counts in classes.items()
    )
