import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.identity.tokens import RandomTokens
from pacsgate.model.built_in_roles import PACS_ADMINISTRATOR
from pacsgate.model.permission import Permission
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.ports.pacs_queue import MessageState
from pacsgate.services.administer_tokens import TokenAdministration
from pacsgate.stores.pacs_queue.queue import SqlPacsQueue
from tests.support.queued_gate import DOORS, PLACE, SCOPE, QueuedGate, person

SOON = 2.0
"""Seconds: far less than a poll waits."""


async def begun() -> None:
    """Until whoever polls is waiting."""
    await asyncio.sleep(0.15)


def test_an_agent_that_waits_gets_what_is_submitted_and_its_requester_what_came_of_it(q: QueuedGate) -> None:
    async def work() -> None:
        poll = asyncio.ensure_future(q.fetch())
        await begun()
        message_id = await asyncio.to_thread(q.submit)
        message = (await asyncio.wait_for(poll, SOON)).body
        assert message["messageId"] == message_id
        assert (message["operation"], message["tenantId"], message["pacsId"]) == (
            "IdentityGet",
            "default",
            "doors",
        )
        assert (message["requestedBy"], message["attempt"]) == (q.clerk, 1)
        result = asyncio.ensure_future(q.result(message_id))
        await begun()
        assert not result.done()
        assert (await q.answer(message, 201, {"identityId": "anna"})).status == 204
        told = await asyncio.wait_for(result, SOON)
        assert (told.status, told.body) == (201, {"identityId": "anna"})
        assert told.headers["cache-control"] == "private, no-store"

    q.run(work)


def test_whoever_has_waited_long_enough_is_sent_to_the_same_address(q: QueuedGate) -> None:
    q = q.impatient(timedelta(seconds=0.2))

    async def work() -> None:
        message_id = await asyncio.to_thread(q.submit)
        assert (await q.fetch()).status == 200
        for path, who in ((f"{PLACE}/agent/messages", q.agent), (f"{PLACE}/results/{message_id}", q.clerk)):
            told = await q.send(who, path)
            assert (told.status, told.headers["location"], told.raw) == (307, path, b"")

    q.run(work)


def test_what_another_process_accepted_while_no_agent_waited_is_there_when_one_comes(q: QueuedGate) -> None:
    async def work() -> None:
        pattern = q.desk.queue.message(SCOPE, DOORS, await asyncio.to_thread(q.submit))
        assert pattern is not None
        assert (await q.answer((await q.fetch()).body)).status == 204
        poll = asyncio.ensure_future(q.fetch())
        await begun()
        assert not poll.done(), "it has looked in vain"
        poll.cancel()
        new = replace(pattern, command=replace(pattern.command, message_id="from-elsewhere"), version=0)
        elsewhere = SqlPacsQueue(q.gate.opened.installation.database)
        elsewhere.add(SCOPE, new, None, most=100, record=lambda _message: None)
        told = await asyncio.wait_for(q.fetch(), SOON)
        assert told.body["messageId"] == "from-elsewhere"

    q.run(work)
    q.drained()


def test_the_same_waits_below_the_other_tree(q: QueuedGate) -> None:
    async def work() -> None:
        message_id = await asyncio.to_thread(q.submit)
        place = "/ais/v1/tenant/default/pacs/doors"
        message = (await q.send(q.agent, f"{place}/agent/message")).body
        assert message["messageId"] == message_id
        said = {"lease": message["lease"], "status": 200, "body": {}}
        answered = await q.send(q.agent, f"{place}/agent/message/{message_id}/response", "POST", said)
        assert answered.status == 204
        assert (await q.send(q.clerk, f"{place}/result/{message_id}")).status == 200

    q.run(work)


def test_a_result_is_nobodys_but_its_requesters(q: QueuedGate) -> None:
    colleague = person(q.gate, PACS_ADMINISTRATOR)

    async def work() -> None:
        message_id = await asyncio.to_thread(q.submit)
        nowhere = await q.result("0" * 32)
        for who in (colleague, q.agent):
            for state in ("queued", "answered"):
                told = await q.result(message_id, who)
                assert (told.status, told.raw) == (404, nowhere.raw)
                if state == "queued" and who == q.agent:
                    await q.answer((await q.fetch()).body)
        elsewhere = await q.send(q.clerk, f"/api/v1/tenants/default/pacs/main/results/{message_id}")
        abroad = await q.send(q.clerk, f"/api/v1/tenants/north/pacs/doors/results/{message_id}")
        assert elsewhere.raw == abroad.raw == nowhere.raw
        assert (await q.result(message_id)).status == 200

    q.run(work)


