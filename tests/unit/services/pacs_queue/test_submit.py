from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from pacsgate.model.errors import ArchiveError, ConflictError, RecordError, RequestError
from pacsgate.ports.pacs_adapters import Command, Outcome, PacsEvent, PacsFeatures
from pacsgate.ports.pacs_queue import MessageState
from tests.support.queue_desk import Desk

ALL = PacsFeatures(frozenset({"IdentityUpdate"}))


@dataclass
class Here:
    """An archive of the gate's own, which answers as it is told to."""

    answers: list[Outcome | BaseException] = field(default_factory=list)
    told: list[Command] = field(default_factory=list)

    def features(self) -> PacsFeatures:
        return ALL

    def execute(self, command: Command) -> Outcome:
        self.told.append(command)
        answer = self.answers.pop(0) if self.answers else Outcome(200, command.body)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def events(self, after: str | None) -> Sequence[PacsEvent]:  # noqa: ARG002 - nothing happens here
        return ()

    def close(self) -> None:
        """Nothing is open."""


def test_the_gate_carries_out_at_once_what_is_asked_of_its_own_archives(desk: Desk) -> None:
    desk.adapter = Here()
    message_id = desk.asked(body={"name": "Anna"})
    message = desk.message(message_id)
    assert (message.state, message.outcome) == (MessageState.ANSWERED, Outcome(200, {"name": "Anna"}))
    assert desk.changes(message_id) == ["submitted", "handed over", "answered"]
    assert desk.trail.events[-1].actor.name == "pacsgate"


def test_what_cannot_be_done_now_is_accepted_and_done_later(desk: Desk) -> None:
    desk.adapter = here = Here([ArchiveError("the archive is down"), Outcome(500)])
    message_id = desk.asked()
    assert desk.message(message_id).state is MessageState.QUEUED
    for _ in range(2):
        desk.clock.advance(seconds=10)
        desk.here.drain_all()
    assert desk.message(message_id).state is MessageState.ANSWERED
    assert [command.attempt for command in here.told] == [1, 2, 3]
    assert {command.message_id for command in here.told} == {message_id}


def test_what_a_process_that_died_has_left_is_taken_up_again(desk: Desk) -> None:
    desk.adapter = here = Here([SystemExit()])
    with pytest.raises(SystemExit):
        desk.asked()
    (message_id,) = {command.message_id for command in here.told}
    assert desk.message(message_id).state is MessageState.LEASED
    desk.here.drain_all()
    assert len(here.told) == 1
    desk.clock.advance(seconds=31)
    desk.overdue.of_all()
    desk.clock.advance(seconds=2)
    desk.here.drain_all()
    assert desk.message(message_id).state is MessageState.ANSWERED


def test_the_same_request_under_the_same_name_is_carried_out_once(desk: Desk) -> None:
    desk.adapter = here = Here()
    first = desk.asked(key="k", body={"name": "Anna"})
    assert desk.asked(key="k", body={"name": "Anna"}) == first
    assert len(here.told) == 1
    for changed in ({"name": "Anne"}, None):
        with pytest.raises(ConflictError):
            desk.asked(key="k", body=changed)
    with pytest.raises(ConflictError):
        desk.asked(identity="bert", key="k", body={"name": "Anna"})
    assert desk.asked("somebody else", key="k", body={"name": "Anna"}) != first


@pytest.mark.parametrize("key", ["", " ", "a b", "\u00e9", "x" * 256, "a\0"])
def test_a_name_that_is_none_is_refused_before_anything_is_kept(desk: Desk, key: str) -> None:
    with pytest.raises(RequestError, match="Idempotency-Key"):
        desk.asked(key=key)
    assert desk.trail.events == []


def test_what_the_agent_has_said_it_cannot_do_is_refused(desk: Desk) -> None:
    desk.asked()
    desk.features = PacsFeatures(frozenset({"IdentityGet", "CredentialFormatsGet"}))
    with pytest.raises(RequestError, match="does not support `IdentityUpdate`") as refused:
        desk.asked()
    assert refused.value.status == 501
    desk.features = ALL
    desk.asked()


def test_what_cannot_be_recorded_is_not_accepted(desk: Desk) -> None:
    desk.adapter = here = Here()
    desk.trail.broken = True
    with pytest.raises(RecordError):
        desk.asked()
    assert here.told == []
    desk.trail.broken = False
    desk.here.drain_all()
    assert here.told == []
