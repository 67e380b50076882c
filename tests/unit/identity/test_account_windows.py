"""Accounts that are locked, disabled or outside their validity: at every door, on the recall path too."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.identity.credentials import PasswordCredential, SessionCredential, TokenCredential
from pacsgate.identity.tokens import TokenText
from pacsgate.model.subject import Subject
from pacsgate.ports import AuthenticationFailed, FailureKind
from pacsgate.ports.locks import LockTarget
from tests.support.people import PASSWORD, SCOPE

REFUSED = AuthenticationFailed(FailureKind.REFUSED)


@pytest.fixture(params=["password", "token", "session"])
def credential(request, people):
    if request.param == "password":
        return PasswordCredential("rad1", PASSWORD)
    if request.param == "session":
        return SessionCredential(people.pages.sign_in("rad1", PASSWORD, people.context()).cookie)
    until = people.clock.now() + timedelta(days=1)
    issued = people.tokens.issue(people.change(), "rad1", label="t", expires_at=until)
    return TokenCredential(TokenText.parse(issued.text))


def ask(people, credential):
    return people.authenticator.authenticate(credential, people.context())


def change(people, **fields):
    user = people.directory.user(SCOPE, "rad1")
    event = people.change().event(EventKind.USER_CHANGED, "window", "rad1")
    people.directory.change_user(SCOPE, replace(user, **fields), event)


def test_an_account_ends_by_itself_even_where_it_is_remembered(people, credential):
    change(people, until=people.clock.now() + timedelta(seconds=30))
    assert isinstance(ask(people, credential), Subject)
    people.clock.advance(seconds=29)
    assert isinstance(people.authenticator.recall(credential, people.context()), Subject)
    people.clock.advance(seconds=1)
    assert people.authenticator.recall(credential, people.context()) is None
    assert ask(people, credential) == REFUSED


def test_an_account_does_not_begin_before_its_time(people, credential):
    change(people, starts=people.clock.now() + timedelta(seconds=30))
    assert ask(people, credential) == REFUSED


def test_a_locked_account_is_refused_at_once_and_a_lapsed_lock_is_none(people, credential):
    assert isinstance(ask(people, credential), Subject)
    until = people.clock.now() + timedelta(minutes=10)
    people.lock_desk.lock(people.change(), LockTarget.USER, "rad1", reason="lost", until=until)
    assert people.authenticator.recall(credential, people.context()) is None
    assert ask(people, credential) == REFUSED
    people.clock.advance(minutes=10)
    if not isinstance(credential, SessionCredential):  # a session that was refused has ended
        assert isinstance(ask(people, credential), Subject)


def test_disabled_locked_ended_and_wrong_are_told_alike_and_recorded_apart(people, credential):
    now = people.clock.now()
    told, recorded = set(), []
    for fields in ({"disabled": True}, {"until": now}, {"starts": now + timedelta(hours=1)}):
        before = people.directory.user(SCOPE, "rad1")
        change(people, **fields)
        people.trail.events.clear()
        told.add(ask(people, credential))
        recorded += [event.details["cause"] for event in people.trail.of(EventKind.SIGN_IN)]
        change(people, **{name: getattr(before, name) for name in fields})
        if isinstance(credential, SessionCredential):
            credential = SessionCredential(people.pages.sign_in("rad1", PASSWORD, people.context()).cookie)
    assert told == {REFUSED}
    assert recorded == ["disabled-user", "account-not-valid-now", "account-not-valid-now"]


def test_a_subject_says_when_it_ends(people, credential):
    until = people.clock.now() + timedelta(hours=1)
    change(people, until=until)
    assert ask(people, credential).valid_until == until