def test_a_result_that_was_kept_long_enough_is_gone_for_its_requester_and_nothing_for_others(
    q: QueuedGate,
) -> None:
    colleague = person(q.gate, PACS_ADMINISTRATOR)

    async def work() -> None:
        message_id = await asyncio.to_thread(q.submit)
        await q.answer((await q.fetch()).body)
        queue = q.desk.queue
        kept = queue.message(SCOPE, DOORS, message_id)
        assert kept is not None
        queue.change(kept, replace(kept, readable_until=q.gate.now), lambda _message: None)
        assert (await q.result(message_id)).status == 410
        assert (await q.result(message_id, colleague)).status == 404

    q.run(work)


def test_an_answer_counts_once_and_only_under_its_lease(q: QueuedGate) -> None:
    async def work() -> None:
        message_id = await asyncio.to_thread(q.submit)
        message = (await q.fetch()).body
        assert (await q.answer(message, 200, "wrong", lease="0" * 32)).status == 409
        assert (await q.answer(message, 200, "right")).status == 204
        for status in (200, 404):
            assert (await q.answer(message, status, "replayed")).status == 409
        assert (await q.result(message_id)).body == "right"
        assert (await q.answer({**message, "messageId": "0" * 32})).status == 404

    q.run(work)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"lease": "x"}',
        b'{"lease": "x", "status": 99}',
        b'{"lease": "x", "status": 302}',
        b'{"lease": "x", "status": 401}',
        b'{"lease": "x", "status": true}',
        b'{"lease": "x", "status": 200, "extra": 1}',
        b'{"lease": "x", "status": 200, "status": 500}',
        b'{"lease": "x", "status": 200, "body": NaN}',
        b'{"lease": "x", "status": 200, "body": ' + b"[" * 50 + b"]" * 50 + b"}",
    ],
)
def test_an_answer_that_cannot_be_read_changes_nothing(q: QueuedGate, body: bytes) -> None:
    async def work() -> None:
        message_id = await asyncio.to_thread(q.submit)
        message = (await q.fetch()).body
        told = await q.send(q.agent, f"{PLACE}/agent/messages/{message_id}/response", "POST", body)
        assert told.status == 400
        assert (await q.answer(message)).status == 204

    q.run(work)


def test_an_answer_that_is_too_long_is_refused(q: QueuedGate) -> None:
    async def work() -> None:
        await asyncio.to_thread(q.submit)
        message = (await q.fetch()).body
        assert (await q.answer(message, 200, "x" * 70_000)).status == 413
        assert (await q.answer(message, 200, "x" * 60_000)).status == 204

    q.run(work)


def test_nobody_but_the_agent_fetches_and_answers(q: QueuedGate) -> None:
    async def work() -> None:
        message_id = await asyncio.to_thread(q.submit)
        for who, status in ((q.clerk, 403), (q.gate.caller(), 403), (None, 401)):
            assert (await q.send(who, f"{PLACE}/agent/messages")).status == status
            path = f"{PLACE}/agent/messages/{message_id}/response"
            assert (await q.send(who, path, "POST", {"lease": "x", "status": 200})).status == status
        for path in ("/api/v1/tenants/north/pacs/doors", "/api/v1/tenants/nowhere/pacs/doors"):
            assert (await q.send(q.agent, f"{path}/agent/messages")).status == 404
        assert (await q.send(q.agent, "/api/v1/tenants/default/pacs/main/agent/messages")).status == 403
        assert (await q.send(q.agent, f"{PLACE}/agent/messages", "HEAD")).status == 405
        assert (await q.fetch()).body["messageId"] == message_id

    q.run(work)


