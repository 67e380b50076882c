from datetime import UTC, datetime

import pytest

from pacsgate.model.actions import Action
from pacsgate.model.decision import Effect
from pacsgate.model.errors import Diagnostic, PolicyError
from pacsgate.model.permission import Permission
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Assignment, AssignmentScope, Role
from pacsgate.policy.document import load_policy, revision_of
from pacsgate.policy.language.limits import PROBLEMS, RULES, SOURCE_LENGTH
from pacsgate.policy.policy import Place
from tests.unit.policy.hospital import POLICY


def problems(text: str, **more: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(PolicyError) as raised:
        load_policy({"p.yaml": text} | {name.replace("_", "."): each for name, each in more.items()})
    return raised.value.diagnostics


def problem(text: str) -> str:
    found = problems(text)
    assert len(found) == 1, [str(each) for each in found]
    return str(found[0])


def test_a_policy_is_read_with_the_places_of_its_parts() -> None:
    policy = load_policy({"p.yaml": POLICY})
    assert policy.role_places["clerk"] == Place("p.yaml", 8)
    assert [rule.rule_id for rule in policy.rules] == ["clerks-search", "own-department", "students", "vip"]
    own = next(rule for rule in policy.rules if rule.rule_id == "own-department")
    assert own.place == Place("p.yaml", 12)
    assert own.effect is Effect.PERMIT
    assert own.actions == {Action.SEARCH, Action.VIEW, Action.RETRIEVE}
    assert policy.roles["auditor"] == Role(
        "auditor", permissions=frozenset({Permission.AUDIT_READ}), owner="chief"
    )
    assert policy.declarations["study.department"].path == ("00081040",)


def test_the_revision_is_that_of_the_sources() -> None:
    assert load_policy({"p.yaml": POLICY}).revision == load_policy({"p.yaml": POLICY}).revision
    assert len(revision_of({"a": "1"})) == 16
    texts = [{"a": "1"}, {"a": "2"}, {"b": "1"}, {"a": "1", "b": ""}, {"a": '1","b":"'}]
    assert len({revision_of(sources) for sources in texts}) == len(texts)
    assert revision_of({"a": "1", "b": "2"}) == revision_of({"b": "2", "a": "1"})


def test_files_say_one_thing_together() -> None:
    roles = (
        "version: 1\nroles: {r: {may: [view]}}\nattributes: {study.ward: {type: string, from: '00091010'}}\n"
    )
    rules = "version: 1\nrules: [{id: a, effect: permit, roles: [r], when: study.ward == 'W'}]\n"
    policy = load_policy({"2.yaml": roles, "1.yaml": rules})
    assert policy.rules[0].place == Place("1.yaml", 2)
    assert policy.declarations["study.ward"].path == ("00091010",)


def test_a_name_is_given_once_in_all_files_together() -> None:
    twice = "version: 1\nroles: {r: {may: [view]}}\nrules: [{id: a, effect: forbid}]\n"
    found = problems(twice, q_yaml=twice)
    assert [str(each) for each in found] == [
        "q.yaml:2:9: role `r` is here a second time; first at p.yaml:2",
        "q.yaml:3:14: rule `a` is here a second time; first at p.yaml:3",
    ]


def test_a_role_lives_in_the_files_or_in_the_database() -> None:
    text = "version: 1\nrules: [{id: a, effect: permit, roles: [stored]}]\n"
    stored = Role("stored", may=frozenset({Action.VIEW}))
    assert load_policy({"p.yaml": text}, [stored]).roles["stored"] == stored
    with pytest.raises(PolicyError, match="role `stored` is in the database too"):
        load_policy({"p.yaml": "version: 1\nroles: {stored: {}}\n"}, [stored])


def test_assignments_carry_their_scope_and_their_window() -> None:
    text = """version: 1
roles: {r: {may: [view]}}
assignments:
  - {users: [ann], groups: [g], roles: [r], scope: {pacs: main, collection: TEACH}, from: 2026-01-01, until: 2027-01-01T06:00:00+02:00}
"""
    (given,) = load_policy({"p.yaml": text}).assignments
    assert (given.users, given.groups, given.place) == ({"ann"}, {"g"}, Place("p.yaml", 4))
    assert given.assignment == Assignment(
        "r",
        AssignmentScope(ArchiveName("main"), "TEACH"),
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2027, 1, 1, 4, tzinfo=UTC),
    )


def test_a_map_stands_in_the_declaration_or_in_a_file_beside_it() -> None:
    text = (
        "version: 1\nattributes: {study.d: {type: string, from: InstitutionalDepartmentName, map: d.yaml}}\n"
    )
    policy = load_policy({"p.yaml": text, "d.yaml": "CT-A: ct\n'1': one\n"})
    assert policy.declarations["study.d"].table == {"CT-A": "ct", "1": "one"}
    found = problems(text)
    assert "no file `d.yaml` beside the policy" in str(found[0])


