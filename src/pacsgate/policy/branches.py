"""What a policy and the grants leave of themselves for one subject and one action.

Each permit, forbid and set of grants that concerns the subject becomes a branch:
a bound formula over the resource, with what it carries.  All other rules fall
away here and cost nothing later.  What a rule becomes depends on little of a subject, so
it is remembered by just that.

Called by `engine`.

Invariants:
- a permit's and a grant's formula contains the role's scope and its ceiling;
- no branch is made for an archive that the rule does not name.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from pacsgate.model.actions import Action
from pacsgate.model.decision import Effect
from pacsgate.model.grant import Grant, GranteeKind, GrantTarget
from pacsgate.model.mask import Mask
from pacsgate.model.resource import ArchiveName
from pacsgate.model.strength import Strength
from pacsgate.model.subject import Attributes, Subject, Values
from pacsgate.policy.binding import all_of, any_of, bind_formula, complement, only_true
from pacsgate.policy.closures import Test, when
from pacsgate.policy.findings import attributes_of
from pacsgate.policy.ir import (
    COLLECTIONS,
    DEPARTMENT,
    FALSE,
    PATIENT_ID,
    PERMITTED,
    PERMITTED_USERS,
    SERIES_UID,
    STUDY_UID,
    TRUE,
    Attribute,
    Contains,
    Formula,
    OneOf,
    Scope,
    Truth,
    ValueType,
)
from pacsgate.policy.policy import Policy, Rule
from pacsgate.policy.standing import Standing

_NAMED_BY: Mapping[GrantTarget, Attribute] = {
    GrantTarget.PATIENT: PATIENT_ID,
    GrantTarget.STUDY: STUDY_UID,
    GrantTarget.SERIES: SERIES_UID,
    GrantTarget.COLLECTION: COLLECTIONS,
    GrantTarget.STUDY_PERMISSION: PERMITTED,
}

_TEXTS = frozenset({ValueType.STRING, ValueType.SET})


def attribute_of(grant: Grant, policy: Policy) -> Attribute | None:
    """The attribute whose value the grant names; `None` if the policy has none."""
    if grant.target is GrantTarget.DEPARTMENT:
        return department_of(policy)
    if grant.target is GrantTarget.STUDY_PERMISSION and grant.grantee_kind is GranteeKind.USER:
        return PERMITTED_USERS
    return _NAMED_BY[grant.target]


def department_of(policy: Policy) -> Attribute | None:
    """The attribute that says the department of a study, if the policy has one of texts."""
    declared = policy.declarations.get(DEPARTMENT)
    return declared.attribute if declared is not None and declared.attribute.type in _TEXTS else None


REASON_REQUIRED = "reason-required"
"""The obligation that is carried out by whoever asks."""
STEP_UP = "step-up"
"""The obligation that is carried out by whoever asks proving who they are."""
REMEMBERED = 20_000
"""Branches remembered of one policy."""


@dataclass(frozen=True, slots=True)
class PermitBranch:
    """A permit that applies where `formula` is `TRUE`; of no use while some obligation is `unsupported`."""

    rule_id: str
    formula: Formula
    mask: Mask
    unsupported: tuple[str, ...]
    lacking: Strength | None
    """What must be proven, where that is `unsupported`."""
    applies: Test = field(compare=False)
    """The formula, ready to be asked."""


@dataclass(frozen=True, slots=True)
class GrantBranch:
    """All grants of one kind under one ceiling; they apply where `formula` is `TRUE`."""

    attribute: Attribute
    grant_ids: Mapping[str, tuple[str, ...]]
    """By the value that the attribute must hold."""
    formula: Formula


@dataclass(frozen=True, slots=True)
class ForbidBranch:
    """A forbid that applies everywhere but where `spared` is `TRUE`."""

    rule_id: str
    spared: Formula
    message: str | None
    spares: Test = field(compare=False)
    """The formula, ready to be asked."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, with everything that rules are matched against."""

    subject: Subject
    standing: Standing
    archive: ArchiveName
    user: Attributes
    env: Attributes
    asked_at: datetime
    gives_reason: bool = False

    def must_prove(self, rule: Rule) -> Strength | None:
        """What the subject must prove before it may use a permit."""
        wanted = rule.step_up
        return None if wanted is None or wanted.is_shown_by(self.subject, self.asked_at) else wanted

    def is_meant_by(self, rule: Rule) -> bool:
        """Whether the rule's groups, users and archives, as far as it names any, include the subject."""
        return (
            (not rule.groups or bool(rule.groups & self.subject.groups))
            and (not rule.users or self.subject.name in rule.users)
            and (not rule.archives or self.archive in rule.archives)
        )

    def condition_of(self, rule: Rule) -> Formula:
        """The rule's condition with the subject's and the environment's attributes filled in."""
        return bind_formula(rule.condition, self.user, self.env)

    def read_by(self, rule: Rule) -> tuple[object, ...]:
        """What the rule's condition reads of the subject and the environment."""
        names: dict[str, tuple[Attribute, ...]] = self.standing.policy.memory.setdefault(_bindable, {})
        read = names.get(rule.rule_id)
        if read is None:
            read = names[rule.rule_id] = _bindable(rule.condition)
        return tuple(
            typed((self.user if each.scope is Scope.USER else self.env).get(each.name)) for each in read
        )


