from dataclasses import replace
from datetime import timedelta

import pytest

from pacsgate.model.actions import Action
from pacsgate.model.decision import Allow, Deny
from pacsgate.model.grant import GranteeKind, GrantTarget
from pacsgate.model.permission import Permission
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.policy.constraint import Constraint
from pacsgate.policy.engine import bind
from pacsgate.policy.facts import ResourceFacts
from tests.unit.policy.hospital import (
    INSIDE,
    MAIN,
    NOON,
    POLICY,
    allowed,
    asked,
    grant,
    in_collection,
    person,
    policy,
    reasons,
    study,
)

CT = study(department="CT-A")
MR = study(department="MR-B")
VIP = study(department="CT-A", labels=("VIP",))


def test_a_permit_allows_what_its_condition_says() -> None:
    radiologist = asked(person("radiologist", department="CT-A"))
    assert reasons(radiologist.decide(Action.VIEW, CT)) == ["permitted-by-rule:own-department"]
    assert reasons(radiologist.decide(Action.VIEW, MR)) == ["no-permit"]


def test_an_empty_policy_allows_nothing() -> None:
    for action in Action:
        assert asked(person("radiologist"), text="version: 1").could(action) is not None


def test_a_missing_attribute_never_permits() -> None:
    assert not allowed(asked(person("radiologist", department="CT-A")).decide(Action.VIEW, study()))
    assert not allowed(asked(person("radiologist")).decide(Action.VIEW, CT))


def test_a_study_whose_instances_disagree_is_permitted_only_if_all_match() -> None:
    both = ResourceFacts({**CT.study, "department": frozenset({"CT-A", "MR-B"})}, CT.series)
    assert not allowed(asked(person("radiologist", department="CT-A")).decide(Action.VIEW, both))


def test_a_forbid_beats_any_number_of_permits_and_grants_and_carries_its_message() -> None:
    subject = person("radiologist", "student", department="CT-A", clearance=2)
    decision = asked(subject, grant(Action.VIEW)).decide(Action.VIEW, VIP)
    assert reasons(decision) == ["forbidden:vip"]
    assert isinstance(decision, Deny)
    assert decision.message == "This study needs clearance 3."
    assert allowed(asked(person("student", clearance=3)).decide(Action.VIEW, VIP))


def test_a_forbid_that_cannot_be_read_forbids() -> None:
    assert reasons(asked(person("student")).decide(Action.VIEW, VIP)) == ["forbidden:vip"]
    unlabelled = ResourceFacts({"department": frozenset({"CT-A"})}, {})
    assert reasons(asked(person("student", clearance=1)).decide(Action.VIEW, unlabelled)) == ["forbidden:vip"]


def test_a_grant_works_within_the_ceiling_of_the_roles_in_effect() -> None:
    given = grant(Action.VIEW, Action.EXPORT, Action.RETRIEVE)
    assert reasons(asked(person("clerk"), given).decide(Action.VIEW, MR)) == ["permitted-by-grant:g1"]
    assert reasons(asked(person("clerk"), given).decide(Action.EXPORT, MR)) == ["no-permit"]
    assert reasons(asked(person(), given).decide(Action.VIEW, MR)) == ["no-role"]


@pytest.mark.parametrize(
    "on",
    [
        (GrantTarget.PATIENT, "P1"),
        (GrantTarget.STUDY, "1.2.3"),
        (GrantTarget.SERIES, "1.2.3.1"),
        (GrantTarget.COLLECTION, "TEACH"),
    ],
)
def test_a_grant_names_a_patient_a_study_a_series_or_a_collection(on: tuple[GrantTarget, str]) -> None:
    here = study(collections=("TEACH",))
    elsewhere = ResourceFacts(
        {**study("1.2.4").study, "patient_id": frozenset({"P2"})}, study("1.2.4").series
    )
    bound = asked(person("clerk"), grant(Action.VIEW, on=on))
    assert allowed(bound.decide(Action.VIEW, here))
    assert not allowed(bound.decide(Action.VIEW, elsewhere))


def test_a_grant_to_a_role_is_under_that_role_s_own_ceiling() -> None:
    to_clerks = grant(Action.RETRIEVE, to="clerk", kind=GranteeKind.ROLE)
    assert not allowed(asked(person("clerk", "radiologist"), to_clerks).decide(Action.RETRIEVE, MR))
    to_radiologists = grant(Action.RETRIEVE, to="radiologist", kind=GranteeKind.ROLE)
    assert allowed(asked(person("clerk", "radiologist"), to_radiologists).decide(Action.RETRIEVE, MR))
    assert not allowed(asked(person("clerk"), to_radiologists).decide(Action.RETRIEVE, MR))


