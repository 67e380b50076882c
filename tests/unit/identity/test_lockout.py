import threading
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.audit.events import EventKind, Outcome
from pacsgate.identity.credentials import PasswordCredential, SessionCredential
from pacsgate.identity.lockout import (
    FAILURES_BEFORE_LOCK,
    FORGOTTEN_AFTER,
    LONGEST_LOCK,
    SWEPT_AFTER,
    Lockout,
    ProbeLockout,
    lock_duration,
    sweep,
)
from pacsgate.model.subject import Subject
from pacsgate.ports import AuthenticationFailed, FailureKind
from tests.support.people import PASSWORD, SCOPE


def sign_in(people, name, password=PASSWORD, address="192.0.2.7"):
    return people.authenticator.password_door.sign_in(name, password, people.context(address))


def fail(people, name, times):
    return [sign_in(people, name, "wrong password").kind for _ in range(times)]


@pytest.mark.parametrize("name", ["rad1", "nobody-of-that-name"])
def test_five_failures_lock_a_name_whether_it_exists_or_not(people, name):
    assert fail(people, name, 5) == [FailureKind.REFUSED] * 5
    locked = sign_in(people, name, "wrong password")
    assert locked.kind is FailureKind.LOCKED_OUT
    assert 0 < locked.retry_after_seconds <= 60


def test_the_right_password_gets_the_same_answer_while_the_lock_lasts(people):
    fail(people, "rad1", 5)
    assert sign_in(people, "rad1") == sign_in(people, "rad1", "wrong password")
    people.clock.advance(seconds=59)
    assert sign_in(people, "rad1").kind is FailureKind.LOCKED_OUT
    people.clock.advance(seconds=1)
    assert isinstance(sign_in(people, "rad1"), Subject)


def test_another_user_from_the_same_address_is_unaffected(people):
    people.users.add(people.change(), "rad2", password=PASSWORD)
    fail(people, "rad1", 6)
    assert isinstance(sign_in(people, "rad2"), Subject)


def test_each_further_failure_doubles_the_lock(people):
    fail(people, "rad1", 5)
    waits = []
    for _ in range(8):
        waits.append(sign_in(people, "rad1").retry_after_seconds)
        people.clock.advance(seconds=waits[-1])
        assert fail(people, "rad1", 1) == [FailureKind.REFUSED]
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_a_success_forgets_the_failures_before_it(people):
    for _ in range(3):
        assert fail(people, "rad1", 4) == [FailureKind.REFUSED] * 4
        assert isinstance(sign_in(people, "rad1"), Subject)


def test_time_forgets_failures_too(people):
    fail(people, "rad1", 5)
    people.clock.advance(seconds=60 + FORGOTTEN_AFTER.total_seconds())
    assert fail(people, "rad1", 5) == [FailureKind.REFUSED] * 5


def test_failures_at_every_door_and_in_every_process_count_together(people):
    other = people.new_process()
    for _ in range(3):
        other.authenticate(PasswordCredential("rad1", "wrong password"), people.context())
    fail(people, "rad1", 2)
    assert (
        other.authenticate(PasswordCredential("rad1", PASSWORD), people.context()).kind
        is FailureKind.LOCKED_OUT
    )


def test_a_remembered_password_is_no_way_around_a_lock(people):
    basic = PasswordCredential("rad1", PASSWORD)
    assert isinstance(people.authenticator.authenticate(basic, people.context()), Subject)
    other = people.new_process()
    for _ in range(5):
        other.authenticate(PasswordCredential("rad1", "wrong password"), people.context())
    assert people.authenticator.authenticate(basic, people.context()).kind is FailureKind.LOCKED_OUT


def test_a_lock_does_not_throw_out_those_who_came_before(people):
    session = people.pages.sign_in("rad1", PASSWORD, people.context())
    fail(people, "rad1", 5)
    assert isinstance(
        people.authenticator.authenticate(SessionCredential(session.cookie), people.context()), Subject
    )


def test_the_trail_holds_each_failure_with_the_claimed_name_and_one_alert_for_the_lock(people):
    fail(people, "rad1", 6)
    failures = people.trail.of(EventKind.SIGN_IN)
    assert [event.outcome for event in failures] == [Outcome.SERIOUS] * 6
    assert [event.details["cause"] for event in failures] == ["wrong-password"] * 5 + ["locked-out"]
    assert {(event.actor.name, event.actor.verified) for event in failures} == {("rad1", False)}
    assert "wrong password" not in repr(people.trail.events)
    (alert,) = people.trail.of(EventKind.LOCKED_OUT)
    assert alert.details == {"seconds": "60", "locked": "name"}