def test_an_agent_whose_token_is_revoked_while_it_waits_gets_nothing(q: QueuedGate) -> None:
    async def work() -> None:
        poll = asyncio.ensure_future(q.fetch())
        await begun()
        token_id = q.gate.tokens[q.agent].split("_")[1]
        await asyncio.to_thread(q.revoke, token_id)
        message_id = await asyncio.to_thread(q.submit)
        assert (await asyncio.wait_for(poll, SOON)).status == 401
        kept = q.desk.queue.message(SCOPE, DOORS, message_id)
        assert kept is not None
        assert kept.state is MessageState.QUEUED

    q.run(work)
    q.gate.tokens[q.agent] = q.token(q.agent)


def test_what_somebody_may_not_ask_for_any_more_is_not_done(q: QueuedGate) -> None:
    leaver = person(q.gate, PACS_ADMINISTRATOR)

    async def work() -> None:
        left = await asyncio.to_thread(lambda: q.submit(who=leaver))
        stays = await asyncio.to_thread(q.submit)
        scoped = Assignment(PACS_ADMINISTRATOR, AssignmentScope(archive=DOORS))
        await asyncio.to_thread(lambda: q.gate.users.unassign(q.gate.change, leaver, scoped.__eq__))
        assert (await q.fetch()).body["messageId"] == stays
        nowhere = await q.result("0" * 32, leaver)
        told = await q.result(left, leaver)
        assert (told.status, told.raw) == (404, nowhere.raw)
        await asyncio.to_thread(lambda: q.gate.users.assign(q.gate.change, leaver, scoped))
        told = await q.result(left, leaver)
        assert told.status == 403
        assert told.body["error"] == "forbidden"

    q.run(work)


def test_what_somebody_asked_for_who_is_locked_now_is_not_done(q: QueuedGate) -> None:
    leaver = person(q.gate, PACS_ADMINISTRATOR)

    async def work() -> None:
        left = await asyncio.to_thread(lambda: q.submit(who=leaver))
        await asyncio.to_thread(lambda: q.gate.users.set_disabled(q.gate.change, leaver, disabled=True))
        poll = asyncio.ensure_future(q.fetch())
        await begun()
        assert not poll.done()
        poll.cancel()
        kept = q.desk.queue.message(SCOPE, DOORS, left)
        assert kept is not None
        assert kept.state is MessageState.FAILED

    q.run(work)


def test_a_client_that_has_gone_waits_no_more_and_takes_nothing(q: QueuedGate) -> None:
    async def work() -> None:
        gone = asyncio.Event()
        poll = asyncio.ensure_future(q.fetch(gone=gone))
        await begun()
        assert q.gate.opened.gate.waiters.results() == ()
        gone.set()
        await asyncio.wait_for(poll, SOON)
        await asyncio.to_thread(q.submit)
        await begun()
        (waiting,) = q.desk.queue.pending(SCOPE, DOORS)
        assert waiting.state is MessageState.QUEUED

    q.run(work)


def test_every_step_is_on_record_without_the_body(q: QueuedGate) -> None:
    async def work() -> str:
        message_id = await asyncio.to_thread(
            lambda: q.submit("IdentityUpdate", "anna", body={"name": "SECRET-NAME"})
        )
        await q.answer((await q.fetch()).body, 200, {"name": "SECRET-NAME"})
        await q.result(message_id)
        return message_id

    message_id = q.run(work)
    events = [one for one in q.gate.events(EventKind.PACS_MESSAGE) if one.details["message"] == message_id]
    assert [(one.details["change"], one.actor.name) for one in events] == [
        ("submitted", q.clerk),
        ("handed over", q.agent),
        ("answered", q.agent),
        ("result read", q.clerk),
    ]
    assert {(one.tenant, one.archive, one.details["entity"]) for one in events} == {
        ("default", "doors", "identity/anna")
    }
    assert "SECRET-NAME" not in repr(events)


