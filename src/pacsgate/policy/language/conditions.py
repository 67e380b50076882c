"""A condition's text becomes a formula, or a list of what is wrong with it.

Every name must be a declared or built-in attribute and every comparison one
between equal types, so that a formula that was read can always be evaluated.  One
side is an attribute of the study or series, the user or the environment; the
other a value, or an attribute of the user or the environment.

| written | read as |
| --- | --- |
| `a == 1`, `!=`, `<`, `<=`, `>`, `>=` | `Compare`; an order only for numbers and dates |
| `a in ['x', 'y']`, `a in user.sites` | `OneOf` |
| `'x' in study.labels`, `user.site in study.sites` | `Contains` |
| `a.like('CT*')`, `a.startsWith('CT')` | `Like` |
| `has(a)` | `Has` |
| `a` for a boolean | `Compare` with `true` |
| `study.age < 30` | `study.date > env.date_30_days_ago`: so a list needs no clock |

Called by the rules section.

Invariants:
- reading what `show` wrote gives the formula that was shown.
"""

from collections.abc import Mapping
from typing import assert_never

from lark import Token, Tree

from pacsgate.model.subject import Scalar
from pacsgate.policy.calendar import date_days_ago
from pacsgate.policy.instance_query.tree import InstanceQuery
from pacsgate.policy.ir import (
    FALSE,
    STUDY_DATE,
    TRUE,
    UNKNOWN,
    And,
    Attribute,
    Compare,
    Comparison,
    Contains,
    Formula,
    Has,
    Like,
    Not,
    OneOf,
    Or,
    Scope,
    ValueType,
)
from pacsgate.policy.language.grammar import GrammarError, parse
from pacsgate.policy.language.limits import (
    CONDITION_ATOMS,
    CONDITION_DEPTH,
    CONDITION_LENGTH,
    OPTIONS,
    PATTERN_LENGTH,
)
from pacsgate.policy.language.problems import Problems, did_you_mean, quoted
from pacsgate.policy.language.terms import AGE, Literal, RefusedError, Terms, as_tree, parts
from pacsgate.policy.language.written_elements import WRITTEN, element_of
from pacsgate.policy.language.yaml_text import TextNode
from pacsgate.policy.values import is_date

_MOST_DAYS = 99_999

FUNCTIONS = ("has", "like", "startsWith")

_MIRRORED = {
    Comparison.EQ: Comparison.EQ,
    Comparison.NE: Comparison.NE,
    Comparison.LT: Comparison.GT,
    Comparison.LE: Comparison.GE,
    Comparison.GT: Comparison.LT,
    Comparison.GE: Comparison.LE,
}


def read_condition(
    node: TextNode,
    attributes: Mapping[str, Attribute],
    problems: Problems,
    queries: dict[str, InstanceQuery] | None = None,
) -> Formula:
    """The formula of a condition; `UNKNOWN`, and at least one problem, where it cannot be read.

    The instance queries that it writes out are added to `queries`, by their identifier.
    """
    if len(node.text) > CONDITION_LENGTH:
        problems.add(node.position, f"the condition is longer than {CONDITION_LENGTH} characters")
        return UNKNOWN
    try:
        tree = parse(node.text)
    except GrammarError as error:
        problems.add(node.position_at(error.offset), error.message, error.suggestion)
        return UNKNOWN
    return _Reader(node, attributes, problems, {} if queries is None else queries).formula(tree, 0)


