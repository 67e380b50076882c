"""What the engine makes of a study's permissions: a permit for one study, under the ceiling and under every forbid."""

import pytest

from pacsgate.model.actions import Action
from pacsgate.model.decision import Deny
from pacsgate.model.grant import Grant, GranteeKind
from pacsgate.model.study_permission import Holding, grant_of
from pacsgate.policy.examine import who_can
from pacsgate.policy.explain import explain
from pacsgate.policy.facts import ResourceFacts
from pacsgate.stores.study_row import permitted_facts
from tests.unit.policy.hospital import (
    INSIDE,
    MAIN,
    allowed,
    asked,
    in_collection,
    person,
    policy,
    reasons,
    study,
)

CLERK = (GranteeKind.ROLE, "clerk")
TEXT = """
version: 1
roles:
  clerk: {may: [search, view, retrieve, export]}
  archivist: {extends: [clerk]}
  porter: {may: [search]}
rules:
  - {id: sealed, effect: forbid, when: "'SEALED' in study.labels"}
  - {id: names-hidden, effect: permit, roles: [clerk], actions: [view], when: "'OPEN' in study.labels",
     obligations: {mask: [PatientName]}}
"""


def permitted(*holdings: Holding, **facts) -> ResourceFacts:
    plain = study(**facts)
    return ResourceFacts({**plain.study, **permitted_facts(holdings)}, plain.series)


def held(action: Action, grantee: tuple[GranteeKind, str] = CLERK) -> tuple[Holding, Grant]:
    holding = Holding(action, *grantee)
    return holding, grant_of(holding)


VIEW, VIEW_GRANT = held(Action.VIEW)


def test_a_permitted_study_may_be_viewed_and_another_not() -> None:
    bound = asked(person("clerk"), VIEW_GRANT, text=TEXT)
    decision = bound.decide(Action.VIEW, permitted(VIEW))
    assert allowed(decision)
    assert reasons(decision) == ["permitted-by-grant:study-permission:view:role:clerk"]
    assert not allowed(bound.decide(Action.VIEW, study()))
    assert not allowed(bound.decide(Action.SEARCH, permitted(VIEW)))


@pytest.mark.parametrize(
    ("subject", "grantee"),
    [
        (person("clerk"), (GranteeKind.USER, "ann")),
        (person("clerk", groups=("ward",)), (GranteeKind.GROUP, "ward")),
        (person("archivist"), CLERK),
    ],
)
def test_users_groups_and_inherited_roles_hold_permissions(subject, grantee) -> None:
    holding, grant = held(Action.VIEW, grantee)
    assert allowed(asked(subject, grant, text=TEXT).decide(Action.VIEW, permitted(holding)))


def test_a_permission_of_a_user_is_not_one_of_a_role_of_that_name() -> None:
    as_role, grant_of_role = held(Action.VIEW, (GranteeKind.ROLE, "ann"))
    as_user, grant_of_user = held(Action.VIEW, (GranteeKind.USER, "ann"))
    for holding, grant in ((as_role, grant_of_user), (as_user, grant_of_role)):
        assert not allowed(asked(person("clerk"), grant, text=TEXT).decide(Action.VIEW, permitted(holding)))


def test_a_forbid_beats_it() -> None:
    bound = asked(person("clerk"), VIEW_GRANT, text=TEXT)
    decision = bound.decide(Action.VIEW, permitted(VIEW, labels=("SEALED",)))
    assert reasons(decision) == ["forbidden:sealed"]


def test_the_ceiling_of_a_role_is_above_it() -> None:
    holding, grant = held(Action.VIEW, (GranteeKind.ROLE, "porter"))
    assert not allowed(asked(person("porter"), grant, text=TEXT).decide(Action.VIEW, permitted(holding)))
    of_user, grant_to_user = held(Action.VIEW, (GranteeKind.USER, "ann"))
    assert not allowed(
        asked(person("porter"), grant_to_user, text=TEXT).decide(Action.VIEW, permitted(of_user))
    )


def test_a_role_in_a_collection_holds_permissions_there_only() -> None:
    bound = asked(in_collection("clerk", "TEACH"), VIEW_GRANT, text=TEXT)
    assert allowed(bound.decide(Action.VIEW, permitted(VIEW, collections=("TEACH",))))
    assert not allowed(bound.decide(Action.VIEW, permitted(VIEW)))


def test_export_needs_retrieve_too() -> None:
    export, grant_export = held(Action.EXPORT)
    retrieve, grant_retrieve = held(Action.RETRIEVE)
    bound = asked(person("clerk"), grant_export, grant_retrieve, text=TEXT)
    assert not allowed(bound.decide(Action.EXPORT, permitted(export)))
    assert allowed(bound.decide(Action.EXPORT, permitted(export, retrieve)))


def test_it_hides_nothing() -> None:
    bound = asked(person("clerk"), VIEW_GRANT, text=TEXT)
    masked = bound.decide(Action.VIEW, permitted(labels=("OPEN",)))
    assert masked.mask.hides("PatientName")
    assert bound.decide(Action.VIEW, permitted(VIEW, labels=("OPEN",))).mask.hides_nothing


def test_where_nobody_holds_anything_no_study_need_be_looked_at() -> None:
    assert isinstance(asked(person("clerk"), text=TEXT).could(Action.SEARCH), Deny)
    assert asked(person("clerk"), held(Action.SEARCH)[1], text=TEXT).could(Action.SEARCH) is None


def test_of_many_who_hold_a_permission_a_few_are_named() -> None:
    grants = [held(Action.VIEW, (GranteeKind.USER, f"u{number}"))[1] for number in range(500)]
    facts = permitted(*(Holding(Action.VIEW, GranteeKind.USER, f"u{number}") for number in range(500)))
    found = explain(policy(TEXT), person("clerk"), INSIDE, MAIN, grants, Action.VIEW, facts)
    assert 0 < len(found.grants) <= 10


def test_it_is_explained_and_who_holds_it_is_found() -> None:
    loaded, other = policy(TEXT), person("porter", name="bob")
    ann = person("clerk")

    def said(facts: ResourceFacts) -> str:
        return explain(loaded, ann, INSIDE, MAIN, [VIEW_GRANT], Action.VIEW, facts).for_administrator()

    assert "allowed by study permission to view of role clerk" in said(permitted(VIEW))
    assert "but this study has no such permission" in said(study())
    search, search_grant = held(Action.SEARCH)
    grants, parts = [VIEW_GRANT, search_grant], [permitted(VIEW, search)]
    (holder,) = who_can(loaded, [ann, other], INSIDE, MAIN, grants, Action.VIEW, parts)
    assert holder.subject is ann