UNASSIGNABLE = (
    "p.yaml:3:36: unknown role `AgentInstance` (one of `AccessUnitHolder`, `PacsAdministrator`, "
    "`TenantAdministrator`, `TenantRegistrator`, `r`)"
)
KEPT_BACK = (
    "p.yaml:2:9: role `r` carries `ExtensionFieldsGet`, `LogsWrite`, `PacsMessageGet`, `PacsResponseCreate`, "
    "which only a built-in role can (leave it out, or assign the built-in role)"
)
HEAD = "version: 1\nroles: {r: {may: [view]}}\n"
ATTRIBUTES = (
    "version: 1\nattributes: {study.d: {type: string, from: StudyDescription}, user.n: {type: number}}\n"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "p.yaml: the file is empty (start with `version: 1`)"),
        ("rules: []\n", "p.yaml:1:1: a policy needs `version`"),
        ("version: 2\n", "p.yaml:1:10: this version of the language is unknown (write `version: 1`)"),
        ("version: 1\nrulez: []\n", "p.yaml:2:1: a policy has no `rulez` (did you mean `rules`?)"),
        ("- a\n", "p.yaml:1:1: a policy must be a mapping (with version, timezone, attributes, labels, roles, rules, assignments, templates, grant_rules, authentication)"),
        ("version: 1\nversion: 1\n", "p.yaml:2:1: `version` is here twice; first in line 1"),
        ("version: 1\nrules: &a []\n", "p.yaml:2:8: anchors (`&name`) are not used in policies (write the value out)"),
        ("%YAML 1.10\n---\nversion: 1\n", "p.yaml:1:1: YAML directives are not part of the language (remove the line)"),
        ("version: 1\nrules: !!python/name:os.system\n", "p.yaml:2:8: tags (`!name`) are not used in policies (quote the value instead)"),
        ("version: 1\n--- \nversion: 1\n", "p.yaml:2:1: a second YAML document in one file (put it into a file of its own)"),
        ("version: 1\nrules: [\n", "p.yaml:3:1: not YAML: expected the node content, but found '<stream end>'"),
        ("version: 1\nrules:\n", "p.yaml:2:1: `rules` is empty (leave it out or give it a value)"),
        (HEAD + "rules: [{id: a, effect: permit, roles: [r], actions: [delete]}]\n", "p.yaml:3:55: `delete` is not in the `may` of `r` (add it to the role's `may`, or leave `r` out of this rule)"),
        (HEAD + "rules: [{id: a, effect: permit}]\n", "p.yaml:3:9: a permit needs `roles` (a role's `may` is what a permit can give)"),
        (HEAD + "rules: [{id: a, effect: allow}]\n", "p.yaml:3:25: unknown effect `allow` (one of `forbid`, `permit`)"),
        (HEAD + "rules: [{id: a b, effect: forbid}]\n", "p.yaml:3:14: the rule's id `a b` is not a name (letters, digits, `_`, `.`, `@`, `-`)"),
        (HEAD + "rules: [{id: a, effect: forbid, roles: [s]}]\n", "p.yaml:3:41: unknown role `s` (one of `r`)"),
        (HEAD + "rules: [{id: a, effect: forbid, actions: [veiw]}]\n", "p.yaml:3:43: unknown action `veiw` (did you mean `view`?)"),
        (HEAD + "rules: [{id: a, effect: forbid, actions: ['*', view]}]\n", "p.yaml:3:42: `*` is every action already (write `['*']` alone)"),
        (HEAD + "rules: [{id: a, effect: forbid, users: []}]\n", "p.yaml:3:40: `users` names nobody (leave it out, or name somebody)"),
        (HEAD + "rules: [{id: a, effect: forbid, obligations: {mask: [PatientName]}}]\n", "p.yaml:3:46: a forbid has no obligations"),
        (HEAD + "rules: [{id: a, effect: permit, roles: [r], message: No.}]\n", "p.yaml:3:54: a permit has no message (messages are for forbids)"),
        (HEAD + "rules: [{id: a, effect: permit, roles: [r], obligations: {mask: [StudyInstanceUID]}}]\n", "p.yaml:3:66: `StudyInstanceUID` cannot be masked: without it no answer can be read"),
        (HEAD + "rules: [{id: a, effect: permit, roles: [r], obligations: {mask: [PatientNam]}}]\n", "p.yaml:3:66: no DICOM attribute has the keyword `PatientNam` (did you mean `PatientName`?)"),
        (HEAD + "rules: [{id: a, effect: permit, roles: [r], obligations: {encrypt: true}}]\n", "p.yaml:3:59: `obligations` has no `encrypt` (one of `deidentify`, `mask`, `reason-required`, `step-up`)"),
        (HEAD + "assignments: [{roles: [r]}]\n", "p.yaml:3:15: an assignment needs `users` or `groups`"),
        (
            HEAD + "assignments: [{users: [a], roles: [PacsAdmin]}]\n",
            "p.yaml:3:36: unknown role `PacsAdmin` (did you mean `PacsAdministrator`?)",
        ),
        (
            "version: 1\nroles: {TenantAdministrator: {may: [view]}}\n",
            "p.yaml:2:9: role `TenantAdministrator` is built in (give yours another name)",
        ),
        (
            "version: 1\nroles: {r: {extends: [AgentInstance]}}\n",
            KEPT_BACK,
        ),
        (
            HEAD + "assignments: [{users: [a], roles: [AgentInstance]}]\n",
            UNASSIGNABLE,
        ),
        (HEAD + "assignments: [{users: [a], roles: [r], until: soon}]\n", "p.yaml:3:47: `until` is not a time (write `2027-01-01` or `2027-01-01T12:00:00Z`)"),
        (HEAD + "assignments: [{users: [a], roles: [r], until: 2027-01-01T12:00}]\n", "p.yaml:3:47: `until` has no offset from UTC (write `2027-01-01T12:00Z`)"),
        ("version: 1\nattributes: {study.uid: {type: string, from: StudyID}}\n", "p.yaml:2:14: `study.uid` is built in (take another name, or leave it out)"),
        ("version: 1\nattributes: {env.door: {type: string}}\n", "p.yaml:2:14: `env.door` is no name for an attribute (write `study.`, `series.` or `user.` and a name of small letters, digits and `_`)"),
        ("version: 1\nattributes: {user.a: {type: text}}\n", "p.yaml:2:29: unknown type `text` (one of `boolean`, `date`, `number`, `set`, `string`)"),
        ("version: 1\nattributes: {user.a: {type: string, from: StudyID}}\n", "p.yaml:2:37: `user.a` has no `from` (one of `type`)"),
        ("version: 1\nattributes: {study.a: {type: string}}\n", "p.yaml:2:23: `study.a` needs `from`"),
        ("version: 1\nattributes: {study.a: {type: string, from: StudyIdd}}\n", "p.yaml:2:44: no DICOM attribute has the keyword `StudyIdd` (did you mean `StudyID`?)"),
        ("version: 1\nattributes: {study.a: {type: string, from: PixelData}}\n", "p.yaml:2:44: `PixelData` (OB or OW) has no value to compare"),
        ("version: 1\nattributes: {study.a: {type: string, from: ProcedureCodeSequence}}\n", "p.yaml:2:44: `ProcedureCodeSequence` (SQ) has no value to compare (write `ProcedureCodeSequence.` and an attribute in it)"),
        ("version: 1\nattributes: {study.a: {type: number, from: StudyID, map: {x: y}}}\n", "p.yaml:2:62: `y` is not a number"),
        (ATTRIBUTES + "rules: [{id: a, effect: forbid, when: study.dd == 'x'}]\n", "p.yaml:3:39: unknown attribute `study.dd` (did you mean `study.d`?)"),
    ],
)  # fmt: skip
def test_every_mistake_is_named_with_its_place_and_a_remedy(text: str, expected: str) -> None:
    assert problem(text) == expected


