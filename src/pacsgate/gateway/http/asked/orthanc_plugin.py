"""The door for Orthanc's authorization plugin: who is this, is this token good for that, mint me a link.

The plugin signs in with HTTP Basic as an account of the gate, which must be an enforcement point of the
archive that the plugin names as its server (the default one if it names none).  A bad account is 401.  A bad
token of somebody else is no error: the plugin keeps the answer "nobody" and asks again later.

Called by `bootstrap`, which mounts the routes; calls `plugin_asking`.

Invariants:
- every answer has a JSON body;
- a profile is never valid for 0 seconds, which the plugin takes for ever.

Standard: Orthanc Book, "Advanced authorization plugin"; `docs/orthanc-asked.md`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from pacsgate.gateway.http import answers
from pacsgate.gateway.http.asked.plugin_asking import Asked, PluginAsking
from pacsgate.gateway.http.bounded_body import read_body
from pacsgate.gateway.http.edge import Edge, Visit
from pacsgate.gateway.http.request_context import RequestContexts
from pacsgate.gateway.http.threads import Threads
from pacsgate.gateway.http.wiring import Gate
from pacsgate.protocols.orthanc_plugin.answers import Json
from pacsgate.services.resolve import Refusal

ROOT = "/auth/orthanc"
MAX_BODY_BYTES = 64 * 1024
"""A question has a token and the labels of one object; a hundred objects of a link take some 15 KiB."""
THREADS = 16
"""Questions at a time in one worker; an Orthanc asks with as many threads as it has, by default 50."""

_MAY_NOT = "this account may not ask this: docs/orthanc-asked.md says what it needs"
_ROLES_STAY = "roles are in the policy of the gate: change them there"


def orthanc_plugin_routes(gate: Gate, contexts: RequestContexts, asking: PluginAsking) -> list[Route]:
    """The routes that the plugin finds below its `WebServiceRootUrl`."""
    threads = Threads(THREADS)
    edge = Edge(gate, contexts, threads, accepts_cookies=False)

    def route(path: str, method: str, ask: Callable[[Asked], Json | Refusal]) -> Route:
        return Route(f"{ROOT}/{path}", PluginDoor(edge, method, ask), methods=[method])

    return [
        route("user/get-profile", "POST", asking.profile),
        route("tokens/validate", "POST", asking.validate),
        route("tokens/decode", "POST", asking.decode),
        route("settings/roles", "GET", asking.roles),
        Route(f"{ROOT}/settings/roles", PluginDoor(edge, "PUT", asking.roles, refuses=True), methods=["PUT"]),
        route("tokens/{purpose:path}", "PUT", asking.mint),
    ]


@dataclass(frozen=True, slots=True)
class PluginDoor:
    """Serves one route."""

    edge: Edge
    method: str
    ask: Callable[[Asked], Json | Refusal]
    refuses: bool = False
    """Whether whoever may ask is told that this is done elsewhere."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one question."""
        await self.edge.serve(scope, receive, send, self._handle)

    async def _handle(self, visit: Visit) -> Response:
        visit.note_handler("orthanc-plugin")
        body = b"" if self.method == "GET" else await read_body(visit.request, at_most=MAX_BODY_BYTES)
        asked = Asked(visit.subject, visit.context, body, _purpose(visit.request))
        found = await self.edge.threads.run(partial(self.ask, asked))
        if isinstance(found, Refusal):
            return answers.forbidden(found.message or _MAY_NOT)
        if self.refuses:
            return answers.forbidden(_ROLES_STAY)
        return JSONResponse(found, headers={"Cache-Control": "no-store"})


def _purpose(request: Request) -> str:
    found: Mapping[str, str] = request.path_params
    return found.get("purpose", "")
