"""An operation on a PACS is asked for: accepted, once, to be carried out by whoever does that there.

Called by the API, the pages and the command line, with a warrant for the very permission that the operation
needs; the body has been read by then.

Invariants:
- what is accepted is on record and in the queue;
- the same request under the same name is accepted once, however often it is sent.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from pacsgate.audit.events import Actor
from pacsgate.model.errors import RequestError
from pacsgate.model.pacs_operation import OPERATIONS
from pacsgate.model.permission import Permission
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.ports import Clock
from pacsgate.ports.pacs_adapters import Command, Json, PacsFeatures
from pacsgate.ports.pacs_queue import Message, MessageState, Once, PacsQueue
from pacsgate.ports.tenants import PacsRecord
from pacsgate.services.pacs_queue.order import entity_of, fingerprint_of
from pacsgate.services.pacs_queue.recording import QueueRecord
from pacsgate.services.pacs_queue.rules import QueueRules
from pacsgate.services.pacs_queue.run_here import RunHere
from pacsgate.services.warrants import Warrant

_MESSAGE_ID_BYTES = 16
_KEY = re.compile(r"[!-~]{1,255}")
_NOT_IMPLEMENTED = 501


@dataclass(frozen=True, slots=True)
class Accepted:
    """It will be done, or its error will be told: the id of its result."""

    message_id: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One operation with everything that it is asked with."""

    operation: str
    ids: Mapping[str, str]
    body: Json
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SubmitOperation:
    """Accepts operations."""

    queue: PacsQueue
    record: QueueRecord
    here: RunHere
    clock: Clock
    rules: QueueRules

    def submit(
        self,
        warrant: Warrant,
        operation: str,
        ids: Mapping[str, str],
        body: Json,
        parameters: Mapping[str, str],
        idempotency_key: str | None,
    ) -> Accepted:
        """Accept an operation that the caller has a warrant for.

        Raises `RequestError` (501) for what the PACS cannot do, `ConflictError` for a name that another
        request of the caller's has, `TooSoonError` when too much waits.
        """
        if warrant.permission is not OPERATIONS[operation].permission:
            raise TypeError(
                f"a warrant for `{warrant.permission}` does not let anybody ask for `{operation}`"
            )
        order = warrant.change()
        asked = Asked(operation, ids, body, parameters)
        return self.accept(warrant.scope, warrant.at(), asked, order.actor, idempotency_key, order.request_id)

    def accept(
        self,
        scope: TenantScope,
        pacs: PacsRecord,
        asked: Asked,
        actor: Actor,
        idempotency_key: str | None = None,
        request_id: str | None = None,
    ) -> Accepted:
        """The same for somebody who needs no warrant: whoever works at the command line of the machine."""
        self._need_feature(scope, pacs, asked.operation)
        now = self.clock.now()
        message_id = secrets.token_hex(_MESSAGE_ID_BYTES)
        command = Command(
            message_id=message_id,
            operation=asked.operation,
            tenant=scope.tenant,
            pacs=pacs.pacs,
            ids=asked.ids,
            body=asked.body,
            requested_by=actor.name,
            requested_at=now,
            expires_at=now + self.rules.lifetime,
            attempt=0,
            parameters=asked.parameters,
        )
        entity = entity_of(asked.operation, asked.ids, asked.body, message_id)
        kept = self.queue.add(
            scope,
            Message(command, entity, MessageState.QUEUED, now),
            _once(pacs.pacs, asked, idempotency_key),
            most=self.rules.most,
            record=self.record.of("submitted", actor, now, request_id),
        )
        self.here.drain(scope, pacs.pacs)
        return Accepted(kept.command.message_id)

    def _need_feature(self, scope: TenantScope, pacs: PacsRecord, operation: str) -> None:
        adapter = self.here.adapter(scope, pacs.pacs)
        features = pacs.features if adapter is None else adapter.features()
        if features is not None and operation not in _spelled_here(features):
            raise RequestError(f"this PACS does not support `{operation}`", status=_NOT_IMPLEMENTED)


def _once(pacs: ArchiveName, asked: Asked, key: str | None) -> Once | None:
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise RequestError("`Idempotency-Key` must be 1 to 255 printable ASCII characters without spaces")
    return Once(key, fingerprint_of(pacs, asked.operation, asked.ids, asked.body, asked.parameters))


def _spelled_here(features: PacsFeatures) -> frozenset[str]:
    """The operations in the catalogue's spelling, misspelt names included."""
    known = {
        spelling: Permission(spelling).value for spelling in features.features if _is_permission(spelling)
    }
    return frozenset(known.values())


def _is_permission(name: str) -> bool:
    try:
        Permission(name)
    except ValueError:
        return False
    return True
