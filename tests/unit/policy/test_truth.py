import pytest

from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import (
    LABELS,
    SERIES_MODALITY,
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
    Truth,
    ValueType,
)
from pacsgate.policy.truth import evaluate, like

DEPARTMENT = Attribute(Scope.STUDY, "department", ValueType.STRING)
LEVEL = Attribute(Scope.STUDY, "level", ValueType.NUMBER)
IS_CT = Compare(DEPARTMENT, Comparison.EQ, "CT")

T, F, U = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN


def outcome(formula: Formula, **facts: frozenset) -> Truth:
    return evaluate(formula, ResourceFacts(facts, {}))


@pytest.mark.parametrize(
    ("values", "expected"),
    [({"CT"}, T), ({"MR"}, F), ({"CT", "MR"}, U), (set(), U), ({"MR", "US"}, F), ({5}, U), ({"CT", 5}, U)],
)
def test_an_atom_is_true_of_all_values_or_false_of_all_or_unknown(values: set, expected: Truth) -> None:
    assert outcome(IS_CT, department=frozenset(values)) is expected
    assert outcome(Not(IS_CT), department=frozenset(values)).value == -expected.value


def test_an_absent_name_is_unknown() -> None:
    assert outcome(IS_CT) is U
    assert outcome(Contains(LABELS, "VIP")) is U


def test_the_empty_set_is_a_value() -> None:
    assert outcome(Contains(LABELS, "VIP"), labels=frozenset()) is F
    assert outcome(Has(LABELS), labels=frozenset()) is T
    assert outcome(Has(DEPARTMENT), department=frozenset()) is F


def test_nobody_knows_whether_there_is_what_nobody_has_looked_for() -> None:
    for absent in (LABELS, DEPARTMENT, SERIES_MODALITY):
        assert outcome(Has(absent)) is U
        assert outcome(Not(Has(absent))) is U


def test_membership_in_no_options_is_false_only_of_what_has_a_value() -> None:
    assert outcome(OneOf(DEPARTMENT, frozenset()), department=frozenset({"CT"})) is F
    assert outcome(OneOf(DEPARTMENT, frozenset())) is U


def test_true_is_not_the_number_one() -> None:
    assert outcome(Compare(LEVEL, Comparison.EQ, 1), level=frozenset({True})) is U
    assert outcome(Compare(LEVEL, Comparison.EQ, 1), level=frozenset({1.0})) is T


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), 10**400, "3"])
def test_what_is_no_number_in_range_is_unreadable(odd: object) -> None:
    for op in Comparison:
        assert outcome(Compare(LEVEL, op, 3), level=frozenset({odd})) is U


def test_what_was_not_bound_is_unknown() -> None:
    user = Attribute(Scope.USER, "department", ValueType.STRING)
    assert outcome(Compare(DEPARTMENT, Comparison.EQ, user), department=frozenset({"CT"})) is U
    assert outcome(Compare(user, Comparison.EQ, "CT")) is U


def test_of_a_study_as_such_every_series_atom_is_unknown() -> None:
    facts = ResourceFacts({}, None)
    assert evaluate(Has(SERIES_MODALITY), facts) is U
    assert evaluate(Not(Has(SERIES_MODALITY)), facts) is U


# Kleene 1952, section 64.
_AND = {(T, T): T, (T, U): U, (T, F): F, (U, U): U, (U, F): F, (F, F): F}


@pytest.mark.parametrize(("pair", "expected"), _AND.items())
def test_connectives_follow_kleene(pair: tuple[Truth, Truth], expected: Truth) -> None:
    atoms = {T: OneOf(LEVEL, frozenset({1})), F: OneOf(LEVEL, frozenset({2})), U: UNKNOWN}
    left, right = (atoms[truth] for truth in pair)
    level = frozenset({1})
    assert outcome(And((left, right)), level=level) is outcome(And((right, left)), level=level) is expected
    assert outcome(Not(Or((Not(left), Not(right)))), level=level) is expected


def test_nothing_at_all_joined_is_true_with_and_and_false_with_or() -> None:
    assert outcome(And(())) is T
    assert outcome(Or(())) is F


@pytest.mark.parametrize(
    ("text", "pattern", "matches"),
    [
        ("BRAIN", "BRAIN", True),
        ("BRAIN", "brain", False),
        ("BRAIN MR", "BRAIN*", True),
        ("BRAIN", "BRAIN*", True),
        ("THE BRAIN", "*BRAIN", True),
        ("A-B-A", "A*B*A", True),
        ("AB", "A*B*B", False),
        ("A", "A*A", False),
        ("", "*", True),
        ("", "", True),
        ("x", "", False),
        ("a%b", "a%b", True),
        ("axb", "a_b", False),
        ("aXbXc", "a*X*c", True),
        ("[a]", "[a]", True),
    ],
)
def test_only_the_asterisk_is_wild(text: str, pattern: str, matches: bool) -> None:
    assert like(text, pattern) is matches
    assert outcome(Like(DEPARTMENT, pattern), department=frozenset({text})) is (T if matches else F)


def test_a_hostile_pattern_takes_no_time() -> None:
    assert not like("a" * 20_000, "*a" * 100 + "b")
