"""Policy files become one `Policy`, or one error with everything that is wrong with them.

Files are read in the order of their names and say one thing together: roles and
attributes of one file may be used in another, and a name may be given once.  A file
that some `map` names is a table, one with a format before its name is read by that
format's reader, and every other is a policy document.

Called by `pacsgate.services.publish_policy` and the command line.

Invariants:
- all problems are found in one reading, each with file, line and column;
- the revision depends on the names and texts of the sources and on nothing else;
- a role lives in one place: in the files, or in the database, never both; the default roles of
  `model.built_in_roles` are in every policy, and nobody else's.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from itertools import chain, islice
from typing import TypeGuard

from pacsgate.model.built_in_roles import AGENT_INSTANCE, BUILT_IN_ROLES
from pacsgate.model.decision import Revision
from pacsgate.model.role import Role
from pacsgate.policy.environment import BUILT_INS
from pacsgate.policy.findings import atoms_of
from pacsgate.policy.foreign.reading import Foreign, split_name
from pacsgate.policy.foreign.registry import read_foreign
from pacsgate.policy.inheritance import inherited
from pacsgate.policy.ir import FILTERS, Attribute, Contains
from pacsgate.policy.language.assignments import read_assignments
from pacsgate.policy.language.attributes import read_attributes, table_names
from pacsgate.policy.language.authentication import read_authentication
from pacsgate.policy.language.fields import fields, text
from pacsgate.policy.language.grant_rules import read_grant_rules
from pacsgate.policy.language.labels import read_labels, with_derived_labels
from pacsgate.policy.language.limits import (
    ASSIGNMENTS,
    ATTRIBUTES,
    AUTHENTICATION_RULES,
    GRANT_RULES,
    INSTANCE_FILTERS,
    LABEL_PATTERNS,
    REQUEST_PATTERNS,
    RULES,
)
from pacsgate.policy.language.problems import Position, Problems, did_you_mean, quoted
from pacsgate.policy.language.roles import read_roles
from pacsgate.policy.language.rules import Names, read_rules
from pacsgate.policy.language.templates import read_templates
from pacsgate.policy.language.yaml_text import MapNode, Node, TextNode, parse_yaml
from pacsgate.policy.policy import (
    Declaration,
    GrantRule,
    LabelPattern,
    Place,
    Policy,
    PolicyAssignment,
    Rule,
    StrengthRule,
    Template,
)
from pacsgate.policy.request_patterns import REQUEST
from pacsgate.policy.zones import zone, zone_names

_SECTIONS = (
    "version",
    "timezone",
    "attributes",
    "labels",
    "roles",
    "rules",
    "assignments",
    "templates",
    "grant_rules",
    "authentication",
)
_VERSION = "1"
_REVISION_DIGITS = 16
_RULES_A_STEP = 50


Progress = Callable[[int], None]
"""Is told now and then how many rules have been read."""


def load_policy(
    sources: Mapping[str, str], stored_roles: Sequence[Role] = (), progress: Progress | None = None
) -> Policy:
    """Read policy sources (file name to text).  Raises `PolicyError` with every problem.

    `stored_roles` are those of the database; rules and assignments may name them.
    """
    problems = Problems()
    foreign = read_foreign(sources, problems)
    native = sorted(source for source in sources if split_name(source)[0] is None)
    trees = {file: parse_yaml(file, sources[file], problems) for file in native}
    problems.raise_if_any()  # what an unreadable file defines would be missing everywhere else
    nodes = {file: node for file, node in trees.items() if node is not None}
    tables = {file: nodes[file] for file in _table_names(nodes.values()) if file in nodes}
    documents = [
        fields(node, "a policy", _SECTIONS, problems, required=("version",))
        for file, node in nodes.items()
        if file not in tables
    ]
    if not documents and not foreign:
        problems.add(Position("policy"), "there is no policy file", "write one that starts with `version: 1`")
    for document in documents:
        _check_version(document, problems)

    declarations = _declarations(documents, tables, problems)
    roles, role_places = _roles(documents, foreign, stored_roles, problems)
    attributes: dict[str, Attribute] = {str(attribute): attribute for attribute in (*BUILT_INS, FILTERS)}
    attributes |= {name: declared.attribute for name, declared in declarations.items()}
    own_roles = {name: role for name, role in roles.items() if name not in BUILT_IN_ROLES}
    names = Names(own_roles, attributes)
    label_patterns = _label_patterns(documents, problems)
    labels = frozenset(pattern.label for pattern in label_patterns)
    rules = tuple(
        replace(rule, condition=with_derived_labels(rule.condition, labels)) if labels else rule
        for rule in _rules(documents, foreign, names, problems, progress)
    )
    _check_written_elements(rules, problems)
    assignable = {name: role for name, role in roles.items() if name != AGENT_INSTANCE}
    assignments = _assignments(documents, foreign, assignable, problems)
    templates = _templates(documents, roles, problems)
    grant_rules = _grant_rules(documents, names, labels, problems)
    authentication = _authentication(documents, roles, problems)
    timezone = _timezone(documents, problems)
    problems.raise_if_any()
    return Policy(
        revision=revision_of(sources),
        roles=roles,
        rules=rules,
        assignments=assignments,
        declarations=declarations,
        role_places=role_places,
        sources=dict(sources),
        timezone=timezone,
        label_patterns=label_patterns,
        templates=templates,
        filters=dict(chain(names.queries.items(), *(each.filters.items() for each in foreign))),
        grant_rules=grant_rules,
        authentication=authentication,
        left=tuple(diagnostic for each in foreign for diagnostic in each.left),
    )


def revision_of(sources: Mapping[str, str]) -> Revision:
    """The name of exactly these sources."""
    canonical = json.dumps(dict(sources), sort_keys=True, separators=(",", ":"))
    return Revision(hashlib.sha256(canonical.encode()).hexdigest()[:_REVISION_DIGITS])


Document = Mapping[str, Node]
"""The sections of one file."""


def _table_names(nodes: Iterable[Node]) -> set[str]:
    """The file names that any `map` of any file gives."""
    sections = (node.entries["attributes"][1] for node in nodes if _has(node, "attributes"))
    return {name for section in sections for name in table_names(section)}


def _has(node: Node, key: str) -> TypeGuard[MapNode]:
    return isinstance(node, MapNode) and key in node.entries


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
            elif len(found) == ATTRIBUTES:
                problems.add(position, f"more than {ATTRIBUTES} attributes")
                return found
            else:
                found[name] = declaration
    return found


def _roles(
    documents: Iterable[Document], foreign: Iterable[Foreign], stored: Sequence[Role], problems: Problems
) -> tuple[dict[str, Role], dict[str, Place]]:
    roles = {**{role.name: role for role in stored}, **BUILT_IN_ROLES}
    positions: dict[str, Position] = {}
    nodes = _sections(documents, "roles")
    native = ((role, position) for node in nodes for role, position in read_roles(node, problems))
    theirs = ((role, _position(each.role_places[role.name])) for each in foreign for role in each.roles)
    for role, position in chain(native, theirs):
        if role.name in positions:
            _twice(f"role `{role.name}`", position, positions[role.name].place, problems)
        elif role.name in BUILT_IN_ROLES:
            problems.add(position, f"role `{role.name}` is built in", "give yours another name")
        elif role.name in roles:
            message = f"role `{role.name}` is in the database too"
            problems.add(position, message, "a role lives in one place: remove one of them")
        else:
            roles[role.name] = role
            positions[role.name] = position
    places = {name: position.place for name, position in positions.items()}
    return inherited(roles, positions, problems), places


def _rules(
    documents: Iterable[Document],
    foreign: Iterable[Foreign],
    names: Names,
    problems: Problems,
    progress: Progress | None,
) -> tuple[Rule, ...]:
    rules: dict[str, Rule] = {}
    nodes = _sections(documents, "rules")
    native = ((rule, position) for node in nodes for rule, position in read_rules(node, names, problems))
    theirs = ((rule, _position(rule.place)) for each in foreign for rule in each.rules)
    for rule, position in chain(native, theirs):
        if rule.rule_id in rules:
            _twice(f"rule `{rule.rule_id}`", position, rules[rule.rule_id].place, problems)
        elif len(rules) == RULES:
            problems.add(position, f"more than {RULES} rules")
            return ()
        else:
            rules[rule.rule_id] = rule
            if progress is not None and len(rules) % _RULES_A_STEP == 0:
                progress(len(rules))
    return tuple(rules[rule_id] for rule_id in sorted(rules))


def _assignments(
    documents: Iterable[Document],
    foreign: Iterable[Foreign],
    roles: Mapping[str, Role],
    problems: Problems,
) -> tuple[PolicyAssignment, ...]:
    nodes = _sections(documents, "assignments")
    native = (assignment for node in nodes for assignment in read_assignments(node, roles, problems))
    theirs = (assignment for each in foreign for assignment in each.assignments)
    found = tuple(islice(chain(native, theirs), ASSIGNMENTS + 1))
    if len(found) > ASSIGNMENTS:
        problems.add(_position(found[-1].place), f"more than {ASSIGNMENTS} assignments")
    return found


def _label_patterns(documents: Iterable[Document], problems: Problems) -> tuple[LabelPattern, ...]:
    nodes = _sections(documents, "labels")
    read = (each for node in nodes for each in read_labels(node, problems))
    found = tuple(islice(read, LABEL_PATTERNS + 1))
    if len(found) > LABEL_PATTERNS:
        problems.add(_position(found[-1].place), f"more than {LABEL_PATTERNS} patterns for labels")
    return found


def _templates(
    documents: Iterable[Document], roles: Mapping[str, Role], problems: Problems
) -> dict[str, Template]:
    found: dict[str, Template] = {}
    for node in _sections(documents, "templates"):
        for template, position in read_templates(node, roles, problems):
            if template.name in found:
                _twice(f"template `{template.name}`", position, found[template.name].place, problems)
            else:
                found[template.name] = template
    return found


def _grant_rules(
    documents: Iterable[Document], known: Names, labels: frozenset[str], problems: Problems
) -> tuple[GrantRule, ...]:
    rules: dict[str, GrantRule] = {}
    for node in _sections(documents, "grant_rules"):
        for rule, position in read_grant_rules(node, known, problems):
            if rule.rule_id in rules:
                _twice(f"grant rule `{rule.rule_id}`", position, rules[rule.rule_id].place, problems)
            elif len(rules) == GRANT_RULES:
                problems.add(position, f"more than {GRANT_RULES} grant rules")
                return ()
            else:
                condition = with_derived_labels(rule.condition, labels) if labels else rule.condition
                rules[rule.rule_id] = replace(rule, condition=condition)
    return tuple(rules[rule_id] for rule_id in sorted(rules))


def _authentication(
    documents: Iterable[Document], roles: Mapping[str, Role], problems: Problems
) -> tuple[StrengthRule, ...]:
    nodes = _sections(documents, "authentication")
    read = (rule for node in nodes for rule in read_authentication(node, roles, problems))
    found = tuple(islice(read, AUTHENTICATION_RULES + 1))
    if len(found) > AUTHENTICATION_RULES:
        problems.add(_position(found[-1].place), f"more than {AUTHENTICATION_RULES} demands of strength")
    return found


def _timezone(documents: Iterable[Document], problems: Problems) -> tzinfo:
    """The zone that some file names; UTC if none does."""
    found: tzinfo = UTC
    first: Place | None = None
    for node in _sections(documents, "timezone"):
        named = text(node, "`timezone`", problems)
        known = None if named is None else zone(named)
        if first is not None:
            _twice("`timezone`", node.position, first, problems)
        elif known is not None:
            found = known
        elif named is not None:
            problems.add(node.position, f"no time zone {quoted(named)}", did_you_mean(named, zone_names()))
        first = first or node.position.place
    return found


def _check_written_elements(rules: Iterable[Rule], problems: Problems) -> None:
    """Name the rule with which there are too many request patterns, or too many instance filters."""
    for attribute, most in ((REQUEST, REQUEST_PATTERNS), (FILTERS, INSTANCE_FILTERS)):
        seen: set[object] = set()
        for rule in rules:
            atoms = (atom for atom in atoms_of(rule.condition) if isinstance(atom, Contains))
            seen |= {atom.element for atom in atoms if atom.attribute == attribute}
            if len(seen) > most:
                problems.add(_position(rule.place), f"more than {most} different elements of `{attribute}`")
                break


def _position(place: Place) -> Position:
    return Position(place.file, place.line, 1)


def _twice(what: str, position: Position, first: Place, problems: Problems) -> None:
    problems.add(position, f"{what} is here a second time; first at {first}")