class _Reader:
    """Reads one condition."""

    def __init__(
        self,
        node: TextNode,
        attributes: Mapping[str, Attribute],
        problems: Problems,
        queries: dict[str, InstanceQuery],
    ) -> None:
        self._node = node
        self._queries = queries
        self._terms = Terms(attributes)
        self._problems = problems
        self._atoms = 0

    def formula(self, tree: "Tree[Token]", depth: int) -> Formula:
        """A formula of any kind; problems are noted and stand as `UNKNOWN`."""
        if depth > CONDITION_DEPTH:
            self._note(tree, f"the condition is nested more than {CONDITION_DEPTH} deep")
            return UNKNOWN
        match tree.data:
            case "disjunction":
                return Or(tuple(self.formula(part, depth + 1) for part in parts(tree)))
            case "conjunction":
                return And(tuple(self.formula(part, depth + 1) for part in parts(tree)))
            case "negation":
                return Not(self.formula(parts(tree)[0], depth + 1))
            case "constant":
                return TRUE if tree.children[0] == "true" else FALSE
            case _:
                return self._noted_atom(tree)

    def _noted_atom(self, tree: "Tree[Token]") -> Formula:
        self._atoms += 1
        if self._atoms > CONDITION_ATOMS:
            if self._atoms == CONDITION_ATOMS + 1:
                self._note(tree, f"the condition has more than {CONDITION_ATOMS} comparisons")
            return UNKNOWN
        try:
            return self._atom(tree)
        except RefusedError as refused:
            self._note(refused.tree, refused.message, refused.suggestion)
            return UNKNOWN

    def _atom(self, tree: "Tree[Token]") -> Formula:
        match tree.data:
            case "comparison":
                left, op, right = tree.children
                return self._comparison(as_tree(left), Comparison(str(op)), as_tree(right))
            case "membership":
                left, _, right = tree.children
                return self._membership(as_tree(left), as_tree(right))
            case "call":
                return self._call(tree)
            case _:  # a flag
                attribute = self._terms.attribute(parts(tree)[0])
                if attribute.type is not ValueType.BOOLEAN:
                    raise RefusedError(
                        tree, f"`{attribute}` is a {attribute.type}, not true or false", "compare it"
                    )
                return Compare(attribute, Comparison.EQ, operand=True)

    # ---------------------------------------------------------------- comparisons

    def _comparison(self, left: "Tree[Token]", op: Comparison, right: "Tree[Token]") -> Formula:
        first, second = self._terms.side(left), self._terms.side(right)
        match first, second:
            case Attribute(), Literal():
                return self._compared(first, op, second, left)
            case Literal(), Attribute():
                return self._compared(second, _MIRRORED[op], first, right)
            case Attribute(), Attribute() if AGE in {first, second}:
                raise RefusedError(right, f"`{AGE}` is compared with a number of days", "write it out")
            case Attribute(), Attribute():
                turned = _is_bindable(first) and not _is_bindable(second)
                about, operator, operand = (second, _MIRRORED[op], first) if turned else (first, op, second)
                _refuse_two_resources(about, operand, right)
                if about.type is not operand.type:
                    message = f"`{about}` is a {about.type} and `{operand}` a {operand.type}"
                    raise RefusedError(right, message, "compare equal types")
                _check_order(about, operator, left)
                return Compare(about, operator, operand)
            case _:
                raise RefusedError(left, "both sides are values", "compare an attribute")

    def _compared(self, about: Attribute, op: Comparison, literal: Literal, tree: "Tree[Token]") -> Formula:
        _check_order(about, op, tree)
        _check_literal(about, literal)
        if about == AGE:
            return _as_old_as(op, literal)
        return Compare(about, op, literal.value)

    # ---------------------------------------------------------------- membership

    def _membership(self, left: "Tree[Token]", right: "Tree[Token]") -> Formula:
        if right.data == "list":
            about = self._terms.side(left)
            if not isinstance(about, Attribute):
                raise RefusedError(left, "both sides are values", "ask whether an attribute is in the list")
            return self._one_of(about, left, right)
        container = self._terms.side(right)
        if not isinstance(container, Attribute) or container.type is not ValueType.SET:
            raise RefusedError(
                right, "only a set or a list can hold something", "write `==`, or a list in brackets"
            )
        match self._terms.side(left):
            case Literal(value=str() as element):
                return Contains(container, element_of(container, element, left, self._queries))
            case Attribute() if container in WRITTEN:
                raise RefusedError(left, f"`{container}` holds what rules write out", "write it in quotes")
            case Attribute() as element if element.type is ValueType.STRING:
                if _is_bindable(container) and not _is_bindable(element):
                    return OneOf(element, container)
                _refuse_two_resources(container, element, left)
                return Contains(container, element)
            case _:
                raise RefusedError(left, f"`{container}` holds strings, and this is none")

    def _one_of(self, about: Attribute, left: "Tree[Token]", right: "Tree[Token]") -> Formula:
        if about == AGE:
            raise RefusedError(left, f"`{AGE}` is compared with a number of days", "join with `||`")
        if about.type is ValueType.SET:
            raise RefusedError(left, f"`{about}` is a set", f"ask `'…' in {about}`, and join with `||`")
        if not right.children:
            raise RefusedError(right, "the list is empty")
        if len(right.children) > OPTIONS:
            raise RefusedError(right, f"the list has more than {OPTIONS} items")
        options: set[Scalar] = set()
        for item in parts(right):
            option = self._terms.side(item)
            if not isinstance(option, Literal):
                raise RefusedError(item, "a list holds values, not attributes", "join with `||`")
            _check_literal(about, option)
            options.add(option.value)
        return OneOf(about, frozenset(options))

    # ---------------------------------------------------------------- functions

    def _call(self, tree: "Tree[Token]") -> Formula:
        reference, *arguments = parts(tree)
        *receiver, function = (str(token) for token in reference.children)
        if function not in FUNCTIONS:
            raise RefusedError(tree, f"no function {quoted(function)}", did_you_mean(function, FUNCTIONS))
        if function == "has":
            if receiver or len(arguments) != 1 or arguments[0].data != "reference":
                raise RefusedError(tree, "`has` asks about one attribute", "write `has(study.department)`")
            about = self._terms.attribute(arguments[0])
            return Has(STUDY_DATE if about == AGE else about)
        if len(arguments) != 1 or arguments[0].data != "string":
            raise RefusedError(
                tree, f"`{function}` takes one string", f"write `study.description.{function}('CT*')`"
            )
        about = self._terms.named(".".join(receiver), tree)
        if about.type is not ValueType.STRING:
            raise RefusedError(tree, f"`{about}` is a {about.type}, and `{function}` reads strings")
        pattern = self._terms.string(arguments[0])
        if len(pattern) > PATTERN_LENGTH:
            raise RefusedError(arguments[0], f"the pattern is longer than {PATTERN_LENGTH} characters")
        if function == "like":
            return Like(about, pattern)
        if "*" in pattern:
            raise RefusedError(arguments[0], "`startsWith` has no wildcards", "use `like`")
        return Like(about, f"{pattern}*")

    def _note(self, tree: "Tree[Token]", message: str, suggestion: str | None = None) -> None:
        offset = 0 if tree.meta.empty else tree.meta.start_pos
        self._problems.add(self._node.position_at(offset), message, suggestion)


