"""`orthanc.json`: who can sign in, and what must not be kept of it.

Of Orthanc's configuration only `RegisteredUsers` matters to a policy, and of that only
the names.  The passwords are in the clear there, and so are those of peers and
databases, so `without_secrets` cuts the text down to the names before
anybody stores it; `registered_passwords` is for the import alone.

Called by `reader`, `pacsgate.policy.foreign.registry` and `pacsgate import`.

Invariants:
- `without_secrets` keeps no value at all; reading what it returns gives the same names in the same lines.
"""

import json
from collections.abc import Iterator, Mapping

from pacsgate.policy.foreign.commented_json import parse_commented_json
from pacsgate.policy.language.fields import entries
from pacsgate.policy.language.problems import Position, Problems, quoted
from pacsgate.policy.language.yaml_text import MapNode, TextNode

_USERS = "RegisteredUsers"
_LUA = ".lua"


def is_configuration(file: str) -> bool:
    """Whether this is Orthanc's configuration, and not a Lua script."""
    return not file.endswith(_LUA)


def registered_users(file: str, text: str, problems: Problems) -> Mapping[str, Position]:
    """The names of those who can sign in, each with its place."""
    return {key.text: key.position for key, _ in _users(file, text, problems)}


def registered_passwords(file: str, text: str, problems: Problems) -> Mapping[str, str]:
    """The passwords in the clear, by name."""
    return {key.text: password.text for key, password in _users(file, text, problems)}


def without_secrets(file: str, text: str) -> str:
    """The names alone, each in the line where it stood.  Raises `PolicyError` if the text cannot be read."""
    if not is_configuration(file):
        return text
    problems = Problems()
    users = registered_users(file, text, problems)
    problems.raise_if_any()
    kept, line = [f'{{"{_USERS}": {{'], 1
    for number, (name, position) in enumerate(users.items()):
        kept.append("\n" * (position.line - line) + ("," if number else "") + f'{json.dumps(name)}: ""')
        line = position.line
    return "".join(kept) + "}}"


def _users(file: str, text: str, problems: Problems) -> Iterator[tuple[TextNode, TextNode]]:
    node = parse_commented_json(file, text, problems)
    if node is None:
        return
    section = node.entries.get(_USERS) if isinstance(node, MapNode) else None
    if section is None:
        problems.add(node.position, f"there is no `{_USERS}`", "without it nobody could sign in to Orthanc")
        return
    for name, password in entries(section[1], f"`{_USERS}`", problems):
        if isinstance(password, TextNode) and not password.plain:
            yield name, password
        else:
            problems.add(name.position, f"the password of {quoted(name.text)} is no string")