def test_a_grant_to_a_group_reaches_its_members() -> None:
    given = grant(Action.VIEW, to="team", kind=GranteeKind.GROUP)
    assert allowed(asked(person("clerk", groups=("team",)), given).decide(Action.VIEW, MR))
    assert not allowed(asked(person("clerk"), given).decide(Action.VIEW, MR))


def test_a_grant_ends_at_the_very_moment_it_expires() -> None:
    last = grant(Action.VIEW, expires=NOON + timedelta(microseconds=1))
    assert allowed(asked(person("clerk"), last).decide(Action.VIEW, MR))
    assert not allowed(asked(person("clerk"), grant(Action.VIEW, expires=NOON)).decide(Action.VIEW, MR))


def test_many_grants_are_one_comparison_and_keep_their_names() -> None:
    many = tuple(
        replace(grant(Action.VIEW, on=(GrantTarget.STUDY, f"1.2.{n}")), grant_id=f"g{n}") for n in range(5000)
    )
    bound = asked(person("clerk"), *many)
    assert reasons(bound.decide(Action.VIEW, study("1.2.4711"))) == ["permitted-by-grant:g4711"]
    constraint = bound.constraint(Action.VIEW)
    assert isinstance(constraint, Constraint)
    assert constraint.admits(study("1.2.4711"))
    assert not constraint.admits(study("1.2.5000"))


def test_an_export_needs_retrieve_too() -> None:
    text = POLICY.replace("actions: [search, view, retrieve]", "actions: [search, view, export]")
    bound = asked(person("radiologist", department="CT-A"), text=text)
    assert reasons(bound.decide(Action.EXPORT, CT)) == ["no-permit"]
    assert bound.could(Action.EXPORT) is not None
    assert isinstance(bound.constraint(Action.EXPORT), Deny)


def test_an_export_shows_only_what_a_retrieve_would_show() -> None:
    text = """
version: 1
roles: {r: {may: [retrieve, export]}}
rules:
  - {id: out, effect: permit, roles: [r], actions: [export], obligations: {mask: [PatientName]}}
  - {id: in, effect: permit, roles: [r], actions: [retrieve], obligations: {mask: [PatientBirthDate]}}
"""
    decision = asked(person("r"), text=text).decide(Action.EXPORT, CT)
    assert isinstance(decision, Allow)
    assert decision.mask.keywords == {"PatientName", "PatientBirthDate"}
    assert reasons(decision) == ["permitted-by-rule:out", "permitted-by-rule:in"]


def test_what_no_permit_could_ever_give_is_refused_before_any_study_is_looked_at() -> None:
    bound = asked(person("radiologist", department="CT-A"))
    assert bound.could(Action.VIEW) is None
    refused = bound.could(Action.DELETE)
    assert refused is not None
    assert reasons(refused) == ["no-permit"]
    unreadable = asked(person("radiologist")).could(Action.VIEW)
    assert unreadable is not None, "without a department of the user the permit can never apply"


def test_a_forbid_that_holds_everywhere_is_told_before_any_study_is_looked_at() -> None:
    text = POLICY + "  - {id: closed, effect: forbid, when: env.network == 'internal', message: Closed.}\n"
    refused = asked(person("student"), text=text).could(Action.VIEW)
    assert refused is not None
    assert reasons(refused) == ["forbidden:closed"]
    assert refused.message == "Closed."


def test_a_token_narrows_everything_and_carries_no_system_permission() -> None:
    subject = replace(person("student", "auditor", clearance=3), token_actions=frozenset({Action.SEARCH}))
    bound = asked(subject)
    assert allowed(bound.decide(Action.SEARCH, CT))
    assert reasons(bound.decide(Action.VIEW, CT)) == ["token-scope"]
    assert bound.permissions == frozenset()
    assert asked(replace(subject, token_actions=None)).permissions == {Permission.AUDIT_READ}


def test_a_mask_hides_what_every_permit_hides() -> None:
    decision = asked(person("clerk")).decide(Action.SEARCH, CT)
    assert isinstance(decision, Allow)
    assert decision.mask.hides("PatientName")
    assert not decision.mask.hides("PatientID")
    both = asked(person("clerk", "radiologist", department="CT-A"))
    unmasked = both.decide(Action.SEARCH, CT)
    assert isinstance(unmasked, Allow)
    assert unmasked.mask.hides_nothing