def _as_old_as(op: Comparison, days: Literal) -> Formula:
    """A comparison of the study's age, as one of its date: what is older has the earlier date."""
    if not isinstance(days.value, int) or not 0 <= days.value <= _MOST_DAYS:
        raise RefusedError(days.tree, f"`{AGE}` is a whole number of days up to {_MOST_DAYS}")
    return Compare(STUDY_DATE, _MIRRORED[op], date_days_ago(days.value))


def _check_order(about: Attribute, op: Comparison, tree: "Tree[Token]") -> None:
    if about.type is ValueType.SET:
        raise RefusedError(tree, f"`{about}` is a set, which has no `{op}`", f"ask `'…' in {about}`")
    if about.type in {ValueType.STRING, ValueType.BOOLEAN} and op not in {Comparison.EQ, Comparison.NE}:
        raise RefusedError(
            tree, f"`{about}` is a {about.type}, which has no order", "only numbers and dates are ordered"
        )


def _check_literal(about: Attribute, literal: Literal) -> None:
    kind = _type_of(literal.value)
    if about.type is ValueType.DATE and kind is ValueType.STRING:
        if not is_date(str(literal.value)):
            raise RefusedError(
                literal.tree, f"{quoted(str(literal.value))} is not a date", "write `'20260131'`"
            )
    elif about.type is not kind:
        hint = "quote it" if about.type in {ValueType.STRING, ValueType.DATE} else None
        if kind is ValueType.STRING and about.type is not ValueType.SET:
            hint = "leave out the quotes"
        raise RefusedError(literal.tree, f"`{about}` is a {about.type} and this a {kind}", hint)


def _refuse_two_resources(one: Attribute, other: Attribute, tree: "Tree[Token]") -> None:
    if not _is_bindable(one) and not _is_bindable(other):
        message = f"`{one}` and `{other}` are both attributes of the resource"
        raise RefusedError(tree, message, "compare with a value, or with an attribute of `user` or `env`")


def _is_bindable(attribute: Attribute) -> bool:
    """Whether the attribute is known before any resource is."""
    match attribute.scope:
        case Scope.USER | Scope.ENV:
            return True
        case Scope.STUDY | Scope.SERIES:
            return False
        case _:
            assert_never(attribute.scope)


def _type_of(value: Scalar) -> ValueType:
    if isinstance(value, bool):
        return ValueType.BOOLEAN
    return ValueType.STRING if isinstance(value, str) else ValueType.NUMBER
