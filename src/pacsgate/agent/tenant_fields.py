"""The tenant's extension fields as an agent knows them: asked of the gate, remembered for when it is away.

Called by `agent`, which refreshes them, and by desks, which check values with them.
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec

from pacsgate.model.access import FieldValue, PacsPlace
from pacsgate.model.extension_fields import ExtensionField, ExtensionFields, FieldType, check_values
from pacsgate.model.pacs_operation import EntityKind
from pacsgate.ports.pacs_adapters import Json
from pacsgate.ports.site import SiteSpool
from pacsgate.protocols.strict_json import write_json

_CURSOR = "extension-fields"
_Text = Annotated[str, msgspec.Meta(max_length=1000)]


class _Field(msgspec.Struct, frozen=True):
    type: FieldType
    description: _Text = ""
    required: bool = False


class _Fields(msgspec.Struct, frozen=True, rename="camel"):
    identity_extension_fields: dict[str, _Field]
    visit_extension_fields: dict[str, _Field]


class TenantFields:
    """The fields of one tenant."""

    def __init__(self, place: PacsPlace, spool: SiteSpool) -> None:
        self._place = place
        self._spool = spool

    def learn(self, told: Json) -> None:
        """Remember what the gate has told.  Raises `msgspec.ValidationError`."""
        msgspec.convert(told, _Fields)
        self._spool.set_cursor(self._place, _CURSOR, write_json(told).decode())

    def check(self, kind: EntityKind, values: Mapping[str, object]) -> Mapping[str, FieldValue]:
        """The values, if they fit.  Raises `RequestError`."""
        return check_values(self._known(kind), values)

    def _known(self, kind: EntityKind) -> ExtensionFields:
        kept = self._spool.cursor(self._place, _CURSOR)
        if kept is None:
            return {}
        found = msgspec.json.decode(kept, type=_Fields)
        fields = found.visit_extension_fields if kind is EntityKind.VISIT else found.identity_extension_fields
        return {
            name: ExtensionField(each.type, each.description, each.required) for name, each in fields.items()
        }
