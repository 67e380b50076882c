import threading
from datetime import timedelta

import pytest

from pacsgate.audit.events import EventKind, Outcome
from pacsgate.identity.credentials import PasswordCredential, SessionCredential
from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.model.role import Role
from pacsgate.model.subject import EMERGENCY, Subject
from pacsgate.ports import AuthenticationFailed, FailureKind, StartedSession
from pacsgate.services.emergency import NAME, SealState
from tests.support.people import SCOPE, open_people

REFUSED = AuthenticationFailed(FailureKind.REFUSED)


@pytest.fixture
def people(tmp_path):
    people = open_people(tmp_path)
    people.roles.add(people.change(), Role("rescuer"))
    return people


@pytest.fixture
def code(people):
    sealed = people.emergency.seal(people.change(), ["rescuer"])
    assert sealed.name == NAME
    return sealed.code


def sign_in(people, code, process=None):
    door = (process or people.authenticator).password_door
    return door.sign_in(NAME, code, people.context())


def test_the_sealed_credential_works_once_and_alarms(people, code):
    people.trail.events.clear()
    started = people.pages.sign_in(NAME, code, people.context())
    assert isinstance(started, StartedSession)
    assert started.expires_at == people.clock.now() + timedelta(hours=1)
    subject = people.caller(started).subject
    assert subject.source == EMERGENCY
    assert [given.role for given in subject.assignments] == ["rescuer"]
    people.office.publish()
    (alarm,) = people.trail.of(EventKind.EMERGENCY_ACCESS)
    assert (alarm.outcome, alarm.actor.name) == (Outcome.MAJOR, NAME)
    assert people.pages.sign_in(NAME, code, people.context()) == REFUSED
    assert people.emergency.state(SCOPE) is SealState.USED


def test_two_processes_at_once_let_one_of_them_in(people, code):
    doors, found = [people.authenticator, people.new_process()], []
    threads = [
        threading.Thread(target=lambda door=door: found.append(sign_in(people, code, door))) for door in doors
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(one, Subject) for one in found) == 1


def test_it_opens_the_sign_in_page_and_no_other_door(people, code):
    basic = people.authenticator.authenticate(PasswordCredential(NAME, code), people.context())
    assert basic == REFUSED
    assert people.emergency.state(SCOPE) is SealState.SEALED
    assert isinstance(sign_in(people, code), Subject)


def test_two_orders_make_a_new_one_whether_it_was_used_or_opened(people, code):
    with pytest.raises(ConflictError, match="void"):
        people.emergency.seal(people.change(), ["rescuer"])
    started = people.pages.sign_in(NAME, code, people.context())
    with pytest.raises(ConflictError, match="void"):
        people.emergency.seal(people.change(), ["rescuer"])
    assert people.emergency.void(people.change()) is SealState.USED
    found = people.authenticator.authenticate(SessionCredential(started.cookie), people.context())
    assert found == REFUSED
    again = people.emergency.seal(people.change(), ["rescuer"])
    assert again.code != code
    assert isinstance(sign_in(people, again.code), Subject)
    assert people.emergency.void(people.change()) is SealState.USED
    with pytest.raises(NotFoundError):
        people.emergency.void(people.change())


@pytest.mark.usefixtures("code")
def test_nobody_gives_it_a_password_a_reset_or_a_token(people):
    for wrong in (
        lambda: people.users.set_password(people.change(), NAME, "another long password"),
        lambda: people.resets.give(people.change(), NAME),
        lambda: people.tokens.issue(
            people.change(), NAME, label="t", expires_at=people.clock.now() + timedelta(days=1)
        ),
    ):
        with pytest.raises(ConflictError):
            wrong()


def test_the_code_is_long_and_kept_as_a_hash(people, code):
    assert len(code.replace("-", "")) == 30
    assert code not in people.directory.user(SCOPE, NAME).password_hash
    assert code not in repr(people.trail.events)


def test_locks_and_disabling_hold_for_it_too(people, code):
    people.users.set_disabled(people.change(), NAME, disabled=True)
    assert sign_in(people, code) == REFUSED
    assert people.emergency.state(SCOPE) is SealState.SEALED
