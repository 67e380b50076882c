"""The three role lists of `IncomingHttpRequestFilter.lua`, and nothing else of it.

A list is an assignment outside any block, `local viewers = {'ann', "ben"}`, of plain
strings.  The rest of the script is not run: it is cut into tokens, so that a comment or a
string that looks like a list is none, and reported by its lines.

Called by `reader`.

Invariants:
- a list that is anything but plain strings in braces is a problem, never a guess;
- so is one that the script visibly changes afterwards.

Standard: the lexical conventions of Lua 5.3 (reference manual 3.1).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pacsgate.policy.language.limits import SOURCE_LENGTH
from pacsgate.policy.language.problems import Position, Problems

LISTS = ("viewers", "editors", "admins")

_TOKEN = re.compile(
    r"(?P<blank>\s++|--\[(?P<level>=*)\[.*?\](?P=level)\]|--[^\n]*+)"
    r"|(?P<long>\[(?P<equals>=*)\[.*?\](?P=equals)\])"
    r"""|(?P<string>'(?:[^'\\\n]|\\.)*+'|"(?:[^"\\\n]|\\.)*+")"""
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*+)"
    r"|(?P<other>==|.)",
    re.DOTALL,
)
_OPENS = frozenset({"function", "do", "if", "repeat", "(", "{", "["})
_CLOSES = frozenset({"end", "until", ")", "}", "]"})
_GO_ON = frozenset({"and", "or"})
"""Words after a list that would make it part of something larger."""
_CHANGERS = frozenset({"insert", "remove", "move", "sort", "rawset"})
"""Functions that change a list."""


@dataclass(frozen=True, slots=True)
class Script:
    """What one script says."""

    lists: Mapping[str, Mapping[str, Position]]
    """Who is in each list, by the list's name, with the place of each name."""
    others: tuple[tuple[Position, int], ...]
    """Where other Lua begins, and its last line."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: Position


def read_script(file: str, text: str, problems: Problems) -> Script:
    """Find the lists; each that is missing or cannot be read is a problem."""
    if len(text) > SOURCE_LENGTH:
        problems.add(Position(file), f"the file is longer than {SOURCE_LENGTH} characters")
        return Script({}, ())
    reader = _Reader(list(_tokens(file, text)))
    try:
        reader.read()
    except _UnclearError as unclear:
        problems.add(unclear.token.position, str(unclear), unclear.suggestion)
        return Script({}, ())
    for name in LISTS:
        if name not in reader.lists:
            hint = f"outside any block, `local {name} = {{}}` if nobody is in it"
            problems.add(Position(file), f"the list `{name}` is not there", hint)
    return Script(reader.lists, tuple(reader.others))


def _tokens(file: str, text: str) -> Iterator[_Token]:
    line, start = 1, 0
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup or "other"
        if kind != "blank":
            yield _Token(kind, found[0], Position(file, line, found.start() - start + 1))
        if "\n" in found[0]:
            line += found[0].count("\n")
            start = found.start() + found[0].rindex("\n") + 1


class _UnclearError(Exception):
    """A list whose members nobody can tell without running the script; never leaves this module."""

    def __init__(self, token: _Token, message: str, suggestion: str) -> None:
        super().__init__(message)
        self.token = token
        self.suggestion = suggestion


@dataclass(slots=True)
class _Reader:
    """Goes through the tokens of one script."""

    tokens: list[_Token]
    lists: dict[str, Mapping[str, Position]] = field(default_factory=dict)
    others: list[tuple[Position, int]] = field(default_factory=list)
    at: int = 0
    depth: int = 0
    """How many blocks and brackets are open."""
    in_other: bool = False

    def read(self) -> None:
        while self.at < len(self.tokens):
            name = self.at + (self._text(0) == "local")
            if self._is_list_at(name):
                self.at = name
                self._list()
                self.in_other = False
            else:
                self._other()
                self.in_other = True

    def _text(self, ahead: int) -> str:
        at = self.at + ahead
        return self.tokens[at].text if 0 <= at < len(self.tokens) else ""

    def _is_list_at(self, at: int) -> bool:
        """Whether a list is given there, and not a field of that name or one of several variables."""
        before, name, after = (self._text(at - self.at + ahead) for ahead in (-1, 0, 1))
        return name in LISTS and after == "=" and before not in {".", ","}

    def _list(self) -> None:
        name = self.tokens[self.at]
        if self.depth or name.text in self.lists:
            what = "inside a block" if self.depth else "a second time"
            hint = "give each list once, outside any block"
            raise _UnclearError(name, f"the list `{name.text}` is given {what}", hint)
        self.at += 2
        if self._text(0) != "{":
            hint = "write names in quotes between braces"
            raise _UnclearError(name, f"the list `{name.text}` is no list", hint)
        self.at += 1
        self.lists[name.text] = dict(self._users(name))
        self.at += 1
        if self._text(0) == ";":
            self.at += 1
        elif self._text(0) in _GO_ON or not (self._text(0)[:1].isalpha() or self._text(0)[:1] in {"", "_"}):
            hint = "write the names out"
            raise _UnclearError(self.tokens[self.at], f"the list `{name.text}` goes on after its brace", hint)

    def _users(self, name: _Token) -> Iterator[tuple[str, Position]]:
        """The strings up to the closing brace."""
        while self._text(0) != "}":
            user = self.tokens[self.at] if self.at < len(self.tokens) else name
            if user.kind != "string" or "\\" in user.text or self._text(1) not in {",", ";", "}"}:
                message = f"the list `{name.text}` holds more than plain strings"
                raise _UnclearError(user, message, "write the names out")
            yield user.text[1:-1], user.position
            self.at += 1 if self._text(1) == "}" else 2

    def _other(self) -> None:
        token = self.tokens[self.at]
        self.at += 1
        self.depth += (token.text in _OPENS) - (token.text in _CLOSES)
        self._refuse_change(token)
        first = self.others.pop()[0] if self.in_other else token.position
        self.others.append((first, token.position.line + token.text.count("\n")))

    def _refuse_change(self, token: _Token) -> None:
        """What visibly changes a list: an element assigned, or a call that does."""
        changed = None
        if token.text in LISTS and self._text(0) == "[":
            end = next((n for n in range(self.at, len(self.tokens)) if self.tokens[n].text == "]"), self.at)
            changed = token.text if self._text(end - self.at + 1) == "=" else None
        elif token.text in _CHANGERS and self._text(0) == "(" and self._text(1) in LISTS:
            changed = self._text(1)
        if changed is not None:
            hint = "write the names out where it is given"
            raise _UnclearError(token, f"the list `{changed}` is changed here", hint)
