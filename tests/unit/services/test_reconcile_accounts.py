"""Row R6: who joins, moves and leaves by a list of the personnel department."""

import shutil
from dataclasses import replace
from datetime import timedelta

import pytest

from pacsgate.audit.events import EventKind, Outcome
from pacsgate.identity.credentials import read_credentials
from pacsgate.model.built_in_roles import TENANT_ADMINISTRATOR
from pacsgate.model.errors import ConflictError, RequestError
from pacsgate.model.role import Assignment
from pacsgate.model.subject import Subject
from pacsgate.ports.identity_sources import SourceAccount
from pacsgate.services.reconcile_accounts import Guard, StepKind
from tests.support.people import PASSWORD, SCOPE, People, begin_session, open_people

STAFF = [
    SourceAccount(f"p{number}", f"staff{number}", f"Person {number}", groups=frozenset({"radiology"}))
    for number in range(10)
]


@pytest.fixture(scope="module")
def synced_once(tmp_path_factory):
    """A database in which the list has been carried out: copied for each test, which is much quicker."""
    directory = tmp_path_factory.mktemp("synced")
    people = open_people(directory)
    people.users.add(people.change(), "rad1", password=PASSWORD, groups=frozenset({"radiology"}))
    synced(people, STAFF)
    return directory


@pytest.fixture
def people(synced_once, tmp_path) -> People:
    shutil.copytree(synced_once, tmp_path / "copy")
    return open_people(tmp_path / "copy")


def plan_of(people, listed, **options):
    return people.reconciliation.plan(SCOPE, "hr", listed, **options)


def synced(people, listed, **options):
    return people.reconciliation.apply(people.change(), plan_of(people, listed), digest="ab" * 32, **options)


def kinds(plan):
    return {step.name: step.kind for step in plan.steps}


def user(people, name):
    found = people.directory.user(SCOPE, name)
    assert found is not None
    return found


def test_a_plan_names_each_joiner_mover_and_leaver_and_changes_nothing(people):
    before = people.directory.users(SCOPE)
    moved = replace(STAFF[1], groups=frozenset({"cardiology"}))
    plan = plan_of(people, [moved, *STAFF[2:], SourceAccount("p10", "staff10")])
    assert kinds(plan) == {
        "staff0": StepKind.LEAVE,
        "staff1": StepKind.MOVE,
        "staff10": StepKind.JOIN,
    }
    assert next(step for step in plan.steps if step.name == "staff1").differences == {
        "groups": ("radiology", "cardiology")
    }
    assert people.directory.users(SCOPE) == before
    assert people.trail.events == []


def test_the_same_list_again_changes_nothing(people):
    assert plan_of(people, STAFF).steps == ()


def test_a_leaver_is_out_at_the_next_request_and_what_they_hold_is_told(people):
    issued = people.tokens.issue(
        people.change(), "staff0", label="x", expires_at=people.clock.now() + timedelta(days=1), actions=None
    )
    credentials = read_credentials(f"Bearer {issued.text}", None)
    assert isinstance(people.authenticator.authenticate(credentials, people.context()), Subject)
    begin_session(people, "staff0")
    plan = plan_of(people, STAFF[1:])
    assert plan.steps[0].holds == (f"token {issued.record.token_id}",)
    synced(people, STAFF[1:])
    assert not isinstance(people.authenticator.authenticate(credentials, people.context()), Subject)
    assert people.directory.sessions(SCOPE, user="staff0") == ()
    left = next(event for event in people.trail.events if event.details.get("change") == "left")
    assert left.details["still_holds"] == f"token {issued.record.token_id}"
    assert left.details["feed_sha256"] == "ab" * 32
    assert (user(people, "staff0").disabled, user(people, "staff0").disabled_by) == (True, "hr")


def test_who_returns_is_let_in_again_only_if_the_list_had_put_them_out(people):
    synced(people, STAFF[2:])
    assert plan_of(people, STAFF[2:]).steps == ()
    people.users.set_disabled(people.change(), "staff1", disabled=True)
    assert kinds(plan_of(people, STAFF)) == {"staff0": StepKind.RETURN}
    synced(people, STAFF)
    assert [user(people, name).disabled for name in ("staff0", "staff1")] == [False, True]


def test_a_leaver_may_also_be_told_by_a_word_in_the_list(people):
    gone = replace(STAFF[0], active=False)
    assert kinds(plan_of(people, [gone, *STAFF[1:]])) == {"staff0": StepKind.LEAVE}
    synced(people, [gone, *STAFF[1:]])
    assert plan_of(people, [gone, *STAFF[1:]]).steps == ()


@pytest.mark.parametrize(
    ("listed", "guard", "is_refused"),
    [
        (STAFF[2:], Guard(), False),
        (STAFF[3:], Guard(), True),
        (STAFF[3:], Guard(percent=30), False),
        (STAFF[2:], Guard(most=1), True),
        ([], Guard(percent=100, most=1000), True),
        (STAFF[1:], Guard(percent=0), False),
    ],
)
def test_a_list_in_which_too_many_are_missing_is_refused_until_somebody_says_that_it_is_meant(
    people, listed, guard, is_refused
):
    before = people.directory.users(SCOPE)
    if is_refused:
        with pytest.raises(ConflictError):
            synced(people, listed, guard=guard)
        assert people.directory.users(SCOPE) == before
        [event] = people.trail.events
        assert (event.kind, event.outcome) == (EventKind.ACCOUNTS_RECONCILED, Outcome.SERIOUS)
    synced(people, listed, guard=guard, force=is_refused)
    assert sum(one.disabled for one in people.directory.users(SCOPE)) == len(STAFF) - len(listed)
    assert people.trail.events[-1].details["feed_sha256"] == "ab" * 32


