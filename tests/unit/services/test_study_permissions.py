from dataclasses import replace
from datetime import timedelta

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.model.actions import Action
from pacsgate.model.decision import Revision
from pacsgate.model.errors import NotFoundError, RequestError
from pacsgate.model.grant import GranteeKind, GrantTarget
from pacsgate.model.permission_letters import actions_of, letters_touched
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Role
from pacsgate.model.study_permission import Holding
from pacsgate.policy.document import load_policy
from tests.support.indexing import SEEN, instance
from tests.support.people import SCOPE, People, open_people

MAIN = ArchiveName("main")
POLICY = load_policy(
    {
        "policy.yaml": """
version: 1
roles:
  Doctor: {may: [search, view, retrieve, append, export]}
  Clerk: {may: [search]}
"""
    }
)
DOCTOR = (GranteeKind.ROLE, "Doctor")
STUDY = (GrantTarget.STUDY, "1.2.3")
READ = frozenset({Action.SEARCH, Action.VIEW})


@pytest.fixture
def people(tmp_path) -> People:
    people = open_people(tmp_path, policy=POLICY)
    people.index.ingest(
        SCOPE,
        MAIN,
        [instance("1.2.1", patient="P1"), instance("1.2.2", patient="P1"), instance("1.2.3", patient="P2")],
        SEEN,
    )
    return people


def grant(people, target=STUDY, actions=READ, grantee=DOCTOR, **options):
    return people.study_permissions.grant(
        people.change(), grantee=grantee, target=target, actions=actions, origin="command", **options
    )


def revoke(people, target=STUDY, actions=READ, grantee=DOCTOR):
    return people.study_permissions.revoke(
        people.change(), grantee=grantee, target=target, actions=actions, origin="command"
    )


def test_a_permission_is_kept_once_and_recorded_once(people):
    given = grant(people)
    assert [each.holding for each in given.added] == [Holding(action, *DOCTOR) for action in sorted(READ)]
    assert grant(people).added == ()
    (event,) = people.trail.events
    assert (event.kind, event.study.study_instance_uid) == (EventKind.OBJECT_ACCESS_CHANGED, "1.2.3")
    assert event.details["target"] == "role:Doctor"
    assert (event.details["after"], event.details["origin"]) == ("search view", "command")


def test_counts_are_those_of_dcm4chee(people):
    """`grant(suid, "Q,R,A", role)` is the number of newly created rows: of letters, for us."""
    first = grant(people, actions=actions_of("QR"))
    assert len(letters_touched(each.action for each in first.added)) == 2
    second = grant(people, actions=actions_of("QRA"))
    assert letters_touched(each.action for each in second.added) == "A"
    assert letters_touched(each.action for each in revoke(people, actions=actions_of("RD")).removed) == "R"
    assert not revoke(people, actions=actions_of("RD")).removed


def test_of_a_patient_the_present_studies_are_permitted_and_named(people):
    given = grant(people, target=(GrantTarget.PATIENT, "P1"))
    assert given.studies == ("1.2.1", "1.2.2")
    assert {each.study_instance_uid for each in given.added} == {"1.2.1", "1.2.2"}
    assert given.grant is None
    assert revoke(people, target=(GrantTarget.PATIENT, "P1")).studies == ("1.2.1", "1.2.2")
    assert not list(people.study_permissions.every(SCOPE))


def test_future_studies_of_a_patient_are_a_grant_that_revoking_takes_back(people):
    target = (GrantTarget.PATIENT, "P1")
    given = grant(people, target=target, future=True)
    assert grant(people, target=target, future=True).grant == given.grant
    assert people.grants.grants(SCOPE) == (given.grant,)
    assert revoke(people, target=target).grants == (given.grant,)
    assert people.grants.grants(SCOPE) == ()


def test_what_ends_is_a_grant(people):
    given = grant(people, expires=people.clock.now() + timedelta(days=1))
    assert not given.added
    assert people.grants.grants(SCOPE) == (given.grant,)


def test_a_study_need_not_be_there(people):
    assert grant(people, target=(GrantTarget.STUDY, "1.2.99")).studies == ("1.2.99",)
    orphans = people.study_permissions.every(SCOPE, orphans=True)
    assert {each.study_instance_uid for each in orphans} == {"1.2.99"}


@pytest.mark.parametrize(
    "options",
    [
        {"target": (GrantTarget.STUDY, "")},
        {"target": (GrantTarget.STUDY, "1.2.x")},
        {"target": (GrantTarget.PATIENT, "")},
        {"target": (GrantTarget.SERIES, "1.2.3")},
        {"target": (GrantTarget.STUDY_PERMISSION, "search:role:Doctor")},
        {"actions": frozenset()},
        {"actions": frozenset({Action.STORE})},
        {"grantee": (GranteeKind.ROLE, "Clerk")},
    ],
)
def test_what_would_be_of_no_use_or_on_nothing_is_refused(people, options):
    with pytest.raises(RequestError):
        grant(people, **options)
    assert not list(people.study_permissions.every(SCOPE))


@pytest.mark.parametrize("grantee", [(GranteeKind.ROLE, "Nobody"), (GranteeKind.USER, "nobody")])
def test_nothing_is_permitted_to_who_does_not_exist(people, grantee):
    with pytest.raises(NotFoundError):
        grant(people, grantee=grantee)


def test_an_import_takes_what_there_is_and_counts_what_is_new(people):
    rows = [(f"1.2.{number}", Action.SEARCH, *DOCTOR) for number in range(4_100)]
    strange = [
        ("1.2.1", Action.VIEW, GranteeKind.ROLE, "Clerk"),
        ("1.2.1", Action.VIEW, GranteeKind.ROLE, "x"),
    ]
    done: list[int] = []
    added = people.study_permissions.import_rows(
        people.change(), [*rows, *strange, *rows[:7]], origin="import abc", progress=done.append
    )
    assert added == 4_102
    assert people.study_permissions.import_rows(people.change(), iter(rows), origin="import abc") == 0
    assert done[-1] == 4_109
    counts = [int(event.details["permissions"]) for event in people.trail.events]
    assert (sum(counts), len(counts)) == (4_102, 3)
    assert people.permissions.of_study(SCOPE, "1.2.7")[0].origin == "import abc"


def test_permissions_of_a_removed_account_are_not_those_of_the_next_of_this_name(people):
    people.users.add(people.change(), "ann", password="correct horse battery")
    grant(people, grantee=(GranteeKind.USER, "ann"))
    people.users.remove(people.change(), "ann")
    people.users.add(people.change(), "ann", password="correct horse battery")
    assert not list(people.study_permissions.every(SCOPE))


def test_permissions_of_a_removed_role_go_with_it(people):
    people.roles.add(people.change(), Role("night", READ))
    night = (GranteeKind.ROLE, "night")
    grant(people, grantee=night)
    people.roles.remove(people.change(), "night")
    assert not list(people.study_permissions.every(SCOPE, grantee=night))


def test_the_policy_of_another_revision_knows_other_ceilings(people):
    other = replace(POLICY, revision=Revision("0" * 16), roles={})
    people.office = replace(people.office, policies=lambda _scope: other)
    with pytest.raises(RequestError, match="may never `search`"):
        type(people.study_permissions)(people.office).grant(
            people.change(),
            grantee=DOCTOR,
            target=(GrantTarget.STUDY, "1.2.1"),
            actions=frozenset({Action.SEARCH}),
            origin="test",
        )
