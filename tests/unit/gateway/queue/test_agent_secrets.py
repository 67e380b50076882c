import asyncio
from datetime import timedelta

from pacsgate.model.built_in_roles import PACS_ADMINISTRATOR
from pacsgate.model.role import Assignment
from tests.support.queued_gate import PLACE, QueuedGate
from tests.unit.gateway.queue.test_oauth_token import GRANT, asked, basic

SECRETS = f"{PLACE}/agent/secrets"


def until(q: QueuedGate, days: int) -> dict[str, str]:
    return {"expiresAt": (q.gate.now + timedelta(days=days)).isoformat()}


def test_whoever_governs_a_pacs_gets_a_secret_for_its_agent(q: QueuedGate) -> None:
    told = q.run(lambda: q.send(q.clerk, SECRETS, "POST", until(q, 100)))
    assert (told.status, told.body["clientId"]) == (201, f"default/{q.agent}")
    status, _, token = asked(q, GRANT, basic(told.body["clientId"], told.body["clientSecret"]))
    assert status == 200
    q.gate.tokens["fetched"] = token["access_token"]
    q.submit()
    assert q.run(lambda: q.send("fetched", f"{PLACE}/agent/messages")).status == 200


def test_nobody_else_gets_one_and_none_lasts_for_ever(q: QueuedGate) -> None:
    async def work() -> None:
        assert (await q.send(q.agent, SECRETS, "POST", until(q, 1))).status == 403
        assert (await q.send(q.gate.caller(), SECRETS, "POST", until(q, 1))).status == 403
        for wrong in (until(q, 367), until(q, -1), {}, {**until(q, 1), "extra": 1}):
            assert (await q.send(q.clerk, SECRETS, "POST", wrong)).status == 400

    q.run(work)


def test_an_account_that_is_more_than_an_agent_gets_its_secret_from_who_administers_tokens(
    q: QueuedGate,
) -> None:
    q.gate.users.assign(q.gate.change, q.agent, Assignment(PACS_ADMINISTRATOR))
    try:
        told = asyncio.run(q.send(q.clerk, SECRETS, "POST", until(q, 1)))
        assert (told.status, "more than an agent" in told.body["message"]) == (409, True)
    finally:
        q.gate.users.unassign(q.gate.change, q.agent, Assignment(PACS_ADMINISTRATOR).__eq__)


def test_a_secret_ends_when_the_account_is_the_agent_no_more_and_is_none_at_the_next_pacs(
    q: QueuedGate,
) -> None:
    def given_to(agent: str) -> int:
        return q.run(lambda: q.send(q.clerk, PLACE, "PATCH", {"agentUid": agent})).status

    assert given_to("agent-to-be") == 200
    told = q.run(lambda: q.send(q.clerk, SECRETS, "POST", until(q, 100)))
    client = basic(told.body["clientId"], told.body["clientSecret"])
    assert asked(q, GRANT, client)[0] == 200
    assert given_to(q.agent) == 200
    assert given_to("agent-to-be") == 200
    assert asked(q, GRANT, client)[0] == 401
    assert given_to(q.agent) == 200
