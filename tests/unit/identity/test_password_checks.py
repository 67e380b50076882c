import threading
import time

import pytest

from pacsgate.identity.password_checks import CHECKS_AT_ONCE, CHECKS_WAITING, PasswordChecks, TooManyChecks
from pacsgate.ports import FailureKind
from tests.support.people import PASSWORD


class Turnstile:
    """Stands for a hash that takes until the test says so, and counts how many run at once."""

    def __init__(self):
        self.running = 0
        self.most = 0
        self.counting = threading.Lock()
        self.gate = threading.Event()

    def matches(self, _encoded, _password):
        with self.counting:
            self.running += 1
            self.most = max(self.most, self.running)
        self.gate.wait(10)
        with self.counting:
            self.running -= 1
        return True


def test_two_are_checked_at_a_time_a_few_wait_and_the_rest_are_sent_away():
    turnstile = Turnstile()
    checks = PasswordChecks(turnstile, patience_seconds=10)
    outcomes = []

    def check():
        try:
            outcomes.append(checks.matches(None, "x"))
        except TooManyChecks:
            outcomes.append("busy")

    threads = [threading.Thread(target=check) for _ in range(CHECKS_AT_ONCE + CHECKS_WAITING + 5)]
    for thread in threads:
        thread.start()
    while len(outcomes) < 5:  # those over the limit answer while the others still wait
        time.sleep(0.001)
    assert outcomes == ["busy"] * 5
    turnstile.gate.set()
    for thread in threads:
        thread.join()
    assert turnstile.most == CHECKS_AT_ONCE
    assert outcomes.count(True) == CHECKS_AT_ONCE + CHECKS_WAITING


def test_whoever_waits_too_long_is_sent_away_and_the_place_is_free_again():
    turnstile = Turnstile()
    checks = PasswordChecks(turnstile, patience_seconds=0.05)
    holders = [threading.Thread(target=checks.matches, args=(None, "x")) for _ in range(CHECKS_AT_ONCE)]
    for holder in holders:
        holder.start()
    while turnstile.running < CHECKS_AT_ONCE:
        time.sleep(0.001)
    with pytest.raises(TooManyChecks):
        checks.matches(None, "x")
    turnstile.gate.set()
    for holder in holders:
        holder.join()
    assert checks.matches(None, "x")


def test_a_busy_gate_says_when_to_come_back_and_counts_no_failure(people, monkeypatch):
    def busy(*_):
        raise TooManyChecks

    door = people.authenticator.password_door
    with monkeypatch.context() as patch:
        patch.setattr(door._checks, "matches", busy)
        for _ in range(6):
            answer = door.sign_in("rad1", PASSWORD, people.context())
            assert (answer.kind, answer.retry_after_seconds) == (FailureKind.BUSY, 1)
    assert door.sign_in("rad1", PASSWORD, people.context()).name == "rad1"
