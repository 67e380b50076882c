"""Somebody else's policy: what a named account would be allowed, as if it had just signed in.

A question names its subject, action and resource in words that may mean nothing
here: an unknown one is a refusal with its reason, not an error.  A patient is all of
its studies: what reads is allowed on those parts that the subject may reach, what
changes needs every part of every study.

Called by `evaluate_for_others` and `search_for_others`; calls the engine and `resolve`.

Invariants:
- a study, series or instance is allowed exactly when the doors would allow it to the subject itself;
- a purpose that the subject does not hold is refused, whoever claims it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from pacsgate.dicom.query import Query
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.resource import ArchiveName, Level, ResourceKey, TenantScope
from pacsgate.model.subject import Subject, SubjectKind
from pacsgate.model.tenant_archives import TenantArchives
from pacsgate.policy.constraint import Constraint
from pacsgate.policy.engine import Bound
from pacsgate.policy.ir import PATIENT_ID, Compare, Comparison
from pacsgate.ports import Accounts, StudyIndex
from pacsgate.protocols.authzen.entities import Claims, Resource, SubjectName
from pacsgate.services.live_policy import LivePolicy
from pacsgate.services.resolve import NEEDS_EVERY_PART, Answer, Reach, Refusal, Resolver

TREATMENT = "TREAT"
"""PurposeOfUse of HL7 v3 for whoever says nothing else."""

_ROWS = 1000
KINDS = {kind.value: kind for kind in SubjectKind}
ACTIONS = {action.value: action for action in Action}


@dataclass(frozen=True, slots=True)
class OtherSubjects:
    """What others would be allowed."""

    policies: LivePolicy
    resolver: Resolver
    index: StudyIndex
    accounts: Accounts
    archives: TenantArchives
    network_of: Callable[[str | None], str]
    """The zone of a client address."""

    def archive(self, scope: TenantScope, named: ArchiveName | None) -> ArchiveName:
        """The archive that a question is about; nothing says yet that the tenant has it."""
        return self.archives.main(scope) if named is None else named

    def bind(
        self, scope: TenantScope, name: SubjectName, claims: Claims, context: Context, archive: ArchiveName
    ) -> Bound | Refusal:
        """The live policy as it stands for somebody, or why that cannot be asked."""
        kind = KINDS.get(name.type)
        subject = None if kind is None else self.accounts.subject(scope, kind, name.id, context.now)
        if subject is None:
            return self._refused(scope, ReasonCode.UNKNOWN_SUBJECT)
        return self.bind_subject(scope, subject, name.ip_address, claims, context, archive)

    def bind_subject(
        self,
        scope: TenantScope,
        subject: Subject,
        address: str | None,
        claims: Claims,
        context: Context,
        archive: ArchiveName,
    ) -> Bound | Refusal:
        """The same for an account in hand."""
        purpose = claims.purpose or TREATMENT
        if purpose not in {TREATMENT, *subject.attributes.get("purposes", ())}:
            return self._refused(scope, ReasonCode.PURPOSE_NOT_HELD)
        circumstances = replace(
            context,
            client_address=address,
            network=self.network_of(address),
            purpose=purpose,
            reason=claims.reason,
            risk=claims.risk,
            request=None,
        )
        return self.policies.bind_once(scope, subject, circumstances, archive)

    def reach(self, bound: Bound, action: str, resource: Resource) -> Reach | Refusal:
        """The parts of a resource on which somebody may do this, or why there are none."""
        known = ACTIONS.get(action)
        if known is None:
            return Refusal(Answer.FORBIDDEN, (Reason(ReasonCode.UNKNOWN_ACTION),), bound.revision)
        never = bound.could(known)
        if never is not None:
            return Refusal(Answer.FORBIDDEN, never.reasons, never.revision, never.message)
        scope = TenantScope(bound.subject.tenant)
        archive = self.archive(scope, resource.archive)
        if not self.archives.has(scope, archive) or resource.level is None:
            return _not_found(bound)
        if resource.key is not None:
            return self.resolver.reach(scope, archive, resource.key, known, bound)
        return self._reach_patient(scope, archive, resource.id, known, bound)

    def _reach_patient(
        self, scope: TenantScope, archive: ArchiveName, patient: str, action: Action, bound: Bound
    ) -> Reach | Refusal:
        found = [
            self.resolver.reach(scope, archive, ResourceKey(uid), action, bound)
            for uid in self._studies_of(scope, archive, patient, bound)
        ]
        reached = [one for one in found if isinstance(one, Reach)]
        refused = [one for one in found if isinstance(one, Refusal)]
        visible = [one for one in refused if one.answer is not Answer.NOT_FOUND]
        if action in NEEDS_EVERY_PART and refused and (reached or visible):
            return Refusal(Answer.FORBIDDEN, (Reason(ReasonCode.PARTLY_VISIBLE),), bound.revision)
        if not reached:
            return next(iter(visible), _not_found(bound))
        parts = tuple(
            part for one in reached for part in one.parts if patient in part.study.facts["patient_id"]
        )
        reasons = tuple(dict.fromkeys(reason for one in reached for reason in one.reasons))
        return Reach(action, parts, reasons, bound.revision)

    def _studies_of(
        self, scope: TenantScope, archive: ArchiveName, patient: str, bound: Bound
    ) -> Iterator[str]:
        theirs = Constraint(Compare(PATIENT_ID, Comparison.EQ, patient), bound.revision)
        offset, remaining = 0, 1
        while remaining:
            page = self.index.search(scope, archive, Query(Level.STUDY, limit=_ROWS, offset=offset), theirs)
            yield from (match.key.study_instance_uid for match in page.matches)
            offset, remaining = offset + len(page.matches), page.remaining

    def _refused(self, scope: TenantScope, code: ReasonCode) -> Refusal:
        return Refusal(Answer.FORBIDDEN, (Reason(code),), self.policies.current(scope).revision)


def _not_found(bound: Bound) -> Refusal:
    return Refusal(Answer.NOT_FOUND, (Reason(ReasonCode.NOT_FOUND),), bound.revision)
