"""The `rules` section: permits and forbids.

```yaml
rules:
  - id: radiologists-read-their-department
    effect: permit
    roles: [radiologist]
    actions: [search, view, retrieve]
    when: study.department == user.department
```

Called by `pacsgate.policy.document`.

Invariants:
- a permit names roles, and no action that one of them may not have;
- a forbid without `roles`, `groups` and `users` concerns everyone, without
  `actions` everything, and without `when` always.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pacsgate.model.actions import Action
from pacsgate.model.decision import Effect
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Role
from pacsgate.policy.instance_query.tree import InstanceQuery
from pacsgate.policy.ir import TRUE, Attribute, Formula
from pacsgate.policy.language.conditions import read_condition
from pacsgate.policy.language.fields import choice, fields, items, name, names, one_choice, text, texts, truth
from pacsgate.policy.language.limits import SECTION_LENGTH
from pacsgate.policy.language.obligations import Obligations, read_obligations
from pacsgate.policy.language.problems import Position, Problems, did_you_mean, listed, quoted
from pacsgate.policy.language.yaml_text import Node, TextNode
from pacsgate.policy.policy import Rule

_FIELDS = (
    "id",
    "effect",
    "roles",
    "groups",
    "users",
    "actions",
    "archives",
    "when",
    "message",
    "break_glass",
    "obligations",
)
_EVERY_ACTION = "*"


@dataclass(frozen=True, slots=True)
class Names:
    """What rules may refer to, from all files together."""

    roles: Mapping[str, Role]
    attributes: Mapping[str, Attribute]
    queries: dict[str, InstanceQuery] = field(default_factory=dict)
    """The instance queries that conditions write out, by their identifier; reading adds to them."""


def read_rules(node: Node, known: Names, problems: Problems) -> Iterator[tuple[Rule, Position]]:
    """Each rule with the place of its id."""
    for item in items(node, "`rules`", problems, most=SECTION_LENGTH):
        given = fields(item, "a rule", _FIELDS, problems, required=("id", "effect"))
        rule_id = name(given["id"], "the rule's id", problems) if "id" in given else None
        effect = one_choice(given["effect"], Effect, "effect", problems) if "effect" in given else None
        roles = _roles(given, known, problems)
        actions = _actions(given["actions"], problems) if "actions" in given else None
        if effect is Effect.PERMIT:
            _check_permit(given, item, known, problems)
        elif effect is Effect.FORBID and "obligations" in given:
            problems.add(given["obligations"].position, "a forbid has no obligations")
        break_glass = "break_glass" in given and truth(given["break_glass"], "`break_glass`", problems)
        condition = _condition(given, known, problems)
        groups, users, archives = (
            names(given.get(kind), f"`{kind}`", problems) for kind in ("groups", "users", "archives")
        )
        message = text(given["message"], "`message`", problems) if "message" in given else None
        obligations = _obligations(given, problems)
        if rule_id is None or effect is None:
            continue
        rule = Rule(
            rule_id=rule_id,
            effect=effect,
            place=item.position.place,
            condition=condition,
            roles=roles,
            groups=groups,
            users=users,
            archives=frozenset(ArchiveName(archive) for archive in archives),
            actions=actions,
            message=message,
            mask=obligations.mask,
            unsupported=obligations.unsupported,
            needs_reason=obligations.needs_reason,
            step_up=obligations.step_up,
            break_glass=break_glass,
        )
        yield rule, given["id"].position


def _roles(given: Mapping[str, Node], known: Names, problems: Problems) -> frozenset[str]:
    if "roles" in given:
        for role, item in texts(given["roles"], "`roles`", Problems()):
            if role not in known.roles:
                hint = did_you_mean(role, known.roles) or "define it under `roles`"
                problems.add(item.position, f"unknown role {quoted(role)}", hint)
    return names(given.get("roles"), "`roles`", problems)


def _actions(node: Node, problems: Problems) -> frozenset[Action] | None:
    found = list(texts(node, "`actions`", problems))
    if any(written == _EVERY_ACTION for written, _ in found):
        if len(found) > 1:
            problems.add(node.position, "`*` is every action already", "write `['*']` alone")
        return None
    if not found:
        problems.add(node.position, "`actions` names no action", "write `['*']`, or leave it out, for all")
    chosen = (choice(written, Action, item, "action", problems) for written, item in found)
    return frozenset(action for action in chosen if action is not None)


def _check_permit(given: Mapping[str, Node], item: Node, known: Names, problems: Problems) -> None:
    if "roles" not in given:
        problems.add(item.position, "a permit needs `roles`", "a role's `may` is what a permit can give")
    if "message" in given:
        problems.add(given["message"].position, "a permit has no message", "messages are for forbids")
    if "break_glass" in given:
        hint = "an emergency lifts a forbid; give the permit `env.purpose == 'ETREAT'`"
        problems.add(given["break_glass"].position, "a permit has no `break_glass`", hint)
    if "roles" not in given or "actions" not in given:
        return
    silent = Problems()  # what is malformed is reported where it is read
    roles = [known.roles[role] for role, _ in texts(given["roles"], "", silent) if role in known.roles]
    for action, node in texts(given["actions"], "", silent):
        lacking = [role.name for role in roles if action in set(Action) and action not in role.may]
        if lacking:
            hint = f"add it to the role's `may`, or leave {listed(lacking)} out of this rule"
            problems.add(node.position, f"`{action}` is not in the `may` of {listed(lacking)}", hint)


def _condition(given: Mapping[str, Node], known: Names, problems: Problems) -> Formula:
    if "when" not in given:
        return TRUE
    written = given["when"]
    if text(written, "`when`", problems) is None or not isinstance(written, TextNode):
        return TRUE
    return read_condition(written, known.attributes, problems, known.queries)


def _obligations(given: Mapping[str, Node], problems: Problems) -> Obligations:
    return read_obligations(given["obligations"], problems) if "obligations" in given else Obligations()
