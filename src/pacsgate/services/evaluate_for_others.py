"""Decisions for another enforcement point: may somebody do this?

Whoever asks must be a service or a device that holds `EvaluateForOthers` in the
archive that is asked about.  Who asked, for whom, and what was said is on record
before it is said.

Called by the AuthZEN door; calls `other_subjects`.

Invariants:
- an answer is what the subject itself would get at this moment;
- every question that is answered has an event, and none is answered whose event is not durable.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pacsgate.audit.events import AuditEvent, EventKind, StudyObject
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.permission import Permission
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.model.subject import Subject, SubjectKind
from pacsgate.policy.engine import Bound
from pacsgate.ports import Trail
from pacsgate.protocols.authzen.entities import Batch, Question, Semantic, Unanswerable
from pacsgate.services.other_subjects import TREATMENT, OtherSubjects
from pacsgate.services.record import Circumstances, actor_of, study_object
from pacsgate.services.resolve import Answer, Reach, Refusal

_ENFORCEMENT_POINTS = frozenset({SubjectKind.SERVICE, SubjectKind.DEVICE})


@dataclass(frozen=True, slots=True)
class Enquirer:
    """The enforcement point that asks, when and from where; `request_id` is its own name for the request."""

    subject: Subject
    context: Context
    request_id: str | None = None

    @property
    def scope(self) -> TenantScope:
        """The tenant within which it may ask."""
        return TenantScope(self.subject.tenant)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One question and what was found."""

    question: Question
    found: Reach | Refusal


class EvaluateForOthers:
    """Answers questions about others."""

    def __init__(self, others: OtherSubjects, trail: Trail) -> None:
        self._others = others
        self._trail = trail

    def evaluate(self, enquirer: Enquirer, question: Question) -> Evaluation | Refusal:
        """One answer, on record; a refusal if the enquirer may not ask."""
        archive = self._others.archive(enquirer.scope, question.resource.archive)
        refused = self.refuse(enquirer, archive)
        if refused is not None:
            return refused
        evaluation = self._evaluate(enquirer, question)
        self._trail.record(self._event(enquirer, evaluation))
        return evaluation

    def evaluate_batch(
        self, enquirer: Enquirer, batch: Batch
    ) -> tuple[Evaluation | Unanswerable, ...] | Refusal:
        """The answers up to the one that settles the batch, all on record."""
        archives = {
            self._others.archive(enquirer.scope, question.resource.archive)
            for question in batch.questions
            if isinstance(question, Question)
        }
        # Also of questions that nobody can answer, it is told only to who may ask.
        for archive in sorted(archives) or [self._others.archive(enquirer.scope, None)]:
            refused = self.refuse(enquirer, archive)
            if refused is not None:
                return refused
        answers = tuple(self._until_settled(enquirer, batch))
        recorded = [
            self._trail.submit(self._event(enquirer, answer))
            for answer in answers
            if isinstance(answer, Evaluation)
        ]
        for event in recorded:
            event.result()
        return answers

    def refuse(self, enquirer: Enquirer, archive: ArchiveName) -> Refusal | None:
        """Why the enquirer may not ask about an archive, on record; `None` if it may."""
        bound = self._bind(enquirer, archive)
        if may_ask_for_others(enquirer.subject, bound):
            return None
        reasons = (Reason(ReasonCode.NO_PERMISSION),)
        details = {"permission": Permission.EVALUATE_FOR_OTHERS.value}
        self._trail.record(circumstances(enquirer, bound, archive).denial(reasons, details=details))
        return Refusal(Answer.FORBIDDEN, reasons, bound.revision)

    def _until_settled(self, enquirer: Enquirer, batch: Batch) -> Iterator[Evaluation | Unanswerable]:
        ends_with = {
            Semantic.EXECUTE_ALL: None,
            Semantic.DENY_ON_FIRST_DENY: False,
            Semantic.PERMIT_ON_FIRST_PERMIT: True,
        }[batch.semantic]
        for question in batch.questions:
            answer = question if isinstance(question, Unanswerable) else self._evaluate(enquirer, question)
            yield answer
            permits = isinstance(answer, Evaluation) and isinstance(answer.found, Reach)
            if permits is ends_with:
                return

    def _evaluate(self, enquirer: Enquirer, question: Question) -> Evaluation:
        archive = self._others.archive(enquirer.scope, question.resource.archive)
        bound = self._others.bind(
            enquirer.scope, question.subject, question.claims, enquirer.context, archive
        )
        if isinstance(bound, Refusal):
            return Evaluation(question, bound)
        return Evaluation(question, self._others.reach(bound, question.action, question.resource))

    def _event(self, enquirer: Enquirer, evaluation: Evaluation) -> AuditEvent:
        question, found = evaluation.question, evaluation.found
        archive = self._others.archive(enquirer.scope, question.resource.archive)
        about = question.resource
        shared = circumstances(enquirer, self._bind(enquirer, archive), archive)
        claims = question.claims
        claimed = replace(shared.context, purpose=claims.purpose or TREATMENT, reason=claims.reason)
        return replace(shared, context=claimed, revision=found.revision).event(
            EventKind.EVALUATED,
            action=next((action for action in Action if action == question.action), None),
            study=_study(question, found),
            query=f"{question.action} {about.type} {about.key or about.id}",
            reasons=found.reasons,
            details={
                **details_of(enquirer),
                "subject": question.subject.id,
                "subject type": question.subject.type,
                "decision": "allow" if isinstance(found, Reach) else "deny",
            },
        )

    def _bind(self, enquirer: Enquirer, archive: ArchiveName) -> Bound:
        return self._others.policies.bind(enquirer.scope, enquirer.subject, enquirer.context, archive)


def may_ask_for_others(subject: Subject, bound: Bound) -> bool:
    """Whether somebody is an enforcement point of the archive that `bound` is about."""
    return subject.kind in _ENFORCEMENT_POINTS and Permission.EVALUATE_FOR_OTHERS in bound.permissions


def circumstances(enquirer: Enquirer, bound: Bound, archive: ArchiveName) -> Circumstances:
    """What all events of an enquirer's request share; `bound` is the policy as it stands for the enquirer."""
    actor = actor_of(enquirer.subject, enquirer.context, bound.roles)
    return Circumstances(enquirer.context, actor, enquirer.subject.tenant, archive, bound.revision)


def details_of(enquirer: Enquirer) -> dict[str, str]:
    """What the enquirer calls its own request, for whoever compares two trails."""
    return {} if enquirer.request_id is None else {"enquirer's request": enquirer.request_id}


def _study(question: Question, found: Reach | Refusal) -> StudyObject | None:
    """The study that an event names: with its patient if the subject reaches it, else as it was asked for."""
    if isinstance(found, Reach):
        first, *others = found.studies
        return None if others else study_object(first, found.parts)
    key = question.resource.key
    return None if key is None else StudyObject(key.study_instance_uid)
