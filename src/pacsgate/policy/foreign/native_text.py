"""What a foreign file says, written in the native language, so that its owner can go on in that.

Called by `pacsgate import`.

Invariants:
- reading the text gives rules that decide as the foreign ones do, under names of our own;
- what was left out stands at the head, as comments.

Standard: YAML 1.2 (double-quoted scalars, 7.3.1).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, count

from pacsgate.model.actions import Action
from pacsgate.model.role import Role
from pacsgate.policy.foreign.reading import Foreign
from pacsgate.policy.ir import TRUE
from pacsgate.policy.policy import PolicyAssignment, Rule
from pacsgate.policy.show import show
from pacsgate.policy.written_out import Filters, written_out

_UNNAMEABLE = re.compile(r"[^A-Za-z0-9_.@-]+")
_NO_NAMES = frozenset({"", "null"})
"""What is nothing in YAML."""
_NAME_LENGTH = 60
"""Leaves room for a number behind it."""


def native_text(foreign: Foreign, title: str) -> str:
    """A policy file."""
    names = native_names(foreign)
    lines = [f"# {title}", *(f"# Not carried over: {_one_line(str(left))}" for left in foreign.left)]
    lines += ["version: 1"]
    lines += _section("roles", (_role(role, names) for role in foreign.roles))
    lines += _section(
        "rules", (line for rule in foreign.rules for line in _rule(rule, names, foreign.filters))
    )
    lines += _section("assignments", (_assignment(given, names) for given in foreign.assignments))
    return "\n".join(lines) + "\n"


def _section(name: str, lines: Iterable[str]) -> list[str]:
    """A section; nothing of one that would be empty."""
    found = list(lines)
    return [f"{name}:", *found] if found else []


def native_names(foreign: Foreign) -> Mapping[str, str]:
    """A name of our own for each role and rule; different ones stay different."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    given = (*(role.name for role in foreign.roles), *(rule.rule_id for rule in foreign.rules))
    for name in dict.fromkeys(given):
        plain = _UNNAMEABLE.sub("-", name).strip("-_.@")[:_NAME_LENGTH]
        plain = "imported" if plain in _NO_NAMES else plain
        numbered = (f"{plain}-{number}" for number in count(2))
        names[name] = next(each for each in chain((plain,), numbered) if each not in taken)
        taken.add(names[name])
    return names


def _role(role: Role, names: Mapping[str, str]) -> str:
    described = f", description: {double_quoted(role.description)}" if role.description else ""
    owned = f", owner: {double_quoted(role.owner)}" if role.owner else ""
    held = f", permissions: {_list(sorted(role.permissions))}" if role.permissions else ""
    return f"  {names[role.name]}: {{may: {_actions(role.may)}{held}{owned}{described}}}"


def _rule(rule: Rule, names: Mapping[str, str], filters: Filters) -> Iterator[str]:
    yield f"  - id: {names[rule.rule_id]}"
    yield f"    effect: {rule.effect}"
    yield f"    roles: {_list(names[role] for role in sorted(rule.roles))}"
    for kind, chosen in (("users", rule.users), ("archives", rule.archives)):
        if chosen:
            yield f"    {kind}: {_list(double_quoted(each) for each in sorted(chosen))}"
    if rule.actions is not None:
        yield f"    actions: {_actions(rule.actions)}"
    if rule.condition != TRUE:
        yield f"    when: {double_quoted(show(written_out(rule.condition, filters)))}"


def _assignment(given: PolicyAssignment, names: Mapping[str, str]) -> str:
    who = [
        f"{key}: {_list(double_quoted(name) for name in sorted(people))}"
        for key, people in (("users", given.users), ("groups", given.groups))
        if people
    ]
    return f"  - {{{', '.join(who)}, roles: [{names[given.assignment.role]}]}}"


def _actions(actions: Iterable[Action]) -> str:
    chosen = frozenset(actions)
    return _list(action for action in Action if action in chosen)


def _list(items: Iterable[str]) -> str:
    return f"[{', '.join(items)}]"


def double_quoted(text: str) -> str:
    """A double-quoted scalar; what YAML does not let stand in one is escaped."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(each if each.isprintable() else f"\\U{ord(each):08X}" for each in quoted)


def _one_line(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)
