import asyncio
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pacsgate.gateway.http.health import readyz


def asked(
    *,
    behind: tuple[str, ...] = (),
    problem: str | None = None,
    certificates: tuple[str, ...] = (),
    warnings: tuple[str, ...] = (),
) -> tuple[int, dict[str, Any]]:
    """What `/readyz` answers on a gate whose feeds of these archives are behind."""
    gate = SimpleNamespace(
        policies=SimpleNamespace(current=lambda _scope: SimpleNamespace(revision="0123456789ab")),
        trail=SimpleNamespace(problem=problem),
        freshness=SimpleNamespace(behind=lambda _scope: behind),
        policy_refused=lambda: False,
        policy_pending=lambda: None,
    )
    endpoint = readyz(cast("Any", gate), lambda: certificates, warnings)
    response = asyncio.run(cast("Any", endpoint(cast("Any", None))))
    return response.status_code, json.loads(response.body)


def test_a_gate_without_problems_is_ready() -> None:
    assert asked() == (
        200,
        {
            "status": "ready",
            "policy": "0123456789ab",
            "policy_waiting_for_approval": None,
            "problems": [],
            "warnings": [],
        },
    )


def test_an_older_certificate_is_a_problem_and_an_open_upstream_a_warning() -> None:
    status, body = asked(certificates=("the new certificate was refused",), warnings=("archive `main`: …",))
    assert (status, body["problems"]) == (503, ["the new certificate was refused"])
    status, body = asked(warnings=("archive `main`: …",))
    assert (status, body["problems"], body["warnings"]) == (200, [], ["archive `main`: …"])


@pytest.mark.parametrize("behind", [("main",), ("main", "other")])
def test_each_feed_that_is_behind_is_a_sentence(behind: tuple[str, ...]) -> None:
    status, body = asked(behind=behind)
    assert status == 503
    assert [name for name in behind if any(f"`{name}`" in each for each in body["problems"])] == [*behind]
    assert len(body["problems"]) == len(behind)
