"""JSON with comments, as Orthanc takes it, as the tree of nodes that YAML becomes too.

`//` and `/* */` comments may stand wherever a blank may, and a comma before a closing
bracket.  Numbers and words stay text, as in YAML: what one means is for its reader to say.

Called by the readers of formats that are JSON.

Invariants:
- a key that is there twice is a problem: nobody knows which of them Orthanc would take;
- no problem quotes a value, which may be a password;
- depth and length are bounded as for YAML.

Standard: RFC 8259, with the liberties of JsonCpp's reader.
"""

import json
import re
from bisect import bisect_right
from dataclasses import dataclass, field

from pacsgate.policy.language.limits import SOURCE_LENGTH, YAML_DEPTH
from pacsgate.policy.language.problems import Position, Problems, quoted
from pacsgate.policy.language.yaml_text import ListNode, MapNode, Node, TextNode

_IGNORED = re.compile(r"(?:[ \t\r\n\ufeff]+|//[^\n]*|/\*(?:[^*]|\*(?!/))*+\*/)*+")
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*+"')
_WORD = re.compile(r"[-+.A-Za-z0-9]++")
_VALUES = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")


def parse_commented_json(file: str, text: str, problems: Problems) -> Node | None:
    """The one value of a text; `None`, and at least one problem, if it cannot be read."""
    if len(text) > SOURCE_LENGTH:
        problems.add(Position(file), f"the file is longer than {SOURCE_LENGTH} characters")
        return None
    reader = _Reader(file, text, problems)
    try:
        return reader.document()
    except _UnreadableError as unreadable:
        problems.add(reader.position(unreadable.offset), f"not JSON: {unreadable}")
        return None


class _UnreadableError(Exception):
    """Reading on is pointless; never leaves this module."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset


@dataclass(slots=True)
class _Reader:
    """Reads from `at` on."""

    file: str
    text: str
    problems: Problems
    at: int = 0
    lines: list[int] = field(default_factory=list)
    """Where each line begins."""

    def __post_init__(self) -> None:
        self.lines = [0, *(match.end() for match in re.finditer("\n", self.text))]

    def position(self, offset: int) -> Position:
        line = bisect_right(self.lines, offset)
        return Position(self.file, line, offset - self.lines[line - 1] + 1)

    def document(self) -> Node:
        node = self._value(0)
        if self._next():
            raise _UnreadableError(self.at, "something follows the end")
        return node

    def _next(self) -> str:
        """The next character that means something; empty at the end."""
        ignored = _IGNORED.match(self.text, self.at)
        self.at = ignored.end() if ignored else self.at
        return self.text[self.at : self.at + 1]

    def _value(self, depth: int) -> Node:
        following, start = self._next(), self.at
        if depth > YAML_DEPTH:
            raise _UnreadableError(start, f"nested more than {YAML_DEPTH} deep")
        match following:
            case "{":
                return self._object(depth)
            case "[":
                return self._array(depth)
            case '"':
                return self._string()
            case _:
                return self._word()

    def _object(self, depth: int) -> MapNode:
        node = MapNode({}, self.position(self.at))
        self.at += 1
        while self._next() != "}":
            key = self._string()
            if self._next() != ":":
                raise _UnreadableError(self.at, "expected `:` after the key")
            self.at += 1
            value = self._value(depth + 1)
            earlier = node.entries.get(key.text)
            if earlier is None:
                node.entries[key.text] = (key, value)
            else:
                line = earlier[0].position.line
                self.problems.add(key.position, f"{quoted(key.text)} is here twice; first in line {line}")
            self._separator("}")
        self.at += 1
        return node

    def _array(self, depth: int) -> ListNode:
        node = ListNode([], self.position(self.at))
        self.at += 1
        while self._next() != "]":
            node.items.append(self._value(depth + 1))
            self._separator("]")
        self.at += 1
        return node

    def _separator(self, end: str) -> None:
        following = self._next()
        if following == ",":
            self.at += 1
        elif following != end:
            raise _UnreadableError(self.at, f"expected `,` or `{end}`")

    def _string(self) -> TextNode:
        found = _STRING.match(self.text, self.at) if self._next() else None
        if found is None:
            raise _UnreadableError(self.at, "expected a string in double quotes")
        try:
            value = json.loads(found[0], strict=False)
        except json.JSONDecodeError as error:
            raise _UnreadableError(self.at + error.pos, "a string with an escape that JSON lacks") from error
        node = TextNode(value, plain=False, position=self.position(self.at), raw=found[0])
        self.at = found.end()
        return node

    def _word(self) -> TextNode:
        found = _WORD.match(self.text, self.at)
        if found is None or _VALUES.fullmatch(found[0]) is None:
            # Not quoted: it may be a password that somebody forgot to put in quotes.
            raise _UnreadableError(self.at, "expected a value; texts stand in double quotes")
        node = TextNode(found[0], plain=True, position=self.position(self.at), raw=found[0])
        self.at = found.end()
        return node
