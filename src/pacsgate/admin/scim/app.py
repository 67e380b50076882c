"""The routes of the SCIM service, and how it answers: SCIM's own media type, its own shape of errors.

A request comes with its `Caller` in the ASGI scope, verified by the door of the control plane.

Called by `bootstrap`, which brings the use cases.

Invariants:
- who asks is settled before anything else is read.

Standard: RFC 7644 3.1, 3.12, 4.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import anyio
from pydantic import ValidationError
from scim2_models import Error, InvalidSyntaxException, SCIMException
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.scim.client import Client, Clients
from pacsgate.admin.scim.groups import ScimGroups
from pacsgate.admin.scim.users import ScimUsers
from pacsgate.model.errors import (
    ConflictError,
    NotFoundError,
    PacsgateError,
    RequestError,
    StepUpError,
)
from pacsgate.protocols.scim.discovery import CONFIG, described
from pacsgate.services.callers import CALLER, Caller

PREFIX = "/scim/v2"
MEDIA_TYPE = "application/scim+json"
_LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

Resources = ScimUsers | ScimGroups
Kinds = Mapping[str, Callable[[Client], Resources]]
"""`Users` and `Groups`, each with what serves it for one client."""
Work = Callable[[Client], Response]


@dataclass(frozen=True, slots=True)
class ScimService:
    """What all routes have in common, and what the service says of itself."""

    clients: Clients

    async def answer(self, request: Request, work: Work) -> Response:
        """Do the work for the client, in a thread; whatever goes wrong is told as SCIM tells it."""
        caller: Caller = request.scope[CALLER]
        try:
            return await anyio.to_thread.run_sync(lambda: work(self.clients.of(caller)))
        except SCIMException as raised:
            return _error(raised.to_error())
        except ValidationError as raised:
            return _error(Error.from_validation_errors(raised)[0])
        except RequestError as raised:
            return _error(Error(status=raised.status, detail=raised.public))
        except StepUpError as raised:  # which no token can
            return _error(Error(status=403, detail=raised.public))
        except NotFoundError as raised:
            return _error(Error(status=404, detail=raised.public))
        except ConflictError as raised:
            return _error(Error(status=409, scim_type="uniqueness", detail=raised.public))
        except PacsgateError as raised:
            return _error(Error(status=503, detail=raised.public))

    async def discovery(self, request: Request) -> Response:
        """`/ServiceProviderConfig`, `/Schemas`, `/ResourceTypes`, and each of the latter by its id."""
        kind, wanted = request.path_params["kind"], request.path_params.get("wanted")

        def work(_client: Client) -> Response:
            if kind == "ServiceProviderConfig" and wanted is None:
                return _json(CONFIG.model_dump())
            listed = described().get(kind, [])
            if wanted is None and listed:
                total = len(listed)
                return _json(
                    {
                        "schemas": [_LIST],
                        "totalResults": total,
                        "startIndex": 1,
                        "itemsPerPage": total,
                        "Resources": listed,
                    }
                )
            for each in listed:
                if each["id"] == wanted:
                    return _json(each)
            return _error(Error(status=404, detail="there is no such resource"))

        return await self.answer(request, work)


@dataclass(frozen=True, slots=True)
class Served:
    """The routes of one kind of resource."""

    service: ScimService
    resources: Callable[[Client], Resources]

    async def many(self, request: Request) -> Response:
        """`/Users`, `/Groups`: a list, or something new."""
        body = await request.body()

        def work(client: Client) -> Response:
            resources = self.resources(client)
            if request.method == "GET":
                return _json(resources.find(request.query_params))
            made = resources.create(_read(body))
            return _json(made, 201, {"Location": made["meta"]["location"]})

        return await self.service.answer(request, work)

    async def one(self, request: Request) -> Response:
        """`/Users/{id}`, `/Groups/{id}`."""
        body = await request.body()
        resource_id = request.path_params["resource_id"]

        def work(client: Client) -> Response:
            resources = self.resources(client)
            match request.method:
                case "PUT":
                    return _json(resources.replace(resource_id, _read(body)))
                case "PATCH":
                    return _json(resources.patch(resource_id, _read(body)))
                case "DELETE":
                    resources.remove(resource_id)
                    return Response(status_code=204)
                case _:
                    return _json(resources.read(resource_id, request.query_params))

        return await self.service.answer(request, work)


def scim_app(clients: Clients, kinds: Kinds) -> Starlette:
    """The application."""
    service = ScimService(clients)
    routes: list[Route] = []
    for kind, resources in kinds.items():
        served = Served(service, resources)
        routes += [
            Route(f"{PREFIX}/{kind}", served.many, methods=["GET", "POST"]),
            Route(f"{PREFIX}/{kind}/{{resource_id}}", served.one, methods=["GET", "PUT", "PATCH", "DELETE"]),
        ]
    routes += [
        Route(f"{PREFIX}/{{kind}}", service.discovery, methods=["GET"]),
        Route(f"{PREFIX}/{{kind}}/{{wanted}}", service.discovery, methods=["GET"]),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _unknown})


async def _unknown(_request: Request, raised: Exception) -> Response:
    status = raised.status_code if isinstance(raised, HTTPException) else 500
    return _error(Error(status=status, detail="there is nothing that could be asked in this way"))


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidSyntaxException(detail="the body is no JSON") from None


def _json(
    content: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(
        json.dumps(content, ensure_ascii=False),
        status,
        {"Cache-Control": "no-store", **(headers or {})},
        MEDIA_TYPE,
    )


def _error(error: Error) -> Response:
    return _json(error.model_dump(), int(error.status or 500))
