"""Procedure steps go on to whoever keeps them, if their sender might store the studies that they name.

A step names studies before any image of them is there.  So what the policy would know of
an object of each is made from the step, and decided on as a store would be.  Only who
began a step goes on with it.

Called by the DICOM door; calls the engine, the SCP that keeps the steps, the trail.

Invariants:
- nothing is handed on before it is on record;
- a step that somebody else began and one that nobody began are refused alike;
- a step is its sender's from when its keeper has said that it began, and not before: one that the
  keeper had already, or said nothing about, may be anybody's.

Standard: PS3.4 annex F (Modality Performed Procedure Step SOP Class).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pydicom.dataset import Dataset

from pacsgate.audit.events import EventKind, StudyObject
from pacsgate.dicom.attributes import tag_of
from pacsgate.dicom.json_model import to_json
from pacsgate.dicom.summarise import summarise_json
from pacsgate.dicom.summary import InstanceSummary
from pacsgate.model.actions import Action
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import ArchiveName, ResourceKey, TenantScope
from pacsgate.model.subject import Subject
from pacsgate.policy.engine import Bound
from pacsgate.policy.origin import origin_facts
from pacsgate.ports import Trail
from pacsgate.ports.handles import HandleKind, HandleStore, OwnedHandle
from pacsgate.ports.occurrences import Occurrence, OccurrenceKind, Occurrences
from pacsgate.ports.procedure_steps import ProcedureSteps, StepAnswer
from pacsgate.services.freshness import Freshness
from pacsgate.services.judge_store import Ruling, StoreJudge
from pacsgate.services.live_policy import LivePolicy
from pacsgate.services.record import Circumstances

SOP_CLASS = "1.2.840.10008.3.1.2.3.3"
STEP_DETAIL = "procedure_step"
"""Detail of events: the UID of the step."""

_ENDED = frozenset({"COMPLETED", "DISCONTINUED"})
_NOT_CHANGED = ("ScheduledStepAttributesSequence", "PatientName", "PatientID", "IssuerOfPatientID")
"""What the sender was judged by (PS3.4 table F.7.2-1: not allowed in an N-SET)."""
_WARNINGS = range(0xB000, 0xC000)
_NOT_THEIRS = (Reason(ReasonCode.NOT_FOUND),)


@dataclass(frozen=True, slots=True)
class StepMessage:
    """What a modality says of a step: read, and as it came."""

    sop_instance_uid: str
    data_set: Dataset
    encoded: bytes
    transfer_syntax_uid: str


@dataclass(frozen=True, slots=True)
class RelayProcedureSteps:
    """The use case over one SCP of procedure steps."""

    steps: ProcedureSteps
    handles: HandleStore
    freshness: Freshness
    policies: LivePolicy
    trail: Trail
    occurrences: Occurrences

    def create(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        message: StepMessage,
        subject: Subject,
        bound: Bound,
        circumstances: Circumstances,
    ) -> StepAnswer | None:
        """Hand on a new step; `None` is a refusal, on record.  Raises `RequestError`, `ArchiveError`."""
        summaries = _studies_of(message)
        origin = origin_facts(subject.name, circumstances.context)
        judge = StoreJudge(self.freshness, scope, archive, self.policies.current(scope), origin, bound)
        rulings = [judge.rule(summary) for summary in summaries]
        known = self.handles.find(scope, archive, HandleKind.PROCEDURE_STEP, message.sop_instance_uid)
        if known is not None and known.subject != subject.name:
            rulings.append(Ruling(None, _NOT_THEIRS))
        refused = next((ruling for ruling in rulings if ruling.action is None), None)
        if refused is not None:
            self._refuse(refused.reasons, summaries[0].study_instance_uid, circumstances)
            return None
        reasons = tuple(dict.fromkeys(reason for ruling in rulings for reason in ruling.reasons))
        self._record(EventKind.PROCEDURE_STEP_CREATED, message, summaries, reasons, circumstances)
        answer = self.steps.create(message.sop_instance_uid, message.encoded, message.transfer_syntax_uid)
        if _is_done(answer):
            self.handles.add(scope, _handle(archive, message, summaries, subject, circumstances))
            self._tell(scope, archive, message, summaries, subject, circumstances)
        return answer

    def change(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        message: StepMessage,
        subject: Subject,
        circumstances: Circumstances,
    ) -> StepAnswer | None:
        """Hand on a change; `None` is a refusal, on record.  Raises `RequestError`, `ArchiveError`."""
        if any(keyword in message.data_set for keyword in _NOT_CHANGED):
            raise RequestError("patient and studies of a step are said when it is created, and not changed")
        owned = self.handles.find(scope, archive, HandleKind.PROCEDURE_STEP, message.sop_instance_uid)
        if owned is None or owned.subject != subject.name:
            self._refuse(_NOT_THEIRS, None, circumstances)
            return None
        for key in owned.keys:
            study = StudyObject(key.study_instance_uid, key.patient_id)
            self._record_one(EventKind.PROCEDURE_STEP_CHANGED, message, study, (), circumstances)
        answer = self.steps.change(message.sop_instance_uid, message.encoded, message.transfer_syntax_uid)
        if _is_done(answer) and str(message.data_set.get("PerformedProcedureStepStatus", "")) in _ENDED:
            self._forget(scope, archive, message)
        return answer

    def _tell(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        message: StepMessage,
        summaries: Iterable[InstanceSummary],
        subject: Subject,
        circumstances: Circumstances,
    ) -> None:
        for summary in summaries:
            self.occurrences.happened(
                Occurrence(
                    kind=OccurrenceKind.PROCEDURE_STEP_CREATED,
                    scope=scope,
                    archive=archive,
                    at=circumstances.context.now,
                    source=message.sop_instance_uid,
                    subject=subject,
                    calling_ae_title=circumstances.context.calling_ae_title,
                    study_instance_uid=summary.study_instance_uid,
                    data_set=message.data_set,
                )
            )

    def _record(
        self,
        kind: EventKind,
        message: StepMessage,
        summaries: Iterable[InstanceSummary],
        reasons: tuple[Reason, ...],
        circumstances: Circumstances,
    ) -> None:
        for summary in summaries:
            study = StudyObject(summary.study_instance_uid, summary.patient_id or None)
            self._record_one(kind, message, study, reasons, circumstances)

    def _record_one(
        self,
        kind: EventKind,
        message: StepMessage,
        study: StudyObject,
        reasons: tuple[Reason, ...],
        circumstances: Circumstances,
    ) -> None:
        details = {STEP_DETAIL: message.sop_instance_uid}
        self.trail.record(circumstances.event(kind, study=study, reasons=reasons, details=details))

    def _refuse(
        self, reasons: Iterable[Reason], study_instance_uid: str | None, circumstances: Circumstances
    ) -> None:
        self.trail.record(
            circumstances.denial(reasons, action=Action.STORE, study_instance_uid=study_instance_uid)
        )

    def _forget(self, scope: TenantScope, archive: ArchiveName, message: StepMessage) -> None:
        self.handles.forget(scope, archive, HandleKind.PROCEDURE_STEP, [message.sop_instance_uid])


def _is_done(answer: StepAnswer) -> bool:
    return answer.status == 0 or answer.status in _WARNINGS


def _handle(
    archive: ArchiveName,
    message: StepMessage,
    summaries: Iterable[InstanceSummary],
    subject: Subject,
    circumstances: Circumstances,
) -> OwnedHandle:
    return OwnedHandle(
        archive=archive,
        kind=HandleKind.PROCEDURE_STEP,
        handle=message.sop_instance_uid,
        subject=subject.name,
        action=Action.STORE,
        keys=tuple(
            ResourceKey(summary.study_instance_uid, patient_id=summary.patient_id) for summary in summaries
        ),
        started_at=circumstances.context.now,
    )


def _studies_of(message: StepMessage) -> tuple[InstanceSummary, ...]:
    """An object of each study of the step, as far as the step describes it.  Raises `RequestError`."""
    said = to_json(message.data_set, lambda _place: "")
    items = said.pop(tag_of("ScheduledStepAttributesSequence"), {}).get("Value", ())
    named = {
        tag_of("SOPClassUID"): {"vr": "UI", "Value": [SOP_CLASS]},
        tag_of("SOPInstanceUID"): {"vr": "UI", "Value": [message.sop_instance_uid]},
        tag_of("SeriesInstanceUID"): {"vr": "UI", "Value": [message.sop_instance_uid]},
    }
    found = {
        summary.study_instance_uid: summary
        for summary in (
            summarise_json({**said, **item, **named}, message.transfer_syntax_uid) for item in items
        )
    }
    if not found:
        raise RequestError("`ScheduledStepAttributesSequence` names no study")
    return tuple(found.values())
