"""What a message is about, by which order is kept, and what tells it from another.

Called by `submit`.
"""

import hashlib
from collections.abc import Mapping

from pacsgate.model.pacs_operation import OPERATIONS, EntityKind
from pacsgate.ports.pacs_adapters import Json
from pacsgate.protocols.strict_json import write_json

_ID_OF = {
    EntityKind.IDENTITY: ("identity", "identityId"),
    EntityKind.VISIT: ("visit", "visitId"),
    EntityKind.ACCESS_UNIT: ("unit", "accessUnitId"),
}
"""How its id is called in a path, and in the body of what makes it."""


def entity_of(operation: str, ids: Mapping[str, str], body: Json, message_id: str) -> str:
    """What the operation is about, as `kind/id`.

    Something new without an id of the requester's, and a list, has no order with anything.
    """
    kind = OPERATIONS[operation].entity
    if kind is EntityKind.PACS:
        return f"{kind}/"
    in_path, in_body = _ID_OF[kind]
    said = ids.get(in_path)
    if said is None and isinstance(body, dict):
        said = body.get(in_body)
    return f"{kind}/{said}" if isinstance(said, str) else f"{kind}/?{message_id}"


def fingerprint_of(
    pacs: str, operation: str, ids: Mapping[str, str], body: Json, parameters: Mapping[str, str]
) -> bytes:
    """Equal for equal requests, and in practice for no others."""
    return hashlib.sha256(write_json([pacs, operation, dict(ids), dict(parameters), body])).digest()
