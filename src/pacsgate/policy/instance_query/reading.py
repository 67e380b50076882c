"""The text of an instance query becomes a tree, or is refused with the place where reading stopped.

| written | means |
| --- | --- |
| `Modality StrEquals CT`, `StrNotEquals "*chest*"` | the whole text, in either case; `*` is any run |
| `Rows NbGreater 1.5`, `NbEquals`, `NbNotEquals`, `NbLess` | a number |
| `PatientComments NotEmpty`, `Empty`, `Exists`, `NotExists` | what is there |
| `ProcedureCodeSequence.CodeValue StrEquals X1` | inside sequences, in any item |
| `00190040.0019004A Exists` | tags of eight hexadecimal digits, in either case |
| `… AND …`, `… OR …`, `( … )` | `AND` binds tighter |

Operators are read in either case, keywords as PS3.6 writes them.  Blanks are the
only separator.  Nothing at all means every instance.

Called by the permissions file's reader and by the search of instances.

Standard: keywords and tags are those of PS3.6.
"""

from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput, UnexpectedToken
from pydicom.datadict import tag_for_keyword

from pacsgate.model.errors import RequestError
from pacsgate.policy.instance_query.tree import (
    EVERY_INSTANCE,
    AllOf,
    AnyOf,
    InstanceQuery,
    NumberOrder,
    NumberTest,
    Presence,
    PresenceTest,
    TagPath,
    TextEquality,
    TextTest,
)

QUERY_LENGTH = 16_000
"""Characters of one query, as of a policy's condition."""
QUERY_TESTS = 200
"""Tests of one query, likewise."""
QUERY_DEPTH = 24
"""Parentheses that mean something inside each other, likewise."""
PATH_LENGTH = 8
"""Names in one path; no data set of the standard is searched deeper than two sequences."""

_GRAMMAR = r"""
?start: either
?either: both (_OR both)*
?both: term (_AND term)*
?term: "(" either ")"
     | TAG PRESENCE -> presence
     | TAG NUMBER_ORDER NUMBER -> number
     | TAG TEXT_EQUALITY (WORD | QUOTED) -> text

TAG: /[A-Za-z0-9]+(\.[A-Za-z0-9]+)* +/
PRESENCE: /(not)?(exists|empty)(?=[ )]|\Z)/i
NUMBER_ORDER: /nb(equals|notequals|greater|less) +/i
TEXT_EQUALITY: /str(not)?equals +/i
NUMBER: /[0-9]{1,30}(\.[0-9]{1,30})?(?=[ )]|\Z)/
WORD: /[^"'()\s]+/
QUOTED: /"[^"'\x00-\x1f]*"/
_AND: /and(?=[ (])/i
_OR: /or(?=[ (])/i
%ignore / +/
"""

_PARSER = Lark(_GRAMMAR, parser="lalr", maybe_placeholders=False)

_T = TypeVar("_T", bound=StrEnum)


class QueryError(RequestError):
    """The text is not a query; `offset` is the character, from 0, at which reading stopped."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(f"the query cannot be read at character {offset + 1}: {message}")
        self.offset = offset
        self.message = message


def read_query(text: str) -> InstanceQuery:
    """Read a query.  Raises `QueryError`."""
    if len(text) > QUERY_LENGTH:
        raise QueryError(QUERY_LENGTH, f"it is longer than {QUERY_LENGTH} characters")
    if not text.strip(" "):
        return EVERY_INSTANCE
    try:
        tree = _PARSER.parse(text)
    except UnexpectedInput as error:
        raise _explained(error, text) from error
    return _Reader().query(tree, 0)


class _Reader:
    """Turns one syntax tree into a query, counting what there is a limit on."""

    def __init__(self) -> None:
        self._tests = 0

    def query(self, tree: "Tree[Token]", depth: int) -> InstanceQuery:
        if depth > QUERY_DEPTH:
            raise QueryError(0, f"parentheses are nested more than {QUERY_DEPTH} deep")
        match tree.data:
            case "either":
                return AnyOf(self._queries(tree, depth))
            case "both":
                return AllOf(self._queries(tree, depth))
            case _:
                return self._test(tree)

    def _queries(self, tree: "Tree[Token]", depth: int) -> tuple[InstanceQuery, ...]:
        return tuple(self.query(child, depth + 1) for child in tree.children if isinstance(child, Tree))

    def _test(self, tree: "Tree[Token]") -> InstanceQuery:
        tag, operator, *operands = (token for token in tree.children if isinstance(token, Token))
        self._tests += 1
        if self._tests > QUERY_TESTS:
            raise QueryError(tag.start_pos or 0, f"there are more than {QUERY_TESTS} tests")
        path = _path(tag)
        match tree.data:
            case "presence":
                return PresenceTest(path, _operator(Presence, operator))
            case "number":
                return NumberTest(path, _operator(NumberOrder, operator), Decimal(operands[0]))
            case _:
                return TextTest(path, _operator(TextEquality, operator), operands[0].strip('"'))


def _path(written: Token) -> TagPath:
    names = written.strip(" ").split(".")
    if len(names) > PATH_LENGTH:
        raise QueryError(written.start_pos or 0, f"a path has more than {PATH_LENGTH} names")
    return tuple(_tag(name) for name in names)


def _tag(name: str) -> str:
    """The tag that a name means; the name itself if it means none."""
    if len(name) == 8 and not set(name) - set("0123456789ABCDEFabcdef"):
        return name.upper()
    tag = tag_for_keyword(name)
    return name if tag is None else f"{tag:08X}"


def _operator(operators: type[_T], written: Token) -> _T:
    wanted = written.strip(" ").lower()
    return next(each for each in operators if each.lower() == wanted)


def _explained(error: UnexpectedInput, text: str) -> QueryError:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return QueryError(len(text), "it ends too early")
    # A query is one line: line breaks are not among its separators.
    hint = "write `KEYWORD OPERATOR VALUE`, joined with `AND`, `OR` and parentheses"
    return QueryError(error.column - 1, hint)
