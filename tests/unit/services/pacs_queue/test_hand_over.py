import pytest

from pacsgate.audit.events import Actor
from pacsgate.audit.events import Outcome as EventOutcome
from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.ports.pacs_adapters import Outcome
from pacsgate.ports.pacs_queue import MessageState
from pacsgate.services.pacs_queue.hand_over import Taker
from tests.support.queue_desk import AGENT, DOORS, Desk

ANOTHER = Taker("another", Actor("another", verified=True))


def answer(desk: Desk, message_id: str, token: str, status: int = 200, taker: Taker = AGENT) -> MessageState:
    return desk.hand_over.answer(desk.scope, DOORS, taker, message_id, token, Outcome(status)).state


def token(desk: Desk, message_id: str) -> str:
    lease = desk.message(message_id).lease
    assert lease is not None
    return lease.token


@pytest.mark.parametrize("status", [200, 201, 204, 400, 404, 409, 501])
def test_a_pacs_that_did_it_or_refused_has_answered(desk: Desk, status: int) -> None:
    message_id = desk.asked()
    desk.taken()
    assert answer(desk, message_id, token(desk, message_id), status) is MessageState.ANSWERED
    assert desk.changes(message_id) == ["submitted", "handed over", "answered"]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_what_may_go_better_later_is_tried_again_after_longer_and_longer_pauses_and_then_given_up(
    desk: Desk, status: int
) -> None:
    message_id = desk.asked()
    for pause in (2, 4):
        desk.taken()
        assert answer(desk, message_id, token(desk, message_id), status) is MessageState.QUEUED
        desk.clock.advance(seconds=pause - 0.001)
        assert desk.taken() is None
        desk.clock.advance(seconds=0.001)
    desk.taken()
    assert answer(desk, message_id, token(desk, message_id), status) is MessageState.FAILED
    outcome = desk.message(message_id).outcome
    assert outcome is not None
    assert outcome.status == status
    assert desk.changes(message_id)[-1] == "answered with an error, given up"
    assert desk.trail.events[-1].outcome is EventOutcome.MINOR


@pytest.mark.parametrize("state", ["taken", "resting"])
def test_what_was_put_off_by_a_clock_that_has_gone_back_since_holds_nothing_up(
    desk: Desk, state: str
) -> None:
    first, second = desk.asked(), desk.asked()
    desk.clock.advance(minutes=30)
    desk.taken()
    if state == "resting":
        answer(desk, first, token(desk, first), 503)
    desk.clock.set_back(minutes=30)
    desk.overdue.of_all()
    desk.clock.advance(seconds=2)
    again = desk.taken()
    assert again is not None
    assert (again.command.message_id, again.command.attempt) == (first, 2)
    answer(desk, first, token(desk, first))
    after = desk.taken()
    assert after is not None
    assert after.command.message_id == second


def test_a_lease_that_has_ended_is_worth_nothing_once_somebody_looks(desk: Desk) -> None:
    message_id = desk.asked()
    desk.taken()
    stale = token(desk, message_id)
    desk.clock.advance(seconds=40)
    assert desk.taken() is None
    with pytest.raises(ConflictError, match="lease has ended"):
        answer(desk, message_id, stale)
    desk.clock.advance(seconds=2)
    again = desk.taken()
    assert again is not None
    assert again.command.attempt == 2
    with pytest.raises(ConflictError, match="lease has ended"):
        answer(desk, message_id, stale)
    assert answer(desk, message_id, token(desk, message_id)) is MessageState.ANSWERED
    with pytest.raises(ConflictError, match="its answer already"):
        answer(desk, message_id, stale)


def test_an_agent_that_is_slow_may_still_answer_while_nobody_else_was_asked(desk: Desk) -> None:
    message_id = desk.asked()
    desk.taken()
    desk.clock.advance(seconds=40)
    assert answer(desk, message_id, token(desk, message_id)) is MessageState.ANSWERED


def test_the_lease_of_one_is_not_another_ones(desk: Desk) -> None:
    message_id = desk.asked()
    desk.taken()
    with pytest.raises(ConflictError):
        answer(desk, message_id, token(desk, message_id), taker=ANOTHER)
    with pytest.raises(NotFoundError):
        answer(desk, "0" * 32, token(desk, message_id))


def test_an_agent_that_never_answers_lets_it_fail_and_nobody_claims_that_it_was_not_done(desk: Desk) -> None:
    message_id = desk.asked()
    for _ in range(3):
        assert desk.taken() is not None
        desk.clock.advance(seconds=30)
        desk.overdue.of_all()
        desk.clock.advance(seconds=10)
    message = desk.message(message_id)
    assert message.state is MessageState.FAILED
    assert message.outcome is not None
    assert message.outcome.status == 504
    assert "nobody here knows" in message.outcome.body["message"]
    assert desk.changes(message_id)[-1] == "lease lost, given up"


def test_what_nobody_fetched_in_time_is_not_done(desk: Desk) -> None:
    message_id = desk.asked()
    desk.clock.advance(hours=1)
    assert desk.taken() is None
    message = desk.message(message_id)
    assert message.state is MessageState.EXPIRED
    assert message.outcome is not None
    assert (message.outcome.status, "was not done" in message.outcome.body["message"]) == (504, True)


def test_what_somebody_may_not_ask_for_any_more_is_refused_and_the_next_is_handed_over(desk: Desk) -> None:
    left, stays = desk.asked("leaver", "a"), desk.asked("clerk", "b")
    desk.barred.add("leaver")
    found = desk.taken()
    assert found is not None
    assert found.command.message_id == stays
    outcome = desk.message(left).outcome
    assert outcome is not None
    assert outcome.status == 403
    assert desk.changes(left)[-1] == "not permitted any more"


def test_whoever_works_at_the_machine_itself_needs_no_permission(desk: Desk) -> None:
    message_id = desk.asked("local:root")
    desk.barred.add("local:root")
    found = desk.taken()
    assert found is not None
    assert found.command.message_id == message_id


def test_what_waits_for_a_pacs_that_is_no_more_fails(desk: Desk) -> None:
    taken, waits = desk.asked(identity="a"), desk.asked(identity="b")
    desk.taken()
    stale = token(desk, taken)
    assert desk.give_up.all_of(desk.scope, DOORS, "the PACS was unregistered") == 2
    for message_id in (taken, waits):
        outcome = desk.message(message_id).outcome
        assert outcome == Outcome(502, {"error": "given up", "message": "the PACS was unregistered"})
    with pytest.raises(ConflictError):
        answer(desk, taken, stale)
