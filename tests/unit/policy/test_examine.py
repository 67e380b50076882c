from pacsgate.model.actions import Action
from pacsgate.policy.examine import Access, check, what_can, who_can
from pacsgate.policy.facts import ResourceFacts
from tests.unit.policy.hospital import INSIDE, MAIN, person, policy, study


def test_a_policy_without_oddities_gives_no_warning() -> None:
    assert [str(each) for each in check(policy())] == []


def test_what_loads_but_is_probably_not_meant_is_named() -> None:
    text = """version: 1
attributes: {user.idle: {type: string}}
roles:
  idle: {may: [view], owner: chief}
  clerk: {may: [search]}
rules:
  - {id: a, effect: permit, roles: [clerk], obligations: {deidentify: basic, step-up: true}}
"""
    assert [str(each) for each in check(policy(text))] == [
        "policy.yaml:2:1: attribute `user.idle` is in no condition",
        "policy.yaml:4:1: role `idle` is named by no rule and no assignment",
        "policy.yaml:5:1: role `clerk` has no owner (say with `owner` who answers for it)",
        "policy.yaml:7:1: permit `a` allows nothing: the gate cannot carry out `deidentify:basic`, `step-up` yet",
    ]


def test_who_can_names_everybody_who_may_do_anything() -> None:
    people = [
        person("radiologist", name="rad", department="CT-A"),
        person("clerk", name="clerk"),
        person("auditor", name="comp"),
        person("radiologist", name="other", department="MR-B"),
    ]
    facts = study(department="CT-A")
    found = list(who_can(policy(), people, INSIDE, MAIN, [], study="1.2.3", series=[facts, facts]))
    assert found == [
        Access("rad", "1.2.3", 2, {Action.SEARCH: 2, Action.VIEW: 2, Action.RETRIEVE: 2}),
        Access("clerk", "1.2.3", 2, {Action.SEARCH: 2}),
    ]


def test_what_can_counts_the_series_of_a_study_that_is_visible_in_part() -> None:
    text = """version: 1
roles: {r: {may: [view]}}
rules: [{id: a, effect: permit, roles: [r], when: series.modality == 'CT'}]
"""
    seen = study("1")
    report = ResourceFacts(seen.study, {"modality": frozenset({"SR"})})
    studies = [("1", [seen, report]), ("2", [report]), ("3", [])]
    found = list(what_can(policy(text), person("r"), INSIDE, MAIN, [], studies=studies))
    assert found == [Access("ann", "1", 2, {Action.VIEW: 1})]
