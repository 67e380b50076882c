"""What an administrator reads in an exported policy; that it decides alike is for tests/oracles."""

import pytest

from pacsgate.policy.cedar import CedarExport, export_cedar
from pacsgate.policy.document import load_policy

HEAD = """\
version: 1
attributes:
  study.department: {type: string, from: InstitutionalDepartmentName}
  study.dose: {type: number, from: SeriesNumber}
  study.title: {type: string, from: StudyDescription}
  user.department: {type: string}
roles:
  reader: {may: [search, view], owner: chief}
  clerk: {may: [search], owner: chief}
rules:
"""


def exported(*rules: str, tail: str = "") -> CedarExport:
    lines = "".join(f"  - {rule}\n" for rule in rules)
    return export_cedar(load_policy({"policy.yaml": HEAD + lines + tail}))


def one(*rules: str, tail: str = "", named: str = "r") -> str:
    """The one Cedar policy of this id."""
    (found,) = (
        text for text in exported(*rules, tail=tail).policies.split("\n\n") if f'@id("{named}")' in text
    )
    return found


def test_a_rule_leads_back_to_its_place_and_its_own_words() -> None:
    written = one("{id: r, effect: forbid, message: Not yours., when: study.department == 'CT'}")
    assert '@place("policy.yaml:11")' in written
    assert "@when(\"study.department == 'CT'\")" in written
    assert '@message("Not yours.")' in written


def test_a_permit_asks_whether_there_is_a_value_before_it_looks_at_it() -> None:
    written = one("{id: r, effect: permit, roles: [reader], when: study.department == 'CT'}")
    assert written.index("resource.study has department") < written.index("resource.study.department.least")


def test_a_forbid_holds_unless_it_is_known_that_it_does_not() -> None:
    written = one("{id: r, effect: forbid, when: study.department == 'CT'}")
    assert "forbid (principal, action, resource)\nunless {" in written
    assert '!resource.study.department.values.contains("CT")' in written


def test_roles_that_may_different_things_make_a_policy_each() -> None:
    rule = "{id: r, effect: permit, roles: [reader, clerk]}"
    assert 'action == Action::"search"' in one(rule)
    assert 'action in [Action::"search", Action::"view"]' in one(rule, named="r/2")


def test_an_assignment_is_part_of_every_policy_that_needs_its_role() -> None:
    assignment = "assignments: [{groups: [ct], roles: [reader], from: 2026-01-01, scope: {pacs: main}}]\n"
    written = one("{id: r, effect: permit, roles: [reader]}", tail=assignment)
    assert 'principal in [Group::"ct"]' in written
    assert 'context.now >= datetime("2026-01-01T00:00:00.000Z")' in written
    assert 'resource.archive == "main"' in written


def test_a_text_that_looks_like_code_stays_a_text() -> None:
    written = one(r"""{id: r, effect: forbid, when: "study.department == 'a\"}; permit(…\\\\\x07'"}""")
    assert r'"a\"}; permit(…\\\u{7}"' in written


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ("{id: r, effect: permit, roles: [reader], obligations: {mask: [PatientName]}}", "`@mask`"),
        ("{id: r, effect: permit, roles: [reader], obligations: {step-up: true}}", "left out"),
        ("{id: r, effect: forbid, when: study.dose > 0.00001}", "four places"),
        ("{id: r, effect: forbid, when: study.title.like('*x*')}", "three or more values"),
    ],
)
def test_what_cedar_cannot_express_is_said(rule: str, sentence: str) -> None:
    assert any(sentence in left for left in exported(rule).left)


def test_a_comparison_that_cedar_cannot_hold_neither_permits_nor_spares() -> None:
    fine = "study.dose > 0.00001"
    assert "when {\n  false\n}" in one(f"{{id: r, effect: permit, roles: [reader], when: {fine}}}")
    assert "forbid (principal, action, resource);" in one(f"{{id: r, effect: forbid, when: {fine}}}")
