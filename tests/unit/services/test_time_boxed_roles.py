"""A role that is given for a time, and who may prolong it: row L5 of the article."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from pacsgate.audit.events import Actor, EventKind, Outcome
from pacsgate.model.errors import ConflictError, NotFoundError, RequestError
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Assignment, AssignmentScope, Role
from pacsgate.model.subject import SubjectKind
from pacsgate.policy.document import load_policy
from pacsgate.services.administration import Change
from tests.support.people import SCOPE, People

FORTNIGHT = timedelta(days=14)
MAIN, OTHER = (AssignmentScope(ArchiveName(name)) for name in ("main", "other"))


@pytest.fixture
def people(people: People) -> People:
    people.roles.add(people.change(), Role("reader"))
    people.roles.add(people.change(), Role("locum", extends=frozenset({"reader"}), longest=FORTNIGHT))
    people.roles.add(people.change(), Role("chief-locum", extends=frozenset({"locum"})))
    return people


def by(people: People, name: str) -> Change:
    return Change(SCOPE, Actor(name, verified=True), people.clock.now())


def give(
    people: People,
    giver: str,
    first: float,
    last: float,
    *,
    role: str = "locum",
    scope: AssignmentScope = MAIN,
) -> None:
    """From one day to another, counted from now."""
    now = people.clock.now()
    starts = None if first == 0 else now + timedelta(days=first)
    people.users.assign(
        by(people, giver), "rad1", Assignment(role, scope, starts, now + timedelta(days=last))
    )


@pytest.mark.parametrize("role", ["locum", "chief-locum"])
def test_a_role_is_given_for_no_longer_than_it_can_be(people: People, role: str) -> None:
    for first, last in ((0, 14.01), (3, 17.01), (-3, 14.01)):
        with pytest.raises(RequestError, match=f"role `{role}` is given for 14 d at most") as refused:
            give(people, "anna", first, last, role=role)
        assert refused.value.status == 400
    with pytest.raises(RequestError, match="14 d at most"):
        people.users.assign(by(people, "anna"), "rad1", Assignment(role))
    give(people, "anna", 0, 14, role=role)
    assert len(people.users.user(SCOPE, "rad1").assignments) == 1


def test_a_beginning_in_the_past_takes_nothing_from_the_time_that_is_left(people: People) -> None:
    give(people, "anna", -3, 14)
    (giving,) = people.directory.role_givings(SCOPE, "rad1")
    assert giving.starts == people.clock.now()


def test_a_role_without_a_longest_is_given_and_prolonged_as_before(people: People) -> None:
    people.users.assign(by(people, "anna"), "rad1", Assignment("reader"))
    give(people, "anna", 0, 500, role="reader")
    give(people, "anna", 0, 600, role="reader")
    assert len(people.users.user(SCOPE, "rad1").assignments) == 3


def test_whoever_gave_a_role_last_does_not_prolong_it_and_somebody_else_does(people: People) -> None:
    give(people, "anna", 0, 14)
    with pytest.raises(ConflictError, match="you gave role `locum` last: somebody else has to prolong it"):
        give(people, "anna", 7, 21)
    give(people, "ben", 7, 21)
    prolonged = people.trail.events[-1]
    assert (prolonged.actor.name, prolonged.details["given_before_by"]) == ("ben", "anna")
    with pytest.raises(ConflictError, match="somebody else"):
        give(people, "ben", 14, 28)
    give(people, "anna", 14, 28)


def test_an_attempt_to_prolong_alone_is_on_record(people: People) -> None:
    give(people, "anna", 0, 14)
    with pytest.raises(ConflictError):
        give(people, "anna", 7, 21)
    refused = people.trail.events[-1]
    assert (refused.kind, refused.outcome) == (EventKind.ROLE_CHANGED, Outcome.SERIOUS)
    assert refused.details["change"] == "prolonging refused"
    assert (refused.actor.name, refused.details["given_before_by"]) == ("anna", "anna")


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(lambda p: give(p, "anna", 14, 28), id="after it"),
        pytest.param(lambda p: give(p, "anna", 20, 28), id="after a pause"),
        pytest.param(lambda p: give(p, "anna", 0, 10, role="chief-locum"), id="by a role that extends it"),
        pytest.param(lambda p: give(p, "anna", 0, 14, scope=AssignmentScope()), id="in a wider scope"),
    ],
)
def test_nobody_prolongs_alone_by_another_way(people: People, order: Callable[[People], None]) -> None:
    give(people, "anna", 0, 14)
    with pytest.raises(ConflictError, match="somebody else"):
        order(people)


def test_what_comes_before_counts_as_much_as_what_comes_after(people: People) -> None:
    give(people, "anna", 14, 28)
    with pytest.raises(ConflictError, match="somebody else"):
        give(people, "anna", 0, 14)


def test_taking_a_role_away_does_not_let_the_same_person_give_it_for_longer(people: People) -> None:
    give(people, "anna", 0, 10)
    people.users.unassign(by(people, "anna"), "rad1", lambda given: given.role == "locum")
    with pytest.raises(ConflictError, match="somebody else"):
        give(people, "anna", 0, 14)
    give(people, "anna", 0, 9)  # nothing that was not given already


def test_a_role_that_ended_counts_until_it_could_have_been_given_anew(people: People) -> None:
    give(people, "anna", 0, 14)
    people.clock.advance(days=27)
    with pytest.raises(ConflictError, match="somebody else"):
        give(people, "anna", 0, 14)
    people.clock.advance(days=1)
    give(people, "anna", 0, 14)


def test_windows_far_apart_are_two_givings(people: People) -> None:
    give(people, "anna", 28, 42)
    give(people, "anna", 0, 14)
    with pytest.raises(ConflictError, match="somebody else"):
        give(people, "anna", 14, 28)


def test_another_archive_is_another_assignment(people: People) -> None:
    give(people, "anna", 0, 14)
    give(people, "anna", 0, 14, scope=OTHER)
    with pytest.raises(ConflictError, match="somebody else"):
        give(people, "anna", 7, 21)


def test_no_service_is_the_second_person(people: People) -> None:
    give(people, "anna", 0, 14)
    people.users.add(people.change(), "robot", kind=SubjectKind.SERVICE)
    with pytest.raises(ConflictError, match="no service prolongs role `locum`: a person has to agree"):
        give(people, "robot", 7, 21)


def test_of_two_givings_on_the_same_knowledge_only_the_first_is_kept(people: People) -> None:
    give(people, "anna", 0, 14)
    (first,) = people.directory.role_givings(SCOPE, "rad1")
    event = people.trail.events[-1]
    late = Assignment("locum", MAIN, until=people.clock.now() + timedelta(days=28))
    with pytest.raises(ConflictError, match="just now"):
        people.directory.give_role(SCOPE, "rad1", late, replace(first, until=late.until), event)
    with pytest.raises(NotFoundError):
        people.directory.give_role(SCOPE, "nobody", late, first, event)
    assert people.directory.role_givings(SCOPE, "rad1") == (first,)


def test_the_sealed_account_has_no_role_that_ends(people: People) -> None:
    with pytest.raises(RequestError, match="14 d at most"):
        people.emergency.seal(people.change(), ["locum"])
    assert people.directory.user(SCOPE, "emergency") is None


def test_a_role_does_not_become_such_that_the_policy_would_not_load(people: People) -> None:
    stored = people.directory.roles(SCOPE)
    text = "version: 1\nassignments:\n  - {users: [rad1], roles: [reader]}\n"
    people.policy = load_policy({"p.yaml": text}, stored)
    with pytest.raises(ConflictError, match=r"p\.yaml:3:\d+: role `reader` is given for 14 d at most"):
        people.roles.change(people.change(), Role("reader", longest=FORTNIGHT))
    assert people.directory.roles(SCOPE) == stored


def test_the_longest_of_a_role_is_kept_and_on_record(people: People) -> None:
    kept = {role.name: role.longest for role in people.directory.roles(SCOPE)}
    assert kept == {"reader": None, "locum": FORTNIGHT, "chief-locum": None}
    texts = [
        event.details["after"] for event in people.trail.events if "role added" in event.details["change"]
    ]
    assert [text.endswith("longest=14 d") for text in texts] == [False, True, False]
