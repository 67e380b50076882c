"""Small random hospitals: a policy, a subject, some grants, and studies with what is known of them.

A world is made from a seed and two sizes, so that a run can be repeated, a
database can be filled with many of them, and hypothesis can still shrink what
matters.  Values come from tiny pools, so that comparisons come out both ways
and edges (a validity that ends at this very second) are hit often.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import strategies as st

from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Effect, Revision
from pacsgate.model.grant import Grant, GranteeKind, GrantTarget
from pacsgate.model.mask import NO_MASK, Mask
from pacsgate.model.permission import Permission
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName
from pacsgate.model.role import Assignment, AssignmentScope, Role
from pacsgate.model.subject import Attributes, Credential, Scalar, Subject
from pacsgate.policy.environment import (
    BUILT_INS,
    CREDENTIAL,
    HOUR,
    NETWORK,
    PURPOSE,
    USER_GROUPS,
    USER_KIND,
    USER_NAME,
    WEEKDAY,
)
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import (
    COLLECTIONS,
    FALSE,
    PATIENT_ID,
    SERIES_UID,
    STUDY_UID,
    TRUE,
    And,
    Attribute,
    Compare,
    Comparison,
    Contains,
    Formula,
    Has,
    Like,
    Not,
    OneOf,
    Or,
    Scope,
    ValueType,
)
from pacsgate.policy.language.obligations import STRUCTURAL
from pacsgate.policy.policy import Declaration, Place, Policy, PolicyAssignment, Rule

NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
ARCHIVES = (ArchiveName("main"), ArchiveName("research"))
ROLES = ("radiologist", "student", "auditor")
GROUPS = ("radiology", "teaching")
USERS = ("ann", "bob")
COLLECTION_NAMES = ("TEACH", "TRIAL")
STUDY_UIDS = ("1.2.1", "1.2.2", "1.2.3", "1.2.4")
SERIES_UIDS = ("1.2.9.1", "1.2.9.2", "1.2.9.3")
PATIENT_IDS = ("P1", "site|P1", "P2")
MASKABLE = ("PatientName", "PatientBirthDate", "AccessionNumber", "StudyDescription")
WORDS = ("CT-A", "MR-B", "CT", "ct-a", "", "naïve_%*?", "VIP")
PATTERNS = ("CT*", "*-A", "*", "C*-*", "CT-A", "*a*v*", "?T-A", "C[T]*", "%", "*_%*")
NUMBERS: tuple[int | float, ...] = (-1, 0, 2, 2.5, 3, 10)
DATES = ("19991231", "20260101", "20260310")

_FROM: Mapping[str, tuple[ValueType, str]] = {
    "study.department": (ValueType.STRING, "00081040"),
    "study.weight": (ValueType.NUMBER, "00101030"),
    "study.date": (ValueType.DATE, "00080020"),
    "study.burned": (ValueType.BOOLEAN, "00280301"),
    "study.sites": (ValueType.SET, "00080080"),
    "series.protocol": (ValueType.STRING, "00181030"),
    "series.number": (ValueType.NUMBER, "00200011"),
    "series.parts": (ValueType.SET, "00180015"),
}
KEYWORDS = {
    "00081040": "InstitutionalDepartmentName",
    "00101030": "PatientWeight",
    "00080020": "StudyDate",
    "00280301": "BurnedInAnnotation",
    "00080080": "InstitutionName",
    "00181030": "ProtocolName",
    "00200011": "SeriesNumber",
    "00180015": "BodyPartExamined",
}
_OF_THE_USER = {
    "user.site": ValueType.STRING,
    "user.sites": ValueType.SET,
    "user.clearance": ValueType.NUMBER,
    "user.since": ValueType.DATE,
    "user.trusted": ValueType.BOOLEAN,
}


def attribute(name: str, value_type: ValueType) -> Attribute:
    scope, _, short = name.partition(".")
    return Attribute(Scope(scope), short, value_type)


DECLARED = tuple(
    [attribute(name, value_type) for name, (value_type, _) in _FROM.items()]
    + [attribute(name, value_type) for name, value_type in _OF_THE_USER.items()]
)
VOCABULARY = (*BUILT_INS, *DECLARED)
RESOURCE_ATTRIBUTES = tuple(a for a in VOCABULARY if a.scope in (Scope.STUDY, Scope.SERIES))
BINDABLE_ATTRIBUTES = tuple(a for a in VOCABULARY if a.scope in (Scope.USER, Scope.ENV))

POOLS: Mapping[Attribute, tuple[Scalar, ...]] = {
    STUDY_UID: STUDY_UIDS,
    SERIES_UID: SERIES_UIDS,
    PATIENT_ID: PATIENT_IDS,
    NETWORK: ("internal", "external"),
    PURPOSE: ("TREAT", "HRESCH"),
    COLLECTIONS: COLLECTION_NAMES,
    USER_NAME: USERS,
    USER_GROUPS: GROUPS,
    USER_KIND: ("user", "device"),
    CREDENTIAL: tuple(credential.value for credential in Credential),
    WEEKDAY: ("mon", "tue", "sun"),
    HOUR: (8, 9, 10),
}
_POOLS_BY_TYPE: Mapping[ValueType, tuple[Scalar, ...]] = {
    ValueType.STRING: WORDS,
    ValueType.SET: (*WORDS, *COLLECTION_NAMES),
    ValueType.NUMBER: NUMBERS,
    ValueType.DATE: DATES,
    ValueType.BOOLEAN: (True, False),
}


def pool(of: Attribute) -> tuple[Scalar, ...]:
    return POOLS.get(of, _POOLS_BY_TYPE[of.type])


@dataclass(frozen=True, slots=True)
class WorldStudy:
    """One study with the facts of each of its series."""

    facts: Attributes
    series: tuple[Attributes, ...]

    @property
    def resources(self) -> tuple[ResourceFacts, ...]:
        return tuple(ResourceFacts(self.facts, series) for series in self.series)


@dataclass(frozen=True, slots=True)
class World:
    """A hospital at one instant, seen by one subject, and one question that it asks."""

    policy: Policy
    subject: Subject
    context: Context
    archive: ArchiveName
    grants: tuple[Grant, ...]
    studies: tuple[WorldStudy, ...]
    action: Action
    keys: frozenset[str]

    @property
    def resources(self) -> tuple[ResourceFacts, ...]:
        return tuple(facts for study in self.studies for facts in study.resources)


def worlds(*, max_rules: int = 8, max_studies: int = 4) -> st.SearchStrategy[World]:
    return st.builds(
        world,
        st.integers(0, 2**32 - 1),
        rules=st.integers(1, max_rules),
        studies=st.integers(1, max_studies),
    )


def formulas(depth: int = 3, *, bound: bool = False) -> st.SearchStrategy[Formula]:
    return st.integers(0, 2**32 - 1).map(lambda seed: formula(seeded(seed), depth, bound=bound))


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - worlds, not secrets


def world(seed: int, *, rules: int = 5, studies: int = 3) -> World:
    """The world of this seed; equal arguments make equal worlds."""
    random = seeded(seed)
    return World(
        policy=policy(random, rules),
        subject=subject(random),
        context=Context(
            now=NOW,
            request_id="r",
            network=random.choice(("internal", "external")),
            purpose=random.choice(("TREAT", "HRESCH")),
        ),
        archive=random.choice(ARCHIVES),
        grants=tuple(grant(random, number) for number in range(random.choice((0, 0, 2, 5)))),
        studies=studies_of(random, studies),
        action=random.choice((*Action, Action.SEARCH, Action.VIEW, Action.VIEW, Action.EXPORT)),
        keys=some(random, MASKABLE, at_most=2) if random.random() < 0.5 else frozenset(),
    )


# ------------------------------------------------------------------ formulas


def formula(random: Random, depth: int = 3, *, bound: bool = False) -> Formula:
    """A well-typed formula; a bound one names studies and series only and no attribute as operand."""
    kind = random.choices(("atom", "and", "or", "not", "const"), (5, 2, 2, 2, 0.1))[0] if depth else "atom"
    match kind:
        case "and":
            return And(
                tuple(formula(random, depth - 1, bound=bound) for _ in range(random.choice((2, 2, 3))))
            )
        case "or":
            return Or(tuple(formula(random, depth - 1, bound=bound) for _ in range(random.choice((2, 2, 3)))))
        case "not":
            return Not(formula(random, depth - 1, bound=bound))
        case "const":
            return random.choice((TRUE, FALSE))
        case _:
            return atom(random, bound=bound)


def atom(random: Random, *, bound: bool = False) -> Formula:
    about = random.choice(RESOURCE_ATTRIBUTES if bound or random.random() < 0.8 else BINDABLE_ATTRIBUTES)
    with_operand = not bound and random.random() < 0.4
    of_resource = about.scope in (Scope.STUDY, Scope.SERIES)
    if random.random() < 0.1:
        return Has(about)
    if about.type is ValueType.SET:
        if with_operand and (elements := operands(ValueType.STRING)):
            return Contains(about, random.choice(elements))
        return Contains(about, str(random.choice(pool(about))))
    if about.type is ValueType.STRING and random.random() < 0.45:
        if with_operand and of_resource:
            return OneOf(about, random.choice(operands(ValueType.SET)))
        if random.random() < 0.5:
            return Like(about, random.choice(PATTERNS))
    if random.random() < 0.25:
        return OneOf(about, frozenset(random.choices(pool(about), k=random.choice((1, 2, 3)))))
    return Compare(
        about,
        random.choice(comparisons(about.type)),
        random.choice(operands(about.type)) if with_operand else random.choice(pool(about)),
    )


def comparisons(value_type: ValueType) -> tuple[Comparison, ...]:
    ordered = value_type in (ValueType.NUMBER, ValueType.DATE)
    return tuple(Comparison) if ordered else (Comparison.EQ, Comparison.NE)


def operands(value_type: ValueType) -> tuple[Attribute, ...]:
    return tuple(a for a in BINDABLE_ATTRIBUTES if a.type is value_type)


# ------------------------------------------------------------------ policies


def policy(random: Random, rules: int) -> Policy:
    roles = {
        name: Role(
            name,
            may=some(random, tuple(Action), at_most=10, at_least=4),
            permissions=some(random, tuple(Permission), at_most=2),
            owner="chief",
        )
        for name in ROLES
    }
    return Policy(
        revision=Revision("0" * 12),
        roles=roles,
        rules=tuple(rule(random, f"r{number:02}", roles) for number in range(rules)),
        assignments=tuple(policy_assignment(random) for _ in range(random.choice((0, 1, 2)))),
        declarations={str(about): declaration(about) for about in DECLARED},
        role_places={name: Place("policy.yaml", 0) for name in ROLES},
    )


def declaration(about: Attribute) -> Declaration:
    path = (_FROM[str(about)][1],) if str(about) in _FROM else ()
    return Declaration(about, Place("policy.yaml", 0), path)


def rule(random: Random, rule_id: str, roles: Mapping[str, Role]) -> Rule:
    permit = random.random() < 0.78
    named = some(random, ROLES, at_most=2, at_least=1 if permit else 0)
    if permit:
        common = frozenset(Action).intersection(*(roles[name].may for name in named))
        actions = some(random, tuple(sorted(common)), at_most=10, at_least=3) or None
    else:
        actions = some(random, tuple(Action), at_most=6, at_least=2)
    return Rule(
        rule_id=rule_id,
        effect=Effect.PERMIT if permit else Effect.FORBID,
        place=Place("policy.yaml", 0),
        condition=_condition(random, permit=permit),
        roles=named if permit or random.random() < 0.5 else frozenset(),
        groups=some(random, GROUPS, at_most=1) if random.random() < 0.15 else frozenset(),
        users=some(random, USERS, at_most=2) if random.random() < 0.15 else frozenset(),
        archives=some(random, ARCHIVES, at_most=1) if random.random() < 0.15 else frozenset(),
        actions=actions if random.random() < 0.5 else None,
        message=None if permit else random.choice((None, f"see {rule_id}")),
        mask=mask(random) if permit and random.random() < 0.4 else NO_MASK,
        unsupported=("step-up",) if permit and random.random() < 0.08 else (),
    )


def _condition(random: Random, *, permit: bool) -> Formula:
    if random.random() < (0.2 if permit else 0.05):
        return TRUE
    return formula(random, random.choice((0, 1, 2, 3) if permit else (0, 1)))


def mask(random: Random) -> Mask:
    named = some(random, MASKABLE, at_most=3, at_least=1)
    return Mask(named | STRUCTURAL, all_but=True) if random.random() < 0.4 else Mask(named)


def policy_assignment(random: Random) -> PolicyAssignment:
    users = some(random, USERS, at_most=1)
    groups = some(random, GROUPS, at_most=1, at_least=0 if users else 1)
    return PolicyAssignment(users, groups, assignment(random), Place("policy.yaml", 0))


def assignment(random: Random) -> Assignment:
    starts = random.choice((NOW, NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)))
    until = random.choice((NOW, NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)))
    window = random.choices(("open", "from", "until", "both"), (80, 8, 8, 4))[0]
    if window == "both" and starts >= until:
        window = "from"
    return Assignment(
        role=random.choice(ROLES),
        scope=AssignmentScope(
            archive=random.choice((None, None, None, *ARCHIVES)),
            collection=random.choice((None, None, None, *COLLECTION_NAMES)),
        ),
        starts=starts if window in ("from", "both") else None,
        until=until if window in ("until", "both") else None,
    )


# ------------------------------------------------------------------ who asks, and what there is


def subject(random: Random) -> Subject:
    own = [about for about in BINDABLE_ATTRIBUTES if str(about) in _OF_THE_USER]
    return Subject(
        tenant=DEFAULT_TENANT,
        name=random.choice(USERS),
        assignments=tuple(assignment(random) for _ in range(random.choice((1, 2, 3)))),
        groups=some(random, GROUPS, at_most=2),
        attributes=facts(random, own),
        credential=random.choice(tuple(Credential)),
        token_actions=some(random, tuple(Action), at_most=10, at_least=5) if random.random() < 0.15 else None,
    )


def grant(random: Random, number: int) -> Grant:
    kind, names = random.choice(
        ((GranteeKind.USER, USERS), (GranteeKind.GROUP, GROUPS), (GranteeKind.ROLE, ROLES))
    )
    target, targets = random.choice(
        (
            (GrantTarget.PATIENT, PATIENT_IDS),
            (GrantTarget.STUDY, STUDY_UIDS),
            (GrantTarget.SERIES, SERIES_UIDS),
            (GrantTarget.COLLECTION, COLLECTION_NAMES),
        )
    )
    return Grant(
        grant_id=f"g{number}",
        grantee_kind=kind,
        grantee=random.choice(names),
        target=target,
        target_id=random.choice(targets),
        actions=some(random, tuple(Action), at_most=10, at_least=5),
        granted_by="ann",
        granted_at=NOW - timedelta(days=1),
        expires=random.choice((None, None, NOW, NOW + timedelta(seconds=1), NOW - timedelta(seconds=1))),
    )


def studies_of(random: Random, count: int) -> tuple[WorldStudy, ...]:
    """Studies of which some are alike but for one attribute."""
    found: list[WorldStudy] = []
    for number in range(count):
        uid = STUDY_UIDS[number % len(STUDY_UIDS)]
        alike = random.choice(found) if found and random.random() < 0.4 else None
        found.append(study(random, uid) if alike is None else nearly(random, alike, uid))
    return tuple(found)


def study(random: Random, uid: str) -> WorldStudy:
    about = [a for a in RESOURCE_ATTRIBUTES if a.scope is Scope.STUDY]
    count = random.choice((1, 1, 2, 3))
    return WorldStudy(
        {
            **facts(random, about),
            "uid": frozenset({uid}),
            "patient_id": frozenset({random.choice(PATIENT_IDS)}),
        },
        tuple(series(random, uid) for uid in SERIES_UIDS[:count]),
    )


def nearly(random: Random, model: WorldStudy, uid: str) -> WorldStudy:
    """The same study under another UID, with one of its attributes told anew."""
    about = random.choice([a for a in RESOURCE_ATTRIBUTES if a.scope is Scope.STUDY])
    others = {name: values for name, values in model.facts.items() if name != about.name}
    kept = {"uid": frozenset({uid}), "patient_id": model.facts["patient_id"]}
    return WorldStudy({**others, **facts(random, [about]), **kept}, model.series)


def series(random: Random, uid: str) -> Attributes:
    about = [a for a in RESOURCE_ATTRIBUTES if a.scope is Scope.SERIES]
    return {**facts(random, about), "uid": frozenset({uid})}


def facts(random: Random, about: list[Attribute]) -> Attributes:
    """Values for attributes: mostly one, sometimes several that disagree, sometimes none or no name."""
    held: dict[str, frozenset[Scalar]] = {}
    for each in about:
        if random.random() < 0.08:
            continue
        if each.type is ValueType.SET:
            held[each.name] = some(random, pool(each), at_most=3)
        else:
            held[each.name] = some(
                random, pool(each), at_most=random.choices((1, 2, 0), (86, 8, 6))[0], at_least=1
            )
    return held


def some(random: Random, names: tuple[Any, ...], *, at_most: int, at_least: int = 0) -> frozenset[Any]:
    """A random subset; smaller than `at_least` only where there are not enough names."""
    most = min(at_most, len(names))
    return frozenset(random.sample(names, random.randint(min(at_least, most), most)))
