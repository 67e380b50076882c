from pacsgate.policy.binding import all_of, any_of, bind_formula, complement, only_true
from pacsgate.policy.ir import (
    FALSE,
    LABELS,
    TRUE,
    UNKNOWN,
    And,
    Attribute,
    Compare,
    Comparison,
    Contains,
    Formula,
    Has,
    Not,
    OneOf,
    Or,
    Scope,
    ValueType,
)

SITE = Attribute(Scope.STUDY, "site", ValueType.STRING)
USER_SITE = Attribute(Scope.USER, "site", ValueType.STRING)
USER_SITES = Attribute(Scope.USER, "sites", ValueType.SET)
CLEARANCE = Attribute(Scope.USER, "clearance", ValueType.NUMBER)
NETWORK = Attribute(Scope.ENV, "network", ValueType.STRING)
ATOM = Compare(SITE, Comparison.EQ, "A")
OTHER = Has(SITE)


def bound(formula: Formula, **user: frozenset) -> Formula:
    return bind_formula(formula, user, {"network": frozenset({"internal"})})


def test_one_value_of_the_user_becomes_a_literal() -> None:
    assert bound(Compare(SITE, Comparison.EQ, USER_SITE), site=frozenset({"A"})) == ATOM
    assert bound(Contains(LABELS, USER_SITE), site=frozenset({"A"})) == Contains(LABELS, "A")


def test_a_set_of_the_user_becomes_the_options() -> None:
    assert bound(OneOf(SITE, USER_SITES), sites=frozenset({"A", "B"})) == OneOf(SITE, frozenset({"A", "B"}))
    assert bound(OneOf(SITE, USER_SITES), sites=frozenset()) == OneOf(SITE, frozenset())


def test_what_the_user_lacks_is_unknown() -> None:
    assert bound(Compare(SITE, Comparison.EQ, USER_SITE)) == UNKNOWN
    assert bound(OneOf(SITE, USER_SITES)) == UNKNOWN
    assert bound(Compare(CLEARANCE, Comparison.LT, 3)) == UNKNOWN
    assert bound(Compare(CLEARANCE, Comparison.LT, 3), clearance=frozenset({"2"})) == UNKNOWN


def test_values_of_the_user_that_disagree_never_make_equality_true() -> None:
    formula = bound(Compare(SITE, Comparison.EQ, USER_SITE), site=frozenset({"A", "B"}))
    assert only_true(formula) != FALSE or only_true(complement(formula)) != FALSE
    assert bound(Compare(CLEARANCE, Comparison.LT, 3), clearance=frozenset({1, 2})) == TRUE
    assert bound(Compare(CLEARANCE, Comparison.LT, 3), clearance=frozenset({1, 4})) == UNKNOWN


def test_what_concerns_only_user_and_environment_is_settled() -> None:
    assert bound(Compare(NETWORK, Comparison.EQ, "internal")) == TRUE
    assert bound(Not(Compare(NETWORK, Comparison.EQ, "internal"))) == FALSE
    assert bound(Compare(NETWORK, Comparison.EQ, USER_SITE), site=frozenset({"internal"})) == TRUE
    assert bound(Has(CLEARANCE)) == FALSE


def test_joining_flattens_and_drops_what_changes_nothing() -> None:
    assert all_of(TRUE, ATOM, And((OTHER, ATOM))) == And((ATOM, OTHER))
    assert all_of(ATOM, FALSE) == FALSE
    assert all_of() == TRUE
    assert any_of(FALSE, ATOM) == ATOM
    assert any_of(Or((ATOM, OTHER)), TRUE) == TRUE
    assert any_of() == FALSE
    assert complement(complement(ATOM)) == ATOM


def test_unknown_is_kept_where_it_matters() -> None:
    assert all_of(UNKNOWN, ATOM) == And((UNKNOWN, ATOM))
    assert only_true(all_of(UNKNOWN, ATOM)) == FALSE
    assert only_true(any_of(UNKNOWN, ATOM)) == ATOM
    assert only_true(Not(And((UNKNOWN, ATOM)))) == Not(ATOM)
    assert only_true(Not(Or((UNKNOWN, ATOM)))) == FALSE
