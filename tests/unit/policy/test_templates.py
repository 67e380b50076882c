"""Templates, inheritance and approval, as a policy says them."""

from datetime import date

import pytest

from pacsgate.model.actions import Action
from pacsgate.model.errors import PolicyError
from pacsgate.model.role import Role
from pacsgate.policy.document import load_policy
from pacsgate.policy.template import assignments_at, roles_at

TEMPLATES = """version: 1
roles:
  radiologist: {may: [search, view], owner: chief, approved_by: director, approved_at: 2026-10-01}
templates:
  standard:
    roles:
      radiologist-<site>: {extends: [radiologist], owner: head-of-<site>}
      resident-<site>: {extends: [radiologist-<site>], may: [annotate]}
    assignments:
      - {groups: ["radiology-<site>"], roles: [radiologist-<site>], scope: {pacs: "<site>"}}
"""


def problems(text: str) -> list[str]:
    with pytest.raises(PolicyError) as raised:
        load_policy({"p": text})
    return [str(each) for each in raised.value.diagnostics]


def test_a_template_is_the_same_at_every_site_but_for_the_name() -> None:
    template = load_policy({"p": TEMPLATES}).templates["standard"]
    radiologist, resident = roles_at(template, "B")
    assert radiologist == Role(
        "radiologist-B", owner="head-of-B", extends=frozenset({"radiologist"}), template="standard@B"
    )
    assert (resident.may, resident.extends) == ({Action.ANNOTATE}, {"radiologist-B"})
    (given,) = assignments_at(template, "B")
    assert given.groups == {"radiology-B"}
    assert (given.assignment.role, given.assignment.scope.archive) == ("radiologist-B", "B")


def test_a_template_gives_nobody_anything_by_itself() -> None:
    policy = load_policy({"p": TEMPLATES})
    assert set(policy.own_roles) == {"radiologist"}
    assert policy.assignments == ()


def test_stored_roles_inherit_from_those_of_the_file() -> None:
    template = load_policy({"p": TEMPLATES}).templates["standard"]
    policy = load_policy({"p": TEMPLATES}, roles_at(template, "B"))
    assert policy.roles["resident-B"].may == {Action.SEARCH, Action.VIEW, Action.ANNOTATE}
    assert policy.roles["resident-B"].extends == {"radiologist-B", "radiologist"}


def test_a_stored_role_whose_parent_is_gone_inherits_nothing() -> None:
    orphan = Role("orphan", may=frozenset({Action.VIEW}), extends=frozenset({"gone"}))
    assert load_policy({"p": "version: 1\n"}, (orphan,)).roles["orphan"].extends == frozenset()


def test_a_role_says_who_approved_it_and_when() -> None:
    role = load_policy({"p": TEMPLATES}).roles["radiologist"]
    assert (role.owner, role.approved_by, role.approved_at) == ("chief", "director", date(2026, 10, 1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("roles:\n  a: {extends: [b]}\n  b: {extends: [a]}\n", ["p:3:3: role `a` inherits from itself, by way of `b`, `a`", "p:4:3: role `b` inherits from itself, by way of `a`, `b`"]),
        ("roles:\n  a: {extends: [a]}\n", ["p:3:3: role `a` inherits from itself, by way of `a`"]),
        ("roles:\n  reader: {}\n  a: {extends: [readr]}\n", ["p:4:3: role `a` extends the unknown `readr` (did you mean `reader`?)"]),
        ("roles:\n  a: {approved_at: soon}\n", ["p:3:20: `approved_at` is not a day (write `2027-01-01`)"]),
        ("templates:\n  t:\n    roles:\n      radiologist: {may: [view]}\n", ["p:5:7: role `radiologist` would be the same at every site (put `<site>` into its name)"]),
        ("templates:\n  t:\n    roles:\n      r-<site>: {may: [look]}\n    assignments: [{groups: [g], roles: ['x-<site>']}]\n", ["p:5:24: unknown action `look`", "p:6:41: unknown role `x-<site>`"]),
        ("templates:\n  t: {}\n", ["p:3:6: a template needs `roles`"]),
    ],
)  # fmt: skip
def test_mistakes_are_named_with_their_place(text: str, expected: list[str]) -> None:
    found = problems(f"version: 1\n{text}")
    assert len(found) == len(expected)
    assert all(one.startswith(other) for one, other in zip(found, expected, strict=True)), found


def test_a_chain_of_roles_that_is_too_long_is_refused() -> None:
    chain = "".join(f"  r{n}: {{extends: [r{n + 1}]}}\n" for n in range(11))
    assert "inherits over more than 10 others" in problems(f"version: 1\nroles:\n{chain}  r11: {{}}\n")[0]
