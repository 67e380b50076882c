"""The `roles` section: named jobs with their ceiling.

```yaml
roles:
  radiologist:
    may: [search, view, retrieve]
    owner: chief-radiology
    approved_by: medical-director
    approved_at: 2026-10-01
  locum: {extends: [radiologist], longest: 14d, owner: chief-radiology}
  head-of-radiology: {extends: [radiologist], permissions: [AuditRead], owner: chief-radiology}
```

Called by `pacsgate.policy.document` and by the templates section.
"""

from collections.abc import Iterator

from pacsgate.model.actions import Action
from pacsgate.model.permission import Permission
from pacsgate.model.role import Role
from pacsgate.policy.language.fields import choices_in, day, entries, fields, name, names, span, text
from pacsgate.policy.language.problems import Position, Problems
from pacsgate.policy.language.yaml_text import Node

_FIELDS = ("extends", "may", "permissions", "owner", "approved_by", "approved_at", "description", "longest")


def read_roles(node: Node, problems: Problems) -> Iterator[tuple[Role, Position]]:
    """Each role with the place of its name; what it inherits is not in it yet."""
    for key, value in entries(node, "`roles`", problems):
        called = name(key, "the role's name", problems)
        given = fields(value, "a role", _FIELDS, problems)
        if called is None:
            continue
        owner, approved_by, description = (
            text(given[field], f"`{field}`", problems) if field in given else None
            for field in ("owner", "approved_by", "description")
        )
        role = Role(
            name=called,
            may=choices_in(given["may"], Action, "action", problems) if "may" in given else frozenset(),
            permissions=(
                choices_in(given["permissions"], Permission, "permission", problems)
                if "permissions" in given
                else frozenset()
            ),
            owner=owner,
            description=description,
            extends=names(given.get("extends"), "`extends`", problems),
            approved_by=approved_by,
            approved_at=day(given["approved_at"], "`approved_at`", problems)
            if "approved_at" in given
            else None,
            longest=span(given.get("longest"), "`longest`", problems),
        )
        yield role, key.position
