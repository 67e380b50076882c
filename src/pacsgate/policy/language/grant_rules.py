"""The `grant_rules` section: who is permitted what when a study arrives or an order comes.

```yaml
grant_rules:
  - id: doctors-read-what-the-night-shift-makes
    on: [study-arrived]
    when: "'night' in user.roles && study.department == 'CT'"
    grant: {roles: [doctor], actions: [search, view, retrieve]}
  - id: discharge
    on: [message-received]
    when: message.type == 'ADT^A03'
    revoke: {roles: [doctor], actions: [search, view, retrieve]}
    to: patient
```

Called by `pacsgate.policy.document`.

Invariants:
- a rule gives a role nothing that the role may not have;
- what it takes back has no end, and what it gives to nobody is a mistake.
"""

from collections.abc import Iterator, Mapping

from pacsgate.model.actions import Action
from pacsgate.model.grant import GranteeKind, GrantTarget
from pacsgate.model.occurrence import OccurrenceKind
from pacsgate.model.study_permission import PERMITTABLE
from pacsgate.policy.environment import CALLED_AE, NETWORK, PURPOSE, RISK
from pacsgate.policy.grant_rules import MESSAGE_ATTRIBUTES, USER_ROLES
from pacsgate.policy.ir import FILTERS, TRUE, Attribute, Formula
from pacsgate.policy.language.conditions import read_condition
from pacsgate.policy.language.fields import choices_in, fields, items, name, names, one_choice, span, text
from pacsgate.policy.language.limits import GRANT_RULES
from pacsgate.policy.language.problems import Position, Problems, did_you_mean, listed, quoted
from pacsgate.policy.language.rules import Names
from pacsgate.policy.language.yaml_text import Node, TextNode
from pacsgate.policy.policy import GrantRule
from pacsgate.policy.request_patterns import REQUEST

_FIELDS = ("id", "on", "when", "grant", "revoke", "to", "for")
_GIVEN = ("roles", "groups", "users", "actions")
_KINDS = {"roles": GranteeKind.ROLE, "groups": GranteeKind.GROUP, "users": GranteeKind.USER}
_TARGETS = (GrantTarget.STUDY, GrantTarget.PATIENT)
_UNKNOWN_HERE = frozenset({FILTERS, REQUEST, NETWORK, PURPOSE, RISK, CALLED_AE})
"""What belongs to a request, and not to what happens."""


def read_grant_rules(node: Node, known: Names, problems: Problems) -> Iterator[tuple[GrantRule, Position]]:
    """Each rule with the place of its id."""
    attributes = {name: each for name, each in known.attributes.items() if each not in _UNKNOWN_HERE}
    attributes |= {str(USER_ROLES): USER_ROLES, **MESSAGE_ATTRIBUTES}
    for item in items(node, "`grant_rules`", problems, most=GRANT_RULES):
        given = fields(item, "a grant rule", _FIELDS, problems, required=("id", "on"))
        rule_id = name(given["id"], "the rule's id", problems) if "id" in given else None
        on = choices_in(given["on"], OccurrenceKind, "occurrence", problems) if "on" in given else frozenset()
        if "on" in given and not on:
            problems.add(given["on"].position, "the rule listens to nothing", f"to {listed(OccurrenceKind)}")
        condition = _condition(given, attributes, problems)
        to = _target(given["to"], problems) if "to" in given else GrantTarget.STUDY
        lasting = span(given.get("for"), "`for`", problems)
        takes_back = "revoke" in given
        if ("grant" in given) is takes_back:
            problems.add(item.position, "a grant rule needs either `grant` or `revoke`")
        if takes_back and "for" in given:
            problems.add(given["for"].position, "what is taken back has no end", "leave `for` out")
        grantees, actions = _given(given.get("grant", given.get("revoke")), known, problems)
        if rule_id is None:
            continue
        rule = GrantRule(
            rule_id=rule_id,
            place=item.position.place,
            on=on,
            condition=condition,
            grantees=grantees,
            actions=actions,
            to=to,
            lasting=lasting,
            takes_back=takes_back,
        )
        yield rule, given["id"].position


def _condition(given: Mapping[str, Node], attributes: Mapping[str, Attribute], problems: Problems) -> Formula:
    if "when" not in given:
        return TRUE
    written = given["when"]
    if text(written, "`when`", problems) is None or not isinstance(written, TextNode):
        return TRUE
    return read_condition(written, attributes, problems, {})


def _target(node: Node, problems: Problems) -> GrantTarget:
    found = one_choice(node, GrantTarget, "target", problems)
    if found is not None and found not in _TARGETS:
        problems.add(node.position, f"a grant rule gives nothing on a {found}", f"write {listed(_TARGETS)}")
    return found or GrantTarget.STUDY


def _given(
    node: Node | None, known: Names, problems: Problems
) -> tuple[tuple[tuple[GranteeKind, str], ...], frozenset[Action]]:
    if node is None:
        return (), frozenset()
    given = fields(node, "what is given", _GIVEN, problems, required=("actions",))
    if given and not given.keys() & _KINDS.keys():
        problems.add(node.position, "nobody is given anything", f"name {listed(_KINDS)}")
    grantees = tuple(
        (kind, each)
        for field, kind in _KINDS.items()
        for each in sorted(names(given.get(field), f"`{field}`", problems))
    )
    actions = (
        choices_in(given["actions"], Action, "action", problems)
        if "actions" in given
        else frozenset[Action]()
    )
    if not actions <= PERMITTABLE:
        problems.add(given["actions"].position, "no study permission is for `store`")
    for kind, each in grantees:
        if kind is GranteeKind.ROLE:
            _check_role(given["roles"], each, actions, known, problems)
    return grantees, actions


def _check_role(node: Node, role: str, actions: frozenset[Action], known: Names, problems: Problems) -> None:
    if role not in known.roles:
        hint = did_you_mean(role, known.roles) or "define it under `roles`"
        problems.add(node.position, f"unknown role {quoted(role)}", hint)
        return
    lacking = sorted(actions - known.roles[role].may)
    if lacking:
        hint = "add it to the role's `may`, or leave it out of this rule"
        problems.add(node.position, f"{listed(lacking)} is not in the `may` of `{role}`", hint)
