"""`POST /oauth2/token`: access tokens for programs, and the document that says where to get them.

Called by `bootstrap`, which mounts the routes; calls `ClientDoor`.

Invariants:
- the same answer for an unknown client, a wrong secret and an account that nobody may come in as;
- no answer is kept by a cache.

Standard: RFC 6749 4.4, 5.1, 5.2; RFC 8414 3.
"""

from dataclasses import dataclass
from functools import partial

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pacsgate.gateway.http import answers
from pacsgate.gateway.http.bounded_body import read_body
from pacsgate.gateway.http.own_url import own_url
from pacsgate.gateway.http.request_context import RequestContexts
from pacsgate.gateway.http.settings import HttpSettings
from pacsgate.gateway.http.threads import Threads
from pacsgate.identity.client_door import ClientDoor
from pacsgate.model.errors import PacsgateError
from pacsgate.ports import AuthenticationFailed, FailureKind
from pacsgate.protocols.oauth import (
    METADATA,
    TOKEN_ENDPOINT,
    OAuthError,
    oauth_metadata,
    read_token_request,
    token_answer,
)

_log = structlog.get_logger("pacsgate.gateway")

MAX_BODY_BYTES = 8 * 1024
THREADS = 2
_FORM = "application/x-www-form-urlencoded"
_UNKEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="pacsgate"'}


def oauth_routes(settings: HttpSettings, contexts: RequestContexts, door: ClientDoor) -> list[Route]:
    """The routes."""
    endpoint = _TokenEndpoint(contexts, door, Threads(THREADS))

    async def metadata(request: Request) -> Response:
        document = oauth_metadata(own_url(request, settings))
        return JSONResponse(document, headers={"Cache-Control": "max-age=3600"})

    return [
        Route(TOKEN_ENDPOINT, endpoint.answer, methods=["POST"]),
        Route(METADATA, metadata, methods=["GET"]),
    ]


@dataclass(frozen=True, slots=True)
class _TokenEndpoint:
    contexts: RequestContexts
    door: ClientDoor
    threads: Threads

    async def answer(self, request: Request) -> Response:
        """A token, or what is wrong."""
        try:
            return await self._answer(request)
        except OAuthError as wrong:
            status = 401 if wrong.error == "invalid_client" else 400
            return _told(status, wrong.error, wrong.description)
        except PacsgateError as raised:
            _log.info("token request failed", error=raised.public)
            return answers.error(raised)

    async def _answer(self, request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
            raise OAuthError("invalid_request", f"the body must be `{_FORM}`")
        body = await read_body(request, at_most=MAX_BODY_BYTES)
        # Two fields make one value (RFC 9110 5.2), which is then no credential: which of them would count?
        authorization = ", ".join(request.headers.getlist("authorization")) or None
        asked = read_token_request(authorization, body)
        context = self.contexts.of(request)
        get = partial(self.door.access_token, asked.client_id, asked.secret, context)
        found = await self.threads.run(get)
        if not isinstance(found, AuthenticationFailed):
            answer = token_answer(found.text, int(found.valid_for.total_seconds()))
            return JSONResponse(answer, headers=_UNKEPT)
        if found.kind is FailureKind.LOCKED_OUT:
            return answers.unauthenticated(found)
        return _told(401, "invalid_client", "no such client, or not this secret")


def _told(status: int, error: str, description: str) -> Response:
    headers = _UNKEPT | (_CHALLENGE if status == 401 else {})
    return JSONResponse({"error": error, "error_description": description}, status, headers)
