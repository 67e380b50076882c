from dataclasses import replace

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.identity.credentials import SessionCredential
from pacsgate.model.errors import NotFoundError
from pacsgate.model.subject import Credential, Subject
from pacsgate.services.administer_sessions import OwnSessions
from tests.support.people import PASSWORD, SCOPE, open_people


@pytest.fixture
def people(tmp_path):
    people = open_people(tmp_path, ceilings={"idp": None})
    for name in ("rad1", "rad2"):
        people.users.add(people.change(), name, password=PASSWORD)
    return people


def sign_in(people, name="rad1"):
    session = people.pages.sign_in(name, PASSWORD, people.context())
    people.clock.advance(seconds=1)
    return session


def lives(people, session):
    found = people.authenticator.authenticate(SessionCredential(session.cookie), people.context())
    return isinstance(found, Subject)


def test_one_sees_ones_own_sessions_and_which_is_in_use(people):
    """ASVS 7.5.2."""
    first, second, _ = sign_in(people), sign_in(people), sign_in(people, "rad2")
    caller = people.caller(first)
    listed = OwnSessions(people.office).sessions(caller)
    assert [session.record.user for session in listed] == ["rad1", "rad1"]
    assert {session.public_id: session.is_this for session in listed}[caller.subject.credential_id]
    assert sum(session.is_this for session in listed) == 1
    assert not any(cookie in repr(listed) for cookie in (first.cookie, second.cookie))


def test_one_ends_ones_own_sessions_and_nobody_elses(people):
    """ASVS 7.5.2; row I7."""
    own, mine, others = OwnSessions(people.office), sign_in(people), sign_in(people, "rad2")
    caller = people.caller(mine)
    with pytest.raises(NotFoundError):
        own.end(caller, people.caller(others).subject.credential_id)
    own.end(caller, caller.subject.credential_id)
    assert (lives(people, mine), lives(people, others)) == (False, True)


def test_ending_the_others_keeps_the_one_in_use(people):
    sessions = [sign_in(people) for _ in range(3)]
    process = people.new_process()
    for session in sessions:
        process.authenticate(SessionCredential(session.cookie), people.context())
    assert OwnSessions(people.office).end_others(people.caller(sessions[1])) == 2
    assert [lives(people, session) for session in sessions] == [False, True, False]
    assert process.recall(SessionCredential(sessions[0].cookie), people.context()) is None


def test_an_administrator_ends_the_sessions_of_a_user_and_it_is_on_record(people):
    """ASVS 7.4.5."""
    session, others = sign_in(people), sign_in(people, "rad2")
    assert people.session_desk.end_all(people.change(), "rad1") == 1
    assert (lives(people, session), lives(people, others)) == (False, True)
    (event,) = people.trail.of(EventKind.SIGN_OUT)
    assert (event.actor.name, event.details["target"]) == ("local:op", "rad1")


def test_what_time_has_ended_is_not_listed(people):
    sign_in(people)
    now = people.clock.now()
    assert len(people.session_desk.sessions(SCOPE, now)) == 1
    people.clock.advance(minutes=15)
    assert people.session_desk.sessions(SCOPE, people.clock.now()) == []


def test_a_logout_at_the_source_ends_what_that_session_began_and_nothing_else(people):
    """Row I8: back-channel logout."""
    local = sign_in(people)
    verified = replace(people.caller(local).subject, credential=Credential.ASSERTION, source="idp")
    one, other = (
        people.pages.begin(verified, people.context(), previous_cookie=None, source_session=name)
        for name in ("s1", "s2")
    )
    desk = people.session_desk
    assert desk.end_of_source(people.change(), "idp", source_session="s1") == 1
    assert [lives(people, each) for each in (one, other, local)] == [False, True, True]
    assert desk.end_of_source(people.change(), "idp", user="rad1") == 1
    assert [lives(people, each) for each in (other, local)] == [False, True]
    with pytest.raises(ValueError, match="names a person or a session"):
        desk.end_of_source(people.change(), "idp")
