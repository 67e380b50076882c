from pacsgate.model.actions import Action
from pacsgate.model.decision import Allow
from pacsgate.model.grant import GrantTarget
from pacsgate.model.subject import Subject
from pacsgate.policy.engine import bind
from pacsgate.policy.explain import Explanation, explain
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.near_grants import near_grants
from tests.properties.worlds import world
from tests.unit.policy.hospital import INSIDE, MAIN, NOON, POLICY, grant, person, policy, study


def explained(
    subject: Subject, facts: ResourceFacts, action: Action = Action.VIEW, *grants, text: str = POLICY
) -> Explanation:
    return explain(policy(text), subject, INSIDE, MAIN, grants, action, facts)


def test_a_denial_names_the_nearest_permits_and_what_they_lack() -> None:
    explanation = explained(person("radiologist", department="CT-A"), study(department="MR-B"))
    assert explanation.for_administrator() == (
        f"deny: view by ann, revision {policy().revision}\n"
        "  because: no-permit\n"
        "  would be permitted by `own-department` (policy.yaml:12)\n"
        "    but not study.department == user.department"
        " (study.department is 'MR-B', user.department is 'CT-A')\n"
        "  would be permitted by `students` (policy.yaml:22)\n"
        "    but not role student (roles in effect: radiologist)"
    )
    assert explanation.for_user() is None


def test_a_forbid_names_what_made_it_apply_and_the_permits_it_overrode() -> None:
    explanation = explained(person("student", clearance=2), study(labels=("VIP",)))
    assert explanation.for_administrator() == (
        f"deny: view by ann, revision {policy().revision}\n"
        "  because: forbidden:vip\n"
        "  forbidden by `vip` (policy.yaml:25)\n"
        "    since 'VIP' in study.labels (study.labels is {'VIP'})\n"
        "    since user.clearance < 3 (user.clearance is 2)\n"
        "  overridden: permitted by `students` (policy.yaml:22)"
    )
    assert explanation.for_user() == "This study needs clearance 3."


def test_the_user_sees_no_rule_of_anybody() -> None:
    explanation = explained(person("student"), study(labels=("VIP",)))
    assert "vip" not in (explanation.for_user() or "")


def test_an_unreadable_forbid_says_what_was_missing() -> None:
    text = explained(person("student"), study(labels=("VIP",))).for_administrator()
    assert "since user.clearance < 3 (user.clearance is missing)" in text


def test_what_nobody_has_looked_for_yet_is_not_said_to_be_missing() -> None:
    rule = "rules:\n  - {id: psychiatry, effect: forbid, when: has(study.department) && study.department == 'PSY'}\n"
    known = study(department="CT-A").study
    unread = ResourceFacts({name: held for name, held in known.items() if name != "department"})
    text = POLICY.replace("rules:\n", rule, 1)
    said = explained(person("student"), unread, text=text).for_administrator()
    assert "since has(study.department) (study.department is not known yet)" in said
    looked_for = ResourceFacts({**known, "department": frozenset()})
    said = explained(person("student"), looked_for, text=text).for_administrator()
    assert "psychiatry" not in said


def test_an_allow_names_what_allowed() -> None:
    explanation = explained(person("clerk"), study(), Action.VIEW, grant(Action.VIEW))
    assert isinstance(explanation.decision, Allow)
    assert "permitted-by-grant:g1" in explanation.for_administrator()
    assert explanation.nearest == ()


def test_an_export_that_fails_for_want_of_retrieve_explains_retrieve() -> None:
    text = """
version: 1
roles: {r: {may: [retrieve, export]}}
rules:
  - {id: out, effect: permit, roles: [r], actions: [export]}
  - {id: in, effect: permit, roles: [r], actions: [retrieve], when: study.uid == '9'}
"""
    explanation = explained(person("r"), study(), Action.EXPORT, text=text)
    assert "would be permitted by `in`" in explanation.for_administrator()
    assert "study.uid == '9' (study.uid is '1.2.3')" in explanation.for_administrator()


def test_a_negation_is_shown_as_the_condition_that_fails() -> None:
    text = POLICY.replace("study.department == user.department", "\"!('TRIAL' in study.labels)\"")
    explanation = explained(person("radiologist", clearance=3), study(labels=("TRIAL",)), text=text)
    assert "but not !('TRIAL' in study.labels) (study.labels is {'TRIAL'})" in explanation.for_administrator()


