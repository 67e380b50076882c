"""Rules that give permissions when something happens, as they are written and as they apply."""

from datetime import timedelta

import pytest

from pacsgate.model.actions import Action
from pacsgate.model.errors import PolicyError
from pacsgate.model.grant import GranteeKind, GrantTarget
from pacsgate.model.occurrence import OccurrenceKind
from pacsgate.policy.document import load_policy
from pacsgate.policy.grant_rules import MESSAGE_NAMES, applying, facts_of_header, message_attributes
from pacsgate.policy.lint import lint
from pacsgate.policy.naming import declarations
from pacsgate.policy.policy import Policy
from pacsgate.protocols.hl7 import facts as hl7
from tests.support.indexing import dicom_json

HEAD = """
version: 1
attributes:
  study.department: {type: string, from: InstitutionalDepartmentName}
  study.service: {type: string, from: RequestingService}
roles:
  doctor: {may: [search, view, retrieve]}
"""
ARRIVED = OccurrenceKind.STUDY_ARRIVED
ORDERED = OccurrenceKind.MESSAGE_RECEIVED


def read(rules: str) -> Policy:
    return load_policy({"policy.yaml": f"{HEAD}\ngrant_rules:\n{rules}"})


def problems(rules: str) -> str:
    with pytest.raises(PolicyError) as raised:
        read(rules)
    return str(raised.value)


NIGHT = """
  - id: night
    on: [study-arrived, series-stored]
    when: "'night' in user.roles && study.department == 'CT' && env.calling_ae_title == 'CT1'"
    grant: {roles: [doctor], users: [ann], groups: [ward], actions: [search, view]}
    for: 30d
"""


def applies(policy: Policy, kind=ARRIVED, header=None, user=None, env=None) -> list[str]:
    facts = facts_of_header(policy, dicom_json(header or {}), {})
    return [rule.rule_id for rule in applying(policy, kind, facts, user or {}, env or {})]


def test_a_rule_is_read_with_everything_it_gives() -> None:
    (rule,) = read(NIGHT).grant_rules
    assert rule.on == {ARRIVED, OccurrenceKind.SERIES_STORED}
    assert rule.grantees == (
        (GranteeKind.ROLE, "doctor"),
        (GranteeKind.GROUP, "ward"),
        (GranteeKind.USER, "ann"),
    )
    assert (rule.actions, rule.to) == ({Action.SEARCH, Action.VIEW}, GrantTarget.STUDY)
    assert (rule.lasting, rule.takes_back) == (timedelta(days=30), False)


def test_a_rule_applies_to_who_stored_what_it_says() -> None:
    policy = read(NIGHT)
    night = {"roles": frozenset({"night"})}
    from_ct1 = {"calling_ae_title": frozenset({"CT1"})}
    of_ct = {"InstitutionalDepartmentName": "CT"}
    assert applies(policy, header=of_ct, user=night, env=from_ct1) == ["night"]
    assert not applies(policy, ORDERED, header=of_ct, user=night, env=from_ct1)
    assert not applies(policy, header=of_ct, user={"roles": frozenset()}, env=from_ct1)
    assert not applies(policy, header={"InstitutionalDepartmentName": "MR"}, user=night, env=from_ct1)
    assert not applies(policy, header={}, user=night, env=from_ct1), "what cannot be known gives nothing"
    assert not applies(policy, header=of_ct, user=night)


def test_a_rule_may_ask_what_a_message_says() -> None:
    policy = read("""
  - {id: discharge, on: [message-received], when: message.type == 'ADT^A03', to: patient,
     revoke: {roles: [doctor], actions: [search]}}
""")
    (rule,) = policy.grant_rules
    assert (rule.takes_back, rule.to) == (True, GrantTarget.PATIENT)
    assert applies(policy, ORDERED, env=message_attributes({"type": frozenset({"ADT^A03"})})) == ["discharge"]
    assert not applies(policy, ORDERED, env=message_attributes({"type": frozenset({"ORM^O01"})}))


def test_what_a_message_can_be_asked_for_is_what_is_read_from_it() -> None:
    assert set(MESSAGE_NAMES) == set(hl7.MESSAGE_ATTRIBUTES)