def test_all_mistakes_are_named_at_once_in_the_order_of_the_text() -> None:
    text = """version: 1
roles: {r: {may: [vieww]}}
rules:
  - {id: a, effect: permit, roles: [q], when: "study.x == 1 || user.y < 'a' || series.modality"}
  - {effect: forbid, why: because}
"""
    places = [(each.line, each.column) for each in problems(text)]
    assert places == [(2, 19), (4, 37), (4, 48), (4, 64), (4, 80), (5, 5), (5, 22)]


def test_there_is_an_end_to_everything() -> None:
    assert "longer than" in problem("#" * (SOURCE_LENGTH + 1))
    assert "nested more than" in problem("version: 1\nrules: " + "[" * 5000)
    half = range(RULES // 2 + 1)
    first, second = (
        "version: 1\nrules:\n" + "".join(f"  - {{id: {file}{n}, effect: forbid}}\n" for n in half)
        for file in "pq"
    )
    assert [each.message for each in problems(first, q_yaml=second)] == [f"more than {RULES} rules"]
    assert len(problems("version: 1\nrules:\n" + "  - {}\n" * 900)) == PROBLEMS


def test_nothing_to_read_is_an_error_too() -> None:
    with pytest.raises(PolicyError, match="there is no policy file"):
        load_policy({})
