"""A whole policy as a Cedar policy set.

Each rule becomes one Cedar policy, or several where its roles may do different
things; the annotations `@id`, `@place` and `@when` lead back to it.  Assignments of
the policy are written into the policies that need the role, with scope and window.
What the directory knows (roles, grants, narrowed tokens) is data of the principal.

Called by the command line.

Invariants:
- Cedar allows only what the engine allows; but for what `left` names, exactly that;
- a permit whose obligation the gate cannot carry out is not exported.

Standard: Cedar 4 policy syntax; deny overrides, deny by default, as here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pacsgate.model.actions import Action
from pacsgate.model.decision import Effect
from pacsgate.model.role import Role
from pacsgate.policy.branches import department_of
from pacsgate.policy.cedar.conditions import Notes, holds, known
from pacsgate.policy.cedar.expressions import Expression, both, either, flat, layout, negated
from pacsgate.policy.cedar.literals import entity, instant, member, name, string
from pacsgate.policy.cedar.schema import schema_of
from pacsgate.policy.ir import (
    COLLECTIONS,
    PATIENT_ID,
    PERMITTED,
    PERMITTED_USERS,
    SERIES_UID,
    STUDY_UID,
    TRUE,
    Contains,
    Truth,
    ValueType,
)
from pacsgate.policy.policy import Policy, PolicyAssignment, Rule
from pacsgate.policy.show import show

_COLLECTIONS = "resource.study.collections"
_TARGETS = {"patients": PATIENT_ID, "studies": STUDY_UID, "series": SERIES_UID}
"""The list of a grant's targets, and the attribute that must be in it."""
_SETS = {"collections": COLLECTIONS, "permissions": PERMITTED, "user_permissions": PERMITTED_USERS}
"""Likewise, and the attribute of which some value must be in it."""


@dataclass(frozen=True, slots=True)
class CedarExport:
    """A policy in Cedar; `left` says, a sentence each, what Cedar cannot express."""

    policies: str
    schema: str
    left: tuple[str, ...]


def export_cedar(policy: Policy) -> CedarExport:
    """Write a policy in Cedar."""
    notes = Notes()
    notes.add("`export` needs `retrieve` too: whoever asks Cedar asks about both")
    if policy.authentication:
        notes.add("`authentication` is left out: Cedar is asked about people who have proven what it demands")
    written = "\n".join(_Writer(policy, notes).policies())
    return CedarExport(written, schema_of(policy), tuple(notes.sentences))


@dataclass(frozen=True, slots=True)
class _Writer:
    policy: Policy
    notes: Notes

    def policies(self) -> Iterator[str]:
        """Every Cedar policy: rules in the order of their ids, grants, narrowed tokens."""
        for rule in self.policy.rules:
            yield from self._forbid(rule) if rule.effect is Effect.FORBID else self._permits(rule)
        for action in Action:
            yield from self._grants(action)
        for action in Action:
            allowed = f"principal.may_only.contains({string(action)})"
            condition = both("principal has may_only", negated(allowed))
            yield _policy("forbid", {"id": f"token:{action}"}, _on({action}), "when", condition)

    # ---------------------------------------------------------------- rules

    def _forbid(self, rule: Rule) -> Iterator[str]:
        """A forbid holds unless it is known that it does not."""
        conditions = [negated(part) for part in _addressees(rule)]
        conditions.append(holds(rule.condition, Truth.FALSE, self.notes))
        if rule.roles:
            conditions.append(both(*(self._having(role, Truth.FALSE) for role in sorted(rule.roles))))
        actions = frozenset(Action) if rule.actions is None else rule.actions
        yield _policy("forbid", _annotations(rule), _on(actions), "unless", either(*conditions))

    def _permits(self, rule: Rule) -> Iterator[str]:
        if rule.unsupported:
            needed = ", ".join(f"`{obligation}`" for obligation in rule.unsupported)
            self.notes.add(f"permit `{rule.rule_id}` is left out: the gate cannot carry out {needed} yet")
            return
        if not rule.mask.hides_nothing:
            self.notes.add(
                f"what permit `{rule.rule_id}` masks is in its annotation `@mask`: whoever asks Cedar "
                "hides what every permit that applies names"
            )
        if rule.step_up is not None:
            self.notes.add(f"permit `{rule.rule_id}` is left out: whoever uses it must prove {rule.step_up}")
            return
        condition = holds(rule.condition, Truth.TRUE, self.notes)
        if rule.needs_reason:
            condition = both("context has reason", condition)
        for number, (actions, roles) in enumerate(self._actions_of(rule).items()):
            having = either(*(self._having(role, Truth.TRUE) for role in roles))
            annotations = _annotations(rule)
            if number:
                annotations["id"] += f"/{number + 1}"
            yield _policy(
                "permit", annotations, _on(actions), "when", both(*_addressees(rule), having, condition)
            )

    def _actions_of(self, rule: Rule) -> Mapping[frozenset[Action], list[str]]:
        """The roles of a permit, together as far as they may do the same."""
        found: dict[frozenset[Action], list[str]] = {}
        for role in sorted(rule.roles):
            may = self.policy.roles[role].may
            actions = may if rule.actions is None else may & rule.actions
            if actions:
                found.setdefault(actions, []).append(role)
        return found

    # ---------------------------------------------------------------- roles

    def _having(self, role: str, wanted: Truth) -> Expression:
        """Whether the principal has the role for this study, or one that extends it."""
        heirs = sorted(each.name for each in self.policy.roles.values() if role in {each.name, *each.extends})
        held = f"[{', '.join(map(string, heirs))}].containsAny(principal.roles)"
        if len(heirs) == 1:
            held = f"principal.roles.contains({string(role)})"
        ways = [held if wanted is Truth.TRUE else negated(held)]
        ways += [_in_collections(heir, wanted) for heir in heirs]
        ways += [
            self._given(given, wanted) for given in self.policy.assignments if given.assignment.role in heirs
        ]
        return either(*ways) if wanted is Truth.TRUE else both(*ways)

    def _given(self, given: PolicyAssignment, wanted: Truth) -> Expression:
        """Whether an assignment of the policy gives its role here and now."""
        users = [f"principal in [{', '.join(entity('User', user) for user in sorted(given.users))}]"]
        groups = [_in_groups(given.groups)]
        who = either(*(users if given.users else ()), *(groups if given.groups else ()))
        assignment, scope = given.assignment, given.assignment.scope
        conditions = [who]
        if scope.archive is not None:
            conditions.append(f"resource.archive == {string(scope.archive)}")
        if assignment.starts is not None:
            conditions.append(f"context.now >= {instant(assignment.starts)}")
        if assignment.until is not None:
            conditions.append(f"context.now < {instant(assignment.until)}")
        collection = TRUE if scope.collection is None else Contains(COLLECTIONS, scope.collection)
        inside = holds(collection, wanted, self.notes)
        if wanted is Truth.TRUE:
            return both(*conditions, inside)
        return either(*(negated(condition) for condition in conditions), inside)

    # ---------------------------------------------------------------- grants

    def _grants(self, action: Action) -> Iterator[str]:
        """What grants give: to the principal itself under the ceiling of all roles, and to each role."""
        able = [role.name for role in _sorted(self.policy.roles.values()) if action in role.may]
        if not able:
            return
        ceiling = either(*(self._having(role, Truth.TRUE) for role in able))
        condition = both(*self._granted("principal.grants", action), ceiling)
        yield _policy("permit", {"id": f"grants:{action}"}, _on({action}), "when", condition)
        for role in able:
            condition = both(
                f"principal.role_grants has {name(role)}",
                *self._granted(member("principal.role_grants", role), action),
                self._having(role, Truth.TRUE),
            )
            annotations = {"id": f"grants:{action}:{role}"}
            yield _policy("permit", annotations, _on({action}), "when", condition)

    def _granted(self, grants: str, action: Action) -> tuple[str, Expression]:
        targets, department = member(grants, action), department_of(self.policy)
        scalars, sets = dict(_TARGETS), dict(_SETS)
        if department is not None:
            (sets if department.type is ValueType.SET else scalars)["departments"] = department
        named = (
            both(known(attribute), f"{targets}.{kind}.containsAll(resource.{attribute}.values)")
            for kind, attribute in scalars.items()
        )
        inside = (
            both(known(attribute), f"resource.{attribute}.containsAny({targets}.{kind})")
            for kind, attribute in sets.items()
        )
        return f"{grants} has {name(action)}", either(*named, *inside)