def test_dead_letters_are_listed_and_queued_again_by_who_may_change_the_pacs(q: QueuedGate) -> None:
    async def work() -> None:
        message_id = await asyncio.to_thread(q.submit)
        await asyncio.to_thread(q.drained)
        assert (await q.result(message_id)).status == 502
        (letter,) = [
            each
            for each in (await q.send(q.clerk, f"{PLACE}/dead-letters")).body["deadLetters"]
            if each["messageId"] == message_id
        ]
        assert (letter["state"], letter["status"], letter["requestedBy"]) == ("failed", 502, q.clerk)
        again = f"{PLACE}/dead-letters/{message_id}/queue-again"
        assert (await q.send(q.agent, again, "POST")).status == 403
        assert (await q.send(q.agent, f"{PLACE}/dead-letters")).status == 403
        assert (await q.send(q.clerk, again, "POST")).status == 204
        assert (await q.send(q.clerk, again, "POST")).status == 409
        message = (await q.fetch()).body
        assert (message["messageId"], message["attempt"]) == (message_id, 1)
        await q.answer(message, 200, "done")
        assert (await q.result(message_id)).body == "done"

    q.run(work)


def test_the_queue_of_a_pacs_tells_how_much_waits_and_which_agents_ask(q: QueuedGate) -> None:
    async def work() -> None:
        await asyncio.to_thread(q.submit)
        await asyncio.to_thread(q.submit)
        await q.fetch()
        q.desk.queue.note_agents(q.gate.opened.gate.sightings.take())
        told = (await q.send(q.clerk, f"{PLACE}/queue")).body
        assert (told["queued"], told["leased"]) == (1, 1)
        assert q.agent in {each["account"] for each in told["agents"]}
        assert (await q.send(q.agent, f"{PLACE}/queue")).status == 403

    q.run(work)


def test_no_more_than_so_many_wait_at_a_worker(q: QueuedGate) -> None:
    waiters = q.gate.opened.gate.waiters

    async def work() -> None:
        waiters.most, most = 1, waiters.most
        try:
            poll = asyncio.ensure_future(q.fetch())
            await begun()
            told = await q.fetch()
            assert (told.status, told.headers["retry-after"]) == (429, "5")
            poll.cancel()
        finally:
            waiters.most = most

    q.run(work)


def test_a_worker_that_stops_sends_whoever_waits_or_comes_to_another(q: QueuedGate) -> None:
    waiters = q.gate.opened.gate.waiters

    async def work() -> None:
        poll = asyncio.ensure_future(q.fetch())
        await begun()
        waiters.close()
        try:
            waited = await asyncio.wait_for(poll, SOON)
            came = await asyncio.wait_for(q.fetch(), SOON)
            for told in (waited, came):
                assert (told.status, told.headers["connection"]) == (307, "close")
        finally:
            waiters._is_closed = False

    q.run(work)


def test_the_permission_to_ask_is_the_operations_own(q: QueuedGate) -> None:
    warrant = q.warrant(q.clerk, "IdentityGet")
    assert warrant.permission is Permission.IDENTITY_GET
    with pytest.raises(TypeError, match="a warrant for"):
        q.desk.submit.submit(warrant, "IdentityRemove", {"identity": "anna"}, None, {}, None)


def test_an_id_with_a_control_character_is_refused_before_it_gets_into_the_queue(q: QueuedGate) -> None:
    told = q.run(lambda: q.send(q.clerk, f"{PLACE}/identities/e\x001"))
    assert told.status == 400


def test_somebody_who_gets_the_name_of_a_removed_account_reads_nothing_that_it_was_told(
    q: QueuedGate,
) -> None:
    who = person(q.gate, PACS_ADMINISTRATOR)

    async def asked_and_answered() -> str:
        message_id = await asyncio.to_thread(lambda: q.submit(who=who))
        await q.answer((await q.fetch()).body, 200, {"name": "Anna"})
        return message_id

    message_id = q.run(asked_and_answered)
    q.gate.users.remove(q.gate.change, who)
    q.gate.users.add(q.gate.change, who)
    scoped = Assignment(PACS_ADMINISTRATOR, AssignmentScope(archive=DOORS))
    q.gate.users.assign(q.gate.change, who, scoped)
    tokens = TokenAdministration(q.gate.office, RandomTokens())
    until = q.gate.now + timedelta(hours=1)
    q.gate.tokens[who] = tokens.issue(q.gate.change, who, label="t", expires_at=until).text
    told = q.run(lambda: q.result(message_id, who))
    assert (told.status, b"Anna" in told.raw) == (410, False)
