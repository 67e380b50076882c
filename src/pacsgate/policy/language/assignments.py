"""The `assignments` section: who has which role, where and for how long.

```yaml
assignments:
  - {groups: [radiology], roles: [radiologist], scope: {pacs: main}, until: 2027-01-01}
```

A role with a `longest` needs `from` and `until`: a file has no other moment to count from.

Called by `pacsgate.policy.document`.
"""

from collections.abc import Iterator, Mapping

from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Assignment, AssignmentScope, Role
from pacsgate.model.spans import span_text
from pacsgate.policy.language.fields import fields, instant, items, names, text, texts
from pacsgate.policy.language.limits import SECTION_LENGTH
from pacsgate.policy.language.problems import Position, Problems, did_you_mean, quoted
from pacsgate.policy.language.yaml_text import Node
from pacsgate.policy.policy import PolicyAssignment

_FIELDS = ("users", "groups", "roles", "scope", "from", "until")


def read_assignments(node: Node, roles: Mapping[str, Role], problems: Problems) -> Iterator[PolicyAssignment]:
    """One value for each role of each item."""
    for item in items(node, "`assignments`", problems, most=SECTION_LENGTH):
        given = fields(item, "an assignment", _FIELDS, problems, required=("roles",))
        users, groups = (names(given.get(kind), f"`{kind}`", problems) for kind in ("users", "groups"))
        if given and "users" not in given and "groups" not in given:
            problems.add(item.position, "an assignment needs `users` or `groups`")
        starts, until = (
            instant(given.get("from"), "`from`", problems),
            instant(given.get("until"), "`until`", problems),
        )
        if starts is not None and until is not None and starts >= until:
            problems.add(item.position, "the assignment ends before it begins")
        scope = _scope(given["scope"], problems) if "scope" in given else AssignmentScope()
        if "roles" not in given:
            continue
        for role, named in texts(given["roles"], "`roles`", problems):
            if role not in roles:
                problems.add(named.position, f"unknown role {quoted(role)}", did_you_mean(role, roles))
            assignment = Assignment(role, scope, starts, until)
            _check_length(assignment, named.position, roles, problems)
            yield PolicyAssignment(users, groups, assignment, item.position.place)


def _check_length(
    assignment: Assignment, position: Position, roles: Mapping[str, Role], problems: Problems
) -> None:
    """Say so if a file gives a role for longer than it can be given."""
    role, starts, until = roles.get(assignment.role), assignment.starts, assignment.until
    if role is None or role.longest is None:
        return
    if starts is None or until is None or until - starts > role.longest:
        longest = span_text(role.longest)
        problems.add(
            position,
            f"role `{role.name}` is given for {longest} at most",
            f"write `from`, and an `until` no more than {longest} later",
        )


def _scope(node: Node, problems: Problems) -> AssignmentScope:
    given = fields(node, "a scope", ("pacs", "collection"), problems)
    archive = text(given["pacs"], "`pacs`", problems) if "pacs" in given else None
    collection = text(given["collection"], "`collection`", problems) if "collection" in given else None
    return AssignmentScope(ArchiveName(archive) if archive is not None else None, collection)
