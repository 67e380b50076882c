import pytest

from pacsgate.policy.environment import HOUR, NETWORK, USER_GROUPS, USER_NAME
from pacsgate.policy.ir import (
    FALSE,
    LABELS,
    SERIES_DESCRIPTION,
    SERIES_MODALITY,
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
from pacsgate.policy.language.conditions import read_condition
from pacsgate.policy.language.limits import CONDITION_ATOMS, CONDITION_LENGTH, PATTERN_LENGTH
from pacsgate.policy.language.problems import Position, Problems
from pacsgate.policy.language.yaml_text import TextNode

SITE = Attribute(Scope.STUDY, "site", ValueType.STRING)
DATE = Attribute(Scope.STUDY, "date", ValueType.DATE)
BURNED = Attribute(Scope.STUDY, "burned", ValueType.BOOLEAN)
CLEARANCE = Attribute(Scope.USER, "clearance", ValueType.NUMBER)
USER_SITE = Attribute(Scope.USER, "site", ValueType.STRING)
USER_SITES = Attribute(Scope.USER, "sites", ValueType.SET)
KNOWN = {
    str(each): each
    for each in (
        SITE, DATE, BURNED, CLEARANCE, USER_SITE, USER_SITES,
        LABELS, SERIES_MODALITY, SERIES_DESCRIPTION, HOUR, NETWORK, USER_NAME, USER_GROUPS,
    )
}  # fmt: skip

EQ, NE, LT, LE, GT, GE = Comparison
A = Compare(SITE, EQ, "A")
B = Compare(SITE, EQ, "B")


def read(text: str) -> tuple[Formula, list[str]]:
    problems = Problems()
    node = TextNode(text, plain=True, position=Position("p", 1, 1), raw=text)
    formula = read_condition(node, KNOWN, problems)
    return formula, [
        f"{each.line}:{each.column}: {each.message}" + (f" ({each.suggestion})" if each.suggestion else "")
        for each in problems.found
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("study.site == 'A'", A),
        ('study.site == "A"', A),
        ("'A' == study.site", A),
        ("3 > user.clearance", Compare(CLEARANCE, LT, 3)),
        ("user.clearance >= -2.5", Compare(CLEARANCE, GE, -2.5)),
        ("user.clearance == 3.0", Compare(CLEARANCE, EQ, 3)),
        ("study.date < '20260101'", Compare(DATE, LT, "20260101")),
        ("study.site == user.site", Compare(SITE, EQ, USER_SITE)),
        ("user.site != study.site", Compare(SITE, NE, USER_SITE)),
        ("env.network == user.site", Compare(NETWORK, EQ, USER_SITE)),
        ("study.burned", Compare(BURNED, EQ, operand=True)),
        ("study.burned == false", Compare(BURNED, EQ, operand=False)),
        ("!study.burned", Not(Compare(BURNED, EQ, operand=True))),
        ("study.site in ['A', 'B']", OneOf(SITE, frozenset({"A", "B"}))),
        ("env.hour in [8, 9]", OneOf(HOUR, frozenset({8, 9}))),
        ("study.site in user.sites", OneOf(SITE, USER_SITES)),
        ("'VIP' in study.labels", Contains(LABELS, "VIP")),
        ("user.site in study.labels", Contains(LABELS, USER_SITE)),
        ("user.site in user.sites", Contains(USER_SITES, USER_SITE)),
        ("'x' in user.groups", Contains(USER_GROUPS, "x")),
        ("series.description.like('*BRAIN*')", Like(SERIES_DESCRIPTION, "*BRAIN*")),
        ("series.description.startsWith('CT')", Like(SERIES_DESCRIPTION, "CT*")),
        ("has(study.site)", Has(SITE)),
        ("true", TRUE),
        ("false", FALSE),
        (r"study.site == 'it\'s \\ \"so\"'", Compare(SITE, EQ, "it's \\ \"so\"")),
        ("study.site == '日本'", Compare(SITE, EQ, "日本")),
        ("study.site == 'A' || study.site == 'B' && study.burned", Or((A, And((B, Compare(BURNED, EQ, operand=True)))))),
        ("(study.site == 'A' || study.site == 'B') && true", And((Or((A, B)), TRUE))),
        ("!(study.site == 'A')", Not(A)),
        ("  study.site\n == 'A'  ", A),
    ],
)  # fmt: skip
def test_a_condition_becomes_a_formula(text: str, expected: Formula) -> None:
    assert read(text) == (expected, [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("study.site = 'A'", "1:12: `=` is not expected here (equality is `==`)"),
        ("study.site == 'A' and study.burned", "1:19: `and` is not expected here (both is `&&`)"),
        ("study.site == 'A' & study.burned", "1:19: `&` is not expected here (both is `&&`)"),
        ("study.site == ", "1:15: the condition ends too early"),
        ("study.site == 'A", "1:15: `'` is not expected here (a string ends with the quote it began with)"),
        ("!study.site == 'A'", "1:13: `==` is not expected here (compare an attribute with a value; a negated comparison is `!(a == b)`)"),
        ("study.site\n  == %", "2:6: `%` is not expected here"),
        ("study.sites == 'A'", "1:1: unknown attribute `study.sites` (did you mean `study.site`?)"),
        ("label == 'A'", "1:1: unknown attribute `label` (names begin with `study.`, `series.`, `user.`, `env.`)"),
        ("study.site == 3", "1:15: `study.site` is a string and this a number (quote it)"),
        ("user.clearance == '3'", "1:19: `user.clearance` is a number and this a string (leave out the quotes)"),
        ("study.site < 'A'", "1:1: `study.site` is a string, which has no order (only numbers and dates are ordered)"),
        ("study.date == '2026-01-01'", "1:15: `2026-01-01` is not a date (write `'20260131'`)"),
        ("study.site == user.clearance", "1:15: `study.site` is a string and `user.clearance` a number (compare equal types)"),
        ("study.site == series.modality", "1:15: `study.site` and `series.modality` are both attributes of the resource (compare with a value, or with an attribute of `user` or `env`)"),
        ("series.modality in study.labels", "1:1: `study.labels` and `series.modality` are both attributes of the resource (compare with a value, or with an attribute of `user` or `env`)"),
        ("study.labels == 'VIP'", "1:1: `study.labels` is a set, which has no `==` (ask `'…' in study.labels`)"),
        ("study.labels in ['VIP']", "1:1: `study.labels` is a set (ask `'…' in study.labels`, and join with `||`)"),
        ("'A' in study.site", "1:8: only a set or a list can hold something (write `==`, or a list in brackets)"),
        ("3 in study.labels", "1:1: `study.labels` holds strings, and this is none"),
        ("'A' == 'A'", "1:1: both sides are values (compare an attribute)"),
        ("'A' in ['A']", "1:1: both sides are values (ask whether an attribute is in the list)"),
        ("study.site in []", "1:15: the list is empty"),
        ("study.site in ['A', user.site]", "1:21: a list holds values, not attributes (join with `||`)"),
        ("study.site in ['A', 3]", "1:21: `study.site` is a string and this a number (quote it)"),
        ("study.site", "1:1: `study.site` is a string, not true or false (compare it)"),
        ("study.site.matches('A')", "1:1: no function `matches` (one of `has`, `like`, `startsWith`)"),
        ("study.site.likes('A')", "1:1: no function `likes` (did you mean `like`?)"),
        ("study.site.like(user.site)", "1:1: `like` takes one string (write `study.description.like('CT*')`)"),
        ("study.site.startsWith('A*')", "1:23: `startsWith` has no wildcards (use `like`)"),
        ("env.hour.like('1*')", "1:1: `env.hour` is a number, and `like` reads strings"),
        ("has('A')", "1:1: `has` asks about one attribute (write `has(study.department)`)"),
        (r"study.site == 'a\n'", r"1:15: no escape `\n` in strings (there are `\\`, `\'` and `\"`)"),
        ("env.hour == 9999999999999999999", "1:13: `9999999999999999999` is too large a number"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_condition_is_said_where_it_is(text: str, expected: str) -> None:
    assert read(text)[1] == [expected]


def test_there_is_an_end_to_every_condition() -> None:
    long = "study.burned" + " || study.burned" * (CONDITION_LENGTH // 10)
    assert "longer than" in read(long)[1][0]
    assert "more than 200 comparisons" in read("study.burned" + " && study.burned" * CONDITION_ATOMS)[1][0]
    assert read("study.burned" + " && study.burned" * (CONDITION_ATOMS - 1))[1] == []
    assert "nested more than" in read("!" * 5000 + "study.burned")[1][0]
    assert read("(" * 5000 + "study.burned" + ")" * 5000) == (Compare(BURNED, EQ, operand=True), [])
    assert "pattern is longer" in read(f"study.site.like('{'a' * (PATTERN_LENGTH + 1)}')")[1][0]
