"""A message for an agent, and the agent's response to it, as JSON.

The message says what is to be done; `lease` is what the response must name to count.

Called by the gate, which writes messages and reads responses, and by `pacsgate agent`, which does the
opposite.

Invariants:
- what one side writes the other reads as the same value;
- an unknown field, a wrong type, a text that is too long and a body that is too large are refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar

import msgspec

from pacsgate.model.errors import RequestError
from pacsgate.protocols.strict_json import Json, read_strict_json, write_json

LONGEST_MESSAGE = 256 * 1024
"""Bytes; a policy is the longest body that travels, and is at most a quarter of it escaped."""
LONGEST_RESPONSE = 64 * 1024
_UNAUTHORIZED = 401

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
_Text = Annotated[str, msgspec.Meta(max_length=1024)]
_Instant = Annotated[datetime, msgspec.Meta(tz=True)]
_Form = TypeVar("_Form", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class AgentMessage:
    """One operation to be carried out, under a lease."""

    message_id: str
    operation: str
    tenant: str
    pacs: str
    ids: Mapping[str, str]
    parameters: Mapping[str, str]
    body: Json
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    attempt: int
    lease: str


@dataclass(frozen=True, slots=True)
class AgentResponse:
    """What came of it: an HTTP status and a JSON body, for the holder of a lease."""

    lease: str
    status: int
    body: Json = None


class _Message(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    message_id: _Name
    operation: _Name
    tenant_id: _Name
    pacs_id: _Name
    ids: dict[_Name, _Name]
    parameters: dict[_Name, _Text]
    body: Json
    requested_by: _Name
    requested_at: _Instant
    expires_at: _Instant
    attempt: Annotated[int, msgspec.Meta(ge=1)]
    lease: _Name


class _Response(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    lease: _Name
    status: int
    body: Json = None


def write_message(message: AgentMessage) -> bytes:
    """The JSON of a message."""
    return write_json(
        {
            "messageId": message.message_id,
            "operation": message.operation,
            "tenantId": message.tenant,
            "pacsId": message.pacs,
            "ids": dict(message.ids),
            "parameters": dict(message.parameters),
            "body": message.body,
            "requestedBy": message.requested_by,
            "requestedAt": message.requested_at.isoformat(),
            "expiresAt": message.expires_at.isoformat(),
            "attempt": message.attempt,
            "lease": message.lease,
        }
    )


def read_message(raw: bytes) -> AgentMessage:
    """Read a message.  Raises `RequestError`."""
    read = _converted(read_strict_json(raw, at_most=LONGEST_MESSAGE), _Message)
    return AgentMessage(
        message_id=read.message_id,
        operation=read.operation,
        tenant=read.tenant_id,
        pacs=read.pacs_id,
        ids=read.ids,
        parameters=read.parameters,
        body=read.body,
        requested_by=read.requested_by,
        requested_at=read.requested_at,
        expires_at=read.expires_at,
        attempt=read.attempt,
        lease=read.lease,
    )


def write_response(response: AgentResponse) -> bytes:
    """The JSON of a response."""
    return write_json({"lease": response.lease, "status": response.status, "body": response.body})


def read_response(raw: bytes) -> AgentResponse:
    """Read a response.  Raises `RequestError`."""
    read = _converted(read_strict_json(raw, at_most=LONGEST_RESPONSE), _Response)
    if not _may_be_answered(read.status):
        raise RequestError("`status` must be 2xx, 4xx other than 401, or 5xx")
    return AgentResponse(read.lease, read.status, read.body)


def _may_be_answered(status: int) -> bool:
    """Whether the requester can be given it: not what would send a client elsewhere, or to sign in."""
    return (200 <= status < 300 or 400 <= status < 600) and status != _UNAUTHORIZED


def _converted(decoded: Json, form: type[_Form]) -> _Form:
    try:
        return msgspec.convert(decoded, form, strict=True)
    except msgspec.ValidationError as problem:
        # It names fields and types, and nothing of what was in them.
        raise RequestError(f"cannot read the body: {str(problem)[:1].lower()}{str(problem)[1:]}") from None
