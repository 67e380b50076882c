"""What a run of properties has met: worlds that allow everything, or never miss a value, would prove nothing.

A run adds each world and each decision, prints what it met, and fails where something was met too seldom.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pytest

from pacsgate.model.decision import Allow, Decision, Effect
from pacsgate.model.grant import Grant, GranteeKind, GrantTarget
from pacsgate.model.role import Assignment
from pacsgate.model.subject import Values
from pacsgate.policy.ir import (
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
from pacsgate.policy.policy import Rule
from pacsgate.policy.truth import held
from tests.properties.vocabulary import NOW, RESOURCE_ATTRIBUTES, VOCABULARY
from tests.properties.worlds import World

AT_LEAST = 100

NODES = frozenset({"Compare", "OneOf", "Contains", "Like", "Has", "And", "Or", "Not"})
OPERATORS = frozenset(op.value for op in Comparison)
OPERANDS = frozenset({"operand of the user", "operand of the environment"})
NAMED = frozenset(f"names {attribute}" for attribute in VOCABULARY)
HELD = frozenset({"missing value", "missing set", "disagreeing value", "empty set"})
GRANTS = (
    {"grant that ends now"}
    | {f"grant on a {kind}" for kind in GrantTarget}
    | {f"grant to a {kind}" for kind in GranteeKind}
)
FORMULAS = NODES | OPERATORS | OPERANDS | NAMED
RULES = frozenset(
    {
        "forbid",
        "forbid of a role",
        "mask",
        "unusable permit",
        "permit that needs a reason",
        "rule of a group",
        "rule of a user",
        "rule of an archive",
    }
)
SCOPES = frozenset(
    {
        "role of an archive",
        "role of a collection",
        "role that begins",
        "role that ends",
        "role that begins or ends now",
        "narrowed token",
        "role that extends another",
    }
)
REASONS = frozenset(
    {
        *("permitted-by-rule", "permitted-by-grant", "forbidden", "no-permit", "no-role", "token-scope"),
        *("obligation-unsupported", "reason-required", "step-up-required", "masked allow"),
    }
)
EVERYTHING = FORMULAS | HELD | GRANTS | RULES | SCOPES | REASONS


@dataclass
class Coverage:
    """Counts of what was met, by name."""

    met: Counter[str] = field(default_factory=Counter)

    def add_world(self, world: World) -> None:
        """Count what a world is made of; worlds with several questions are added once."""
        self.met.update(_of_world(world))

    def add_decision(self, decision: Decision) -> None:
        """Count one answer."""
        self.met["asked"] += 1
        self.met["allow" if isinstance(decision, Allow) else "deny"] += 1
        if isinstance(decision, Allow) and not decision.mask.hides_nothing:
            self.met["masked allow"] += 1
        self.met.update({reason.code.value for reason in decision.reasons})

    def add_keys(self, decision: Decision) -> None:
        """Count a refusal because of the keys that a query matches on."""
        self.met.update({reason.code.value for reason in decision.reasons} & {"masked-key"})

    def add_formula(self, formula: Formula) -> None:
        """Count the parts of one formula."""
        self.met.update(_parts(formula))

    @property
    def allowed(self) -> float:
        """The share of answers that were yes."""
        return self.met["allow"] / self.met["asked"]

    def require(self, expected: Iterable[str] = EVERYTHING, *, at_least: int = AT_LEAST) -> None:
        """Fail where something was met too seldom, or nearly all answers were alike."""
        seldom = {what: self.met[what] for what in sorted(expected) if self.met[what] < at_least}
        assert not seldom, f"met fewer than {at_least} times: {seldom}"
        assert not self.met["asked"] or 0.2 <= self.allowed <= 0.8, f"{self.allowed:.0%} allowed"

    def show(self, title: str, capsys: pytest.CaptureFixture[str]) -> None:
        """Print what was met, past the capture of the test."""
        with capsys.disabled():
            print(f"\n  {title}:", ", ".join(f"{what} {count}" for what, count in sorted(self.met.items())))


def _of_world(world: World) -> Iterator[str]:
    yield "world"
    for rule in world.policy.rules:
        yield from _of_rule(rule)
    for given in (*world.subject.assignments, *(each.assignment for each in world.policy.assignments)):
        yield from _of_assignment(given)
    if any(world.policy.roles[given.role].extends for given in world.subject.assignments):
        yield "role that extends another"
    if world.subject.token_actions is not None:
        yield "narrowed token"
    if world.subject.role_ceiling is not None:
        yield "source with a ceiling"
    if world.subject.token_patient is not None:
        yield "token of one patient"
    for grant in world.grants:
        yield from _of_grant(grant)
    for facts in world.resources:
        for attribute in RESOURCE_ATTRIBUTES:
            yield from _held(held(attribute, facts), attribute)


def _of_rule(rule: Rule) -> Iterator[str]:
    yield from _parts(rule.condition)
    if rule.effect is Effect.FORBID:
        yield "forbid"
        if rule.roles:
            yield "forbid of a role"
    if not rule.mask.hides_nothing:
        yield "mask"
    if rule.unsupported:
        yield "unusable permit"
    if rule.needs_reason:
        yield "permit that needs a reason"
    for name, named in (("group", rule.groups), ("user", rule.users)):
        if named:
            yield f"rule of a {name}"
    if rule.archives:
        yield "rule of an archive"


def _of_assignment(given: Assignment) -> Iterator[str]:
    if given.scope.archive is not None:
        yield "role of an archive"
    if given.scope.collection is not None:
        yield "role of a collection"
    if given.starts is not None:
        yield "role that begins"
    if given.until is not None:
        yield "role that ends"
    if NOW in {given.starts, given.until}:
        yield "role that begins or ends now"


def _of_grant(grant: Grant) -> Iterator[str]:
    yield f"grant on a {grant.target}"
    yield f"grant to a {grant.grantee_kind}"
    if grant.expires == NOW:
        yield "grant that ends now"


def _held(values: Values | None, attribute: Attribute) -> Iterator[str]:
    if attribute.type is ValueType.SET:
        if values is None:
            yield "missing set"
        elif not values:
            yield "empty set"
    elif not values:
        yield "missing value"
    elif len(values) > 1:
        yield "disagreeing value"


def _parts(formula: Formula) -> Iterator[str]:
    match formula:
        case And(formulas) | Or(formulas):
            yield type(formula).__name__
            for part in formulas:
                yield from _parts(part)
        case Not(inner):
            yield "Not"
            yield from _parts(inner)
        case Compare(attribute, _, operand) | OneOf(attribute, operand) | Contains(attribute, operand):
            yield type(formula).__name__
            yield f"names {attribute}"
            if isinstance(formula, Compare):
                yield formula.op.value
            if isinstance(operand, Attribute):
                yield f"operand of the {'user' if operand.scope is Scope.USER else 'environment'}"
        case Like(attribute) | Has(attribute):
            yield type(formula).__name__
            yield f"names {attribute}"