def _in_collections(role: str, wanted: Truth) -> Expression:
    """Whether the principal has a role for the collections that hold this study."""
    scoped = f"principal.roles_in has {name(role)}"
    inside = f"{_COLLECTIONS}.containsAny({member('principal.roles_in', role)})"
    if wanted is Truth.TRUE:
        return both(scoped, known(COLLECTIONS), inside)
    # Cedar's validator follows `has` into `then`, and not behind a negation.
    return f"(if {scoped} then {flat(both(known(COLLECTIONS), negated(inside)))} else true)"


def _sorted(roles: Iterable[Role]) -> list[Role]:
    return sorted(roles, key=lambda role: role.name)


def _addressees(rule: Rule) -> Iterator[str]:
    """Whom and where a rule concerns, but for roles."""
    if rule.groups:
        yield _in_groups(rule.groups)
    if rule.users:
        yield f"principal in [{', '.join(entity('User', user) for user in sorted(rule.users))}]"
    if rule.archives:
        archives = ", ".join(string(archive) for archive in sorted(rule.archives))
        yield f"[{archives}].contains(resource.archive)"


def _in_groups(groups: frozenset[str]) -> str:
    return f"principal in [{', '.join(entity('Group', group) for group in sorted(groups))}]"


def _annotations(rule: Rule) -> dict[str, str]:
    found = {"id": rule.rule_id, "place": str(rule.place)}
    if rule.condition != TRUE:
        found["when"] = show(rule.condition)
    if rule.message is not None:
        found["message"] = rule.message
    if not rule.mask.hides_nothing:
        keywords = ", ".join(sorted(rule.mask.keywords))
        found["mask"] = f"all but {keywords}" if rule.mask.all_but else keywords
    return found


def _on(actions: Iterable[Action]) -> str:
    """The scope of actions; all of them need no list."""
    named = frozenset(actions)
    if named == frozenset(Action):
        return "action"
    if len(named) == 1:
        return f"action == {entity('Action', *named)}"
    return f"action in [{', '.join(entity('Action', action) for action in sorted(named))}]"


def _policy(
    effect: str, annotations: Mapping[str, str], actions: str, word: str, condition: Expression
) -> str:
    """One Cedar policy.  A permit without a condition, or a forbid that spares nobody, has no last part."""
    lines = [f"@{key}({string(value)})" for key, value in annotations.items()]
    lines.append(f"{effect} (principal, {actions}, resource)")
    if condition != ("true" if word == "when" else "false"):
        lines.append(f"{word} {{\n  {layout(condition, 1)}\n}}")
    return "\n".join(lines) + ";\n"