def _bindable(condition: Formula) -> tuple[Attribute, ...]:
    named = {each for each in attributes_of(condition) if each.scope in {Scope.USER, Scope.ENV}}
    return tuple(sorted(named))


def typed(values: Values | None) -> object:
    """Values as a key, with their types: Python holds `True` and `1` for equal."""
    return None if values is None else (values, frozenset(map(type, values)))


def permit_branches(rules: Iterable[Rule], action: Action, asker: Asker) -> Iterator[PermitBranch]:
    """The permits that could apply to this subject and action."""
    remembered: _Branches[PermitBranch] = _remembered(asker, permit_branches)
    for rule in rules:
        if rule.effect is not Effect.PERMIT or (rule.actions is not None and action not in rule.actions):
            continue
        if not asker.is_meant_by(rule):
            continue
        roles = asker.standing.policy.roles
        having = any_of(
            *(asker.standing.having(name) for name in sorted(rule.roles) if action in roles[name].may)
        )
        if having == FALSE:
            continue
        key = (rule.rule_id, having, asker.gives_reason, asker.must_prove(rule), asker.read_by(rule))
        found = remembered.get(key)
        if found is None:
            found = remembered[key] = tuple(_permit_branch(rule, having, asker))
        yield from found


def _permit_branch(rule: Rule, having: Formula, asker: Asker) -> Iterator[PermitBranch]:
    formula = only_true(all_of(having, asker.condition_of(rule)))
    if formula == FALSE:
        return
    unmet = list(rule.unsupported)
    if rule.needs_reason and not asker.gives_reason:
        unmet.append(REASON_REQUIRED)
    lacking = asker.must_prove(rule)
    if lacking is not None:
        unmet.append(STEP_UP)
    applies = when(formula, Truth.TRUE)
    yield PermitBranch(rule.rule_id, formula, rule.mask, tuple(unmet), lacking, applies)


def forbid_branches(rules: Iterable[Rule], action: Action, asker: Asker) -> Iterator[ForbidBranch]:
    """The forbids that could apply to this subject and action."""
    remembered: _Branches[ForbidBranch] = _remembered(asker, forbid_branches)
    for rule in rules:
        if rule.effect is not Effect.FORBID or (rule.actions is not None and action not in rule.actions):
            continue
        if not asker.is_meant_by(rule):
            continue
        having = any_of(*(asker.standing.having(name) for name in sorted(rule.roles))) if rule.roles else TRUE
        if having == FALSE:
            continue
        key = (rule.rule_id, having, asker.read_by(rule))
        found = remembered.get(key)
        if found is None:
            found = remembered[key] = tuple(_forbid_branch(rule, having, asker))
        yield from found


def _forbid_branch(rule: Rule, having: Formula, asker: Asker) -> Iterator[ForbidBranch]:
    spared = only_true(complement(all_of(having, asker.condition_of(rule))))
    if spared != TRUE:
        yield ForbidBranch(rule.rule_id, spared, rule.message, when(spared, Truth.TRUE))


_Branch = TypeVar("_Branch", PermitBranch, ForbidBranch)
_Branches = dict[object, tuple[_Branch, ...]]
"""The branch that a rule has made already, or none, by all that it depends on."""


def _remembered(asker: Asker, what: object) -> dict[object, Any]:
    """What the policy's rules have made already; other threads may fill and forget it meanwhile."""
    known: dict[object, Any] = asker.standing.policy.memory.setdefault(what, {})
    if len(known) >= REMEMBERED:
        known.clear()
    return known


def grant_branches(
    grants: Iterable[Grant], action: Action, asker: Asker, now: datetime
) -> Iterator[GrantBranch]:
    """The grants that could apply, gathered by kind and ceiling so that thousands are one comparison."""
    gathered: dict[tuple[Attribute, Formula], dict[str, list[str]]] = {}
    for grant in grants:
        if action not in grant.actions or not grant.is_live(now):
            continue
        if grant.archive is not None and grant.archive != asker.archive:
            continue
        ceiling = _ceiling(grant, action, asker)
        attribute = attribute_of(grant, asker.standing.policy)
        if ceiling != FALSE and attribute is not None:
            ids = gathered.setdefault((attribute, ceiling), {})
            ids.setdefault(grant.target_id, []).append(grant.grant_id)
    for (attribute, ceiling), ids in gathered.items():
        formula = all_of(ceiling, _names_one_of(attribute, ids))
        yield GrantBranch(attribute, {name: tuple(found) for name, found in ids.items()}, formula)


def _ceiling(grant: Grant, action: Action, asker: Asker) -> Formula:
    match grant.grantee_kind:
        case GranteeKind.USER:
            return asker.standing.ceiling(action) if grant.grantee == asker.subject.name else FALSE
        case GranteeKind.GROUP:
            return asker.standing.ceiling(action) if grant.grantee in asker.subject.groups else FALSE
        case GranteeKind.ROLE:
            role = asker.standing.policy.roles.get(grant.grantee)
            return asker.standing.having(role.name) if role is not None and action in role.may else FALSE


def _names_one_of(attribute: Attribute, values: Iterable[str]) -> Formula:
    if attribute.type is ValueType.SET:
        return any_of(*(Contains(attribute, value) for value in sorted(values)))
    return OneOf(attribute, frozenset(values))
