"""What subjects share whom no rule tells apart, and what is never shared."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pacsgate.model.actions import Action
from pacsgate.model.grant import GranteeKind
from pacsgate.model.role import Assignment
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import Bound, bind
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.rule_index import circumstances
from tests.unit.policy.hospital import INSIDE, MAIN, NOON, POLICY, allowed, grant, person, reasons, study

OWN = """version: 1
attributes: {study.level: {type: number, from: StudyID}, user.level: {type: number}, user.idle: {type: string}}
roles: {r: {may: [search, view], owner: chief}, s: {may: [search, view], owner: chief}}
rules:
  - {id: level, effect: permit, roles: [r], when: study.level == user.level}
  - {id: named, effect: forbid, users: [mallory]}
  - {id: grouped, effect: forbid, groups: [suspended]}
"""


def rulings(bound: Bound) -> object:
    bound.decide(Action.VIEW, study())
    return bound._weighing(Action.VIEW).ruling


def test_subjects_whom_no_rule_tells_apart_share_what_was_worked_out() -> None:
    policy = load_policy({"p": OWN})
    ann = bind(policy, person("r", level=1, idle="x"), INSIDE, MAIN, ())
    bob = bind(policy, person("r", name="bob", groups=("choir",), level=1, idle="y"), INSIDE, MAIN, ())
    assert rulings(ann) is rulings(bob)


@pytest.mark.parametrize(
    "other",
    [
        person("r", level=2),
        person("r", level=True),
        person("r"),
        person("s", level=1),
        person("r", "s", level=1),
        person("r", name="mallory", level=1),
        person("r", groups=("suspended",), level=1),
    ],
)
def test_whoever_differs_in_what_a_rule_sees_shares_nothing(other: object) -> None:
    policy = load_policy({"p": OWN})
    ann = bind(policy, person("r", level=1), INSIDE, MAIN, ())
    assert rulings(ann) is not rulings(bind(policy, other, INSIDE, MAIN, ()))


def test_true_is_not_one_to_anybody() -> None:
    policy = load_policy({"p": OWN})
    facts = ResourceFacts({"level": frozenset({1})}, {})
    for level, expected in ((1, True), (True, False), (1.0, True)):
        assert (
            allowed(bind(policy, person("r", level=level), INSIDE, MAIN, ()).decide(Action.VIEW, facts))
            is expected
        )


def test_a_grant_stays_with_whom_it_was_made_to() -> None:
    policy = load_policy({"p": POLICY})
    grants = (grant(Action.VIEW, to="ann"), grant(Action.VIEW, to="team", kind=GranteeKind.GROUP))
    verdicts = {
        name: allowed(bind(policy, who, INSIDE, MAIN, grants).decide(Action.VIEW, study()))
        for name, who in {
            "ann": person("clerk"),
            "bob": person("clerk", name="bob"),
            "eve": person("clerk", name="eve", groups=("team",)),
        }.items()
    }
    assert verdicts == {"ann": True, "bob": False, "eve": True}


def test_other_grants_are_not_mistaken_for_those_that_were_there_before() -> None:
    policy = load_policy({"p": POLICY})
    assert allowed(
        bind(policy, person("clerk"), INSIDE, MAIN, (grant(Action.VIEW),)).decide(Action.VIEW, study())
    )
    assert not allowed(bind(policy, person("clerk"), INSIDE, MAIN, ()).decide(Action.VIEW, study()))


def test_circumstances_are_those_that_some_rule_sees() -> None:
    blind = load_policy({"p": OWN})
    outside = replace(INSIDE, network="external", purpose="HRESCH", risk=0.9, reason="because")
    assert circumstances(blind, INSIDE) == circumstances(blind, outside)
    for condition, changed in {
        "env.network == 'internal'": {"network": "external"},
        "env.purpose == 'TREAT'": {"purpose": "HRESCH"},
        "env.risk < 0.5": {"risk": 0.9},
    }.items():
        seeing = load_policy({"p": f'version: 1\nrules: [{{id: a, effect: forbid, when: "{condition}"}}]\n'})
        assert circumstances(seeing, INSIDE) != circumstances(seeing, replace(INSIDE, **changed))


INHERITING = """version: 1
roles:
  reader: {may: [search, view], owner: chief}
  resident: {extends: [reader], may: [annotate], owner: chief}
  consultant: {extends: [resident], permissions: [AuditRead], owner: chief}
