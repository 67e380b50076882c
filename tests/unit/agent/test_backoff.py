from pacsgate.agent.backoff import Backoff


def test_waits_grow_and_end_at_a_bound_and_begin_anew_after_a_success() -> None:
    backoff = Backoff()
    waits = [backoff.failed() for _ in range(40)]
    assert 0.25 <= waits[0] <= 0.5
    assert 15 <= min(waits[10:]) <= max(waits) <= 30
    backoff.succeeded()
    assert backoff.failed() <= 0.5


def test_two_agents_do_not_come_back_at_the_same_moment() -> None:
    one, other = Backoff(), Backoff()
    assert [one.failed() for _ in range(8)] != [other.failed() for _ in range(8)]
