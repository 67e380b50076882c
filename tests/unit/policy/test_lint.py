from pacsgate.policy.lint import check, lint
from pacsgate.policy.lint_census import Census
from pacsgate.policy.lint_findings import Severity
from tests.unit.policy.hospital import MAIN, person, policy

HEAD = """version: 1
attributes:
  study.department: {type: string, from: InstitutionalDepartmentName}
  user.department: {type: string}
  user.clearance: {type: number}
roles:
  radiologist: {may: [search, view, retrieve], owner: a, approved_by: b, approved_at: 2026-01-01}
  senior: {may: [search, view], extends: [radiologist], owner: a, approved_by: b, approved_at: 2026-01-01}
rules:
  - {id: base, effect: permit, roles: [radiologist], when: study.department == user.department}
  - {id: cleared, effect: forbid, when: "'V' in study.labels && user.clearance < 3"}
assignments: [{groups: [g], roles: [radiologist, senior]}]
"""


def found(*rules: str) -> list[str]:
    """The oddities of some rules beside two sound ones."""
    text = HEAD.replace("assignments:", "".join(f"  - {rule}\n" for rule in rules) + "assignments:")
    return [f"{each.oddity}: {each.diagnostic.message}" for each in lint(policy(text))]


def one(*rules: str) -> str:
    (only,) = found(*rules)
    return only


def test_a_sound_policy_has_no_oddities() -> None:
    assert found() == []


def test_a_policy_without_oddities_gives_no_warning() -> None:
    assert [str(each) for each in check(policy())] == []


def test_what_loads_but_is_probably_not_meant_is_named() -> None:
    text = """version: 1
attributes: {user.idle: {type: string}}
roles:
  idle: {may: [view], owner: chief}
  clerk: {may: [search]}
rules:
  - {id: a, effect: permit, roles: [clerk], obligations: {deidentify: basic}}
"""
    assert [str(each) for each in check(policy(text))] == [
        "policy.yaml:2:1: attribute `user.idle` is in no condition",
        "policy.yaml:4:1: role `idle` is named by no rule and no assignment",
        "policy.yaml:5:1: role `clerk` has no owner (say with `owner` who answers for it)",
        "policy.yaml:7:1: permit `a` allows nothing: the gate cannot carry out `deidentify:basic` yet",
    ]


def test_a_role_that_nobody_owns_or_agreed_to_is_an_error() -> None:
    text = HEAD.replace(", owner: a, approved_by: b, approved_at: 2026-01-01}", "}", 1)
    findings = lint(policy(text))
    assert [(each.oddity, each.severity) for each in findings] == [
        ("unapproved", Severity.ERROR),
        ("ownerless", Severity.ERROR),
    ]
    assert findings[0].diagnostic.message == "role `radiologist` has no `approved_by` and `approved_at`"


def test_a_permit_whose_condition_cannot_hold_is_dead() -> None:
    said = one(
        "{id: dead, effect: permit, roles: [radiologist], when: \"study.department == 'A' && study.department == 'B'\"}"
    )
    assert said == "never-applies: permit `dead` never applies: its condition cannot be true"


def test_a_forbid_that_is_always_false_is_dead() -> None:
    said = one(
        "{id: dead, effect: forbid, when: \"has(study.department) && env.network == 'in' && env.network == 'out'\"}"
    )
    assert said == "never-applies: forbid `dead` never applies: its condition is always false"


def test_a_forbid_on_what_nobody_has_looked_for_yet_is_not_dead() -> None:
    assert found('{id: lives, effect: forbid, when: "has(study.department) && !has(study.department)"}') == []


def test_a_permit_that_another_covers_changes_nothing() -> None:
    said = one(
        "{id: narrow, effect: permit, roles: [radiologist], actions: [view], "
        "when: study.department == user.department && env.network == 'internal'}"
    )
    assert said.startswith(
        "shadowed: permit `narrow` changes nothing: wherever it applies, `base` (policy.yaml:10)"
    )