rules:
  - {id: readers, effect: permit, roles: [reader]}
  - {id: residents, effect: permit, roles: [resident], actions: [annotate, view]}
  - {id: not-residents, effect: forbid, roles: [resident], when: "'VIP' in study.labels"}
"""


def test_a_role_has_what_it_inherits_and_whoever_has_it_has_those_roles() -> None:
    policy = load_policy({"p": INHERITING})
    assert policy.roles["consultant"].may == {Action.SEARCH, Action.VIEW, Action.ANNOTATE}
    assert policy.roles["consultant"].extends == {"resident", "reader"}
    bound = bind(policy, person("consultant"), INSIDE, MAIN, ())
    assert bound.roles == {"consultant", "resident", "reader"}
    assert reasons(bound.decide(Action.VIEW, study())) == [
        "permitted-by-rule:readers",
        "permitted-by-rule:residents",
    ]
    assert reasons(bound.decide(Action.VIEW, study(labels=("VIP",)))) == ["forbidden:not-residents"]
    assert not allowed(bind(policy, person("reader"), INSIDE, MAIN, ()).decide(Action.ANNOTATE, study()))


def test_what_is_inherited_ends_with_the_assignment() -> None:
    policy = load_policy({"p": INHERITING})
    until = NOON + timedelta(hours=1)
    someone = replace(person(), assignments=(Assignment("consultant", until=until),))
    bound = bind(policy, someone, INSIDE, MAIN, ())
    assert allowed(bound.decide(Action.VIEW, study()))
    assert bound.valid_until == until
    assert not bind(policy, someone, replace(INSIDE, now=until), MAIN, ()).roles


REASONED = """version: 1
roles: {r: {may: [search, view, retrieve], owner: chief}}
rules:
  - {id: find, effect: permit, roles: [r], actions: [search]}
  - {id: why, effect: permit, roles: [r], actions: [view], obligations: {reason-required: true}}
  - {id: later, effect: permit, roles: [r], actions: [retrieve], obligations: {reason-required: true, deidentify: basic}}
"""


def test_a_permit_that_needs_a_reason_waits_for_one() -> None:
    policy = load_policy({"p": REASONED})
    silent = bind(policy, person("r"), INSIDE, MAIN, ())
    assert allowed(silent.decide(Action.SEARCH, study()))
    assert reasons(silent.decide(Action.VIEW, study())) == ["reason-required:why"]
    assert [str(each) for each in silent.could(Action.VIEW).reasons] == ["reason-required:why"]
    speaking = bind(policy, person("r"), replace(INSIDE, reason="second opinion"), MAIN, ())
    assert reasons(speaking.decide(Action.VIEW, study())) == ["permitted-by-rule:why"]
    assert speaking.could(Action.VIEW) is None
    assert reasons(speaking.decide(Action.RETRIEVE, study())) == ["obligation-unsupported:later"]


def test_how_strongly_and_how_long_ago_one_signed_in_counts() -> None:
    text = """version: 1
roles: {r: {may: [search, view], owner: chief}}
rules: [{id: a, effect: permit, roles: [r], when: env.authentication >= 2 && env.authentication_age < 15}]
"""
    policy = load_policy({"p": text})
    strong = replace(person("r"), assurance_level=2, authenticated_at=NOON - timedelta(minutes=5, seconds=30))
    bound = bind(policy, strong, INSIDE, MAIN, ())
    assert allowed(bound.decide(Action.VIEW, study()))
    assert bound.valid_until == NOON + timedelta(minutes=9, seconds=30)
    later = bind(policy, strong, replace(INSIDE, now=bound.valid_until), MAIN, ())
    assert not allowed(later.decide(Action.VIEW, study()))
    for weak in (replace(strong, assurance_level=1), replace(strong, authenticated_at=None)):
        assert not allowed(bind(policy, weak, INSIDE, MAIN, ()).decide(Action.VIEW, study()))


def test_a_risk_that_nobody_assessed_is_missing() -> None:
    text = "version: 1\nroles: {r: {may: [search, view], owner: chief}}\nrules:\n  - {id: a, effect: permit, roles: [r]}\n  - {id: b, effect: forbid, when: env.risk > 0.7}\n"
    policy = load_policy({"p": text})
    for risk, expected in ((None, False), (0.2, True), (0.9, False)):
        bound = bind(policy, person("r"), replace(INSIDE, risk=risk), MAIN, ())
        assert allowed(bound.decide(Action.VIEW, study())) is expected
