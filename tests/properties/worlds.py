"""Small random hospitals: a policy, a subject, some grants, and studies with what is known of them.

A world is made from a seed and two sizes, so that a run can be repeated, a
database can be filled with many of them, and hypothesis can still shrink what
matters.  Values come from tiny pools, so that comparisons come out both ways
and edges (a validity that ends at this very second) are hit often.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from hypothesis import strategies as st

from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.grant import Grant, GranteeKind, GrantTarget
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName
from pacsgate.model.study_permission import Holding, grant_of
from pacsgate.model.subject import Attributes, Credential, Scalar, Subject
from pacsgate.policy.environment import (
    RISK,
)
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import (
    Attribute,
    Scope,
    ValueType,
)
from pacsgate.policy.policy import Policy
from pacsgate.stores.study_row import permitted_facts
from tests.properties.formulas import seeded
from tests.properties.policies import aside, assignment, policy, some
from tests.properties.vocabulary import (
    AE_TITLES,
    ARCHIVES,
    BINDABLE_ATTRIBUTES,
    COLLECTION_NAMES,
    GROUPS,
    HOLDINGS,
    MASKABLE,
    NOW,
    OF_THE_USER,
    PATIENT_IDS,
    PERMITTED_ACTIONS,
    POOLS,
    REQUESTS,
    RESOURCE_ATTRIBUTES,
    ROLES,
    SERIES_UIDS,
    SITE_ZONES,
    STUDY_UIDS,
    USERS,
    WORDS,
    pool,
)


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


def world(seed: int, *, rules: int = 5, studies: int = 3, filters: bool = False) -> World:
    """The world of this seed; equal arguments make equal worlds.

    With `filters`, rules also ask which instance filters a part of a series matches, as no written policy can.
    """
    random = seeded(seed)
    return World(
        policy=policy(random, rules, filters=filters),
        subject=subject(random),
        context=context(random),
        archive=random.choice(ARCHIVES),
        grants=some_grants(random),
        studies=studies_of(random, studies),
        action=some_action(random),
        keys=some(random, MASKABLE, at_most=2) if random.random() < 0.5 else frozenset(),
    )


def crowd(seed: int, *, rules: int = 5, people: int = 4) -> Iterator[World]:
    """The world of this seed, and then the same with another subject, circumstances, archive, grants or action."""
    last = world(seed, rules=rules, studies=2)
    random = seeded(seed + 1)
    yield last
    for _ in range(people - 1):
        otherwise = random.choice(
            (
                {"subject": subject(random)},
                {"subject": replace(last.subject, assignments=(assignment(random), assignment(random)))},
                {"subject": replace(last.subject, attributes=subject(random).attributes)},
                {"context": context(random)},
                {"archive": random.choice(ARCHIVES)},
                {"grants": some_grants(random)},
                {"action": some_action(random)},
            )
        )
        last = replace(last, **otherwise)
        yield last


# ------------------------------------------------------------------ who asks, and what there is


def subject(random: Random) -> Subject:
    own = [about for about in BINDABLE_ATTRIBUTES if str(about) in OF_THE_USER]
    drawn = Subject(
        tenant=DEFAULT_TENANT,
        name=random.choice(USERS),
        assignments=tuple(assignment(random) for _ in range(random.choice((1, 2, 3)))),
        groups=some(random, GROUPS, at_most=2),
        attributes=facts(random, own),
        credential=random.choice(tuple(Credential)),
        authenticated_at=random.choice((None, *(NOW - timedelta(seconds=s) for s in (299, 300, 301)))),
        assurance_level=random.choice((1, 2, 3)),
        token_actions=some(random, tuple(Action), at_most=10, at_least=5) if random.random() < 0.15 else None,
    )
    apart = aside(random)
    return _as_vouched_for(apart, _as_proven(apart, drawn))


def _as_proven(random: Random, subject: Subject) -> Subject:
    """The subject with a second factor that it has proven, or owes."""
    ages = (299, 300, 301, 3599, 3600)
    proven = random.choice((None, *(NOW - timedelta(seconds=seconds) for seconds in ages)))
    owes = subject.assurance_level == 1 and random.random() < 0.05
    return replace(subject, second_factor_at=proven, owes_factor=owes)


def _as_vouched_for(random: Random, subject: Subject) -> Subject:
    """The subject with what its source may bring at most, and the patient that its token is bound to."""
    return replace(
        subject,
        role_ceiling=some(random, ROLES, at_most=2) if random.random() < 0.08 else None,
        token_patient=random.choice(PATIENT_IDS) if random.random() < 0.06 else None,
        zones=random.choice((None, some(random, SITE_ZONES, at_most=2))),
    )


def context(random: Random) -> Context:
    return Context(
        now=NOW,
        request_id="r",
        network=random.choice(("internal", "external")),
        purpose=random.choice(("TREAT", "HRESCH")),
        reason=random.choice((None, "second opinion")),
        risk=random.choice((None, *POOLS[RISK])),
        calling_ae_title=random.choice((None, *AE_TITLES)),
        called_ae_title=random.choice((None, *AE_TITLES)),
        request=random.choice(REQUESTS),
    )


def some_action(random: Random) -> Action:
    return random.choice((*Action, Action.SEARCH, Action.VIEW, Action.VIEW, Action.EXPORT))


def some_grants(random: Random) -> tuple[Grant, ...]:
    return tuple(grant(random, number) for number in range(random.choice((0, 0, 2, 5))))


def grant(random: Random, number: int) -> Grant:
    kind, names = random.choice(
        ((GranteeKind.USER, USERS), (GranteeKind.GROUP, GROUPS), (GranteeKind.ROLE, ROLES))
    )
    grantee = random.choice(names)
    if random.random() < 0.25:
        return grant_of(Holding(random.choice(PERMITTED_ACTIONS), kind, grantee))
    target, targets = random.choice(
        (
            (GrantTarget.PATIENT, PATIENT_IDS),
            (GrantTarget.STUDY, STUDY_UIDS),
            (GrantTarget.SERIES, SERIES_UIDS),
            (GrantTarget.COLLECTION, COLLECTION_NAMES),
        )
    )
    apart = aside(random)
    if apart.random() < 0.3:
        target, targets = GrantTarget.DEPARTMENT, tuple(map(str, WORDS))
    return Grant(
        grant_id=f"g{number}",
        grantee_kind=kind,
        grantee=grantee,
        target=target,
        target_id=random.choice(targets),
        actions=some(random, tuple(Action), at_most=10, at_least=5),
        granted_by="ann",
        granted_at=NOW - timedelta(days=1),
        expires=random.choice((None, None, NOW, NOW + timedelta(seconds=1), NOW - timedelta(seconds=1))),
        archive=apart.choice((None, None, *ARCHIVES)),
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
            **permitted_facts(permissions(random)),
            "uid": frozenset({uid}),
            "patient_id": frozenset({random.choice(PATIENT_IDS)}),
        },
        tuple(series(random, uid) for uid in SERIES_UIDS[:count]),
    )


def permissions(random: Random) -> frozenset[Holding]:
    """The study permissions of one study."""
    return some(random, HOLDINGS, at_most=12) if random.random() < 0.7 else frozenset()


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
