"""YAML as a tree of nodes that know where they stand.

Built from the event stream, with a stack of its own: depth is bounded, duplicate
keys are noticed, and what a policy has no use for (anchors, aliases, tags, several
documents) is refused before anything is made of it.  Scalars stay text; what a
text means is for its reader to say, so no `no` becomes false.  libyaml reads, eight times
as fast as Python; a file that it refuses is read again in Python, whose messages are better.

Called by the sections of the language.

Standard: YAML 1.2.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from pacsgate.policy.language.limits import SOURCE_LENGTH, YAML_DEPTH
from pacsgate.policy.language.problems import Position, Problems, quoted

_BYTE_ORDER_MARK = "\ufeff"
"""As some editors write it in front of a file."""
_UNSEEN = re.compile("[\ufeff\x85\u2028\u2029]")
"""What one YAML reader takes for the end of a line or for nothing, and another for a character."""


@dataclass(frozen=True, slots=True)
class TextNode:
    """A scalar.  `plain` tells whether it stood without quotes, so that `true` and `'true'` differ."""

    text: str
    plain: bool
    position: Position
    raw: str = field(repr=False)
    """As written: with quotes, escapes, line breaks and indentation."""

    @property
    def is_null(self) -> bool:
        """Whether it is nothing: empty, `~` or `null` without quotes."""
        return self.plain and self.text in {"", "~", "null"}

    def position_at(self, offset: int) -> Position:
        """Where a character of `text` stands in the file.

        Follows the text through its written form, stepping over what only the
        writing has: quotes, indentation, backslashes, a block's header.
        """
        at = self._content_start()
        for wanted in self.text[:offset]:
            at = self._next(wanted, at) + 1
        if offset < len(self.text):
            at = self._next(self.text[offset], at)
        before = self.raw[:at]
        line = self.position.line + before.count("\n")
        column = at - before.rfind("\n") if "\n" in before else self.position.column + at
        return Position(self.position.file, line, column)

    def _content_start(self) -> int:
        if self.raw[:1] in {"|", ">"} and not self.plain:
            return self.raw.find("\n") + 1
        return 0 if self.plain else 1

    def _next(self, wanted: str, at: int) -> int:
        if wanted.isspace():  # a folded line break is one blank
            return at
        found = self.raw.find(wanted, at)
        return at if found < 0 else found


@dataclass(frozen=True, slots=True)
class ListNode:
    """A sequence."""

    items: list["Node"]
    position: Position


@dataclass(frozen=True, slots=True)
class MapNode:
    """A mapping, in the order written."""

    entries: dict[str, tuple[TextNode, "Node"]]
    """By key: the key's own node and the value's."""
    position: Position


Node = TextNode | ListNode | MapNode


def parse_yaml(file: str, text: str, problems: Problems) -> Node | None:
    """The one document of a text; `None`, and at least one problem, if it cannot be read."""
    if len(text) > SOURCE_LENGTH:
        problems.add(Position(file), f"the file is longer than {SOURCE_LENGTH} characters")
        return None
    # ruamel.yaml asserts on versions that it does not know; the language needs no directives anyway.
    for number, line in enumerate(text.removeprefix(_BYTE_ORDER_MARK).splitlines(), start=1):
        if line.startswith("%"):
            problems.add(
                Position(file, number, 1), "YAML directives are not part of the language", "remove the line"
            )
            return None
    found = Problems()
    root = _parsed(file, text, found, pure=False)
    if root is None:
        # What is wrong, the slower reader says better; what it can read after all is read.
        found = Problems()
        root = _parsed(file, text, found, pure=True)
    for each in found.found:
        problems.add(Position(each.file, each.line, each.column), each.message, each.suggestion)
    return root


def _parsed(file: str, text: str, problems: Problems, *, pure: bool) -> Node | None:
    text = text.removeprefix(_BYTE_ORDER_MARK)
    unseen = _UNSEEN.search(text)
    if unseen is not None:
        at = unseen.start()
        position = Position(file, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
        message = f"a character that nobody sees: U+{ord(unseen[0]):04X}"
        problems.add(position, message, "remove it, or write it with an escape in quotes")
        return None
    builder = _Builder(file, text, problems)
    try:
        for event in YAML(typ="safe", pure=pure).parse(text):
            if not builder.take(event):
                return None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        position = Position(file, mark.line + 1, mark.column + 1) if mark else Position(file)
        problems.add(position, f"not YAML: {error.problem or 'the text cannot be read'}")
        return None
    except (YAMLError, ValueError, OverflowError) as error:  # the latter of escapes beyond Unicode
        problems.add(Position(file), f"not YAML: {str(error).splitlines()[0]}")
        return None
    if builder.root is None:
        problems.add(Position(file), "the file is empty", "start with `version: 1`")
    return builder.root


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    node: ListNode | MapNode
    key: TextNode | None = None


@dataclass(slots=True)
class _Builder:
    """Takes events one by one; `root` is the tree once all were taken."""

    file: str
    text: str
    problems: Problems
    root: Node | None = None
    documents: int = 0
    stack: list[_Open] = field(default_factory=list)

    def take(self, event: Event) -> bool:
        """Use one event; false when reading on is pointless."""
        refusal = self._refusal(event)
        if refusal is not None:
            self.problems.add(self._position(event), *refusal)
            return False
        match event:
            case ScalarEvent():
                raw = self.text[event.start_mark.index : event.end_mark.index]
                self._place(TextNode(event.value, not event.style, self._position(event), raw))
            case SequenceStartEvent():
                self._open(ListNode([], self._position(event)))
            case MappingStartEvent():
                self._open(MapNode({}, self._position(event)))
            case SequenceEndEvent() | MappingEndEvent():
                self.stack.pop()
            case _:
                pass
        return True

    def _refusal(self, event: Event) -> tuple[str, str | None] | None:
        """Why a well-formed event has no place in a policy, and what to write instead."""
        match event:
            case DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    return "a second YAML document in one file", "put it into a file of its own"
            case AliasEvent():
                return "aliases (`*name`) are not used in policies", "write the value out"
            case NodeEvent() if event.anchor is not None:
                return "anchors (`&name`) are not used in policies", "write the value out"
            case ScalarEvent() | SequenceStartEvent() | MappingStartEvent() if event.tag is not None:
                return "tags (`!name`) are not used in policies", "quote the value instead"
            case SequenceStartEvent() | MappingStartEvent():
                if len(self.stack) >= YAML_DEPTH:
                    return f"nested more than {YAML_DEPTH} deep", None
                if self._expects_key():
                    return "a list or mapping cannot be a key", None
            case _:
                pass
        return None

    def _expects_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].node, MapNode) and self.stack[-1].key is None

    def _open(self, node: ListNode | MapNode) -> None:
        self._place(node)
        self.stack.append(_Open(node))

    def _place(self, node: Node) -> None:
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        if isinstance(parent.node, ListNode):
            parent.node.items.append(node)
        elif parent.key is None:
            if isinstance(node, TextNode):
                parent.key = node
        else:
            self._enter(parent.node, parent.key, node)
            parent.key = None

    def _enter(self, mapping: MapNode, key: TextNode, node: Node) -> None:
        earlier = mapping.entries.get(key.text)
        if earlier is None:
            mapping.entries[key.text] = (key, node)
        else:
            line = earlier[0].position.line
            self.problems.add(key.position, f"{quoted(key.text)} is here twice; first in line {line}")

    def _position(self, event: Event) -> Position:
        return Position(self.file, event.start_mark.line + 1, event.start_mark.column + 1)


def entries_of(node: MapNode) -> Iterator[tuple[TextNode, Node]]:
    """Keys with values, in the order written."""
    return iter(node.entries.values())
