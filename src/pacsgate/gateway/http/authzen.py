"""The AuthZEN door: another enforcement point asks what somebody may do.

Who asks comes first, as at every door, and is told by the `Authorization` header
alone: a cookie is sent by browsers unasked.  Then the body is read, and one use case
answers.  "No" is an answer (200, `decision` false); an error is about the request
itself, and its body is a sentence.

Called by `bootstrap`, which mounts the routes; calls `authzen_asking`.

Invariants:
- without a credential nothing is parsed and nothing is told;
- an exception that nobody expected is an error with an event, never half an answer.

Standard: AuthZEN Authorization API 1.0 section 10 (HTTPS binding).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import anyio
import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from pacsgate.gateway.http import answers
from pacsgate.gateway.http.authzen_asking import Ask
from pacsgate.gateway.http.bounded_body import read_body
from pacsgate.gateway.http.own_url import own_url
from pacsgate.gateway.http.request_context import RequestContexts
from pacsgate.gateway.http.wiring import Gate
from pacsgate.identity.credentials import read_credentials
from pacsgate.model.context import Context
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import PacsgateError, RecordError, RequestError
from pacsgate.model.permission import Permission
from pacsgate.ports import AuthenticationFailed, FailureKind
from pacsgate.protocols.authzen.metadata import WELL_KNOWN, Endpoint, metadata
from pacsgate.protocols.dicomweb.paths import refuse_method_override
from pacsgate.services.evaluate_for_others import Enquirer
from pacsgate.services.record import Circumstances, claimed_actor
from pacsgate.services.resolve import Refusal

_log = structlog.get_logger("pacsgate.gateway")

MAX_BODY_BYTES = 1024 * 1024
"""A thousand questions about instances take some 400 KiB."""
THREADS = 8
"""Questions answered at a time in one worker, so that a flood of them leaves threads to those who read."""

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
"""What a client may call its request: it is given back, and kept in the trail."""
_KEPT_HEADERS = ("WWW-Authenticate", "Retry-After")
_MAY_NOT_ASK = f"only a service or device with the permission `{Permission.EVALUATE_FOR_OTHERS}` may ask this"

T = TypeVar("T")


def authzen_routes(gate: Gate, contexts: RequestContexts, asks: Mapping[Endpoint, Ask]) -> list[Route]:
    """The endpoints and the document that names them."""
    threads = anyio.CapacityLimiter(THREADS)

    async def configuration(request: Request) -> Response:
        document = metadata(own_url(request, gate.settings))
        return JSONResponse(document, headers={"Cache-Control": "max-age=3600"})

    return [
        Route(WELL_KNOWN, configuration, methods=["GET"]),
        *(
            Route(endpoint.value, AuthZenDoor(gate, contexts, threads, ask).answer, methods=["POST"])
            for endpoint, ask in asks.items()
        ),
    ]


@dataclass(frozen=True, slots=True)
class AuthZenDoor:
    """Serves one endpoint."""

    gate: Gate
    contexts: RequestContexts
    threads: anyio.CapacityLimiter
    ask: Ask

    async def answer(self, request: Request) -> Response:
        """Answer one request, whatever happens."""
        context = self.contexts.of(request)
        try:
            response = await self._answer(request, context)
        except PacsgateError as raised:
            _log.info("request failed", request_id=context.request_id, detail=raised.detail)
            response = _as_text(answers.error(raised))
        except Exception:  # noqa: BLE001 - the outermost edge: whatever broke, the answer is no
            _log.exception("request broke", request_id=context.request_id)
            response = await self._broken(context)
        response.headers["X-Request-ID"] = _client_request_id(request) or context.request_id
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    async def _answer(self, request: Request, context: Context) -> Response:
        authorization = ", ".join(request.headers.getlist("authorization")) or None
        credentials = read_credentials(authorization, None)
        authenticate = partial(self.gate.authenticator.authenticate, credentials, context)
        subject = await self._in_thread(authenticate)
        if isinstance(subject, AuthenticationFailed):
            if subject.kind is FailureKind.NO_CREDENTIAL:
                await self._record_denial("(nobody)", context, ReasonCode.NO_CREDENTIAL)
            return _as_text(answers.unauthenticated(subject))
        refuse_method_override(request.headers.keys(), request.query_params.keys())
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise RequestError("the body must be `application/json`", status=415)
        body = await read_body(request, at_most=MAX_BODY_BYTES)
        enquirer = Enquirer(subject, context, _client_request_id(request))
        found = await self._in_thread(partial(self.ask, enquirer, body))
        if isinstance(found, Refusal):
            return _as_text(answers.problem(403, _MAY_NOT_ASK))
        return JSONResponse(found, headers={"Cache-Control": "no-store"})

    async def _broken(self, context: Context) -> Response:
        try:
            await self._record_denial("(unknown)", context, ReasonCode.INTERNAL_ERROR)
        except RecordError as unwritable:
            return _as_text(answers.error(unwritable))
        return _as_text(answers.internal_error())

    async def _record_denial(self, name: str, context: Context, code: ReasonCode) -> None:
        event = Circumstances(context, claimed_actor(name, context)).denial((Reason(code),))
        await self._in_thread(partial(self.gate.trail.record, event))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(work, limiter=self.threads)


def _as_text(told: Response) -> Response:
    """The same answer as the sentence that the standard wants in place of our JSON."""
    problem = msgspec.json.decode(told.body, type=dict[str, str])
    headers = {name: told.headers[name] for name in _KEPT_HEADERS if name in told.headers}
    sentence = problem.get("message") or problem["error"]
    return PlainTextResponse(sentence, told.status_code, {**headers, "Cache-Control": "no-store"})


def _client_request_id(request: Request) -> str | None:
    given = request.headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else None
