"""Roles with what they inherit.

A role has the actions and permissions of the roles that it extends, and whoever
has it has those roles too, so that rules which name them apply; and so it is given for
no longer than any of them.

Called by `pacsgate.policy.document`.

Invariants:
- no role inherits from itself, and none over more than `INHERITANCE` others;
- no role of a file carries, itself or by inheritance, what only a built-in one can;
- a role of the database that extends one which is gone inherits nothing from it.
"""

from collections.abc import Mapping
from dataclasses import replace

from pacsgate.model.built_in_roles import NEVER_IN_CUSTOM_ROLES
from pacsgate.model.role import Role
from pacsgate.policy.language.limits import INHERITANCE
from pacsgate.policy.language.problems import Position, Problems, did_you_mean, listed, quoted


def inherited(
    roles: Mapping[str, Role], places: Mapping[str, Position], problems: Problems
) -> dict[str, Role]:
    """Every role with all that it inherits; `places` are those of the roles of files."""
    for name, position in places.items():
        for unknown in sorted(roles[name].extends - roles.keys()):
            message = f"role `{name}` extends the unknown {quoted(unknown)}"
            problems.add(position, message, did_you_mean(unknown, roles))
    whole = {name: _whole(role, roles, places.get(name), problems) for name, role in roles.items()}
    for name, position in places.items():
        kept_back = sorted(whole[name].permissions & NEVER_IN_CUSTOM_ROLES)
        if kept_back:
            message = f"role `{name}` carries {listed(kept_back)}, which only a built-in role can"
            problems.add(position, message, "leave it out, or assign the built-in role")
    return whole


def _whole(role: Role, roles: Mapping[str, Role], position: Position | None, problems: Problems) -> Role:
    above: dict[str, None] = {}
    nearest = sorted(role.extends & roles.keys())
    for _ in range(INHERITANCE):
        above.update(dict.fromkeys(nearest))
        further = {each for name in nearest for each in roles[name].extends & roles.keys()}
        nearest = sorted(further - above.keys())
    if role.name in above:
        _say(f"role `{role.name}` inherits from itself, by way of {listed(above)}", position, problems)
    elif nearest:
        _say(f"role `{role.name}` inherits over more than {INHERITANCE} others", position, problems)
    found = [roles[name] for name in above if name != role.name]
    return replace(
        role,
        may=role.may.union(*(each.may for each in found)),
        permissions=role.permissions.union(*(each.permissions for each in found)),
        extends=frozenset(each.name for each in found),
        longest=min((each.longest for each in (role, *found) if each.longest is not None), default=None),
    )


def _say(message: str, position: Position | None, problems: Problems) -> None:
    if position is not None:  # what is wrong in the database stops no file; it inherits what it can
        problems.add(position, message)
