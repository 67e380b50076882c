"""Whatever is too large is refused, with what it is, how much there may be, and where."""

import pytest

from pacsgate.model.errors import PolicyError
from pacsgate.policy.document import load_policy
from pacsgate.policy.language import limits

ATTRIBUTES = "".join(f"  user.a{n}: {{type: string}}\n" for n in range(limits.ATTRIBUTES + 1))
MANY = ", ".join(f"u{n}" for n in range(limits.LIST_LENGTH + 1))
OPTIONS = ", ".join(f"'{n}'" for n in range(limits.OPTIONS + 1))
DEEP = "(" * 30 + "env.hour == 1" + ")" * 30
NESTED = "!(true && " * 30 + "true" + ")" * 30
ATOMS = " || ".join(["env.hour == 1"] * (limits.CONDITION_ATOMS + 1))
SOURCES = ", ".join(["StudyID"] * (limits.SOURCES + 1))


def rule(condition: str) -> str:
    return f'rules: [{{id: a, effect: forbid, when: "{condition}"}}]\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"attributes:\n{ATTRIBUTES}", "p:203:3: more than 200 attributes"),
        (rule(f"env.network in [{OPTIONS}]"), "the list has more than 1000 items"),
        (rule(NESTED), "nested more than 24 deep"),
        (rule(ATOMS), "the condition has more than 200 comparisons"),
        (rule("env.hour == 1" + " " * 16_000), "p:2:39: the condition is longer than 16000 characters"),
        (rule(f"env.network.like('{'x' * 201}')"), "the pattern is longer than 200 characters"),
        (
            f"roles: {{r: {{}}}}\nassignments: [{{users: [{MANY}], roles: [r]}}]\n",
            "`users` has more than 10000 items",
        ),
        (
            f"attributes: {{study.a: {{type: string, from: [{SOURCES}]}}}}\n",
            "p:2:44: `from` names more than 5 sources",
        ),
        ("a: " + "[" * 13 + "]" * 13 + "\n", "p:2:15: nested more than 12 deep"),
        ("#" * limits.SOURCE_LENGTH, "p: the file is longer than 2000000 characters"),
    ],
)
def test_what_is_too_large_is_named_with_its_bound_and_its_place(text: str, expected: str) -> None:
    with pytest.raises(PolicyError) as raised:
        load_policy({"p": f"version: 1\n{text}"})
    assert expected in str(raised.value)
    assert all(each.file == "p" for each in raised.value.diagnostics)


def test_parentheses_alone_are_not_depth() -> None:
    assert len(load_policy({"p": f"version: 1\n{rule(DEEP)}"}).rules) == 1


@pytest.mark.parametrize(
    ("limit", "value", "text", "expected"),
    [
        ("RULES", 2, "rules: [{id: a, effect: forbid}, {id: b, effect: forbid}, {id: c, effect: forbid}]\n", "p:2:64: more than 2 rules"),
        ("ASSIGNMENTS", 2, "roles: {r: {}}\nassignments:\n  - {users: [a], roles: [r, r]}\n  - {users: [b], roles: [r]}\n", "p:5:1: more than 2 assignments"),
        ("LABEL_PATTERNS", 1, "labels:\n  - {label: A, from: StudyID, like: ['*']}\n  - {label: B, from: StudyID, like: ['*']}\n", "p:4:1: more than 1 patterns for labels"),
    ],
)  # fmt: skip
def test_what_is_too_many_is_named_with_its_bound_and_its_place(
    limit: str, value: int, text: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"pacsgate.policy.document.{limit}", value)
    with pytest.raises(PolicyError) as raised:
        load_policy({"p": f"version: 1\n{text}"})
    assert expected in str(raised.value)


def test_two_thousand_rules_for_five_thousand_users_are_read_and_told_as_they_go() -> None:
    rules = "".join(
        f"  - {{id: r{n}, effect: permit, roles: [r{n % 40}], when: study.uid == '1.{n}'}}\n"
        for n in range(2_000)
    )
    roles = "".join(f"  r{n}: {{may: [search, view], owner: chief}}\n" for n in range(40))
    given = "".join(f"  - {{users: [u{n}], roles: [r{n % 40}]}}\n" for n in range(5_000))
    told: list[int] = []
    policy = load_policy(
        {"p": f"version: 1\nroles:\n{roles}rules:\n{rules}assignments:\n{given}"}, progress=told.append
    )
    assert (len(policy.rules), len(policy.assignments)) == (2_000, 5_000)
    assert told == list(range(50, 2_001, 50))
