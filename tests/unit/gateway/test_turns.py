"""Nobody has more long searches under way than one account may."""

import asyncio
from pathlib import Path

import pytest

from pacsgate.gateway.http.instance_search import PATH, instance_search_routes
from pacsgate.gateway.http.request_context import RequestContexts
from pacsgate.gateway.http.turns import Turns
from pacsgate.model.errors import TooSoonError
from pacsgate.model.resource import DEFAULT_TENANT
from tests.support.open_gate import Answer, ask, open_gate


def test_an_account_with_all_its_turns_must_wait_and_others_need_not() -> None:
    turns = Turns(2, seconds=10)
    with turns.take("ann"), turns.take("ann"):
        with pytest.raises(TooSoonError) as refused, turns.take("ann"):
            pass
        assert refused.value.status == 429
        assert refused.value.retry_after_seconds == 10
        with turns.take("bob"):
            pass


def test_a_turn_ends_however_its_work_ends() -> None:
    turns = Turns(1, seconds=10)
    for _ in range(2):
        with pytest.raises(KeyError), turns.take("ann"):
            raise KeyError
    with turns.take("ann"):
        pass


def test_a_third_search_of_instances_is_told_when_to_come_again(tmp_path: Path) -> None:
    with open_gate(tmp_path) as opened:
        gate = opened.gate
        contexts = RequestContexts(gate.settings, gate.clock)
        (route,) = instance_search_routes(gate, contexts)
        door = route.endpoint
        headers = ((b"authorization", f"Bearer {opened.token.text}".encode()),)

        async def once() -> Answer:
            return await ask(door, PATH, headers)

        account = (DEFAULT_TENANT, opened.token.record.user)
        with door.turns.take(account), door.turns.take(account):
            refused = asyncio.run(once())
        assert (refused.status, refused.headers["retry-after"]) == (429, "10")
        with door.turns.take(account):
            assert asyncio.run(once()).status == 200
