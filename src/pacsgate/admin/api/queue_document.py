"""What the OpenAPI document says of the queue's doors that are served beside the application.

Called by `document`.

Standard: OpenAPI 3.1; RFC 6749 4.4.
"""

from collections.abc import Mapping
from typing import Any

from pacsgate.admin.api.problems import Problem, problems
from pacsgate.admin.api.trees import Tree
from pacsgate.model.permission import Permission

_PLACE = "tenants/{tenant}/pacs/{pacs}"
_ANYTHING = {"application/json": {"schema": {"description": "Whatever JSON the PACS has answered."}}}
_MESSAGE_FIELDS = {
    "messageId": {"type": "string"},
    "operation": {"type": "string"},
    "tenantId": {"type": "string"},
    "pacsId": {"type": "string"},
    "ids": {"type": "object", "additionalProperties": {"type": "string"}},
    "parameters": {"type": "object", "additionalProperties": {"type": "string"}},
    "body": {},
    "requestedBy": {"type": "string"},
    "requestedAt": {"type": "string", "format": "date-time"},
    "expiresAt": {"type": "string", "format": "date-time"},
    "attempt": {"type": "integer", "minimum": 1},
    "lease": {"type": "string"},
}
_MESSAGE = {"type": "object", "required": [*_MESSAGE_FIELDS], "properties": _MESSAGE_FIELDS}
_EXAMPLE = {
    "messageId": "5f0c9bd8f0c64dd6a3f3b0c6a0c3a1f4",
    "operation": "VisitCheckIn",
    "tenantId": "north",
    "pacsId": "doors",
    "ids": {"visit": "v-17"},
    "parameters": {},
    "body": None,
    "requestedBy": "reception",
    "requestedAt": "2026-11-22T09:00:00+00:00",
    "expiresAt": "2026-11-23T09:00:00+00:00",
    "attempt": 1,
    "lease": "62bb65811deb908e140260072f1f88e9",
}
_AGAIN = {
    "description": "Nothing yet: ask again, at the same address.",
    "headers": {"Location": {"schema": {"type": "string"}}},
}
_TOKEN = {
    "type": "object",
    "required": ["access_token", "token_type", "expires_in"],
    "properties": {
        "access_token": {"type": "string"},
        "token_type": {"const": "Bearer"},
        "expires_in": {"type": "integer"},
    },
}
_OAUTH_PROBLEM = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
}


def poll_paths(tree: Tree) -> Mapping[str, Any]:
    """The long polls of one tree."""
    messages = {
        "tags": ["queue"],
        "summary": "Fetch Message",
        "description": "As the agent of the PACS, wait for what is to be done there.",
        "operationId": f"fetch_message{tree.prefix.replace('/', '_')}",
        "parameters": _parameters("tenant", "pacs"),
        "responses": {
            "200": {
                "description": "One operation, under a lease.",
                "content": {"application/json": {"schema": _MESSAGE, "example": _EXAMPLE}},
            },
            "307": _AGAIN,
            **_told(404),
        },
        "x-permissions": [Permission.PACS_MESSAGE_GET.value],
    }
    result = {
        "tags": ["queue"],
        "summary": "Read Result",
        "description": "Wait for what came of an operation, as who has asked for it.",
        "operationId": f"read_result{tree.prefix.replace('/', '_')}",
        "parameters": _parameters("tenant", "pacs", "message"),
        "responses": {
            "200": {"description": "What the PACS has answered.", "content": _ANYTHING},
            "307": _AGAIN,
            "410": {"description": "The result was kept for as long as results are.", "content": _problem()},
            "default": {"description": "The status that the PACS has answered with.", "content": _ANYTHING},
            **_told(404),
        },
        "x-permissions": [],
    }
    return {
        f"{tree.prefix}/{tree.path(f'{_PLACE}/agent/messages')}": {"get": messages},
        f"{tree.prefix}/{tree.path(f'{_PLACE}/results/{{message}}')}": {"get": result},
    }


def token_path() -> Mapping[str, Any]:
    """The token endpoint."""
    form = {
        "type": "object",
        "required": ["grant_type"],
        "properties": {
            "grant_type": {"const": "client_credentials"},
            "client_id": {"type": "string", "description": "`tenant/name`, unless it is in the header."},
            "client_secret": {"type": "string"},
        },
    }
    problem = {"application/json": {"schema": _OAUTH_PROBLEM}}
    return {
        "tags": ["tokens"],
        "summary": "Get Access Token",
        "description": "For a service with a client secret: HTTP Basic, or in the form.",
        "operationId": "get_access_token",
        "security": [],
        "requestBody": {
            "required": True,
            "content": {"application/x-www-form-urlencoded": {"schema": form}},
        },
        "responses": {
            "200": {"description": "A token.", "content": {"application/json": {"schema": _TOKEN}}},
            "400": {"description": "The request cannot be read.", "content": problem},
            "401": {"description": "No such client, or not this secret.", "content": problem},
            "413": {"description": "The body is longer than 8 KiB.", "content": _problem()},
            "429": {"description": "Too many attempts: see `Retry-After`.", "content": _problem()},
            "503": {"description": "The trail cannot be written.", "content": _problem()},
        },
        "x-permissions": [],
    }


def _parameters(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _problem() -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}}


def _told(*statuses: int) -> dict[str, Any]:
    rows = problems(*statuses)
    return {
        str(status): {"description": row["description"], "content": _problem()}
        for status, row in rows.items()
    }
