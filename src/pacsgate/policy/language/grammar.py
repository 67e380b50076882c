"""What a condition may look like, before anybody asks what it says.

The shapes are a subset of CEL's: the same precedence, the same quotes, the same
spelling of what is there.  As in CEL, `!` binds tighter than a comparison, and
here a comparison cannot be negated without parentheses at all, so that nobody
has to know.

Called by `conditions`.

Standard: Common Expression Language specification, section Syntax.
"""

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedEOF, UnexpectedInput, UnexpectedToken

from pacsgate.policy.language.problems import quoted

_GRAMMAR = r"""
?start: disjunction
?disjunction: conjunction ("||" conjunction)+ -> disjunction
            | conjunction
?conjunction: relation ("&&" relation)+ -> conjunction
            | relation
?relation: operand COMPARISON operand -> comparison
         | operand IN operand -> membership
         | negatable
?negatable: "!" negatable -> negation
          | "(" disjunction ")"
          | call
          | reference -> flag
          | BOOLEAN -> constant
?operand: reference
        | list
        | BOOLEAN -> boolean
        | STRING -> string
        | NUMBER -> number
call: reference "(" [argument ("," argument)*] ")"
?argument: reference
         | list
         | BOOLEAN -> boolean
         | STRING -> string
         | NUMBER -> number
list: "[" [operand ("," operand)*] "]"
reference: NAME ("." NAME)*

COMPARISON: "==" | "!=" | "<=" | ">=" | "<" | ">"
IN: "in"
BOOLEAN.2: /(true|false)(?![A-Za-z0-9_])/
NAME: /[A-Za-z_][A-Za-z0-9_]*/
NUMBER: /-?[0-9]+(\.[0-9]+)?/
STRING: /"([^"\\\n]|\\.)*"|'([^'\\\n]|\\.)*'/
%ignore /[ \t\r\n]+/
"""

_PARSER = Lark(_GRAMMAR, parser="lalr", propagate_positions=True, maybe_placeholders=False)

_REMEDIES = {
    "=": "equality is `==`",
    "&": "both is `&&`",
    "|": "either is `||`",
    "and": "both is `&&`",
    "or": "either is `||`",
    "not": "negation is `!(…)`",
    "AND": "both is `&&`",
    "OR": "either is `||`",
    "'": "a string ends with the quote it began with",
    '"': "a string ends with the quote it began with",
}
"""What people write who come from other languages, and what it is called here."""


_OPERATORS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})


class GrammarError(Exception):
    """The text is not a condition; `offset` is where reading stopped."""

    def __init__(self, offset: int, message: str, suggestion: str | None) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message
        self.suggestion = suggestion


def parse(text: str) -> "Tree[Token]":
    """The syntax tree of a condition.  Raises `GrammarError`."""
    try:
        return _PARSER.parse(text)
    except UnexpectedEOF as error:
        raise GrammarError(len(text), "the condition ends too early", None) from error
    except UnexpectedInput as error:
        raise _explained(error, text) from error


def _explained(error: UnexpectedInput, text: str) -> GrammarError:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return GrammarError(len(text), "the condition ends too early", None)
    lines = text.split("\n")[: error.line - 1]
    offset = sum(len(line) + 1 for line in lines) + error.column - 1
    found = str(error.token) if isinstance(error, UnexpectedToken) else text[offset : offset + 1]
    if found in _OPERATORS:
        hint: str | None = "compare an attribute with a value; a negated comparison is `!(a == b)`"
    else:
        hint = _REMEDIES.get(found)
    return GrammarError(offset, f"{quoted(found)} is not expected here", hint)
