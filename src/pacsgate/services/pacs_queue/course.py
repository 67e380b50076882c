"""What becomes of a message: every change that there is, as a function from what it was to what it is then.

    queued ──lease──▸ leased ──2xx, 4xx, 501──▸ answered
      ▴ │               │ other 5xx, or the lease ended: queued again after a pause,
      │ └─its time is─▸ expired                             ──too often──▸ failed
      └───────────────── queued again by an administrator ───────────────────┘

Called by the use cases of this package, which let a queue carry the change out.

Invariants:
- a final message has an outcome, and is readable for a limited time;
- what may have been carried out is never called not done: its error says that nobody knows.
"""

from dataclasses import replace
from datetime import datetime

from pacsgate.ports.pacs_adapters import Outcome
from pacsgate.ports.pacs_queue import Message, MessageState
from pacsgate.services.pacs_queue.rules import QueueRules

_NOT_IMPLEMENTED = 501

NOT_PERMITTED = Outcome(
    403,
    {
        "error": "forbidden",
        "message": "whoever asked for this was not permitted to any more when it was about to be done",
    },
)


def given_up(why: str) -> Outcome:
    """The final error of what nobody will carry out any more."""
    return Outcome(502, {"error": "given up", "message": why})


def too_late(message: str) -> Outcome:
    """The final error of what was not answered in time."""
    return Outcome(504, {"error": "not answered in time", "message": message})


def answered(message: Message, outcome: Outcome, now: datetime, rules: QueueRules) -> Message:
    """Whoever took it says what came of it."""
    if outcome.status < 500 or outcome.status == _NOT_IMPLEMENTED:
        return _ended(message, MessageState.ANSWERED, outcome, now, rules)
    return _tried_again(message, outcome, now, rules)


def lost(message: Message, now: datetime, rules: QueueRules) -> Message:
    """Its lease ended without a word."""
    never = f"the agent of this PACS took it {message.command.attempt} times and never answered; {_UNKNOWN}"
    return _tried_again(message, too_late(never), now, rules)


def due_now(message: Message, now: datetime) -> Message:
    """It has rested for long enough."""
    return replace(message, due=now)


def expired(message: Message, now: datetime, rules: QueueRules) -> Message:
    """Nobody fetched it in time."""
    told = _UNKNOWN if message.command.attempt else "it was not done"
    outcome = too_late(f"the agent of this PACS did not fetch it in time; {told}")
    return _ended(message, MessageState.EXPIRED, outcome, now, rules)


def failed(message: Message, outcome: Outcome, now: datetime, rules: QueueRules) -> Message:
    """It will not be done, whatever else happens."""
    return _ended(message, MessageState.FAILED, outcome, now, rules)


def queued_again(message: Message, now: datetime, rules: QueueRules) -> Message:
    """A dead letter begins anew, as old as it is now."""
    return replace(
        message,
        command=replace(message.command, attempt=0, expires_at=now + rules.lifetime),
        state=MessageState.QUEUED,
        due=now,
        outcome=None,
        ended_at=None,
        readable_until=None,
    )


_UNKNOWN = "whether it was done, nobody here knows"


def _tried_again(message: Message, last: Outcome, now: datetime, rules: QueueRules) -> Message:
    if message.command.attempt >= rules.attempts:
        return _ended(message, MessageState.FAILED, last, now, rules)
    pause = rules.pause_after(message.command.attempt)
    return replace(message, state=MessageState.QUEUED, due=now + pause, lease=None)


def _ended(
    message: Message, state: MessageState, outcome: Outcome, now: datetime, rules: QueueRules
) -> Message:
    return replace(
        message,
        state=state,
        due=now,
        lease=None,
        outcome=outcome,
        ended_at=now,
        readable_until=now + rules.readable,
    )
