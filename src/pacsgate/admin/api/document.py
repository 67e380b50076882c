"""The OpenAPI document of `/api/v1` and `/ais/v1`: what FastAPI knows of the routes, and what it cannot know.

It cannot know how callers prove who they are, which happens at the door; which permission a route
demands; and that `/api/v1/search` and the queue's doors are served beside this application.

Called by `app`.

Standard: OpenAPI 3.1; RFC 6750, RFC 7617.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from pacsgate.admin.api.asking import Needs
from pacsgate.admin.api.locations import PREFIX
from pacsgate.admin.api.problems import Problem, problems
from pacsgate.admin.api.queue_document import poll_paths, token_path
from pacsgate.admin.api.tenancy_asking import MandateIn, NeedsAtPacs, NeedsInTenant
from pacsgate.admin.api.trees import AIS, API
from pacsgate.protocols.oauth import TOKEN_ENDPOINT

_SCHEMES = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API token, or a token of a configured issuer.",
    },
    "password": {
        "type": "http",
        "scheme": "basic",
        "description": "Name and password of an account that owes no second factor.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-pacsgate",
        "description": "A browser session; changes are accepted from this very site only.",
    },
}


def _told(*statuses: int) -> dict[str, Any]:
    """The rows of answers that tell of a problem."""
    problem = {"application/json": {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}}
    return {
        str(status): {"description": row["description"], "content": problem}
        for status, row in problems(*statuses).items()
    }


def _search() -> dict[str, Any]:
    answer = {"application/json": {"schema": {"$ref": "#/components/schemas/InstancesFound"}}}
    return {
        "get": {
            "tags": ["search"],
            "summary": "Search Instances",
            "description": "Finds instances by what they are, among those that the caller may search.",
            "operationId": "search_instances",
            "parameters": [
                {"name": name, "in": "query", "required": False, "schema": schema, "description": meaning}
                for name, schema, meaning in _SEARCH_PARAMETERS
            ],
            "responses": {"200": {"description": "Some instances.", "content": answer}, **_told(404)},
            "x-permissions": [],
        }
    }


_SEARCH_PARAMETERS = (
    ("query", {"type": "string"}, "The query; without it, everything that the caller may search."),
    ("limit", {"type": "integer", "minimum": 1, "maximum": 1000}, "So many instances at most."),
    ("cursor", {"type": "string"}, "As the answer before gave it: go on from there."),
    ("archive", {"type": "string"}, "The archive; the default one otherwise."),
)
_INSTANCES_FOUND = {
    "type": "object",
    "required": ["instances", "cursor", "out_of_time"],
    "properties": {
        "instances": {"type": "array", "items": {"type": "object"}, "description": "DICOM JSON Model."},
        "cursor": {"type": ["string", "null"], "description": "`null` when everything has been looked at."},
        "out_of_time": {"type": "boolean", "description": "The time ended before the page was full."},
    },
}


def describe(app: FastAPI, routers: Mapping[str, Sequence[APIRouter]]) -> None:
    """Let the application describe itself so."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, routers)
        return app.openapi_schema

    # How FastAPI wants it done: its documentation, "Extending OpenAPI".
    app.openapi = document  # type: ignore[method-assign]


def permissions_of(route: APIRoute) -> list[str]:
    """The permissions that a route demands of everybody."""
    return sorted(needs.permission.value for needs in _needs(route.dependant))


Demand = Needs | NeedsInTenant | NeedsAtPacs | MandateIn
"""A dependency that demands a permission."""


def _needs(dependant: Dependant) -> Iterator[Demand]:
    if isinstance(dependant.call, Demand):
        yield dependant.call
    for each in dependant.dependencies:
        yield from _needs(each)


def _routes(routers: Mapping[str, Sequence[APIRouter]]) -> Iterator[tuple[str, APIRoute]]:
    for prefix, under in routers.items():
        for router in under:
            yield from ((prefix, each) for each in router.routes if isinstance(each, APIRoute))


def _document(app: FastAPI, routers: Mapping[str, Sequence[APIRouter]]) -> dict[str, Any]:
    found = get_openapi(title=app.title, version=app.version, routes=app.routes)
    found["components"]["securitySchemes"] = _SCHEMES
    found["security"] = [{name: []} for name in _SCHEMES]
    for prefix, route in _routes(routers):
        for method in route.methods or ():
            operation = found["paths"][f"{prefix}{route.path_format}"][method.lower()]
            # What cannot be read is answered 400 here.
            operation["responses"].pop("422", None)
            if "requestBody" in operation:
                operation["responses"]["413"] = _told(413)["413"]
            operation["x-permissions"] = permissions_of(route)
    found["components"]["schemas"].pop("HTTPValidationError", None)
    found["components"]["schemas"].pop("ValidationError", None)
    found["components"]["schemas"]["InstancesFound"] = _INSTANCES_FOUND
    found["paths"][f"{PREFIX}/search"] = _search()
    for tree in (API, AIS):
        found["paths"].update(poll_paths(tree))
    found["paths"][TOKEN_ENDPOINT] = {"post": token_path()}
    return found
