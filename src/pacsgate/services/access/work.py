"""One command as it is carried out: where, on what, in whose name, and with which effects.

Called by the operations of the desk.

Invariants:
- whatever an operation changes of a holder is settled with the PACS in the same transaction;
- what is told once is never kept.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar, assert_never, cast

from pacsgate.model.access import (
    FieldValue,
    Holder,
    HolderKey,
    HolderKind,
    Identity,
    PacsPlace,
    Visit,
)
from pacsgate.model.errors import NotFoundError, RequestError
from pacsgate.model.pacs_operation import EntityKind
from pacsgate.model.resource import TenantName
from pacsgate.ports.access import AccessStore, Effects, Held, Order
from pacsgate.ports.pacs_adapters import Command, Json
from pacsgate.protocols.access.bodies import AccessBody, read_body
from pacsgate.services.access.rules import DeskRules

FieldCheck = Callable[[TenantName, EntityKind, Mapping[str, object]], Mapping[str, FieldValue]]
"""The values of a tenant's extension fields, if they fit; raises `RequestError`."""
MOST_ROWS = 1000
USUAL_ROWS = 100

HolderType = TypeVar("HolderType", Identity, Visit)
_Body = TypeVar("_Body", bound=AccessBody)
_PAGING = frozenset({"limit", "cursor"})


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an operation; `once` is told with the body, and never kept."""

    status: int
    body: Json = None
    once: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Work:
    """Everything that an operation works with."""

    command: Command
    store: AccessStore
    effects: Effects
    rules: DeskRules
    check_fields: FieldCheck = field(repr=False)
    now: datetime

    @property
    def place(self) -> PacsPlace:
        """Where."""
        return PacsPlace(self.command.tenant, self.command.pacs)

    @property
    def order(self) -> Order:
        """In whose name."""
        return Order(self.command.requested_by, self.now, self.command.message_id)

    def body(self, form: type[_Body]) -> _Body:
        """The body of the command.  Raises `RequestError`."""
        return read_body(form, self.command.body)

    def fields(self, kind: EntityKind, values: Mapping[str, object]) -> Mapping[str, FieldValue]:
        """Extension fields that fit.  Raises `RequestError`."""
        return self.check_fields(self.command.tenant, kind, values)

    def page_asked(self) -> tuple[str, int]:
        """Behind which row of a list, and how many rows.  Raises `RequestError`."""
        parameters = self.command.parameters
        if not parameters.keys() <= _PAGING:
            raise RequestError("a list takes the parameters `limit` and `cursor`, and no others")
        limit = parameters.get("limit", str(USUAL_ROWS))
        if not (limit.isascii() and limit.isdigit() and len(limit) < 5 and 1 <= int(limit) <= MOST_ROWS):
            raise RequestError(f"`limit` is a whole number from 1 to {MOST_ROWS}")
        cursor = parameters.get("cursor", "")
        if not cursor.isprintable():
            raise RequestError("`cursor` is what the page before said in `next`")
        return cursor, int(limit)

    def identity(self) -> Identity:
        """The identity that the command names.  Raises `NotFoundError`."""
        found = self.store.identity(self.place, self.command.ids["identity"])
        if found is None:
            raise NotFoundError("there is no such identity")
        return found

    def visit(self) -> Visit:
        """The visit that the command names.  Raises `NotFoundError`."""
        found = self.store.visit(self.place, self.command.ids["visit"])
        if found is None:
            raise NotFoundError("there is no such visit")
        return found

    def holder(self) -> Holder:
        """The identity or visit that the command names.  Raises `NotFoundError`."""
        return self.identity() if "identity" in self.command.ids else self.visit()

    def held(self, key: HolderKey) -> Held | None:
        """A holder with all that it holds; `None` if there is none."""
        holder: Holder | None
        match key.kind:
            case HolderKind.IDENTITY:
                holder = self.store.identity(self.place, key.holder_id)
            case HolderKind.VISIT:
                holder = self.store.visit(self.place, key.holder_id)
            case _:
                assert_never(key.kind)
        if holder is None:
            return None
        assigned = self.store.assignments(self.place, key)
        return Held(
            holder,
            tuple(self.store.credentials(self.place, key)),
            frozenset(each.unit_id for each in assigned if each.removed_at is None),
        )

    def settle(self, key: HolderKey, before: Held | None) -> Mapping[str, Json]:
        """Let what the holder holds now come true; returns what is to be told once."""
        after = self.held(key)
        settled = self.effects.settle(self.place, before, after, self.order)
        if after is not None:
            for credential in after.credentials:
                reference = settled.references.get(credential.credential_id, credential.reference)
                if reference != credential.reference:
                    self.store.put_credential(self.place, replace(credential, reference=reference))
            if settled.account is not None and settled.account != after.holder.account:
                self.put(replace(after.holder, account=settled.account))
        return settled.told

    def again(self, holder: HolderType) -> HolderType:
        """A holder as it is after it was settled."""
        held = self.held(holder.key)
        return holder if held is None else cast("HolderType", held.holder)

    def put(self, holder: Holder) -> None:
        """Keep a holder as it is now."""
        match holder:
            case Identity():
                self.store.put_identity(self.place, holder)
            case Visit():
                self.store.put_visit(self.place, holder)
            case _:
                assert_never(holder)


def new_id() -> str:
    """An id for whoever brought none."""
    return secrets.token_hex(8)
