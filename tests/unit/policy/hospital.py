"""One small policy, with the people and studies that tests ask about."""

from datetime import UTC, datetime

from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Allow, Decision, Deny
from pacsgate.model.grant import Grant, GranteeKind, GrantTarget
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.model.subject import Scalar, Subject
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import Bound, bind
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.policy import Policy

MAIN = ArchiveName("main")
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
INSIDE = Context(now=NOON, request_id="r1", network="internal")

POLICY = """\
version: 1
attributes:
  study.department: {type: string, from: InstitutionalDepartmentName}
  user.department: {type: string}
  user.clearance: {type: number}
roles:
  radiologist: {may: [search, view, retrieve, export], owner: chief}
  clerk: {may: [search, view], owner: chief}
  student: {may: [search, view], owner: chief}
  auditor: {permissions: [AuditRead], owner: chief}
rules:
  - id: own-department
    effect: permit
    roles: [radiologist]
    actions: [search, view, retrieve]
    when: study.department == user.department
  - id: clerks-search
    effect: permit
    roles: [clerk]
    actions: [search]
    obligations: {mask: [PatientName, PatientBirthDate]}
  - id: students
    effect: permit
    roles: [student]
  - id: vip
    effect: forbid
    when: "'VIP' in study.labels && user.clearance < 3"
    message: This study needs clearance 3.
"""


def policy(text: str = POLICY) -> Policy:
    return load_policy({"policy.yaml": text})


def person(*roles: str, name: str = "ann", groups: tuple[str, ...] = (), **attributes: Scalar) -> Subject:
    return Subject(
        tenant=DEFAULT_TENANT,
        name=name,
        groups=frozenset(groups),
        assignments=tuple(Assignment(role) for role in roles),
        attributes={key: frozenset({value}) for key, value in attributes.items()},
    )


def in_collection(role: str, collection: str) -> Subject:
    given = Assignment(role, AssignmentScope(collection=collection))
    return Subject(tenant=DEFAULT_TENANT, name="ann", assignments=(given,))


def study(
    uid: str = "1.2.3", *, labels: tuple[str, ...] = (), collections: tuple[str, ...] = (), **facts: Scalar
) -> ResourceFacts:
    """The facts of one CT series of a study."""
    held: dict[str, frozenset[Scalar]] = {name: frozenset({value}) for name, value in facts.items()}
    held |= {
        "uid": frozenset({uid}),
        "patient_id": frozenset({"P1"}),
        "labels": frozenset(labels),
        "collections": frozenset(collections),
    }
    return ResourceFacts(held, {"uid": frozenset({f"{uid}.1"}), "modality": frozenset({"CT"})})


def grant(
    *actions: Action,
    to: str = "ann",
    kind: GranteeKind = GranteeKind.USER,
    on: tuple[GrantTarget, str] = (GrantTarget.STUDY, "1.2.3"),
    expires: datetime | None = None,
) -> Grant:
    target, target_id = on
    return Grant("g1", kind, to, target, target_id, frozenset(actions), "boss", NOON, expires)


def asked(subject: Subject, *grants: Grant, text: str = POLICY, context: Context = INSIDE) -> Bound:
    return bind(policy(text), subject, context, MAIN, grants)


def reasons(decision: Decision) -> list[str]:
    return [str(reason) for reason in decision.reasons]


def allowed(decision: Decision) -> bool:
    match decision:
        case Allow():
            return True
        case Deny():
            return False