def test_a_source_touches_no_account_but_its_own(people):
    mine = user(people, "rad1")
    listed = [*STAFF, SourceAccount("p99", "rad1", groups=frozenset({"administrators"}))]
    assert kinds(plan_of(people, listed)) == {"rad1": StepKind.REFUSE}
    [failed] = synced(people, listed)
    assert failed.name == "rad1"
    assert user(people, "rad1") == mine
    synced(people, STAFF)
    assert user(people, "rad1") == mine


def test_an_adopted_account_is_the_sources_from_then_on(people):
    listed = [*STAFF, SourceAccount("p99", "rad1", groups=frozenset({"cardiology"}))]
    plan = plan_of(people, listed, adopt=True)
    assert kinds(plan) == {"rad1": StepKind.ADOPT}
    assert people.reconciliation.apply(people.change(), plan) == ()
    assert (user(people, "rad1").source, user(people, "rad1").groups) == ("hr", {"cardiology"})
    assert user(people, "rad1").password_hash is not None
    assert kinds(plan_of(people, STAFF)) == {"rad1": StepKind.LEAVE}


def test_what_a_list_does_not_speak_of_stays(people):
    bare = [SourceAccount(person.external_id, person.name) for person in STAFF]
    assert plan_of(people, bare, speaks_of=frozenset()).steps == ()
    assert plan_of(people, bare, speaks_of=frozenset({"groups"})).count(StepKind.MOVE) == len(STAFF)


def test_roles_given_here_stay_with_a_mover_and_are_named_for_review(people):
    kept = replace(user(people, "staff1"), assignments=(Assignment("nurse"),))
    people.directory.change_user(SCOPE, kept, people.change().event(EventKind.ROLE_CHANGED, "x", "staff1"))
    moved = [STAFF[0], replace(STAFF[1], groups=frozenset()), *STAFF[2:]]
    [step] = plan_of(people, moved).steps
    assert step.holds == ("role nurse",)
    synced(people, moved)
    assert user(people, "staff1").assignments == (Assignment("nurse"),)


def test_a_new_name_at_the_source_is_told_and_the_account_keeps_its_own(people):
    renamed = replace(STAFF[1], name="staff1-married", display_name="New Name")
    [step] = plan_of(people, [STAFF[0], renamed, *STAFF[2:]]).steps
    assert (step.name, step.why) == ("staff1", "the source calls them `staff1-married`")


@pytest.mark.parametrize("second", [SourceAccount("p1", "x"), SourceAccount("x", "staff1")])
def test_a_list_that_names_somebody_twice_is_no_list(people, second):
    with pytest.raises(RequestError):
        plan_of(people, [*STAFF, second])


def test_the_same_id_at_two_sources_is_two_people(people):
    plan = people.reconciliation.plan(SCOPE, "other", [replace(STAFF[1], name="somebody")])
    assert kinds(plan) == {"somebody": StepKind.JOIN}
    people.reconciliation.apply(people.change(), plan)
    assert plan_of(people, STAFF).steps == ()


@pytest.mark.parametrize("source", ["", "local", "emergency", "HR", "a b", "-"])
def test_no_list_speaks_for_the_gates_own_accounts(people, source):
    with pytest.raises(RequestError):
        people.reconciliation.plan(SCOPE, source, STAFF)


def test_what_an_administrator_does_between_plan_and_change_is_not_undone(people):
    moved = replace(STAFF[1], groups=frozenset({"cardiology"}))
    plan = plan_of(people, [STAFF[0], moved, *STAFF[2:]])
    before = replace(user(people, "staff1"), assignments=(Assignment("nurse"),), password_hash="new")
    people.directory.change_user(SCOPE, before, people.change().event(EventKind.ROLE_CHANGED, "x", "staff1"))
    assert people.reconciliation.apply(people.change(), plan) == ()
    assert user(people, "staff1") == replace(before, groups=frozenset({"cardiology"}))


def test_the_last_who_governs_stays_whatever_the_list_says_and_everybody_else_goes(people):
    """Named again they could be at the command line only."""
    people.users.assign(people.change(), "staff0", Assignment(TENANT_ADMINISTRATOR))
    moved = replace(STAFF[2], display_name="Another Name")

    (refused,) = synced(people, [moved, *STAFF[3:]], force=True)

    assert (refused.name, refused.kind) == ("staff0", StepKind.REFUSE)
    assert TENANT_ADMINISTRATOR in refused.why
    assert [user(people, name).disabled for name in ("staff0", "staff1", "staff2")] == [False, True, False]
    assert user(people, "staff2").display_name == "Another Name"
    said = [event for event in people.trail.events if event.details.get("change") == "left refused"]
    assert [(event.details["target"], event.outcome) for event in said] == [("staff0", Outcome.SERIOUS)]

    ends = replace(STAFF[0], until=people.clock.now() + timedelta(days=1))
    (refused,) = synced(people, [ends, moved, *STAFF[3:]])
    assert refused.name == "staff0", "nobody governs for good either"

    people.users.assign(people.change(), "rad1", Assignment(TENANT_ADMINISTRATOR))
    assert synced(people, [moved, *STAFF[3:]]) == ()
    assert user(people, "staff0").disabled
