import asyncio
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pacsgate.gateway.http.health import readyz
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName, TenantName, TenantScope
from pacsgate.model.tenant_archives import TenantArchives

NORTH = TenantScope(TenantName("north"))
ARCHIVES = TenantArchives(
    {
        ArchiveName("main"): DEFAULT_TENANT,
        ArchiveName("other"): DEFAULT_TENANT,
        ArchiveName("north-main"): NORTH.tenant,
    }
)


def asked(
    *,
    behind: tuple[str, ...] = (),
    refused: tuple[str, ...] = (),
    problem: str | None = None,
    certificates: tuple[str, ...] = (),
    warnings: tuple[str, ...] = (),
) -> tuple[int, dict[str, Any]]:
    """What `/readyz` answers on a gate whose feeds of these archives are behind."""

    def is_behind(scope: TenantScope, archive: ArchiveName) -> bool:
        assert ARCHIVES.has(scope, archive)
        return archive in behind

    gate = SimpleNamespace(
        policies=SimpleNamespace(current=lambda _scope: SimpleNamespace(revision="0123456789ab")),
        trail=SimpleNamespace(problem=problem),
        tenant_archives=ARCHIVES,
        tenants_of_file=[NORTH],
        freshness=SimpleNamespace(is_behind=is_behind),
        policy_refused=lambda scope: scope.tenant in refused,
        policy_pending=lambda _scope: None,
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


def test_of_other_tenants_strangers_learn_how_many_have_a_problem_and_no_name() -> None:
    status, body = asked(behind=("north-main",), refused=("north",))
    assert status == 503
    assert len(body["problems"]) == 2
    assert all("1 " in problem and "north" not in problem for problem in body["problems"])
