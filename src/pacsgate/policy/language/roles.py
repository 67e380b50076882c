"""The `roles` section: named jobs with their ceiling.

```yaml
roles:
  radiologist: {may: [search, view, retrieve], owner: chief-radiology}
  auditor: {permissions: [AuditRead], owner: compliance}
```

Called by `pacsgate.policy.document`.
"""

from collections.abc import Iterator

from pacsgate.model.actions import Action
from pacsgate.model.permission import Permission
from pacsgate.model.role import Role
from pacsgate.policy.language.fields import choices_in, entries, fields, name, text
from pacsgate.policy.language.problems import Position, Problems
from pacsgate.policy.language.yaml_text import Node

_FIELDS = ("may", "permissions", "owner", "description")


def read_roles(node: Node, problems: Problems) -> Iterator[tuple[Role, Position]]:
    """Each role with the place of its name."""
    for key, value in entries(node, "`roles`", problems):
        called = name(key, "the role's name", problems)
        given = fields(value, "a role", _FIELDS, problems)
        if called is None:
            continue
        role = Role(
            name=called,
            may=choices_in(given["may"], Action, "action", problems) if "may" in given else frozenset(),
            permissions=(
                choices_in(given["permissions"], Permission, "permission", problems)
                if "permissions" in given
                else frozenset()
            ),
            owner=text(given["owner"], "`owner`", problems) if "owner" in given else None,
            description=text(given["description"], "`description`", problems)
            if "description" in given
            else None,
        )
        yield role, key.position
