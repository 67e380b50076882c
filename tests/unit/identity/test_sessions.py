from dataclasses import replace
from datetime import timedelta

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.identity.credentials import SessionCredential
from pacsgate.identity.sessions import COOKIE_NAME, ServerSessions, cookie_digest
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports import AuthenticationFailed, FailureKind
from tests.support.people import PASSWORD, SCOPE

REFUSED = AuthenticationFailed(FailureKind.REFUSED)


@pytest.fixture
def session(people):
    return people.pages.sign_in("rad1", PASSWORD, people.context())


def ask(people, session, process=None):
    return (process or people.authenticator).authenticate(SessionCredential(session.cookie), people.context())


def test_the_directory_holds_only_the_hash_of_a_cookie(people, session):
    _, record = people.directory.session(cookie_digest(session.cookie))
    assert session.cookie not in repr(record)
    assert len(session.cookie) >= 43  # 256 bits
    assert COOKIE_NAME.startswith("__Host-")


def test_a_session_ends_after_a_quarter_of_an_hour_without_use(people, session):
    for _ in range(4):
        assert isinstance(ask(people, session), Subject)
        people.clock.advance(minutes=14, seconds=59)
    people.clock.advance(seconds=1)
    assert ask(people, session) == REFUSED
    assert people.directory.session(cookie_digest(session.cookie)) is None


def test_use_within_the_last_minute_counts_although_the_directory_was_not_told(people, session):
    ask(people, session)
    people.clock.advance(seconds=50)
    assert isinstance(ask(people, session), Subject)
    people.clock.advance(minutes=14, seconds=30)
    assert isinstance(ask(people, session), Subject)


def test_a_session_ends_after_twelve_hours_of_constant_use(people, session):
    for _ in range(12 * 6 - 1):
        people.clock.advance(minutes=10)
        assert isinstance(ask(people, session), Subject)
    people.clock.advance(minutes=10)
    assert ask(people, session) == REFUSED


def test_use_in_one_process_keeps_a_session_alive_in_another(people, session):
    other = people.new_process()
    ask(people, session, other)
    for _ in range(4):
        people.clock.advance(minutes=10)
        assert isinstance(ask(people, session), Subject)
    assert isinstance(ask(people, session, other), Subject)


def test_a_clock_set_back_does_not_prolong_an_idle_session(people, session):
    ask(people, session)
    people.clock.set_back(hours=6)
    people.clock.advance(minutes=15)
    assert ask(people, session) == REFUSED


def test_a_session_ends_in_every_process_when_its_owner_signs_out(people, session):
    other = people.new_process()
    subject = ask(people, session, other)
    assert isinstance(subject, Subject)
    people.pages.sign_out(subject, session.cookie, people.context())
    assert ask(people, session, other) == REFUSED
    (event,) = people.trail.of(EventKind.SIGN_OUT)
    assert event.actor.name == "rad1"


def test_a_new_password_ends_the_sessions_that_the_old_one_began(people, session):
    assert isinstance(ask(people, session), Subject)
    people.users.set_password(people.change(), "rad1", "another long password")
    assert ask(people, session) == REFUSED


def test_a_disabled_user_is_refused_even_if_the_session_was_not_ended(people, session):
    user = people.directory.user(SCOPE, "rad1")
    event = people.change().event(EventKind.USER_CHANGED, "disabled", "rad1")
    people.directory.change_user(SCOPE, replace(user, disabled=True), event)
    assert ask(people, session) == REFUSED


def test_signing_in_again_begins_another_session_and_ends_the_one_that_came_with_it(people, session):
    again = people.pages.sign_in("rad1", PASSWORD, people.context(), previous_cookie=session.cookie)
    assert again.cookie != session.cookie
    assert ask(people, session) == REFUSED
    assert isinstance(ask(people, again), Subject)


def test_a_planted_cookie_is_worth_nothing_after_a_sign_in(people):
    people.pages.sign_in("rad1", PASSWORD, people.context(), previous_cookie="planted")
    assert people.authenticator.authenticate(SessionCredential("planted"), people.context()) == REFUSED


def test_a_form_belongs_to_the_session_whose_page_made_it(people, session):
    sessions = ServerSessions(people.directory)
    other = people.pages.sign_in("rad1", PASSWORD, people.context())
    assert sessions.csrf_token(session.cookie) == session.csrf_token != other.csrf_token
    assert sessions.csrf_token("no such session") is None


def test_a_failed_sign_in_begins_nothing_and_ends_nothing(people, session):
    assert people.pages.sign_in("rad1", "wrong password", people.context(), session.cookie) == REFUSED
    assert isinstance(ask(people, session), Subject)


def test_a_page_sign_in_is_recorded_every_time_and_noted_on_the_account(people):
    people.pages.sign_in("rad1", PASSWORD, people.context())
    people.clock.advance(seconds=5)
    people.pages.sign_in("rad1", PASSWORD, people.context())
    assert [event.actor.verified for event in people.trail.of(EventKind.SIGN_IN)] == [True, True]
    assert people.directory.user(SCOPE, "rad1").last_sign_in_at == people.clock.now()


def test_the_absolute_limit_is_that_of_the_cookie(people, session):
    assert session.expires_at == people.clock.now() + timedelta(hours=12)


def test_whatever_begins_a_session_is_the_last_sign_in_of_its_account(people, session):
    """People of a provider, with a key or a card never meet the password door."""
    subject = ask(people, session)
    people.clock.advance(minutes=1)
    came = replace(subject, credential=Credential.ASSERTION)
    people.pages.begin(came, people.context(), previous_cookie=None)
    assert people.directory.user(SCOPE, "rad1").last_sign_in_at == people.clock.now()