def test_a_permit_that_cannot_be_carried_out_is_named_with_its_obligation() -> None:
    text = POLICY.replace("{mask: [PatientName, PatientBirthDate]}", "{deidentify: basic}")
    said = explained(person("clerk"), study(), Action.SEARCH, text=text).for_administrator()
    assert (
        "permitted by `clerks-search` (policy.yaml:17)\n    but cannot carry out `deidentify:basic`" in said
    )


def test_at_most_three_permits_are_near() -> None:
    rules = "".join(
        f"  - {{id: p{n}, effect: permit, roles: [student], when: env.hour > {20 + n % 3}}}\n"
        for n in range(9)
    )
    text = POLICY.replace("  - id: students\n    effect: permit\n    roles: [student]\n", rules)
    assert len(explained(person("student"), study(), text=text).nearest) == 3


def test_beyond_every_ceiling_it_is_said_that_no_rule_could_help() -> None:
    explanation = explained(person("clerk"), study(), Action.RETRIEVE)
    assert explanation.below_ceiling == ("`clerk` (policy.yaml:8) may only search, view",)
    assert "beyond the ceiling: no role of ann may ever retrieve" in explanation.for_administrator()


def test_a_ceiling_is_no_reason_where_some_role_reaches_higher() -> None:
    explanation = explained(person("clerk", "radiologist", department="X"), study(), Action.RETRIEVE)
    assert not isinstance(explanation.decision, Allow)
    assert explanation.below_ceiling == ()


def test_of_an_export_the_ceiling_is_that_of_what_settled_it() -> None:
    text = POLICY.replace("[search, view, retrieve, export]", "[search, view, export]").replace(
        "[search, view, retrieve]", "[search, view, export]"
    )
    explanation = explained(
        person("radiologist", department="A"), study(department="A"), Action.EXPORT, text=text
    )
    assert "no role of ann may ever retrieve" in explanation.for_administrator()


def test_the_nearest_grant_is_named_with_what_it_lacks() -> None:
    late = grant(Action.VIEW, expires=NOON)
    said = explained(person("clerk"), study(), Action.VIEW, late).for_administrator()
    assert (
        "  would be allowed by grant `g1` to user ann on study 1.2.3 until 2026-03-10T12:00:00Z\n"
        "    but it has expired"
    ) in said
    narrow = grant(Action.SEARCH)
    said = explained(person("clerk"), study(), Action.VIEW, narrow).for_administrator()
    assert "but it is for search only" in said
    other = grant(Action.VIEW, to="bob")
    assert (
        "but it is made to user bob"
        in explained(person("clerk"), study(), Action.VIEW, other).for_administrator()
    )


def test_a_grant_that_has_nothing_to_do_with_it_is_not_named() -> None:
    far = grant(Action.SHARE, to="bob", on=(GrantTarget.STUDY, "9.9"))
    assert explained(person("clerk"), study(), Action.VIEW, far).grants == ()


def test_a_grant_that_applies_lacks_nothing_exactly_when_the_engine_says_so() -> None:
    for seed in range(200):
        of = world(seed)
        bound = bind(of.policy, of.subject, of.context, of.archive, of.grants)
        for facts in of.resources:
            for action in (Action.VIEW, Action.EXPORT, Action.SHARE):
                explanation = explain(of.policy, of.subject, of.context, of.archive, of.grants, action, facts)
                granted = {
                    reason.grant_id for reason in bound.decide(action, facts).reasons if reason.grant_id
                }
                named = {each.grant.grant_id for each in explanation.grants if not each.lacking}
                assert granted <= named | {
                    each.grant.grant_id
                    for each in near_grants(bound, of.grants, Action.RETRIEVE, facts)
                    if not each.lacking
                }, (seed, action)


def test_a_permit_that_asks_for_a_reason_says_so() -> None:
    text = POLICY.replace("{mask: [PatientName, PatientBirthDate]}", "{reason-required: true}")
    said = explained(person("clerk"), study(), Action.SEARCH, text=text).for_administrator()
    assert (
        "permitted by `clerks-search` (policy.yaml:17)\n    but asks for a reason, and none is given" in said
    )
