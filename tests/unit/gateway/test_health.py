import asyncio
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pacsgate.gateway.http.health import readyz


def asked(*, behind: tuple[str, ...] = (), problem: str | None = None) -> tuple[int, dict[str, Any]]:
    """What `/readyz` answers on a gate whose feeds of these archives are behind."""
    gate = SimpleNamespace(
        policies=SimpleNamespace(current=lambda _scope: SimpleNamespace(revision="0123456789ab")),
        trail=SimpleNamespace(problem=problem),
        freshness=SimpleNamespace(behind=lambda _scope: behind),
        policy_refused=lambda: False,
        policy_pending=lambda: None,
    )
    response = asyncio.run(cast("Any", readyz(cast("Any", gate))(cast("Any", None))))
    return response.status_code, json.loads(response.body)


def test_a_gate_without_problems_is_ready() -> None:
    assert asked() == (
        200,
        {
            "status": "ready",
            "policy": "0123456789ab",
            "policy_waiting_for_approval": None,
            "problems": [],
        },
    )


@pytest.mark.parametrize("behind", [("main",), ("main", "other")])
def test_each_feed_that_is_behind_is_a_sentence(behind: tuple[str, ...]) -> None:
    status, body = asked(behind=behind)
    assert status == 503
    assert [name for name in behind if any(f"`{name}`" in each for each in body["problems"])] == [*behind]
    assert len(body["problems"]) == len(behind)
