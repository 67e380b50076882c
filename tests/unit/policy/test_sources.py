"""What a source or a token takes away, where roles come into effect (Z5, C7)."""

from dataclasses import replace

from pacsgate.model.actions import Action
from pacsgate.model.decision import Decision
from pacsgate.model.grant import GranteeKind, GrantTarget
from pacsgate.model.permission import Permission
from pacsgate.model.subject import Subject
from pacsgate.policy.engine import bind
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.reference import decide
from tests.unit.policy.hospital import (
    INSIDE,
    MAIN,
    POLICY,
    allowed,
    asked,
    grant,
    person,
    policy,
    reasons,
    study,
)

EXTENDING = POLICY.replace(
    "  auditor: {",
    "  chief: {extends: [student], may: [search, view], permissions: [AuditRead], owner: c}\n  auditor: {",
)
GIVEN = (
    POLICY
    + "assignments:\n  - {users: [ann], roles: [auditor, student]}\n  - {groups: [all], roles: [student]}\n"
)
NOBODYS = ResourceFacts(
    {name: held for name, held in study().study.items() if name != "patient_id"}, study().series
)
"""A study of which is not known whose it is."""
P1, P2 = (replace(study(), study={**study().study, "patient_id": frozenset({name})}) for name in ("P1", "P2"))


def bounded(subject: Subject, *roles: str) -> Subject:
    return replace(subject, role_ceiling=frozenset(roles))


def both_ways(subject: Subject, of: ResourceFacts = P1, text: str = POLICY, *grants) -> Decision:
    """The engine's decision to view, which the reference must share."""
    found = asked(subject, *grants, text=text).decide(Action.VIEW, of)
    assert found == decide(policy(text), subject, INSIDE, MAIN, grants, Action.VIEW, of)
    return found


def test_nobody_has_a_role_that_the_source_may_not_bring() -> None:
    ann = person("student", "auditor", clearance=3)
    assert allowed(both_ways(bounded(ann, "student")))
    assert asked(bounded(ann, "student")).permissions == frozenset()
    assert asked(bounded(ann, "student", "auditor")).permissions == {Permission.AUDIT_READ}
    assert reasons(both_ways(bounded(ann))) == ["no-role"]
    assert reasons(both_ways(bounded(ann, "unheard-of"))) == ["no-role"]


def test_assignments_of_the_policy_do_not_lift_the_ceiling() -> None:
    ann = person(groups=("all",), clearance=3)
    assert asked(bounded(ann, "student"), text=GIVEN).permissions == frozenset()
    assert allowed(both_ways(bounded(ann, "student"), text=GIVEN))
    assert reasons(both_ways(bounded(ann, "clerk"), text=GIVEN)) == ["no-role"]


def test_a_role_in_reach_brings_what_it_extends_and_one_beyond_brings_what_is_in_reach() -> None:
    chief = person("chief", clearance=3)
    assert allowed(both_ways(bounded(chief, "chief"), text=EXTENDING))
    assert asked(bounded(chief, "chief"), text=EXTENDING).permissions == {Permission.AUDIT_READ}
    assert allowed(both_ways(bounded(chief, "student"), text=EXTENDING))
    assert asked(bounded(chief, "student"), text=EXTENDING).permissions == frozenset()


def test_a_grant_to_a_role_beyond_the_ceiling_gives_nothing() -> None:
    ann = bounded(person("radiologist", "auditor", clearance=3), "auditor")
    to_role = grant(Action.VIEW, kind=GranteeKind.ROLE, to="radiologist")
    assert not allowed(both_ways(ann, P1, POLICY, to_role))


def test_a_token_of_one_patient_holds_for_that_patient_only() -> None:
    ann = replace(person("student", clearance=3), token_patient="P1")
    assert allowed(both_ways(ann, P1))
    assert not allowed(both_ways(ann, P2))
    assert not allowed(both_ways(ann, NOBODYS))
    found = asked(ann).constraint(Action.SEARCH)
    assert [found.admits(each) for each in (P1, P2, NOBODYS)] == [True, False, False]  # type: ignore[union-attr]


def test_nor_does_a_grant_reach_beyond_the_patient_of_the_token() -> None:
    ann = replace(person("radiologist", clearance=3), token_patient="P1")
    to_p2 = grant(Action.VIEW, on=(GrantTarget.PATIENT, "P2"))
    assert not allowed(both_ways(ann, P2, POLICY, to_p2))
    assert allowed(both_ways(replace(ann, token_patient="P2"), P2, POLICY, to_p2))


def test_those_whom_a_token_tells_apart_do_not_share_what_is_remembered_of_rules() -> None:
    one = policy()
    for each in ("P1", "P2", None, "P1"):
        ann = replace(person("student", clearance=3), token_patient=each)
        bound = bind(one, ann, INSIDE, MAIN, ())
        assert allowed(bound.decide(Action.VIEW, P1)) == (each in {None, "P1"})
        assert allowed(bound.decide(Action.VIEW, P2)) == (each in {None, "P2"})