def test_a_query_on_a_masked_key_finds_only_where_the_key_may_be_read() -> None:
    keys = frozenset({"PatientName"})
    assert reasons(asked(person("clerk")).constraint(Action.SEARCH, keys)) == ["masked-key"]  # type: ignore[arg-type]
    constraint = asked(person("clerk", "radiologist", department="CT-A")).constraint(Action.SEARCH, keys)
    assert isinstance(constraint, Constraint)
    assert constraint.admits(CT)
    assert not constraint.admits(MR)


def test_a_role_of_a_collection_is_in_effect_for_its_studies_only() -> None:
    bound = asked(in_collection("student", "TEACH"))
    assert bound.roles == frozenset()
    assert not allowed(bound.decide(Action.VIEW, study(collections=("TRIAL",))))
    text = POLICY.replace("user.clearance < 3", "user.name == 'bob'")
    assert allowed(
        asked(in_collection("student", "TEACH"), text=text).decide(Action.VIEW, study(collections=("TEACH",)))
    )


def test_a_role_counts_from_its_first_moment_until_before_its_last_and_in_its_archive() -> None:
    def roles(given: Assignment) -> frozenset[str]:
        return asked(replace(person(), assignments=(given,))).roles

    later = NOON + timedelta(seconds=1)
    assert roles(Assignment("student", starts=NOON, until=later)) == {"student"}
    assert roles(Assignment("student", starts=later)) == frozenset()
    assert roles(Assignment("student", until=NOON)) == frozenset()
    assert roles(Assignment("student", AssignmentScope(archive=MAIN))) == {"student"}
    assert roles(Assignment("student", AssignmentScope(archive=ArchiveName("other")))) == frozenset()
    assert roles(Assignment("nobody-defined-this")) == frozenset()


def test_the_tenant_as_a_whole_has_permissions_and_no_images() -> None:
    here = Assignment("auditor", AssignmentScope(archive=MAIN))
    subject = replace(person("student"), assignments=(here, Assignment("student")))
    bound = bind(policy(), subject, INSIDE, None, [grant(Action.VIEW)])
    assert bound.permissions == frozenset()
    assert bind(policy(), subject, INSIDE, MAIN, []).permissions == {Permission.AUDIT_READ}
    assert not allowed(bound.decide(Action.VIEW, CT))
    assert bound.could(Action.VIEW) is not None


def test_an_unsupported_obligation_denies_and_says_so() -> None:
    text = POLICY.replace("{mask: [PatientName, PatientBirthDate]}", "{deidentify: basic}")
    bound = asked(person("clerk"), text=text)
    assert reasons(bound.decide(Action.SEARCH, CT)) == ["obligation-unsupported:clerks-search"]
    refused = bound.could(Action.SEARCH)
    assert refused is not None
    assert reasons(refused) == ["obligation-unsupported:clerks-search"]


def test_a_rule_narrows_by_group_user_and_archive_together() -> None:
    text = """
version: 1
roles: {r: {may: [view]}}
rules:
  - {id: a, effect: permit, roles: [r], groups: [g], users: [ann], archives: [main]}
"""
    assert allowed(asked(person("r", groups=("g",)), text=text).decide(Action.VIEW, CT))
    assert not allowed(asked(person("r"), text=text).decide(Action.VIEW, CT))
    assert not allowed(asked(person("r", name="bob", groups=("g",)), text=text).decide(Action.VIEW, CT))
    elsewhere = bind(policy(text), person("r", groups=("g",)), INSIDE, ArchiveName("other"), [])
    assert not allowed(elsewhere.decide(Action.VIEW, CT))


def test_of_a_study_as_such_nothing_is_known_about_series() -> None:
    text = POLICY + "  - {id: reports, effect: forbid, when: series.modality == 'SR'}\n"
    bound = asked(person("student", clearance=3), text=text)
    assert allowed(bound.decide(Action.VIEW, CT))
    assert reasons(bound.decide(Action.VIEW, ResourceFacts(CT.study))) == ["forbidden:reports"]
    absent = POLICY + "  - {id: odd, effect: forbid, when: has(series.description)}\n"
    assert not allowed(asked(person("student"), text=absent).decide(Action.VIEW, ResourceFacts(CT.study)))


def test_a_decision_names_the_revision() -> None:
    bound = asked(person("student"))
    assert bound.decide(Action.VIEW, CT).revision == bound.revision == policy().revision
