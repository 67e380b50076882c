"""Reads the corpus: YAML files of decision cases become worlds with an expectation each.

A word that the format does not know is an error, and so is a fact that the policy does not know: a case that asks
about a misspelt attribute would prove nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec
from ruamel.yaml import YAML

from pacsgate.model.actions import Action
from pacsgate.model.context import Context, RequestLine
from pacsgate.model.grant import Grant, GranteeKind, GrantTarget
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.model.subject import Attributes, Credential, Scalar, Subject, SubjectKind
from pacsgate.policy.document import load_policy
from pacsgate.policy.environment import BUILT_INS
from pacsgate.policy.instance_query.reading import read_query
from pacsgate.policy.instance_query.tree import query_id
from pacsgate.policy.ir import FILTERS, FILTERS_ASKED, Attribute, Scope, ValueType
from pacsgate.policy.policy import Policy
from tests.properties.worlds import World, WorldStudy

CORPUS = Path(__file__).parent
USUAL_TIME = datetime.fromisoformat("2026-03-10T12:00:00Z")
"""A Tuesday."""

Told = dict[str, Scalar | list[Scalar]]


class Given(msgspec.Struct, forbid_unknown_fields=True, rename={"starts": "from"}):
    """A role given to the subject by the directory."""

    role: str
    pacs: str | None = None
    collection: str | None = None
    starts: datetime | None = None
    until: datetime | None = None


class Who(msgspec.Struct, forbid_unknown_fields=True):
    """The subject."""

    name: str = "somebody"
    roles: list[str] = []
    assignments: list[Given] = []
    groups: list[str] = []
    attributes: Told = {}
    kind: SubjectKind = SubjectKind.USER
    credential: Credential = Credential.PASSWORD
    assurance_level: int = 1
    minutes_since_authentication: int | None = None
    token_actions: list[Action] | None = None


class When(msgspec.Struct, forbid_unknown_fields=True):
    """The circumstances."""

    now: datetime = USUAL_TIME
    network: str = "external"
    purpose: str = "TREAT"
    reason: str | None = None
    risk: float | None = None
    request: str | None = None
    """Method and path."""


class Granted(msgspec.Struct, forbid_unknown_fields=True):
    """A grant: `to` and `on` name one thing each."""

    to: dict[GranteeKind, str]
    on: dict[GrantTarget, str]
    actions: list[Action]
    until: datetime | None = None


class Case(msgspec.Struct, forbid_unknown_fields=True):
    """One question, the answer to it, and why."""

    case: str
    why: str
    action: Action
    expect: Literal["allow", "deny"] | list[str]
    """The answer for every series, or the names of those that are allowed."""
    subject: Who = msgspec.field(default_factory=Who)
    context: When = msgspec.field(default_factory=When)
    archive: str = "main"
    grants: list[Granted] = []
    study: Told = {}
    series: dict[str, Told] = {}
    unread: list[str] = []
    """Attributes for which nobody has looked yet, with their scope; any other that is not told has no value,
    or is a set that nobody knows."""
    because: list[str] = []
    """The reasons, each as code and rule."""
    message: str | None = None
    hides: list[str] = []
    shows: list[str] = []
    keys: list[str] = []
    """What a search matches on."""
    listed: bool | None = None
    """Whether that search may list the study."""
    hopeless: bool | None = None
    """Whether no study whatever would be allowed, so that the answer needs no look at one."""


class Topic(msgspec.Struct, forbid_unknown_fields=True):
    """One file."""

    topic: str
    text: str
    cases: list[Case]
    policy: str | None = None
    sources: dict[str, str] = {}
    """The files of a policy that is not one native document."""


@dataclass(frozen=True)
class Question:
    """A case, ready to be asked."""

    file: str
    case: Case
    world: World

    @property
    def allowed(self) -> tuple[bool, ...]:
        """The expected answer for each series."""
        if isinstance(self.case.expect, str):
            return tuple(self.case.expect == "allow" for _ in self.world.resources)
        assert set(self.case.expect) <= set(self.case.series), self.case.case
        return tuple(name in self.case.expect for name in self.case.series)


def topics() -> Iterator[tuple[str, Topic]]:
    yaml = YAML(typ="safe", pure=True)
    for file in sorted(CORPUS.glob("*.yaml")):
        yield file.name, msgspec.convert(yaml.load(file.read_text("utf-8")), Topic, strict=False)


def questions() -> Iterator[Question]:
    for file, topic in topics():
        policy = load_policy({"policy.yaml": topic.policy} if topic.policy is not None else topic.sources)
        for case in topic.cases:
            yield Question(file, case, _world(policy, case))


def _world(policy: Policy, case: Case) -> World:
    study = _read(policy, Scope.STUDY, {"uid": "1.2.1", "patient_id": "P1", **case.study}, case.unread)
    series = tuple(
        _read(policy, Scope.SERIES, {"uid": f"1.2.1.{number}", **told}, case.unread)
        for number, told in enumerate(case.series.values() or [{}], start=1)
    )
    return World(
        policy=policy,
        subject=_subject(policy, case.subject, case.context.now),
        context=_context(case.context),
        archive=ArchiveName(case.archive),
        grants=tuple(_grant(number, grant) for number, grant in enumerate(case.grants)),
        studies=(WorldStudy(study, series),),
        action=case.action,
        keys=frozenset(case.keys),
    )


def _subject(policy: Policy, who: Who, now: datetime) -> Subject:
    minutes = who.minutes_since_authentication
    return Subject(
        tenant=DEFAULT_TENANT,
        name=who.name,
        kind=who.kind,
        assignments=(*map(Assignment, who.roles), *map(_assignment, who.assignments)),
        groups=frozenset(who.groups),
        attributes=_facts(policy, Scope.USER, who.attributes),
        credential=who.credential,
        assurance_level=who.assurance_level,
        authenticated_at=None if minutes is None else now - timedelta(minutes=minutes),
        token_actions=None if who.token_actions is None else frozenset(who.token_actions),
    )


def _assignment(given: Given) -> Assignment:
    archive = None if given.pacs is None else ArchiveName(given.pacs)
    return Assignment(given.role, AssignmentScope(archive, given.collection), given.starts, given.until)


def _context(when: When) -> Context:
    return Context(
        now=when.now,
        request_id="corpus",
        network=when.network,
        purpose=when.purpose,
        reason=when.reason,
        risk=when.risk,
        request=None if when.request is None else RequestLine(*when.request.split(" ", 1)),
    )


def _grant(number: int, granted: Granted) -> Grant:
    ((kind, grantee),) = granted.to.items()
    ((target, target_id),) = granted.on.items()
    return Grant(
        grant_id=f"grant{number + 1}",
        grantee_kind=kind,
        grantee=grantee,
        target=target,
        target_id=target_id,
        actions=frozenset(granted.actions),
        granted_by="chief",
        granted_at=USUAL_TIME,
        expires=granted.until,
    )


def _read(policy: Policy, scope: Scope, told: Told, unread: list[str]) -> Attributes:
    """The facts of a study or series of which all else has been looked for."""
    known = _known(policy, scope)
    assert {name for name in unread if name.startswith(f"{scope}.")} <= {str(each) for each in known.values()}
    found = {
        each.name: frozenset[Scalar]()
        for each in known.values()
        if each.type is not ValueType.SET and str(each) not in unread
    }
    facts = {**found, **_facts(policy, scope, told)}
    return {FILTERS_ASKED.name: frozenset(policy.filters), **facts} if FILTERS.name in facts else facts


def _facts(policy: Policy, scope: Scope, told: Told) -> Attributes:
    known = _known(policy, scope)
    return {name: frozenset(_values(known[name], value)) for name, value in told.items()}


def _known(policy: Policy, scope: Scope) -> Mapping[str, Attribute]:
    declared = (declaration.attribute for declaration in policy.declarations.values())
    return {each.name: each for each in (*BUILT_INS, FILTERS, *declared) if each.scope is scope}


def _values(attribute: Attribute, told: Any) -> Iterator[Scalar]:
    """A list is a set, or the several values of instances that disagree; digits of a date need no quotes.

    Filters are told by their query, as an author would write it.
    """
    text = attribute.type in (ValueType.STRING, ValueType.SET, ValueType.DATE)
    for value in told if isinstance(told, list) else [told]:
        if attribute == FILTERS:
            yield query_id(read_query(str(value)))
        else:
            yield str(value) if text else value