def test_a_clock_set_back_does_not_lengthen_or_lift_a_lock(people):
    fail(people, "rad1", 5)
    people.clock.set_back(days=1)
    assert sign_in(people, "rad1").retry_after_seconds == 60


@given(st.integers(min_value=0, max_value=10**9))
def test_locks_grow_and_never_exceed_the_longest(failures):
    duration = lock_duration(failures)
    if failures < FAILURES_BEFORE_LOCK:
        assert duration is None
    else:
        assert timedelta(minutes=1) <= duration <= LONGEST_LOCK
        assert duration <= lock_duration(failures + 1)


def overtaken(people, password):
    """Sign in with a password whose check is overtaken by five wrong guesses of somebody else."""
    door = people.authenticator.password_door
    other = people.new_process().password_door
    real = door._checks.matches

    def slow(encoded, given):
        for _ in range(5):
            other.sign_in("rad1", "wrong password", people.context())
        return real(encoded, given)

    door._checks.matches = slow
    answer = sign_in(people, "rad1", password)
    door._checks.matches = real
    return answer


@pytest.mark.parametrize("password", [PASSWORD, "wrong password"])
def test_guesses_made_in_parallel_learn_nothing_that_a_lock_would_keep_from_them(people, password):
    locked = AuthenticationFailed(FailureKind.LOCKED_OUT, retry_after_seconds=60)
    assert overtaken(people, password) == locked
    assert sign_in(people, "rad1") == locked
    assert len(people.trail.of(EventKind.LOCKED_OUT)) == 1


def test_a_locked_name_costs_no_hash(people, monkeypatch):
    fail(people, "rad1", 5)
    monkeypatch.setattr(people.passwords, "matches", None)
    assert sign_in(people, "rad1").kind is FailureKind.LOCKED_OUT


def test_many_guesses_at_once_get_no_more_answers_than_five(people):
    answers = []
    together = threading.Barrier(10)

    def guess():
        together.wait()
        answers.append(sign_in(people, "rad1", "wrong password").kind)

    threads = [threading.Thread(target=guess) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [FailureKind.LOCKED_OUT] * 5 + [FailureKind.REFUSED] * 5


def test_a_sweep_treats_names_that_exist_and_made_up_ones_alike(people):
    for name in ("rad1", "nobody-of-that-name"):
        fail(people, name, 4)
    people.clock.advance(seconds=SWEPT_AFTER.total_seconds())
    sweep(people.directory, SCOPE, people.clock.now())
    assert [people.directory.failures(SCOPE, name)[0] for name in ("rad1", "nobody-of-that-name")] == [4, 4]
    people.clock.advance(seconds=1)
    sweep(people.directory, SCOPE, people.clock.now())
    assert [people.directory.failures(SCOPE, name)[0] for name in ("rad1", "nobody-of-that-name")] == [0, 0]


def test_who_probes_by_storing_is_slowed_down_like_who_guesses_and_can_still_sign_in(people):
    probes = ProbeLockout(Lockout(people.directory))
    for _ in range(FAILURES_BEFORE_LOCK):
        assert probes.seconds_left(SCOPE, "rad1", people.clock.now()) is None
        probes.note(SCOPE, "rad1", people.clock.now())
    assert probes.seconds_left(SCOPE, "rad1", people.clock.now()) == 60
    assert probes.seconds_left(SCOPE, "rad2", people.clock.now()) is None
    assert isinstance(sign_in(people, "rad1"), Subject)
    people.clock.advance(seconds=60)
    assert probes.seconds_left(SCOPE, "rad1", people.clock.now()) is None
    probes.note(SCOPE, "rad1", people.clock.now())
    assert probes.seconds_left(SCOPE, "rad1", people.clock.now()) == 120


def test_who_guesses_passwords_under_made_up_names_slows_down_nobodys_storing(people):
    """A name may hold a colon where it is not part of an HTTP header: in a DICOM association."""
    assert fail(people, "store:rad1", FAILURES_BEFORE_LOCK) == [FailureKind.REFUSED] * FAILURES_BEFORE_LOCK
    probes = ProbeLockout(Lockout(people.directory))
    assert probes.seconds_left(SCOPE, "rad1", people.clock.now()) is None