def test_a_role_is_covered_by_the_role_that_it_extends() -> None:
    said = one("{id: s, effect: permit, roles: [senior], when: study.department == user.department}")
    assert said.startswith("shadowed: permit `s`")


def test_of_two_permits_that_say_the_same_the_later_is_named() -> None:
    said = one("{id: again, effect: permit, roles: [radiologist], when: study.department == user.department}")
    assert said.startswith("shadowed: permit `again`")


def test_a_permit_with_more_actions_groups_or_fewer_masks_is_not_covered() -> None:
    assert found("{id: n, effect: permit, roles: [radiologist], when: study.department == 'A'}") == []
    masked = HEAD.replace("user.department}", "user.department, obligations: {mask: [PatientName]}}", 1)
    rule = "  - {id: n, effect: permit, roles: [radiologist], when: study.department == user.department}\n"
    oddities = [
        each.diagnostic.message
        for each in lint(policy(masked.replace("assignments:", rule + "assignments:")))
    ]
    assert [each for each in oddities if "`n`" in each.split(":")[0]] == []


def test_a_permit_that_a_forbid_always_beats_allows_nothing() -> None:
    said = one(
        "{id: vips, effect: permit, roles: [radiologist], when: \"'V' in study.labels && user.clearance == 1\"}"
    )
    assert said.startswith(
        "always-forbidden: permit `vips` allows nothing: wherever it applies, forbid `cleared`"
    )


def test_a_forbid_for_some_does_not_beat_a_permit_for_others() -> None:
    assert (
        found(
            "{id: vips, effect: permit, roles: [radiologist], when: \"'W' in study.labels\"}",
            "{id: no, effect: forbid, roles: [senior], when: \"'W' in study.labels\"}",
        )
        == []
    )


def test_a_forbid_without_a_condition_forbids_everything() -> None:
    said = found("{id: all, effect: forbid, actions: [view]}")
    assert "forbids-everything: forbid `all` forbids view to everybody everywhere" in said


def test_a_permit_without_a_bound_is_named_and_one_in_a_collection_is_not() -> None:
    said = found("{id: all, effect: permit, roles: [radiologist], when: env.network == 'internal'}")
    assert said == [
        "unbounded: permit `all` is about every study there is: it names nothing of study or series"
    ]
    confined = """version: 1
roles: {student: {may: [view], owner: a, approved_by: b, approved_at: 2026-01-01}}
rules: [{id: all, effect: permit, roles: [student]}]
assignments: [{groups: [g], roles: [student], scope: {collection: TEACH}}]
"""
    assert lint(policy(confined)) == ()


def test_storing_needs_no_bound() -> None:
    text = """version: 1
roles: {scanner: {may: [store], owner: a, approved_by: b, approved_at: 2026-01-01}}
rules: [{id: all, effect: permit, roles: [scanner], actions: [store]}]
"""
    assert lint(policy(text)) == ()


def test_a_rule_that_names_only_what_nobody_has_concerns_nobody() -> None:
    text = HEAD.replace(
        "assignments:",
        "  - {id: gone, effect: forbid, groups: [leavers]}\n"
        "  - {id: elsewhere, effect: forbid, archives: [old], when: study.department == 'A'}\n"
        "  - {id: someone, effect: forbid, users: [zoe, ann], when: study.department == 'B'}\n"
        "assignments:",
    )
    loaded = policy(text)
    heir = person("senior", name="ann")
    census = Census.of(loaded, [heir], [MAIN])
    assert census.roles == {"radiologist", "senior"}, "whoever extends a role has it"
    assert [each.diagnostic.message for each in lint(loaded, census)] == [
        "forbid `gone` concerns nobody: no account is in the group `leavers`",
        "forbid `elsewhere` concerns nobody: there is no archive called `old`",
    ]
    nobody = [each.diagnostic.message for each in lint(policy(HEAD), Census.of(loaded, [], [MAIN]))]
    assert nobody == ["permit `base` concerns nobody: no account has the role `radiologist`"]
