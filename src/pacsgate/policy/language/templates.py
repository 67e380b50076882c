"""The `templates` section: roles, and whom they are given to, for any site.

```yaml
templates:
  radiology-standard:
    roles:
      radiologist-<site>: {extends: [radiologist], owner: head-of-<site>}
    assignments:
      - {groups: [radiology-<site>], roles: [radiologist-<site>], scope: {pacs: <site>}}
```

`<site>` stands for the site's name wherever a text is.  What is made of a template is
kept in the database; the template itself gives nobody anything.

Called by `pacsgate.policy.document`.

Invariants:
- a template whose instance at some site would not be sound is refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pacsgate.model.role import Role
from pacsgate.policy.inheritance import inherited
from pacsgate.policy.language.assignments import read_assignments
from pacsgate.policy.language.fields import entries, fields, name
from pacsgate.policy.language.limits import TEMPLATES
from pacsgate.policy.language.problems import Position, Problems, did_you_mean, quoted
from pacsgate.policy.language.roles import read_roles
from pacsgate.policy.language.yaml_text import ListNode, MapNode, Node, TextNode
from pacsgate.policy.policy import SITE, Template

_WRITTEN = "<site>"


def read_templates(
    node: Node, roles: Mapping[str, Role], problems: Problems
) -> Iterator[tuple[Template, Position]]:
    """Each template with the place of its name."""
    for number, (key, value) in enumerate(entries(node, "`templates`", problems)):
        if number == TEMPLATES:
            problems.add(key.position, f"more than {TEMPLATES} templates")
            return
        called = name(key, "the template's name", problems)
        found = Problems()
        template = _template(called or "", _at_any_site(value), key.position, roles, found)
        for each in found.found:
            message = each.message.replace(SITE, _WRITTEN)
            problems.add(Position(each.file, each.line, each.column), message, each.suggestion)
        if called is not None:
            yield template, key.position


def _template(
    called: str, node: Node, position: Position, known: Mapping[str, Role], problems: Problems
) -> Template:
    given = fields(node, "a template", ("roles", "assignments"), problems, required=("roles",))
    own: dict[str, Role] = {}
    for role, place in read_roles(given["roles"], problems) if "roles" in given else ():
        if SITE not in role.name:
            problems.add(
                place,
                f"role {quoted(role.name)} would be the same at every site",
                "put `<site>` into its name",
            )
        own[role.name] = replace(role, template=f"{called}@{SITE}")
        for unknown in sorted(role.extends - own.keys() - known.keys()):
            problems.add(place, f"unknown role {quoted(unknown)}", did_you_mean(unknown, {**known, **own}))
    extended = {name: known[name] for role in own.values() for name in role.extends & known.keys()}
    roles = {**known, **inherited({**extended, **own}, {}, problems)}
    assignments = (
        tuple(read_assignments(given["assignments"], roles, problems)) if "assignments" in given else ()
    )
    return Template(called, tuple(own.values()), assignments, position.place)


def _at_any_site(node: Node) -> Node:
    """The same text with something in the place of `<site>` that may stand in a name."""
    match node:
        case TextNode():
            return replace(node, text=node.text.replace(_WRITTEN, SITE))
        case ListNode():
            return ListNode([_at_any_site(item) for item in node.items], node.position)
        case MapNode():
            read = [(_at_any_site(key), _at_any_site(value)) for key, value in node.entries.values()]
            return MapNode(
                {key.text: (key, value) for key, value in read if isinstance(key, TextNode)}, node.position
            )
