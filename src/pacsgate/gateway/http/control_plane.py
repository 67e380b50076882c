"""The door to the administration API: the edge that every door has, around an application of its own.

The body is read first, bounded, because the application reads it whole anyway; the
answer is small and is sent when it is complete.

Called by `bootstrap`, which brings the application.

Invariants:
- the application is asked on behalf of verified callers only.
"""

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pacsgate.gateway.http.bounded_body import read_body
from pacsgate.gateway.http.edge import Edge, Visit
from pacsgate.gateway.http.request_context import RequestContexts
from pacsgate.gateway.http.threads import Threads
from pacsgate.gateway.http.wiring import Gate
from pacsgate.services.callers import CALLER, Caller

MAX_BODY_BYTES = 64 * 1024
THREADS = 4
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


def control_plane_routes(
    gate: Gate, contexts: RequestContexts, prefix: str, app: ASGIApp, *, at_most: int = MAX_BODY_BYTES
) -> list[Route]:
    """The one route; a body has at most so many bytes."""
    threads = Threads(THREADS)
    door = ControlPlaneDoor(Edge(gate, contexts, threads), app, at_most)
    return [Route(f"{prefix}/{{rest:path}}", door, methods=_METHODS)]


@dataclass(frozen=True, slots=True)
class ControlPlaneDoor:
    """Serves the application."""

    edge: Edge
    app: ASGIApp
    at_most: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self.edge.serve(scope, receive, send, self._handle)

    async def _handle(self, visit: Visit) -> Response:
        visit.note_handler("api")
        stated = await self.edge.stated(visit)
        if isinstance(stated, Response):
            return stated
        has_body = visit.request.method in _WITH_BODY
        body = await read_body(visit.request, at_most=self.at_most) if has_body else b""
        scope = {**visit.request.scope, CALLER: Caller(visit.subject, stated.context)}
        return await _answered(self.app, scope, body)


async def _answered(app: ASGIApp, scope: dict[str, Any], body: bytes) -> Response:
    response = Response()
    content = bytearray()

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            response.status_code = message["status"]
            response.raw_headers = list(message["headers"])
        else:
            content.extend(message.get("body", b""))

    await app(scope, receive, send)
    response.body = bytes(content)
    return response
