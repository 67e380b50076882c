"""The application under `/api/v1` and `/ais/v1`: FastAPI, behind a door that has verified who asks.

A request comes with its `Caller` in the ASGI scope; without one nothing is answered.  Errors have
the shape that they have everywhere: `error`, and a `message` where there is more to say.

Called by `bootstrap`, which brings the routers and mounts it behind the edge of the other doors.

Invariants:
- no answer repeats what was sent, and none is kept by a cache.

Standard: OpenAPI 3.1.
"""

from collections.abc import Mapping, Sequence

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pacsgate import __version__
from pacsgate.admin.api.document import describe
from pacsgate.admin.api.locations import PREFIX
from pacsgate.model.errors import ConflictError, NotFoundError, PacsgateError, RequestError
from pacsgate.services.mandates import Mandates
from pacsgate.services.warrants import Warrants

_ERRORS = {
    400: "bad request",
    403: "forbidden",
    404: "not found",
    405: "method not allowed",
    409: "conflict",
    412: "precondition failed",
    501: "not supported",
}


def api(routers: Mapping[str, Sequence[APIRouter]], mandates: Mandates, warrants: Warrants) -> FastAPI:
    """The application; `routers` stand under the prefix of their tree."""
    app = FastAPI(
        title="pacsgate",
        version=__version__,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        exception_handlers={
            RequestValidationError: _invalid,
            HTTPException: _refused,
            PacsgateError: _failed,
        },
    )
    app.state.mandates = mandates
    app.state.warrants = warrants
    for prefix, under in routers.items():
        for router in under:
            app.include_router(router, prefix=prefix)
    app.add_middleware(_Uncached)
    describe(app, routers)
    return app


class _Uncached:
    """Says so in the head of every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def send_uncached(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Cache-Control"] = "no-store"
            await send(message)

        await self._app(scope, receive, send_uncached)


async def _invalid(_request: Request, raised: Exception) -> Response:
    """Name the fields that cannot be read and what belongs there, and nothing of what was in them."""
    errors = raised.errors() if isinstance(raised, RequestValidationError) else []
    wrong = sorted({f"`{'.'.join(map(str, each['loc']))}`: {_expected(each)}" for each in errors})
    return _problem(400, f"cannot read {'; '.join(wrong)}")


def _expected(error: Mapping[str, object]) -> str:
    # An object in a body that is not `application/json` comes as a text.
    if error["type"] == "model_attributes_type":
        return "send a JSON object, as `application/json`"
    if error["type"] == "json_invalid":
        return "send a JSON object; this is none"
    told = str(error["msg"])
    return told[:1].lower() + told[1:]


async def _refused(_request: Request, raised: Exception) -> Response:
    status = raised.status_code if isinstance(raised, HTTPException) else 500
    return _problem(status, "cannot read the body" if status == 400 else None)


async def _failed(_request: Request, raised: Exception) -> Response:
    match raised:
        case RequestError():
            return _problem(raised.status, raised.public)
        case NotFoundError():
            return _problem(404, raised.public)
        case ConflictError():
            return _problem(409, raised.public)
        case _:
            raise raised


def _problem(status: int, message: str | None) -> Response:
    body = {"error": _ERRORS.get(status, "bad request" if status < 500 else "internal error")}
    return JSONResponse(body if message is None else {**body, "message": message}, status)
