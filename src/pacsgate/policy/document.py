"""Policy files become one `Policy`, or one error with everything that is wrong with them.

Files are read in the order of their names and say one thing together: roles and
attributes of one file may be used in another, and a name may be given once.  A file
that some `map` names is a table, every other a policy document.

Called by `pacsgate.services.publish_policy` and the command line.

Invariants:
- all problems are found in one reading, each with file, line and column;
- the revision depends on the names and texts of the sources and on nothing else;
- a role lives in one place: in the files, or in the database, never both.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pacsgate.model.decision import Revision
from pacsgate.model.role import Role
from pacsgate.policy.environment import BUILT_INS
from pacsgate.policy.ir import Attribute
from pacsgate.policy.language.assignments import read_assignments
from pacsgate.policy.language.attributes import read_attributes
from pacsgate.policy.language.fields import fields
from pacsgate.policy.language.limits import RULES
from pacsgate.policy.language.problems import Position, Problems
from pacsgate.policy.language.roles import read_roles
from pacsgate.policy.language.rules import Names, read_rules
from pacsgate.policy.language.yaml_text import MapNode, Node, TextNode, parse_yaml
from pacsgate.policy.policy import Declaration, Place, Policy, PolicyAssignment, Rule

_SECTIONS = ("version", "attributes", "roles", "rules", "assignments")
_VERSION = "1"
_REVISION_DIGITS = 12


def load_policy(sources: Mapping[str, str], stored_roles: Sequence[Role] = ()) -> Policy:
    """Read policy sources (file name to text).  Raises `PolicyError` with every problem.

    `stored_roles` are those of the database; rules and assignments may name them.
    """
    problems = Problems()
    trees = {file: parse_yaml(file, sources[file], problems) for file in sorted(sources)}
    problems.raise_if_any()  # what an unreadable file defines would be missing everywhere else
    nodes = {file: node for file, node in trees.items() if node is not None}
    tables = {file: nodes[file] for file in _table_names(nodes.values()) if file in nodes}
    documents = [
        fields(node, "a policy", _SECTIONS, problems, required=("version",))
        for file, node in nodes.items()
        if file not in tables
    ]
    if not documents:
        problems.add(Position("policy"), "there is no policy file", "write one that starts with `version: 1`")
    for document in documents:
        _check_version(document, problems)

    declarations = _declarations(documents, tables, problems)
    roles, role_places = _roles(documents, stored_roles, problems)
    attributes: dict[str, Attribute] = {str(attribute): attribute for attribute in BUILT_INS}
    attributes |= {name: declared.attribute for name, declared in declarations.items()}
    rules = _rules(documents, Names(roles, attributes), problems)
    assignments = _assignments(documents, roles, problems)
    problems.raise_if_any()
    return Policy(
        revision=revision_of(sources),
        roles=roles,
        rules=rules,
        assignments=assignments,
        declarations=declarations,
        role_places=role_places,
        sources=dict(sources),
    )


def revision_of(sources: Mapping[str, str]) -> Revision:
    """The name of exactly these sources."""
    canonical = json.dumps(dict(sources), sort_keys=True, separators=(",", ":"))
    return Revision(hashlib.sha256(canonical.encode()).hexdigest()[:_REVISION_DIGITS])


Document = Mapping[str, Node]
"""The sections of one file."""


def _table_names(nodes: Iterable[Node]) -> set[str]:
    """The file names that any `map` of any file gives."""
    found = set()
    for node in nodes:
        attributes = _value(node, "attributes")
        if not isinstance(attributes, MapNode):
            continue
        for _, declaration in attributes.entries.values():
            table = _value(declaration, "map")
            if isinstance(table, TextNode):
                found.add(table.text)
    return found


def _value(node: Node, key: str) -> Node | None:
    entry = node.entries.get(key) if isinstance(node, MapNode) else None
    return None if entry is None else entry[1]


def _check_version(document: Document, problems: Problems) -> None:
    version = document.get("version")
    if version is not None and not (isinstance(version, TextNode) and version.text == _VERSION):
        problems.add(version.position, "this version of the language is unknown", "write `version: 1`")


def _sections(documents: Iterable[Document], name: str) -> Iterator[Node]:
    for document in documents:
        if name in document:
            yield document[name]


def _declarations(
    documents: Iterable[Document], tables: Mapping[str, Node], problems: Problems
) -> dict[str, Declaration]:
    found: dict[str, Declaration] = {}
    for node in _sections(documents, "attributes"):
        for declaration, position in read_attributes(node, tables, problems):
            name = str(declaration.attribute)
            if name in found:
                _twice(f"attribute `{name}`", position, found[name].place, problems)
            else:
                found[name] = declaration
    return found


def _roles(
    documents: Iterable[Document], stored: Sequence[Role], problems: Problems
) -> tuple[dict[str, Role], dict[str, Place]]:
    roles = {role.name: role for role in stored}
    places: dict[str, Place] = {}
    for node in _sections(documents, "roles"):
        for role, position in read_roles(node, problems):
            if role.name in places:
                _twice(f"role `{role.name}`", position, places[role.name], problems)
            elif role.name in roles:
                message = f"role `{role.name}` is in the database too"
                problems.add(position, message, "a role lives in one place: remove one of them")
            else:
                roles[role.name] = role
                places[role.name] = position.place
    return roles, places


def _rules(documents: Iterable[Document], names: Names, problems: Problems) -> tuple[Rule, ...]:
    rules: dict[str, Rule] = {}
    for node in _sections(documents, "rules"):
        for rule, position in read_rules(node, names, problems):
            if rule.rule_id in rules:
                _twice(f"rule `{rule.rule_id}`", position, rules[rule.rule_id].place, problems)
            elif len(rules) == RULES:
                problems.add(position, f"more than {RULES} rules")
                return ()
            else:
                rules[rule.rule_id] = rule
    return tuple(rules[rule_id] for rule_id in sorted(rules))


def _assignments(
    documents: Iterable[Document], roles: Mapping[str, Role], problems: Problems
) -> tuple[PolicyAssignment, ...]:
    nodes = _sections(documents, "assignments")
    return tuple(assignment for node in nodes for assignment in read_assignments(node, roles, problems))


def _twice(what: str, position: Position, first: Place, problems: Problems) -> None:
    problems.add(position, f"{what} is here a second time; first at {first}")
