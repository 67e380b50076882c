"""The `attributes` section: what conditions may name, and where each value comes from.

```yaml
attributes:
  study.department: {type: string, from: InstitutionalDepartmentName, map: departments.yaml}
  study.referring:
    type: string
    values: many
    from:
      - ReferringPhysicianIdentificationSequence.PersonIdentificationCodeSequence.CodeValue
      - {attribute: ReferringPhysicianName, map: physicians.yaml}
  user.clearance: {type: number}
```

Called by `pacsgate.policy.document`.

Invariants:
- an attribute of a study or series has a source, one of the user has none;
- an attribute with several sources has a second one beside it, `…_source`, for the evidence;
- no declaration shadows a built-in attribute.

Standard: keywords and their value representations are those of PS3.6.
"""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum

from pydicom.datadict import dictionary_VR, keyword_dict, tag_for_keyword

from pacsgate.model.subject import Scalar
from pacsgate.policy.environment import BUILT_INS
from pacsgate.policy.ir import (
    FILTERS,
    ORIGIN,
    PERMITTED,
    PERMITTED_USERS,
    Attribute,
    Scope,
    ValueType,
)
from pacsgate.policy.language.fields import entries, fields, one_choice, text
from pacsgate.policy.language.limits import SOURCES, TABLE_LENGTH
from pacsgate.policy.language.problems import Position, Problems, did_you_mean, quoted
from pacsgate.policy.language.yaml_text import ListNode, MapNode, Node, TextNode
from pacsgate.policy.policy import EVIDENCE, Declaration, Source
from pacsgate.policy.values import is_date, number_from

_NAME = re.compile(r"(study|series|user)\.([a-z][a-z0-9_]{0,47})", re.ASCII)
_PRIVATE_TAG = re.compile(r"[0-9A-Fa-f]{3}[13579BDFbdf][0-9A-Fa-f]{4}", re.ASCII)
_BUILT_IN_NAMES = frozenset(
    {"study.age", *map(str, (*BUILT_INS, FILTERS, PERMITTED, PERMITTED_USERS)), "user.roles"}
)
_WITNESSED = frozenset(str(attribute) for attribute in ORIGIN)
_UNREADABLE_VRS = frozenset({"SQ", "OB", "OD", "OF", "OL", "OV", "OW", "UN"})
"""Value representations that hold no value a condition could compare."""

_FIELDS: Mapping[Scope, tuple[str, ...]] = {
    Scope.STUDY: ("type", "from", "map", "values"),
    Scope.SERIES: ("type", "from", "map"),
    Scope.USER: ("type",),
}


class _Amount(StrEnum):
    """How many different values an attribute is expected to have in an archive."""

    FEW = "few"
    MANY = "many"


Tables = Mapping[str, Node]
"""The files that `map` may name."""


def read_attributes(node: Node, tables: Tables, problems: Problems) -> Iterator[tuple[Declaration, Position]]:
    """Each declaration with the place of its name."""
    for key, value in entries(node, "`attributes`", problems):
        declaration = _declaration(key, value, tables, problems)
        if declaration is not None:
            yield declaration, key.position
            if declaration.otherwise:
                yield _evidence(declaration), key.position


def table_names(node: Node) -> Iterator[str]:
    """The file names that the maps of an `attributes` section give; it need not be sound."""
    if not isinstance(node, MapNode):
        return
    for _, declaration in node.entries.values():
        given = declaration.entries if isinstance(declaration, MapNode) else {}
        sources = given["from"][1] if "from" in given else None
        for each in (declaration, *(sources.items if isinstance(sources, ListNode) else ())):
            table = each.entries.get("map") if isinstance(each, MapNode) else None
            if table is not None and isinstance(table[1], TextNode):
                yield table[1].text


def _declaration(key: TextNode, node: Node, tables: Tables, problems: Problems) -> Declaration | None:
    named = _NAME.fullmatch(key.text)
    if key.text in _BUILT_IN_NAMES:
        problems.add(key.position, f"`{key.text}` is built in", "take another name, or leave it out")
        return None
    if named is None:
        hint = "write `study.`, `series.` or `user.` and a name of small letters, digits and `_`"
        problems.add(key.position, f"{quoted(key.text)} is no name for an attribute", hint)
        return None
    known = _FIELDS[Scope(named[1])]
    required = [field for field in known if field in {"type", "from"}]
    given = fields(node, f"`{key.text}`", known, problems, required=required)
    value_type = one_choice(given["type"], ValueType, "type", problems) if "type" in given else None
    if value_type is None:
        return None
    many = "values" in given and one_choice(given["values"], _Amount, "amount", problems) is _Amount.MANY
    attribute = Attribute(Scope(named[1]), named[2], value_type)
    found = tuple(_sources(given, value_type, tables, problems))
    first = found[0] if found else Source(())
    return Declaration(attribute, key.position.place, first.path, first.table, found[1:], many)


