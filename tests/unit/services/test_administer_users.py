from datetime import timedelta

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.identity.credentials import read_credentials
from pacsgate.model.actions import Action
from pacsgate.model.errors import ConflictError, NotFoundError, RecordError, RequestError
from pacsgate.model.grant import GranteeKind, GrantTarget
from pacsgate.model.role import Assignment, AssignmentScope, Role
from pacsgate.model.subject import SubjectKind
from tests.support.people import OPERATOR, PASSWORD, SCOPE

READER = Role("reader", frozenset({Action.SEARCH, Action.VIEW}))


def event(people):
    """The last event, which must name the operator."""
    last = people.trail.events[-1]
    assert last.actor == OPERATOR
    return last


def test_a_new_account_is_there_and_recorded_without_its_password(people):
    user = people.users.add(
        people.change(),
        "tech1",
        kind=SubjectKind.DEVICE,
        password="another long password",
        groups=frozenset({"ct", "night"}),
        attributes={"station": frozenset({"CT1"})},
    )
    assert people.users.user(SCOPE, "tech1") == user
    added = event(people)
    assert (added.kind, added.details["target"], added.details["groups"]) == (
        EventKind.USER_CHANGED,
        "tech1",
        "ct night",
    )
    assert "another long password" not in repr(added)
    assert user.password_hash not in repr(added)


@pytest.mark.parametrize(
    "name", ["", "a:b", "a b", "local:root", "-a", "a.", "x" * 65, "a\n", "Ωmega", "(nobody)", "../etc"]
)
def test_a_name_that_could_be_read_as_something_else_is_refused(people, name):
    with pytest.raises(RequestError, match="cannot be a user name"):
        people.users.add(people.change(), name)


@pytest.mark.parametrize("name", ["a", "rad1.smith", "dr_reis@clinic.example", "CT1", "x" * 64])
def test_ordinary_names_are_accepted(people, name):
    assert people.users.add(people.change(), name).name == name


def test_weak_passwords_are_refused_wherever_one_is_set(people):
    with pytest.raises(RequestError):
        people.users.add(people.change(), "rad2", password="short")
    with pytest.raises(RequestError):
        people.users.set_password(people.change(), "rad1", "password123")
    with pytest.raises(NotFoundError):
        people.users.user(SCOPE, "rad2")
    assert people.trail.events == []


def test_a_name_exists_once(people):
    with pytest.raises(ConflictError):
        people.users.add(people.change(), "rad1")


@pytest.mark.parametrize(
    "order",
    [
        lambda p: p.users.set_disabled(p.change(), "nobody", disabled=True),
        lambda p: p.users.set_password(p.change(), "nobody", PASSWORD),
        lambda p: p.users.set_groups(p.change(), "nobody", frozenset()),
        lambda p: p.users.set_attributes(p.change(), "nobody", {}),
        lambda p: p.users.remove(p.change(), "nobody"),
        lambda p: p.users.unassign(p.change(), "nobody", lambda _: True),
    ],
)
def test_nobody_cannot_be_changed_and_nothing_is_recorded(people, order):
    with pytest.raises(NotFoundError, match="`nobody`"):
        order(people)
    assert people.trail.events == []


def test_an_assignment_is_recorded_with_what_was_there_before_and_after(people):
    people.roles.add(people.change(), READER)
    first = Assignment("reader", AssignmentScope(archive="main"))
    people.users.assign(people.change(), "rad1", first)
    given = event(people)
    assert given.kind is EventKind.ROLE_CHANGED
    assert given.kind.event_type.value == "110136"
    assert (given.details["before"], given.details["after"]) == ("", "reader archive=main")
    second = Assignment(
        "reader", AssignmentScope(collection="TEACH"), until=people.clock.now() + timedelta(days=1)
    )
    people.users.assign(people.change(), "rad1", second)
    assert people.users.unassign(people.change(), "rad1", lambda given: given.scope.archive == "main") == 1
    taken = event(people)
    assert taken.details["before"].startswith("reader archive=main; reader collection=TEACH until=")
    assert people.users.user(SCOPE, "rad1").assignments == (second,)


def test_an_assignment_needs_a_role_and_an_end_after_its_beginning(people):
    with pytest.raises(NotFoundError, match="`reader`"):
        people.users.assign(people.change(), "rad1", Assignment("reader"))
    people.roles.add(people.change(), READER)
    now = people.clock.now()
    for assignment in (
        Assignment("reader", until=now),
        Assignment("reader", starts=now + timedelta(2), until=now + timedelta(1)),
    ):
        with pytest.raises(RequestError):
            people.users.assign(people.change(), "rad1", assignment)
    people.users.assign(people.change(), "rad1", Assignment("reader"))
    with pytest.raises(ConflictError, match="already"):
        people.users.assign(people.change(), "rad1", Assignment("reader"))
    with pytest.raises(NotFoundError, match="no such assignment"):
        people.users.unassign(people.change(), "rad1", lambda given: given.role == "other")


def test_groups_attributes_and_state_are_recorded_before_and_after(people):
    people.users.set_groups(people.change(), "rad1", frozenset({"b", "a"}))
    assert (event(people).details["before"], event(people).details["after"]) == ("radiology", "a b")
    people.users.set_attributes(
        people.change(), "rad1", {"clearance": frozenset({3}), "sites": frozenset({"s", "n"})}
    )
    assert (event(people).details["before"], event(people).details["after"]) == ("", "clearance=3; sites=n s")
    people.users.set_disabled(people.change(), "rad1", disabled=True)
    assert (event(people).details["before"], event(people).details["after"]) == ("enabled", "disabled")
    assert people.users.user(SCOPE, "rad1").disabled


def test_a_new_user_of_an_old_name_inherits_nothing(people):
    token = people.tokens.issue(
        people.change(), "rad1", label="t", expires_at=people.clock.now() + timedelta(1)
    )
    people.grants.add(
        people.change(),
        grantee=(GranteeKind.USER, "rad1"),
        target=(GrantTarget.STUDY, "1.2.3"),
        actions=frozenset({Action.VIEW}),
    )
    session = people.pages.sign_in("rad1", PASSWORD, people.context())
    people.users.remove(people.change(), "rad1")
    people.users.add(people.change(), "rad1", password="another long password")
    assert people.grants.grants(SCOPE) == ()
    live = [record for record in people.tokens.tokens(SCOPE) if record.revoked_at is None]
    assert live == []
    for credential in (
        read_credentials(f"Bearer {token.text}", None),
        read_credentials(None, session.cookie),
    ):
        assert people.authenticator.authenticate(credential, people.context()).kind == "refused"
    changes = [given.details["change"] for given in people.trail.events if "change" in given.details]
    assert changes[-5:] == ["disabled", "token revoked", "grant revoked", "removed", "added"]


def test_a_change_whose_record_cannot_be_written_says_so_and_is_recorded_later(people):
    people.trail.broken = True
    with pytest.raises(RecordError):
        people.users.set_groups(people.change(), "rad1", frozenset())
    people.trail.broken = False
    people.users.set_disabled(people.change(), "rad1", disabled=True)
    assert [given.details["change"] for given in people.trail.events] == ["groups", "disabled"]
