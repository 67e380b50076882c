from dataclasses import replace

import pytest
from sqlalchemy import select

from pacsgate.audit.events import Actor
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.errors import NotFoundError, RequestError, SealError
from pacsgate.model.resource import TenantName
from pacsgate.model.subject import Subject
from pacsgate.ports.pacs_adapters import Outcome
from pacsgate.services.callers import Caller
from pacsgate.stores.queue_schema import pacs_message
from tests.support.queue_desk import AGENT, DOORS, Desk


def caller(desk: Desk, name: str = "clerk", tenant: TenantName | None = None) -> Caller:
    context = Context(now=desk.clock.now(), request_id="r")
    return Caller(Subject(tenant or desk.scope.tenant, name), context)


def done(desk: Desk, body: object = None) -> str:
    message_id = desk.asked()
    taken = desk.taken()
    assert taken is not None
    assert taken.lease is not None
    desk.hand_over.answer(desk.scope, DOORS, AGENT, message_id, taken.lease.token, Outcome(201, body))
    return message_id


def read(desk: Desk, message_id: str, who: Caller | None = None) -> Outcome | None:
    return desk.results.of(who or caller(desk), desk.scope.tenant, DOORS, message_id)


def test_there_is_no_result_until_there_is_one(desk: Desk) -> None:
    message_id = desk.asked()
    assert read(desk, message_id) is None
    desk.taken()
    assert read(desk, message_id) is None


def test_a_secret_is_told_once(desk: Desk) -> None:
    message_id = done(desk, {"credentialId": "c", "secret": "S3CRET"})
    assert read(desk, message_id) == Outcome(201, {"credentialId": "c", "secret": "S3CRET"})
    assert read(desk, message_id) == Outcome(201, {"credentialId": "c"})
    assert "S3CRET" not in repr(desk.message(message_id))
    assert "S3CRET" not in repr(desk.trail.events)


def test_a_secret_that_nobody_has_read_yet_is_in_no_row_of_the_database(desk: Desk) -> None:
    message_id = done(desk, {"secret": "S3CRET", "deeper": 1})
    with desk.database.reading(desk.scope.tenant) as connection:
        rows = [tuple(row) for row in connection.execute(select(pacs_message))]
    assert "deeper" in repr(rows)
    assert "S3CRET" not in repr(rows)
    assert read(desk, message_id) == Outcome(201, {"secret": "S3CRET", "deeper": 1})


def test_a_secret_does_not_open_in_the_result_of_another(desk: Desk) -> None:
    first = done(desk, {"secret": "S3CRET"})
    stolen = desk.message(first).outcome
    second = desk.message(done(desk, {"secret": "mine"}))
    assert desk.queue.change(second, replace(second, outcome=stolen), lambda _: None)
    with pytest.raises(SealError):
        read(desk, second.command.message_id)


def test_a_token_that_was_narrowed_to_images_reads_no_results(desk: Desk) -> None:
    message_id = done(desk, {"secret": "S3CRET"})
    whole = caller(desk)
    narrowed = replace(whole, subject=replace(whole.subject, token_actions=frozenset({Action.SEARCH})))
    with pytest.raises(NotFoundError):
        read(desk, message_id, narrowed)
    assert read(desk, message_id) is not None


def test_whoever_has_lost_the_permission_is_told_what_somebody_is_told_who_never_asked(desk: Desk) -> None:
    message_id = done(desk, {"secret": "S3CRET"})
    desk.barred.add("clerk")
    refusals = []
    for asked_for in (message_id, desk.asked("nurse"), "0" * 32):
        with pytest.raises(NotFoundError) as refused:
            read(desk, asked_for)
        refusals.append((refused.value.public, desk.trail.events[-1].reasons))
    assert refusals == refusals[:1] * 3
    desk.barred.clear()
    assert read(desk, message_id) == Outcome(201, {"secret": "S3CRET"})


def test_a_result_is_kept_for_a_time_and_then_its_requester_alone_is_told_that_it_was_there(
    desk: Desk,
) -> None:
    message_id = done(desk, {"name": "Anna"})
    desk.clock.advance(minutes=10)
    for _ in range(2):
        with pytest.raises(RequestError) as gone:
            read(desk, message_id)
        assert gone.value.status == 410
        with pytest.raises(NotFoundError):
            read(desk, message_id, caller(desk, "somebody else"))
        desk.overdue.forget()
    assert desk.message(message_id).outcome is None
    desk.clock.advance(days=2)
    desk.overdue.forget()
    with pytest.raises(NotFoundError):
        read(desk, message_id)


def test_nobody_of_another_tenant_reads_a_result_by_the_same_name(desk: Desk) -> None:
    message_id = done(desk)
    stranger = caller(desk, tenant=TenantName("elsewhere"))
    with pytest.raises(NotFoundError):
        read(desk, message_id, stranger)
    with pytest.raises(NotFoundError):
        desk.results.of(stranger, TenantName("elsewhere"), DOORS, message_id)


def test_whoever_waits_for_what_they_have_asked_for_gets_it_or_nothing(desk: Desk) -> None:
    actor = Actor("clerk", verified=True)
    message_id = done(desk, "done")
    found = desk.results.wait(desk.scope, DOORS, message_id, actor, seconds=5)
    assert found == Outcome(201, "done")
    assert desk.results.wait(desk.scope, DOORS, desk.asked(), actor, seconds=0) is None