def test_what_only_grant_rules_name_makes_no_facts_of_studies() -> None:
    """It would tell apart studies that no rule tells apart."""
    policy = read(
        "  - {id: a, on: [study-arrived], when: study.service == 'NEURO',"
        " grant: {roles: [doctor], actions: [view]}}"
    )
    assert "study.service" not in {str(each.attribute) for each in declarations(policy)}
    assert applies(policy, header={"RequestingService": "NEURO"}) == ["a"]


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("{id: a, on: [study-arrived]}", "either `grant` or `revoke`"),
        ("{id: a, on: [], grant: {roles: [doctor], actions: [view]}}", "listens to nothing"),
        ("{id: a, on: [sunrise], grant: {roles: [doctor], actions: [view]}}", "unknown occurrence `sunrise`"),
        ("{id: a, on: [study-arrived], grant: {actions: [view]}}", "nobody is given anything"),
        ("{id: a, on: [study-arrived], grant: {roles: [doctor]}}", "needs `actions`"),
        ("{id: a, on: [study-arrived], grant: {roles: [nurse], actions: [view]}}", "unknown role `nurse`"),
        ("{id: a, on: [study-arrived], grant: {roles: [doctor], actions: [delete]}}", "not in the `may`"),
        ("{id: a, on: [study-arrived], grant: {users: [x], actions: [store]}}", "is for `store`"),
        ("{id: a, on: [study-arrived], to: series, grant: {users: [x], actions: [view]}}", "on a series"),
        ("{id: a, on: [study-arrived], for: soon, grant: {users: [x], actions: [view]}}", "no span of time"),
        ("{id: a, on: [study-arrived], for: 3d, revoke: {users: [x], actions: [view]}}", "has no end"),
        ("{id: a, on: [study-arrived], when: message.colour == 'x', grant: {users: [x], actions: [view]}}",
         "unknown attribute `message.colour`"),
        ("{id: a, on: [study-arrived], when: \"'x' in series.filters\", grant: {users: [x], actions: [view]}}",
         "unknown attribute `series.filters`"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(rule: str, problem: str) -> None:
    assert problem in problems(f"  - {rule}\n")


def test_an_id_is_given_once() -> None:
    rule = "  - {id: a, on: [study-arrived], grant: {users: [x], actions: [view]}}\n"
    assert "a second time" in problems(rule + rule)


def test_other_rules_cannot_ask_for_what_only_happens_once() -> None:
    for name in ("'x' in user.roles", "message.type == 'x'"):
        with pytest.raises(PolicyError):
            load_policy({"policy.yaml": f'{HEAD}\nrules:\n  - {{id: r, effect: forbid, when: "{name}"}}\n'})


def test_what_grant_rules_name_is_used_and_what_they_never_do_is_odd() -> None:
    text = """
  - {id: heard, on: [study-arrived], when: study.service == 'A', grant: {roles: [doctor], actions: [view]}}
  - {id: order, on: [message-received], grant: {roles: [doctor], actions: [view]}}
  - {id: never, on: [study-arrived], when: study.service == 'A' && study.service == 'B',
     grant: {users: [ann], actions: [view]}}
"""
    found = [str(each) for each in lint(read(text))]
    assert not any("study.service" in each or "named by no rule" in each for each in found)
    assert any("study.department` is in no condition" in each for each in found)
    assert any("`order` listens to `message-received`, which counts from nobody" in each for each in found)
    assert any("`never` never applies" in each for each in found)
    heard = load_policy({"policy.yaml": f"{HEAD}  his: {{permissions: [GrantByOrder]}}\ngrant_rules:{text}"})
    assert not any("counts from nobody" in str(each) for each in lint(heard))


def test_no_policy_can_declare_what_the_gate_itself_writes() -> None:
    for name in ("study.permitted", "study.permitted_users", "user.roles"):
        source = "" if name.startswith("user") else ", from: StudyID"
        with pytest.raises(PolicyError, match="built in"):
            load_policy({"policy.yaml": f"version: 1\nattributes:\n  {name}: {{type: set{source}}}\n"})
