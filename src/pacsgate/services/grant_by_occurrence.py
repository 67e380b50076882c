"""What happens gives and takes permissions, by the `grant_rules` of the policy.

The live policy's rules are asked what applies to the study that arrived, the series, the procedure
step or the message; what they give is given in the name of who stored or sent it, and says of what
it came.  A rule sees what the object says (with what its order adds), what the index knows of
the study already, who stored or sent it with its roles, and the message.

Called by whatever stores or receives, as one of `ports.Occurrences`; calls `study_permissions`.

Invariants:
- a failure grants nothing, is on record, and never reaches the caller;
- what a procedure step or a message brings counts only from a subject that holds `GrantByOrder`;
- a rule without a study or patient to give on gives nothing, and that is on record.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset

from pacsgate.audit.events import AuditEvent, EventKind, Outcome, StudyObject
from pacsgate.dicom.json_model import to_json
from pacsgate.dicom.reading import UNREADABLE
from pacsgate.dicom.summary import DicomJson
from pacsgate.model.context import Context
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import PacsgateError, RequestError
from pacsgate.model.grant import GrantTarget
from pacsgate.model.permission import Permission
from pacsgate.model.resource import patient_key
from pacsgate.model.subject import Attributes, Values
from pacsgate.policy.engine import Bound
from pacsgate.policy.environment import environment_attributes, user_attributes
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.grant_rules import (
    USER_ROLES,
    applying,
    as_rules,
    facts_of_header,
    message_attributes,
)
from pacsgate.policy.ir import ORIGIN, PATIENT_ID, STUDY_UID
from pacsgate.policy.origin import origin_facts
from pacsgate.policy.policy import GrantRule
from pacsgate.ports import StudyIndex, Trail
from pacsgate.ports.occurrences import Occurrence
from pacsgate.protocols.hl7.facts import message_facts
from pacsgate.protocols.hl7.message import read_message
from pacsgate.services.administration import Change
from pacsgate.services.live_policy import LivePolicy
from pacsgate.services.record import Circumstances, actor_of
from pacsgate.services.study_permissions import Grantee, StudyPermissionAdministration, Target

_PATIENT_ID, _ISSUER = "00100020", "00100021"


@dataclass(frozen=True, slots=True)
class GrantByOccurrence:
    """The listener that asks the policy's grant rules."""

    permissions: Callable[[], StudyPermissionAdministration]
    policies: LivePolicy
    index: StudyIndex
    trail: Trail

    def happened(self, occurrence: Occurrence) -> None:
        """Do what the rules say."""
        if not any(
            occurrence.kind in rule.on for rule in self.policies.current(occurrence.scope).grant_rules
        ):
            return
        context = Context(occurrence.at, occurrence.source, calling_ae_title=occurrence.calling_ae_title)
        bound = self.policies.bind_once(occurrence.scope, occurrence.subject, context, occurrence.archive)
        if occurrence.kind.is_claim and Permission.GRANT_BY_ORDER not in bound.permissions:
            self._deny(occurrence, bound)
            return
        try:
            message = {} if occurrence.message is None else message_facts(read_message(occurrence.message))
            header = {} if occurrence.data_set is None else _header(occurrence.data_set)
            facts = self._facts(occurrence, bound, header)
            rules = list(
                applying(
                    bound.policy,
                    occurrence.kind,
                    facts,
                    {
                        **user_attributes(occurrence.subject),
                        USER_ROLES.name: frozenset(bound.roles),
                    },
                    {
                        **environment_attributes(occurrence.subject, context, as_rules(bound.policy)),
                        **message_attributes(message),
                    },
                )
            )
        except PacsgateError as failed:
            self.trail.record(failure(occurrence, {"why": failed.public}))
            return
        for rule in rules:
            self._carry_out(rule, occurrence, bound, _targets(rule, occurrence, header, message))

    def _facts(self, occurrence: Occurrence, bound: Bound, header: DicomJson) -> ResourceFacts:
        """What the object says, and beside it what the index knows of the study, if it is one patient's."""
        uid = occurrence.study_instance_uid
        known = () if uid is None else self.index.studies(occurrence.scope, occurrence.archive, uid)
        held = known[0].facts if len(known) == 1 else {}
        origin: Attributes = {each.name: held[each.name] for each in ORIGIN if each.name in held}
        if not known and not occurrence.kind.is_claim:
            origin = origin_facts(occurrence.subject.name, bound.context)
        found = facts_of_header(bound.policy, header, origin)
        study = {**held, **found.study}
        if uid is not None:
            study[STUDY_UID.name] = frozenset({uid})
        if patients := _patients(header):
            study[PATIENT_ID.name] = patients
        return ResourceFacts(study, found.series)

    def _carry_out(
        self, rule: GrantRule, occurrence: Occurrence, bound: Bound, targets: Sequence[Target]
    ) -> None:
        change = Change(
            occurrence.scope,
            actor_of(occurrence.subject, bound.context, bound.roles),
            occurrence.at,
            bound.context.request_id,
        )
        origin = f"rule {rule.rule_id}: {occurrence.kind} {occurrence.source}"
        if not targets:
            self.trail.record(failure(occurrence, {"rule": rule.rule_id, "why": f"it names no {rule.to}"}))
        for target in targets:
            for grantee in rule.grantees:
                try:
                    self._give_or_take(rule, change, grantee, target, origin)
                except PacsgateError as failed:
                    details = {"rule": rule.rule_id, "to": ":".join(grantee), "why": failed.public}
                    self.trail.record(failure(occurrence, details))

    def _give_or_take(
        self,
        rule: GrantRule,
        change: Change,
        grantee: Grantee,
        target: Target,
        origin: str,
    ) -> None:
        permissions = self.permissions()
        if rule.takes_back:
            permissions.revoke(change, grantee=grantee, target=target, actions=rule.actions, origin=origin)
            return
        permissions.grant(
            change,
            grantee=grantee,
            target=target,
            actions=rule.actions,
            origin=origin,
            expires=None if rule.lasting is None else change.at + rule.lasting,
        )

    def _deny(self, occurrence: Occurrence, bound: Bound) -> None:
        circumstances = Circumstances(
            bound.context,
            actor_of(occurrence.subject, bound.context, bound.roles),
            occurrence.scope.tenant,
            occurrence.archive,
            bound.revision,
        )
        details = {
            "permission": Permission.GRANT_BY_ORDER.value,
            "occurrence": occurrence.kind.value,
            "source": occurrence.source,
        }
        self.trail.record(circumstances.denial((Reason(ReasonCode.NO_PERMISSION),), details=details))


