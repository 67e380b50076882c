"""Oddities that one rule, role or attribute has by itself.

Called by `lint`.
"""

from collections.abc import Iterator

from pacsgate.model.actions import Action
from pacsgate.model.decision import Effect
from pacsgate.model.grant import GranteeKind
from pacsgate.policy.findings import attributes_of
from pacsgate.policy.grant_rules import as_rules
from pacsgate.policy.implication import Conditions
from pacsgate.policy.ir import Scope, Truth
from pacsgate.policy.lint_findings import APPLYING, LintFinding, Oddity, error, warning
from pacsgate.policy.policy import Policy


def unusable(policy: Policy) -> Iterator[LintFinding]:
    """Permits with an obligation that nobody can carry out, and forbids that nobody can lift."""
    for rule in policy.rules:
        if rule.unsupported:
            named = ", ".join(f"`{obligation}`" for obligation in rule.unsupported)
            message = f"permit `{rule.rule_id}` allows nothing: the gate cannot carry out {named} yet"
            yield warning(Oddity.UNUSABLE, rule.place, message)
        if rule.break_glass:
            message = f"forbid `{rule.rule_id}` holds in an emergency too: the gate cannot lift it yet"
            yield warning(Oddity.UNUSABLE, rule.place, message)


def never_applying(policy: Policy) -> Iterator[LintFinding]:
    """Rules whose condition cannot have the outcome by which they apply."""
    conditions = Conditions()
    for rule in policy.rules:
        if conditions.can_be(rule.condition, APPLYING[rule.effect]) is False:
            outcome = "cannot be true" if rule.effect is Effect.PERMIT else "is always false"
            message = f"{rule.effect} `{rule.rule_id}` never applies: its condition {outcome}"
            yield warning(Oddity.NEVER_APPLIES, rule.place, message, "remove it, or correct `when`")


def forbidding_everything(policy: Policy) -> Iterator[LintFinding]:
    """Forbids that leave nothing to anybody."""
    for rule in policy.rules:
        if rule.effect is not Effect.FORBID or rule.roles or rule.groups or rule.users or rule.archives:
            continue
        if Conditions().can_be(rule.condition, {Truth.FALSE}) is False:
            actions = "everything" if rule.actions is None else ", ".join(sorted(rule.actions))
            message = f"forbid `{rule.rule_id}` forbids {actions} to everybody everywhere"
            hint = "say with `when` or `roles` what it is about"
            yield warning(Oddity.FORBIDS_EVERYTHING, rule.place, message, hint)


def unbounded(policy: Policy) -> Iterator[LintFinding]:
    """Permits that no study is beyond."""
    confined = _confined_roles(policy)
    for rule in policy.rules:
        if rule.effect is not Effect.PERMIT or rule.unsupported or rule.roles <= confined:
            continue
        if rule.actions == frozenset({Action.STORE}):  # what is new has no place yet that could bound it
            continue
        scopes = {attribute.scope for attribute in attributes_of(rule.condition)}
        if scopes.isdisjoint({Scope.STUDY, Scope.SERIES}):
            yield warning(
                Oddity.UNBOUNDED,
                rule.place,
                f"permit `{rule.rule_id}` is about every study there is: it names nothing of study or series",
                "bound it with `when`, or assign its role in a collection",
            )


def _confined_roles(policy: Policy) -> frozenset[str]:
    """Roles that the policy gives in collections only."""
    given = [each.assignment for each in policy.assignments]
    everywhere = {assignment.role for assignment in given if assignment.scope.collection is None}
    return frozenset(assignment.role for assignment in given) - everywhere


def ownerless(policy: Policy) -> Iterator[LintFinding]:
    """Roles that nobody answers for."""
    for name, place in policy.role_places.items():
        if policy.roles[name].owner is None:
            yield error(
                Oddity.OWNERLESS, place, f"role `{name}` has no owner", "say with `owner` who answers for it"
            )


def unapproved(policy: Policy) -> Iterator[LintFinding]:
    """Roles that nobody agreed to."""
    for name, place in policy.role_places.items():
        role = policy.roles[name]
        lacking = [field for field in ("approved_by", "approved_at") if getattr(role, field) is None]
        if lacking:
            named = " and ".join(f"`{field}`" for field in lacking)
            yield error(
                Oddity.UNAPPROVED, place, f"role `{name}` has no {named}", "say who agreed to it, and when"
            )


def unused_roles(policy: Policy) -> Iterator[LintFinding]:
    """Roles that no rule and no assignment names."""
    used = {role for rule in policy.rules for role in rule.roles}
    used |= {given.assignment.role for given in policy.assignments}
    used |= {inherited for role in policy.roles.values() for inherited in role.extends}
    used |= {name for rule in policy.grant_rules for kind, name in rule.grantees if kind is GranteeKind.ROLE}
    for name, place in policy.role_places.items():
        if name not in used and not policy.roles[name].permissions:
            yield warning(Oddity.UNUSED_ROLE, place, f"role `{name}` is named by no rule and no assignment")


def unused_attributes(policy: Policy) -> Iterator[LintFinding]:
    """Declared attributes that no condition names."""
    named = policy.named | as_rules(policy).named
    for name, declaration in policy.declarations.items():
        if declaration.attribute not in named:
            yield warning(
                Oddity.UNUSED_ATTRIBUTE, declaration.place, f"attribute `{name}` is in no condition"
            )
