"""Writes a `Policy` down as the YAML that an author would have to write for it."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pacsgate.model.decision import Effect
from pacsgate.model.mask import NO_MASK, Mask
from pacsgate.model.role import Assignment, Role
from pacsgate.model.strength import Strength
from pacsgate.policy.ir import TRUE
from pacsgate.policy.language.obligations import STRUCTURAL
from pacsgate.policy.policy import Policy, PolicyAssignment, Rule, StrengthRule
from pacsgate.policy.show import show
from tests.properties.vocabulary import KEYWORDS


def policy_text(policy: Policy) -> str:
    """JSON is YAML too; the rules are written as block YAML, one field a line."""
    roles = {name: _role(role) for name, role in policy.roles.items()}
    attributes = {
        name: {"type": str(declared.attribute.type)}
        | ({"from": ".".join(KEYWORDS[tag] for tag in declared.path)} if declared.path else {})
        | ({"values": "many"} if declared.many else {})
        for name, declared in policy.declarations.items()
    }
    lines = [
        "version: 1",
        f"timezone: {policy.timezone}",
        f"attributes: {json.dumps(attributes)}",
        f"roles: {json.dumps(roles)}",
        f"assignments: {json.dumps([_assignment(each) for each in policy.assignments])}",
        f"authentication: {json.dumps([_strength_rule(each) for each in policy.authentication])}",
        "rules:" if policy.rules else "rules: []",
    ]
    for rule in policy.rules:
        first, *rest = (
            f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in _rule(rule).items()
        )
        lines += [f"  - {first}", *(f"    {line}" for line in rest)]
    return "\n".join(lines) + "\n"


def _role(role: Role) -> Mapping[str, Any]:
    written = {"may": sorted(role.may), "permissions": sorted(role.permissions), "owner": role.owner}
    return written | ({"extends": sorted(role.extends)} if role.extends else {})


def _rule(rule: Rule) -> Mapping[str, Any]:
    fields: dict[str, Any] = {"id": rule.rule_id, "effect": rule.effect.value}
    for name in ("roles", "groups", "users", "archives"):
        if named := getattr(rule, name):
            fields[name] = sorted(named)
    if rule.actions is not None:
        fields["actions"] = sorted(rule.actions)
    elif rule.effect is Effect.FORBID:
        fields["actions"] = ["*"]
    if rule.condition != TRUE:
        fields["when"] = show(rule.condition)
    if rule.message is not None:
        fields["message"] = rule.message
    if rule.break_glass:
        fields["break_glass"] = True
    obligations: dict[str, Any] = {} if rule.mask == NO_MASK else {"mask": _mask(rule.mask)}
    obligations |= dict.fromkeys(rule.unsupported, True)
    if rule.needs_reason:
        obligations["reason-required"] = True
    if rule.step_up is not None:
        obligations["step-up"] = _strength(rule.step_up)
    if obligations:
        fields["obligations"] = obligations
    return fields


def _strength(strength: Strength) -> Mapping[str, Any]:
    within = {} if strength.within is None else {"within": f"{int(strength.within.total_seconds())} s"}
    return {"level": strength.level} | within


def _strength_rule(rule: StrengthRule) -> Mapping[str, Any]:
    named = {
        name: sorted(getattr(rule, name))
        for name in ("roles", "groups", "networks", "actions", "permissions")
        if getattr(rule, name)
    }
    return {**named, **_strength(rule.strength)}


def _mask(mask: Mask) -> Any:
    return {"all_but": sorted(mask.keywords - STRUCTURAL)} if mask.all_but else sorted(mask.keywords)


def _assignment(given: PolicyAssignment) -> Mapping[str, Any]:
    fields: dict[str, Any] = {"roles": [given.assignment.role], **_edges(given.assignment)}
    for name in ("users", "groups"):
        if named := getattr(given, name):
            fields[name] = sorted(named)
    scope = given.assignment.scope
    written = {"pacs": scope.archive, "collection": scope.collection}
    fields["scope"] = {name: value for name, value in written.items() if value is not None}
    return fields


def _edges(assignment: Assignment) -> Mapping[str, str]:
    edges: dict[str, datetime | None] = {"from": assignment.starts, "until": assignment.until}
    return {name: edge.isoformat() for name, edge in edges.items() if edge is not None}