def _evidence(declaration: Declaration) -> Declaration:
    about = declaration.attribute
    attribute = Attribute(about.scope, f"{about.name}{EVIDENCE}", ValueType.STRING)
    return Declaration(attribute, declaration.place, evidence_for=about)


def _sources(
    given: Mapping[str, Node], value_type: ValueType, tables: Tables, problems: Problems
) -> Iterator[Source]:
    """Where the values come from, in the order in which it is asked."""
    if "from" not in given:
        return
    written = given["from"]
    if not isinstance(written, ListNode):
        table = _table(given["map"], value_type, tables, problems) if "map" in given else None
        yield Source(_path(written, problems), table)
        return
    if "map" in given:
        message = "with several sources, each has its own map"
        problems.add(given["map"].position, message, "write `- {attribute: …, map: …}`")
    if not written.items:
        problems.add(written.position, "`from` names no source")
    if len(written.items) > SOURCES:
        problems.add(written.position, f"`from` names more than {SOURCES} sources")
        return
    for item in written.items:
        if not isinstance(item, MapNode):
            yield Source(_path(item, problems))
            continue
        each = fields(item, "a source", ("attribute", "map"), problems, required=("attribute",))
        path = _path(each["attribute"], problems) if "attribute" in each else ()
        yield Source(path, _table(each["map"], value_type, tables, problems) if "map" in each else None)


def _path(node: Node, problems: Problems) -> tuple[str, ...]:
    return element_path(node, "`from`", problems)


def element_path(node: Node, what: str, problems: Problems) -> tuple[str, ...]:
    """The way to an element: keywords or private tags, all but the last of sequences.

    What the gate witnesses has the way that is its name.
    """
    written = text(node, what, problems)
    if written is None:
        return ()
    if written in _WITNESSED:
        return (written,)
    *sequences, last = written.split(".")
    tags = [_tag(keyword, node, problems, of_sequence=True) for keyword in sequences]
    tags.append(_tag(last, node, problems, of_sequence=False))
    return tuple(tag for tag in tags if tag is not None)


def _tag(keyword: str, node: Node, problems: Problems, *, of_sequence: bool) -> str | None:
    if _PRIVATE_TAG.fullmatch(keyword):
        return keyword.upper()
    tag = tag_for_keyword(keyword)
    if tag is None:
        problems.add(
            node.position,
            f"no DICOM attribute has the keyword {quoted(keyword)}",
            did_you_mean(keyword, keyword_dict) or "a private one is written as its tag, such as `00091010`",
        )
        return None
    representation = dictionary_VR(tag)
    if of_sequence and representation != "SQ":
        problems.add(node.position, f"`{keyword}` is not a sequence, so nothing is inside it")
    elif not of_sequence and not _UNREADABLE_VRS.isdisjoint(representation.split(" or ")):
        hint = f"write `{keyword}.` and an attribute in it" if representation == "SQ" else None
        problems.add(node.position, f"`{keyword}` ({representation}) has no value to compare", hint)
    return f"{tag:08X}"


def _table(
    node: Node, value_type: ValueType, tables: Tables, problems: Problems
) -> Mapping[str, Scalar] | None:
    if isinstance(node, TextNode):
        name = text(node, "`map`", problems)
        if name is None:
            return None
        if name not in tables:
            problems.add(
                node.position, f"no file {quoted(name)} beside the policy", did_you_mean(name, tables)
            )
            return None
        node = tables[name]
    if not isinstance(node, MapNode):
        problems.add(node.position, "a map must be a mapping from values to values")
        return None
    if len(node.entries) > TABLE_LENGTH:
        problems.add(node.position, f"the map has more than {TABLE_LENGTH} rows")
        return None
    found = {key: _value(value, value_type, problems) for key, (_, value) in node.entries.items()}
    return {key: value for key, value in found.items() if value is not None}


def _value(node: Node, value_type: ValueType, problems: Problems) -> Scalar | None:
    """One value of a map, as the attribute's type."""
    written = text(node, "a value of the map", problems)
    if written is None:
        return None
    value = literal(written, value_type)
    if value is None:
        problems.add(node.position, f"{quoted(written)} is not a {value_type}")
    return value


def literal(written: str, value_type: ValueType) -> Scalar | None:
    """A value as YAML writes it; `None` when it is not of the type."""
    match value_type:
        case ValueType.STRING | ValueType.SET:
            return written
        case ValueType.DATE:
            return written if is_date(written) else None
        case ValueType.BOOLEAN:
            return {"true": True, "false": False}.get(written)
        case ValueType.NUMBER:
            return number_from(written)
