"""A PACS of doors as small as it can be: a desk on a database, two zones, two formats of cards."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pacsgate.model.access import AccessCredential, AccessUnit, FieldValue, Holder, PacsPlace
from pacsgate.model.effective_access import barrier
from pacsgate.model.extension_fields import ExtensionFields, check_values
from pacsgate.model.pacs_operation import EntityKind
from pacsgate.model.resource import ArchiveName, TenantName
from pacsgate.ports.access import NOTHING_SETTLED, AccessStore, CredentialFormat, Held, Order, Settled
from pacsgate.ports.pacs_adapters import Command, Outcome
from pacsgate.services.access.desk import AccessDesk
from pacsgate.services.access.rules import DeskRules
from pacsgate.stores.access.store import SqlAccessStore
from pacsgate.stores.database import open_database
from tests.support.clocks import HandClock
from tests.support.databases import sqlite_url

PLACE = PacsPlace(TenantName("north"), ArchiveName("north-doors"))
UNITS = (AccessUnit("lobby", "Lobby", "zone"), AccessUnit("reading-room", "Reading room", "zone"))


def _hexadecimal(value: str) -> str | None:
    return value.upper() if len(value) == 8 and not value.strip("0123456789abcdefABCDEF") else None


FORMATS = {
    "uid-hex": CredentialFormat("uid-hex", "8 hexadecimal digits", _hexadecimal),
    "pin": CredentialFormat("pin", "4 digits", lambda value: value if value.isdigit() else None),
}


@dataclass
class Doors:
    """Effects that remember what they were told, and can be made to fail."""

    settled_with: list[tuple[Held | None, Held | None, Order]] = field(default_factory=list)
    committed: int = 0
    failure: Exception | None = None

    def formats(self, _place: PacsPlace) -> Mapping[str, CredentialFormat]:
        return FORMATS

    def units(self, _place: PacsPlace) -> Sequence[AccessUnit]:
        return UNITS

    def unit(self, _place: PacsPlace, unit_id: str) -> AccessUnit | None:
        return next((each for each in UNITS if each.unit_id == unit_id), None)

    def settle(self, _place: PacsPlace, before: Held | None, after: Held | None, order: Order) -> Settled:
        if self.failure is not None:
            raise self.failure
        self.settled_with.append((before, after, order))
        return NOTHING_SETTLED

    def settled(self) -> None:
        self.committed += 1


class Site:
    """The desk, asked as an agent asks it."""

    def __init__(
        self,
        store: AccessStore,
        rules: DeskRules | None = None,
        fields: Mapping[EntityKind, ExtensionFields] | None = None,
        place: PacsPlace = PLACE,
    ) -> None:
        self.place = place
        self.store = store
        self.clock = HandClock()
        self.doors = Doors()
        self.fields = dict(fields or {})
        self.rules = rules or DeskRules()
        self._numbers = itertools.count(1)
        self.desk = self.new_process()

    def new_process(self) -> AccessDesk:
        return AccessDesk(self.store, self.doors, self.clock, self.rules, self._check_fields)

    def _check_fields(
        self, _tenant: TenantName, kind: EntityKind, values: Mapping[str, object]
    ) -> Mapping[str, FieldValue]:
        return check_values(self.fields.get(kind, {}), values)

    def command(
        self,
        operation: str,
        body: Any = None,
        message_id: str = "",
        place: PacsPlace | None = None,
        **ids: str,
    ) -> Command:
        place = place or self.place
        now = self.clock.now()
        return Command(
            message_id=message_id or f"m-{next(self._numbers)}",
            operation=operation,
            tenant=place.tenant,
            pacs=place.pacs,
            ids=ids,
            body=body,
            requested_by="porter",
            requested_at=now,
            expires_at=now,
        )

    def ask(self, operation: str, body: Any = None, **ids: str) -> Outcome:
        return self.desk.execute(self.command(operation, body, **ids))

    def listing(self, operation: str, parameters: Mapping[str, str], **ids: str) -> Outcome:
        return self.desk.execute(replace(self.command(operation, **ids), parameters=parameters))

    def wait(self, span: timedelta) -> None:
        self.clock.advance(seconds=span.total_seconds())

    def wait_until(self, text: str) -> None:
        self.wait(datetime.fromisoformat(text) - self.clock.now())

    def holder(self, kind: str, holder_id: str) -> Holder | None:
        return (
            self.store.identity(self.place, holder_id)
            if kind == "identity"
            else self.store.visit(self.place, holder_id)
        )

    def lets_in(self, format_name: str, value: str, unit_id: str) -> str:
        """What a door says to a card: `open`, or why not."""
        credential: AccessCredential | None = self.store.credential_of(self.place, format_name, value)
        if credential is None:
            return "unknown-credential"
        holder = self.holder(credential.holder.kind, credential.holder.holder_id)
        assert holder is not None
        given = self.store.assignments(self.place, credential.holder)
        is_assigned = any(each.unit_id == unit_id and each.removed_at is None for each in given)
        found = barrier(holder, credential, is_assigned=is_assigned, now=self.clock.now())
        return "open" if found is None else found.value


def open_site(directory: Path, rules: DeskRules | None = None) -> Site:
    return Site(SqlAccessStore(open_database(sqlite_url(directory))), rules)
