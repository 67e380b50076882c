"""How strongly somebody must have proven who they are: what the policy says, and what follows."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Allow, Deny, ReasonCode
from pacsgate.model.errors import PolicyError
from pacsgate.model.permission import Permission
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName
from pacsgate.model.role import Assignment
from pacsgate.model.strength import Strength
from pacsgate.model.subject import EMERGENCY, Credential, Subject
from pacsgate.policy import reference
from pacsgate.policy.constraint import Constraint
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import Bound, bind
from pacsgate.policy.explain import explain
from tests.unit.policy.hospital import INSIDE, MAIN, NOON, study

HEAD = """version: 1
roles:
  reader: {may: [search, view, retrieve, export]}
  chief: {may: [search, view], permissions: [UserList, AuditRead]}
rules:
  - {id: read, effect: permit, roles: [reader, chief]}
"""
FIVE = timedelta(minutes=5)


def person(*roles: str, level: int = 1, ago: timedelta | None = None, **otherwise: object) -> Subject:
    proven = None if ago is None else NOON - ago
    return replace(
        Subject(
            tenant=DEFAULT_TENANT,
            name="ada",
            assignments=tuple(map(Assignment, roles)),
            credential=Credential.SESSION,
            authenticated_at=NOON - timedelta(hours=1),
            assurance_level=level,
            second_factor_at=proven,
        ),
        **otherwise,
    )


def bound(text: str, subject: Subject, context: Context = INSIDE) -> Bound:
    return bind(load_policy({"p.yaml": HEAD + text}), subject, context, MAIN, ())


def lacking(
    text: str, subject: Subject, action: Action = Action.VIEW, context: Context = INSIDE
) -> Strength | None:
    """What a check says is lacking; the list and the slow reading must say the same."""
    asked = bound(text, subject, context)
    decision = asked.decide(action, study())
    policy = load_policy({"p.yaml": HEAD + text})
    assert reference.decide(policy, subject, context, MAIN, (), action, study()) == decision
    listed = asked.constraint(action)
    assert isinstance(listed, Constraint) is isinstance(decision, Allow)
    if isinstance(decision, Allow):
        return None
    assert isinstance(listed, Deny)
    assert listed.reasons == decision.reasons
    (reason,) = decision.reasons
    assert reason.code is ReasonCode.STEP_UP_REQUIRED
    return reason.strength


def demand(written: str) -> str:
    return f"authentication:\n  - {{{written}}}\n"


def test_without_a_demand_one_factor_is_enough() -> None:
    assert lacking("", person("reader")) is None


@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize("wanted", [1, 2, 3])
def test_a_role_demands_a_level_of_whoever_has_it(level: int, wanted: int) -> None:
    text = demand(f"roles: [reader], level: {wanted}")
    enough = level >= wanted
    assert lacking(text, person("reader", level=level)) == (None if enough else Strength(wanted))
    assert lacking(text, person("chief", level=level)) is None


def test_a_role_makes_its_demand_wherever_it_is_held() -> None:
    elsewhere = Assignment("chief", replace(Assignment("chief").scope, archive=ArchiveName("other")))
    somebody = person("reader")
    somebody = replace(somebody, assignments=(*somebody.assignments, elsewhere))
    assert lacking(demand("roles: [chief], level: 2"), somebody) == Strength(2)


def test_who_whence_and_what_are_all_asked() -> None:
    text = demand("roles: [reader], groups: [remote], networks: [external], actions: [export], level: 2")
    outside = replace(INSIDE, network="external")
    remote = person("reader", groups=frozenset({"remote"}))
    assert lacking(text, remote, Action.EXPORT, outside) == Strength(2)
    assert lacking(text, remote, Action.EXPORT) is None
    assert lacking(text, remote, Action.VIEW, outside) is None
    assert lacking(text, person("reader"), Action.EXPORT, outside) is None


@pytest.mark.parametrize(("ago", "enough"), [(FIVE - timedelta(microseconds=1), True), (FIVE, False)])
def test_a_proof_is_good_until_its_time_is_over_and_no_longer(ago: timedelta, *, enough: bool) -> None:
    text = demand("actions: [export], level: 2, within: 5 min")
    found = lacking(text, person("reader", level=2, ago=ago), Action.EXPORT)
    assert found == (None if enough else Strength(2, FIVE))


def test_two_demands_are_one_that_satisfies_both() -> None:
    text = demand("roles: [reader], level: 3") + "  - {networks: [internal], level: 2, within: 5 min}\n"
    assert lacking(text, person("reader", level=2, ago=timedelta())) == Strength(3, FIVE)
    assert lacking(text, person("reader", level=3, ago=timedelta())) is None


def test_what_was_worked_out_holds_until_the_proof_is_too_old() -> None:
    text = demand("actions: [export], level: 2, within: 5 min")
    asked = bound(text, person("reader", level=2, ago=timedelta(minutes=2)))
    assert asked.valid_until == NOON + timedelta(minutes=3)
    stepping = (
        "  - {id: step, effect: permit, roles: [reader], obligations: {step-up: {level: 2, within: 4 min}}}\n"
    )
    assert bound(
        stepping, person("reader", level=2, ago=timedelta(minutes=2))
    ).valid_until == NOON + timedelta(minutes=2)


def test_what_goes_on_already_counts_from_when_it_was_begun() -> None:
    text = demand("actions: [export], level: 2, within: 5 min")
    proven = person("reader", level=2, ago=timedelta(minutes=1))
    later = replace(INSIDE, now=NOON + timedelta(hours=1))
    assert lacking(text, proven, Action.EXPORT, later) == Strength(2, FIVE)
    assert lacking(text, proven, Action.EXPORT, replace(later, begun=NOON)) is None


@pytest.mark.parametrize("credential", list(Credential))
def test_every_credential_but_the_operators_is_held_to_it(credential: Credential) -> None:
    text = demand("roles: [reader], level: 2")
    found = lacking(text, person("reader", credential=credential))
    assert found == (None if credential is Credential.LOCAL else Strength(2))


def test_the_sealed_account_works_without_a_second_factor() -> None:
    assert lacking(demand("roles: [reader], level: 3"), person("reader", source=EMERGENCY)) is None


def test_whoever_has_a_factor_owes_it_without_any_rule() -> None:
    assert lacking("", person("reader", owes_factor=True)) == Strength(2)


def test_a_permission_waits_for_its_proof_and_says_so() -> None:
    text = demand("permissions: [AuditRead], level: 2, within: 5 min")
    asked = bound(text, person("chief"))
    assert asked.permissions == {Permission.USER_LIST}
    assert asked.permissions_held == {Permission.USER_LIST, Permission.AUDIT_READ}
    assert asked.demands.for_permission(Permission.AUDIT_READ) == Strength(2, FIVE)
    assert asked.demands.for_permission(Permission.USER_LIST) is None
    proven = bound(text, person("chief", level=2, ago=timedelta()))
    assert proven.permissions == proven.permissions_held


STEP_UP = """  - {id: careful, effect: permit, roles: [clerk], actions: [view], obligations: {step-up: %s}}
"""
CLERK = HEAD.replace("  chief:", "  clerk: {may: [search, view]}\n  chief:")


@pytest.mark.parametrize(
    ("written", "strength"),
    [
        ("true", Strength(2, FIVE)),
        ("{level: 3}", Strength(3)),
        ("{level: 2, within: 30 s}", Strength(2, timedelta(seconds=30))),
        ("{within: 8 h}", Strength(1, timedelta(hours=8))),
    ],
)
def test_a_permit_may_ask_for_a_proof(written: str, strength: Strength) -> None:
    policy = load_policy({"p.yaml": CLERK + STEP_UP % written})
    (rule,) = (rule for rule in policy.rules if rule.rule_id == "careful")
    assert rule.step_up == strength
    for subject in (person("clerk"), person("clerk", level=3, ago=timedelta(), authenticated_at=NOON)):
        asked = bind(policy, subject, INSIDE, MAIN, ())
        decision = asked.decide(Action.VIEW, study())
        assert reference.decide(policy, subject, INSIDE, MAIN, (), Action.VIEW, study()) == decision
        shown = strength.is_shown_by(subject, NOON)
        assert isinstance(decision, Allow) is shown
        assert isinstance(asked.constraint(Action.VIEW), Constraint) is shown
        if not shown:
            assert [reason.strength for reason in decision.reasons] == [strength]


def test_step_up_false_asks_for_nothing() -> None:
    policy = load_policy({"p.yaml": CLERK + STEP_UP % "false"})
    assert all(rule.step_up is None for rule in policy.rules)


def test_another_permit_that_asks_for_nothing_is_enough() -> None:
    text = CLERK + STEP_UP % "true" + "  - {id: easy, effect: permit, roles: [clerk], actions: [view]}\n"
    asked = bind(load_policy({"p.yaml": text}), person("clerk"), INSIDE, MAIN, ())
    assert isinstance(asked.decide(Action.VIEW, study()), Allow)


def test_explain_says_what_is_demanded_where_and_whether_it_is_proven() -> None:
    text = demand("roles: [reader], level: 2, within: 5 min")
    policy = load_policy({"p.yaml": HEAD + text})
    for subject, told in (
        (person("reader"), "not proven"),
        (person("reader", level=2, ago=timedelta()), "proven"),
    ):
        said = explain(policy, subject, INSIDE, MAIN, (), Action.VIEW, study()).for_administrator()
        assert f"\n  demands level 2 within 5 min (p.yaml:8): {told}\n" in said


def problems(text: str) -> list[str]:
    with pytest.raises(PolicyError) as raised:
        load_policy({"p.yaml": text})
    return [str(each) for each in raised.value.diagnostics]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("level: 4", "p.yaml:8:13: there is no level `4` (1 is one factor, 2 is two, 3 is a hardware key that verifies its user)"),
        ("roles: [chef], level: 2", "p.yaml:8:14: unknown role `chef` (did you mean `chief`?)"),
        ("roles: [chief]", "p.yaml:8:5: a rule of `authentication` needs `level`"),
        ("level: 2, within: soon", "p.yaml:8:24: `soon` is no span of time (write `5 min`, `30 s` or `8 h`)"),
        ("level: 2, within: 0 min", "p.yaml:8:24: `0 min` is no span of time (write `5 min`, `30 s` or `8 h`)"),
        ("actions: [exprt], level: 2", "p.yaml:8:16: unknown action `exprt` (did you mean `export`?)"),
        ("permissions: [UserLst], level: 2", "p.yaml:8:20: unknown permission `UserLst` (did you mean `UserList`?)"),
        ("permissions: ['*', UserList], level: 2", "p.yaml:8:19: `*` is every permission already (write `['*']` alone)"),
        ("actions: [], level: 2", "p.yaml:8:15: `actions` names no action (leave it out, or write `['*']` for all)"),
        ("users: [ada], level: 2", "p.yaml:8:6: a rule of `authentication` has no `users` (one of `actions`, `groups`, `level`, `networks`, `permissions`, `roles`, `within`)"),
        ("roles: [], level: 2", "p.yaml:8:13: `roles` names nobody (leave it out, or name somebody)"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_with_its_place_and_a_remedy(written: str, expected: str) -> None:
    assert problems(HEAD + demand(written)) == [expected]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("maybe", "`step-up` is not a truth value"),
        ("{level: 9}", "there is no level `9`"),
        ("{until: 5 min}", "`step-up` has no `until`"),
    ],
)
def test_a_step_up_that_cannot_be_read_is_refused(written: str, expected: str) -> None:
    (told,) = problems(CLERK + STEP_UP % written)
    assert expected in told
