from datetime import timedelta

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.identity import lockout
from pacsgate.identity.lockout import ADDRESS_COUNTED_FOR
from pacsgate.ports.identity import Guessed
from tests.support.people import PASSWORD, SCOPE

HERE, ELSEWHERE = "198.51.100.7", "198.51.100.8"
MANY = 12


@pytest.fixture(autouse=True)
def fewer(monkeypatch):
    """Hundreds of failures take seconds to write."""
    assert lockout.FAILURES_OF_AN_ADDRESS == 300
    monkeypatch.setattr(lockout, "FAILURES_OF_AN_ADDRESS", MANY)


def fail(people, times, *, name=None, address=HERE, guessed=Guessed.PASSWORD):
    now = people.clock.now()
    return [people.attempts.note_failure(SCOPE, guessed, name, address, now) for _ in range(times)]


def lock_on(people, *, name=None, address=None, guessed=Guessed.PASSWORD):
    return people.attempts.lock_on(SCOPE, guessed, name, address, people.clock.now())


def test_each_thing_that_is_guessed_has_its_own_count_for_a_name(people):
    """Row I6: whoever knows a password may not go on guessing codes."""
    locks = fail(people, 4, name="rad1", guessed=Guessed.FACTOR)
    people.attempts.note_success(SCOPE, Guessed.PASSWORD, "rad1", people.clock.now())
    locks += fail(people, 1, name="rad1", guessed=Guessed.FACTOR)
    assert [lock is not None for lock in locks] == [False] * 4 + [True]
    assert lock_on(people, name="rad1", guessed=Guessed.FACTOR)
    assert lock_on(people, name="rad1") is None


def test_getting_a_code_right_forgives_wrong_codes_and_no_wrong_passwords(people):
    fail(people, 4, name="rad1")
    fail(people, 4, name="rad1", guessed=Guessed.FACTOR)
    people.attempts.note_success(SCOPE, Guessed.FACTOR, "rad1", people.clock.now())
    assert fail(people, 1, name="rad1", guessed=Guessed.FACTOR) == [None]
    assert fail(people, 1, name="rad1")[0] is not None


def test_one_password_tried_on_every_name_pauses_the_address_for_a_minute_and_no_longer(people):
    """Rows I6; ASVS 6.3.1 (password spraying)."""
    for number in range(MANY - 1):
        assert fail(people, 1, name=f"name-{number}") == [None]
    (lock,) = fail(people, 1, name="last")
    assert lock is not None
    assert (lock.seconds_left, lock.is_new) == (60, True)
    assert lock_on(people, name="rad1", address=HERE)
    assert lock_on(people, name="rad1", address=ELSEWHERE) is None
    people.clock.advance(seconds=60)
    assert lock_on(people, name="rad1", address=HERE) is None


def test_a_hospital_behind_one_address_is_not_paused_by_its_everyday_mistakes(people):
    fail(people, MANY - 1)
    people.clock.advance(seconds=int(ADDRESS_COUNTED_FOR.total_seconds()))
    assert fail(people, 1) == [None]


def test_getting_one_right_does_not_forgive_the_address(people):
    fail(people, MANY - 1)
    people.attempts.note_success(SCOPE, Guessed.PASSWORD, "rad1", people.clock.now())
    assert fail(people, 1)[0] is not None


@pytest.mark.parametrize("neighbour", ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9%eth0"])
def test_an_ipv6_site_is_one_address(people, neighbour):
    fail(people, MANY, address="2001:db8:1:2::7")
    assert lock_on(people, address=neighbour)
    assert lock_on(people, address="2001:db8:1:3::7") is None


def test_the_right_password_from_a_paused_address_gets_the_same_answer_as_a_wrong_one(people):
    fail(people, MANY, address="192.0.2.7")
    right = people.pages.sign_in("rad1", PASSWORD, people.context())
    wrong = people.pages.sign_in("rad1", "wrong password", people.context())
    nobody = people.pages.sign_in("nobody", "wrong password", people.context())
    assert right == wrong == nobody
    assert right.retry_after_seconds == 60
    elsewhere = people.pages.sign_in("rad1", PASSWORD, people.context(ELSEWHERE))
    assert elsewhere.subject.name == "rad1"


def test_a_paused_address_ends_nobody_who_is_signed_in(people):
    session = people.pages.sign_in("rad1", PASSWORD, people.context())
    fail(people, MANY, address="192.0.2.7")
    assert people.caller(session).subject.name == "rad1"
    assert people.clock.now() + timedelta(hours=12) == session.expires_at


def test_a_paused_address_is_on_record_as_one(people):
    fail(people, MANY - 1, address="192.0.2.7")
    people.pages.sign_in("nobody", "wrong password", people.context())
    (alert,) = people.trail.of(EventKind.LOCKED_OUT)
    assert alert.details == {"seconds": "60", "locked": "address"}
    assert (alert.actor.name, alert.actor.address) == ("nobody", "192.0.2.7")
