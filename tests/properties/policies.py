"""Random policies: roles that inherit, permits and forbids, masks and obligations, scopes and windows."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from pacsgate.model.actions import Action
from pacsgate.model.decision import Effect, Revision
from pacsgate.model.mask import NO_MASK, Mask
from pacsgate.model.permission import Permission
from pacsgate.model.role import Assignment, AssignmentScope, Role
from pacsgate.model.strength import Strength
from pacsgate.policy.ir import (
    FILTERS,
    TRUE,
    And,
    Attribute,
    Contains,
    Formula,
)
from pacsgate.policy.language.obligations import STRUCTURAL
from pacsgate.policy.policy import Declaration, Place, Policy, PolicyAssignment, Rule, StrengthRule
from tests.properties.formulas import formula
from tests.properties.vocabulary import (
    ARCHIVES,
    COLLECTION_NAMES,
    DECLARED,
    FILTER_NAMES,
    FROM,
    GROUPS,
    MANY,
    MASKABLE,
    NOW,
    ROLES,
    USERS,
    ZONES,
)

PERMISSIONS = (Permission.AUDIT_READ, Permission.POLICY_PUBLISH, Permission.USER_LIST)
"""No more of them than these, so that a permission that is new makes no other worlds."""


def policy(random: Random, rules: int, *, filters: bool = False) -> Policy:
    roles = _roles(random)
    made = tuple(rule(random, f"r{number:02}", roles, filters=filters) for number in range(rules))
    assignments = tuple(policy_assignment(random) for _ in range(random.choice((0, 1, 2))))
    timezone = random.choice(ZONES)
    proofs = aside(random)
    return Policy(
        revision=Revision("0" * 12),
        roles=roles,
        rules=tuple(with_step_up(proofs, each) for each in made),
        assignments=assignments,
        authentication=tuple(strength_rule(proofs) for _ in range(proofs.choice((0, 0, 0, 1, 2)))),
        declarations={str(about): declaration(about) for about in DECLARED},
        role_places={name: Place("policy.yaml", 0) for name in ROLES},
        timezone=timezone,
    )


def aside(random: Random) -> Random:
    """Chance of its own, so that what is drawn from it makes no other worlds of all the rest."""
    state = random.getstate()[1]
    return Random(f"{state[0]} {state[-1]}")  # noqa: S311 - worlds, not secrets


def _roles(random: Random) -> dict[str, Role]:
    """Roles of which some have all that an earlier one has."""
    found: dict[str, Role] = {}
    for name in ROLES:
        heir_of = random.choice((None, None, *found.values()))
        role = Role(
            name,
            may=some(random, tuple(Action), at_most=10, at_least=4),
            permissions=some(random, PERMISSIONS, at_most=2),
            owner="chief",
        )
        found[name] = role if heir_of is None else _heir(role, heir_of)
    return found


def _heir(role: Role, of: Role) -> Role:
    return replace(
        role,
        may=role.may | of.may,
        permissions=role.permissions | of.permissions,
        extends=of.extends | {of.name},
    )


def declaration(about: Attribute) -> Declaration:
    path = (FROM[str(about)][1],) if str(about) in FROM else ()
    return Declaration(about, Place("policy.yaml", 0), path, many=str(about) in MANY)


def rule(random: Random, rule_id: str, roles: Mapping[str, Role], *, filters: bool = False) -> Rule:
    permit = random.random() < 0.84
    condition = _condition(random, permit=permit)
    if filters and random.random() < 0.2:
        condition = And((condition, Contains(FILTERS, random.choice(FILTER_NAMES))))
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
        condition=condition,
        roles=named if permit or random.random() < 0.5 else frozenset(),
        groups=some(random, GROUPS, at_most=1) if random.random() < 0.15 else frozenset(),
        users=some(random, USERS, at_most=2) if random.random() < 0.15 else frozenset(),
        archives=some(random, ARCHIVES, at_most=1) if random.random() < 0.15 else frozenset(),
        actions=actions if random.random() < 0.5 else None,
        message=None if permit else random.choice((None, f"see {rule_id}")),
        mask=mask(random) if permit and random.random() < 0.4 else NO_MASK,
        unsupported=("deidentify",) if permit and random.random() < 0.08 else (),
        needs_reason=permit and random.random() < 0.12,
        break_glass=not permit and random.random() < 0.1,
    )


def with_step_up(random: Random, rule: Rule) -> Rule:
    asks = rule.effect is Effect.PERMIT and random.random() < 0.1
    return replace(rule, step_up=strength(random)) if asks else rule


def strength(random: Random) -> Strength:
    return Strength(
        random.choice((1, 2, 2, 3)), random.choice((None, timedelta(minutes=5), timedelta(hours=1)))
    )


def strength_rule(random: Random) -> StrengthRule:
    """Some rule about strength; most name somebody."""
    return StrengthRule(
        place=Place("policy.yaml", 0),
        strength=strength(random),
        roles=some(random, ROLES, at_most=1, at_least=random.choice((0, 1))),
        groups=some(random, GROUPS, at_most=1) if random.random() < 0.3 else frozenset(),
        networks=frozenset({"external"}) if random.random() < 0.5 else frozenset(),
        actions=some(random, tuple(Action), at_most=4, at_least=1) if random.random() < 0.6 else frozenset(),
        permissions=some(random, PERMISSIONS, at_most=1) if random.random() < 0.2 else frozenset(),
    )


def _condition(random: Random, *, permit: bool) -> Formula:
    if random.random() < (0.3 if permit else 0.05):
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


def some(random: Random, names: tuple[Any, ...], *, at_most: int, at_least: int = 0) -> frozenset[Any]:
    """A random subset; smaller than `at_least` only where there are not enough names."""
    most = min(at_most, len(names))
    return frozenset(random.sample(names, random.randint(min(at_least, most), most)))
