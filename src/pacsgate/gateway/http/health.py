"""Is it alive, and is it ready: for supervisors and load balancers, without a credential.

`/healthz` says that the process answers.  `/readyz` says whether requests would
be served: there is a policy, the trail can be written, no feed is further behind its
archive than it may be, the newest policy files and certificates are the live ones, and the background
process is at work.  A revision that
waits for a second approver is named and is no problem: what was agreed on is live.
Neither tells anything about patients or users.  What it names is of the tenant `default`; of others
it says how many have which problem.

Called by `bootstrap`, which mounts them.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pacsgate.gateway.http.wiring import Gate
from pacsgate.model.resource import DEFAULT_TENANT, TenantScope
from pacsgate.services.live_policy import NoPolicyError

Endpoint = Callable[[Request], Awaitable[Response]]


async def healthz(_request: Request) -> Response:
    """Answer."""
    return JSONResponse({"status": "ok"})


def readyz(
    gate: Gate, more_problems: Callable[[], Sequence[str]] = tuple, warnings: Sequence[str] = ()
) -> Endpoint:
    """The readiness endpoint of one worker; `warnings` are told, and are no reason not to be served."""

    async def endpoint(_request: Request) -> Response:
        scope = TenantScope(DEFAULT_TENANT)
        try:
            revision = gate.policies.current(scope).revision
            problems = []
        except NoPolicyError:
            revision, problems = None, ["no policy is active"]
        if gate.trail.problem is not None:
            problems.append("the audit trail cannot be written")
        problems += [
            f"the index is behind archive `{archive}`: the feed has not read its latest changes"
            for archive in gate.tenant_archives.of(scope)
            if gate.freshness.is_behind(scope, archive)
        ]
        if gate.policy_refused(scope):
            problems.append("the policy files were refused; the last good revision is live")
        problems += _of_others(gate)
        problems += more_problems()
        body = {
            "status": "not ready" if problems else "ready",
            "policy": revision,
            "policy_waiting_for_approval": gate.policy_pending(scope),
            "problems": problems,
            "warnings": list(warnings),
        }
        return JSONResponse(body, status_code=503 if problems else 200)

    return endpoint


def _of_others(gate: Gate) -> Iterator[str]:
    """What is wrong with tenants other than `default`, none of whose names is told to strangers."""
    owners = gate.tenant_archives.owners.items()
    others = [(archive, TenantScope(owner)) for archive, owner in owners if owner != DEFAULT_TENANT]
    if behind := sum(gate.freshness.is_behind(scope, archive) for archive, scope in others):
        yield f"the index is behind {behind} archive(s) of other tenants; `pacsgate index status` names them"
    if refused := sum(map(gate.policy_refused, gate.tenants_of_file)):
        yield f"the policy files of {refused} other tenant(s) were refused; the last good revision is live"