def failure(occurrence: Occurrence, details: dict[str, str]) -> AuditEvent:
    """The event of something that happened and gave nothing, though it should have."""
    study = occurrence.study_instance_uid
    return AuditEvent(
        EventKind.OBJECT_ACCESS_CHANGED,
        occurrence.at,
        actor_of(occurrence.subject, Context(occurrence.at, occurrence.source)),
        outcome=Outcome.SERIOUS,
        tenant=occurrence.scope.tenant,
        archive=occurrence.archive,
        study=None if study is None else StudyObject(study),
        details={
            "change": "nothing granted",
            "occurrence": occurrence.kind.value,
            "source": occurrence.source,
            **details,
        },
    )


def _header(data_set: Dataset) -> DicomJson:
    """The data set of what happened as the index would have it.  Raises `RequestError`."""
    try:
        return to_json(data_set, lambda _place: "")
    except UNREADABLE:
        raise RequestError("the data set cannot be read") from None


def _targets(rule: GrantRule, occurrence: Occurrence, header: DicomJson, message: Attributes) -> list[Target]:
    """What the rule gives on: the study or the patient, as the gate knows it or else as the message says."""
    uid = occurrence.study_instance_uid
    uids: Values = message.get("study_uid", frozenset()) if uid is None else frozenset({uid})
    studies = [(GrantTarget.STUDY, each) for each in sorted(map(str, uids))]
    if rule.to is GrantTarget.STUDY:
        return studies
    patients: Values = _patients(header) or message.get("patient_id", frozenset())
    of_patient = [(GrantTarget.PATIENT, each) for each in sorted(map(str, patients))]
    # A study that is just arriving is not yet among those that its patient has.
    return [*of_patient, *(studies if of_patient and rule.lasting is None and header else ())]


def _patients(header: DicomJson) -> Values:
    """The patient that a header names, as grants spell it."""
    name, issuer = (
        "\\".join(map(str, header.get(tag, {}).get("Value", ()))).strip() for tag in (_PATIENT_ID, _ISSUER)
    )
    return frozenset({patient_key(name, issuer)} if name else ())
