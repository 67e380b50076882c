"""The `authentication` section: who must prove what before they may do which.

```yaml
authentication:
  - {roles: [administrator], level: 2}
  - {networks: [external], level: 2}
  - {actions: [export, delete], level: 2, within: 5 min}
  - {permissions: ['*'], level: 2, within: 15 min}
```

Level 1 is one factor, 2 is two, 3 is a hardware key that verifies its user.  `within` is how
long ago that may have been at most.

Called by `pacsgate.policy.document`; `read_strength` by the obligations too.
"""

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import TypeVar

from pacsgate.model.actions import Action
from pacsgate.model.permission import Permission
from pacsgate.model.strength import HIGHEST_LEVEL, Strength
from pacsgate.policy.language.fields import choice, fields, items, names, span, text, texts
from pacsgate.policy.language.problems import Problems, did_you_mean, quoted
from pacsgate.policy.language.yaml_text import Node
from pacsgate.policy.policy import StrengthRule

E = TypeVar("E", bound=StrEnum)

_FIELDS = ("roles", "groups", "networks", "actions", "permissions", "level", "within")
_LEVELS = {str(level): level for level in range(1, HIGHEST_LEVEL + 1)}
_ALL = "*"


def read_authentication(node: Node, roles: Collection[str], problems: Problems) -> Iterator[StrengthRule]:
    """Each item as one rule."""
    for item in items(node, "`authentication`", problems):
        given = fields(item, "a rule of `authentication`", _FIELDS, problems, required=("level",))
        if "roles" in given:
            for role, named in texts(given["roles"], "`roles`", Problems()):
                if role not in roles:
                    problems.add(named.position, f"unknown role {quoted(role)}", did_you_mean(role, roles))
        roles_named, groups, networks = (
            names(given.get(kind), f"`{kind}`", problems) for kind in ("roles", "groups", "networks")
        )
        yield StrengthRule(
            place=item.position.place,
            strength=read_strength(given, problems),
            roles=roles_named,
            groups=groups,
            networks=networks,
            actions=_members(given.get("actions"), Action, "action", problems),
            permissions=_members(given.get("permissions"), Permission, "permission", problems),
        )


def read_strength(given: Mapping[str, Node], problems: Problems) -> Strength:
    """The fields `level` and `within`."""
    within = span(given.get("within"), "`within`", problems, such_as="write `5 min`, `30 s` or `8 h`")
    return Strength(_level(given.get("level"), problems), within)


def _level(node: Node | None, problems: Problems) -> int:
    written = None if node is None else text(node, "`level`", problems)
    if node is None or written is None:
        return 1
    if written not in _LEVELS:
        hint = "1 is one factor, 2 is two, 3 is a hardware key that verifies its user"
        problems.add(node.position, f"there is no level {quoted(written)}", hint)
    return _LEVELS.get(written, HIGHEST_LEVEL)


def _members(node: Node | None, choices: type[E], what: str, problems: Problems) -> frozenset[E]:
    if node is None:
        return frozenset()
    found = list(texts(node, f"`{what}s`", problems))
    if not found:
        problems.add(node.position, f"`{what}s` names no {what}", "leave it out, or write `['*']` for all")
    if any(written == _ALL for written, _ in found):
        if len(found) > 1:
            problems.add(node.position, f"`*` is every {what} already", "write `['*']` alone")
        return frozenset(choices)
    chosen = (choice(written, choices, item, what, problems) for written, item in found)
    return frozenset(member for member in chosen if member is not None)
