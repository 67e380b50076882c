"""Random conditions: well-typed, of every kind of atom, over the whole vocabulary."""

from random import Random

from hypothesis import strategies as st

from pacsgate.policy.ir import (
    FALSE,
    TRUE,
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
from pacsgate.policy.request_patterns import REQUEST
from tests.properties.vocabulary import BINDABLE_ATTRIBUTES, PATTERNS, RESOURCE_ATTRIBUTES, pool


def formulas(depth: int = 3, *, bound: bool = False) -> st.SearchStrategy[Formula]:
    return st.integers(0, 2**32 - 1).map(lambda seed: formula(seeded(seed), depth, bound=bound))


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - worlds, not secrets


def formula(random: Random, depth: int = 3, *, bound: bool = False) -> Formula:
    """A well-typed formula; a bound one names studies and series only and no attribute as operand."""
    kind = random.choices(("atom", "and", "or", "not", "const"), (5, 2, 2, 2, 0.1))[0] if depth else "atom"
    match kind:
        case "and":
            return And(
                tuple(formula(random, depth - 1, bound=bound) for _ in range(random.choice((2, 2, 3))))
            )
        case "or":
            return Or(tuple(formula(random, depth - 1, bound=bound) for _ in range(random.choice((2, 2, 3)))))
        case "not":
            return Not(formula(random, depth - 1, bound=bound))
        case "const":
            return random.choice((TRUE, FALSE))
        case _:
            return atom(random, bound=bound)


def atom(random: Random, *, bound: bool = False) -> Formula:
    about = random.choice(RESOURCE_ATTRIBUTES if bound or random.random() < 0.7 else BINDABLE_ATTRIBUTES)
    with_operand = not bound and random.random() < 0.4
    of_resource = about.scope in (Scope.STUDY, Scope.SERIES)
    if random.random() < 0.1:
        return Has(about)
    if about.type is ValueType.SET:
        if with_operand and about != REQUEST and (elements := operands(ValueType.STRING)):
            return Contains(about, random.choice(elements))
        return Contains(about, str(random.choice(pool(about))))
    if about.type is ValueType.STRING and random.random() < 0.45:
        if with_operand and of_resource:
            return OneOf(about, random.choice(operands(ValueType.SET)))
        if random.random() < 0.5:
            return Like(about, random.choice(PATTERNS))
    if random.random() < 0.25:
        return OneOf(about, frozenset(random.choices(pool(about), k=random.choice((1, 2, 3)))))
    return Compare(
        about,
        random.choice(comparisons(about.type)),
        random.choice(operands(about.type)) if with_operand else random.choice(pool(about)),
    )


def comparisons(value_type: ValueType) -> tuple[Comparison, ...]:
    ordered = value_type in (ValueType.NUMBER, ValueType.DATE)
    return tuple(Comparison) if ordered else (Comparison.EQ, Comparison.NE)


def operands(value_type: ValueType) -> tuple[Attribute, ...]:
    return tuple(a for a in BINDABLE_ATTRIBUTES if a.type is value_type and a != REQUEST)
