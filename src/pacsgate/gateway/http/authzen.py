"""The AuthZEN door: another enforcement point asks what somebody may do.

Who asks is told by the `Authorization` header alone: a cookie is sent by browsers
unasked.  Then the body is read, and one use case answers.  "No" is an answer (200,
`decision` false); an error is about the request itself, and its body is a sentence.

Called by `bootstrap`, which mounts the routes; calls `authzen_asking`.

Standard: AuthZEN Authorization API 1.0 section 10 (HTTPS binding).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from pacsgate.gateway.http import answers
from pacsgate.gateway.http.authzen_asking import Ask
from pacsgate.gateway.http.bounded_body import read_body
from pacsgate.gateway.http.edge import Edge, Visit
from pacsgate.gateway.http.own_url import own_url
from pacsgate.gateway.http.request_context import RequestContexts
from pacsgate.gateway.http.threads import Threads
from pacsgate.gateway.http.wiring import Gate
from pacsgate.model.errors import RequestError
from pacsgate.model.permission import Permission
from pacsgate.protocols.authzen.metadata import WELL_KNOWN, Endpoint, metadata
from pacsgate.services.evaluate_for_others import Enquirer
from pacsgate.services.resolve import Refusal

MAX_BODY_BYTES = 1024 * 1024
"""A thousand questions about instances take some 400 KiB."""
THREADS = 8
"""Questions answered at a time in one worker, so that a flood of them leaves threads to those who read."""

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
"""What a client may call its request: it is given back, and kept in the trail."""
_KEPT_HEADERS = ("WWW-Authenticate", "Retry-After")
_MAY_NOT_ASK = f"only a service or device with the permission `{Permission.EVALUATE_FOR_OTHERS}` may ask this"


def authzen_routes(gate: Gate, contexts: RequestContexts, asks: Mapping[Endpoint, Ask]) -> list[Route]:
    """The endpoints and the document that names them."""
    threads = Threads(THREADS)
    edge = Edge(gate, contexts, threads, accepts_cookies=False, retell=_retold)

    async def configuration(request: Request) -> Response:
        document = metadata(own_url(request, gate.settings))
        return JSONResponse(document, headers={"Cache-Control": "max-age=3600"})

    return [
        Route(WELL_KNOWN, configuration, methods=["GET"]),
        *(
            Route(endpoint.value, AuthZenDoor(edge, endpoint, ask), methods=["POST"])
            for endpoint, ask in asks.items()
        ),
    ]


@dataclass(frozen=True, slots=True)
class AuthZenDoor:
    """Serves one endpoint."""

    edge: Edge
    endpoint: Endpoint
    ask: Ask

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self.edge.serve(scope, receive, send, self._handle)

    async def _handle(self, visit: Visit) -> Response:
        visit.note_handler(self.endpoint.name.lower())
        request = visit.request
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise RequestError("the body must be `application/json`", status=415)
        body = await read_body(request, at_most=MAX_BODY_BYTES)
        enquirer = Enquirer(visit.subject, visit.context, _client_request_id(request))
        found = await self.edge.threads.run(partial(self.ask, enquirer, body))
        if isinstance(found, Refusal):
            return _retold(request, answers.problem(403, _MAY_NOT_ASK))
        return _identified(request, JSONResponse(found, headers={"Cache-Control": "no-store"}))


def _retold(request: Request, told: Response) -> Response:
    return _identified(request, _as_text(told))


def _identified(request: Request, response: Response) -> Response:
    """Give the client back what it called its request."""
    given = _client_request_id(request)
    if given is not None:
        response.headers["X-Request-ID"] = given
    return response


def _as_text(told: Response) -> Response:
    """The same answer as the sentence that the standard wants in place of our JSON."""
    problem = msgspec.json.decode(told.body, type=dict[str, str])
    headers = {name: told.headers[name] for name in _KEPT_HEADERS if name in told.headers}
    sentence = problem.get("message") or problem["error"]
    return PlainTextResponse(sentence, told.status_code, {**headers, "Cache-Control": "no-store"})


def _client_request_id(request: Request) -> str | None:
    given = request.headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else None
