"""A message as a row, and back.

Called by `queue`.

Invariants:
- a message is read as it was written.
"""

import json
from typing import Any

from pacsgate.model.resource import ArchiveName, TenantName
from pacsgate.ports.pacs_adapters import Command, Outcome
from pacsgate.ports.pacs_queue import Lease, Message, MessageState
from pacsgate.protocols.strict_json import write_json
from pacsgate.stores.columns import AnyRow
from pacsgate.stores.storable import storable_text


def columns_of(message: Message) -> dict[str, Any]:
    """What of a message may change."""
    lease, outcome = message.lease, message.outcome
    return {
        "state": message.state.value,
        "expires_at": message.command.expires_at,
        "attempt": message.command.attempt,
        "due": message.due if lease is None else lease.until,
        "holder": None if lease is None else lease.holder,
        "lease": None if lease is None else lease.token,
        "outcome": None if outcome is None else write_json([outcome.status, outcome.body]),
        "ended_at": message.ended_at,
        "readable_until": message.readable_until,
    }


def new_columns(message: Message) -> dict[str, Any]:
    """All of a message, but for its place in the order."""
    command = message.command
    return {
        "tenant": command.tenant,
        "message_id": command.message_id,
        "pacs": command.pacs,
        "operation": command.operation,
        "entity": storable_text(message.entity),
        "request": write_json([dict(command.ids), dict(command.parameters), command.body]),
        "requested_by": command.requested_by,
        "requested_at": command.requested_at,
        "version": message.version,
        **columns_of(message),
    }


def message_of(row: AnyRow) -> Message:
    """The message of a row."""
    ids, parameters, body = json.loads(row.request)
    outcome = None if row.outcome is None else Outcome(*json.loads(row.outcome))
    lease = None if row.lease is None else Lease(row.holder, row.lease, row.due)
    command = Command(
        message_id=row.message_id,
        operation=row.operation,
        tenant=TenantName(row.tenant),
        pacs=ArchiveName(row.pacs),
        ids=ids,
        body=body,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        expires_at=row.expires_at,
        attempt=row.attempt,
        parameters=parameters,
    )
    return Message(
        command=command,
        entity=row.entity,
        state=MessageState(row.state),
        due=row.due,
        lease=lease,
        outcome=outcome,
        ended_at=row.ended_at,
        readable_until=row.readable_until,
        version=row.version,
    )
