"""`ports.access.AccessStore` on a `Database`: that of a gate, or one that an agent keeps on site.

Called by `services.access` through the port.

Invariants:
- `tenant` and `pacs` are in every condition;
- what reads within `together` sees what was written there.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from sqlalchemy import ColumnElement, Select, Table, and_, delete, insert, select, update

from pacsgate.model.access import (
    AccessCredential,
    AccessUnit,
    Holder,
    HolderKey,
    HolderKind,
    Identity,
    PacsPlace,
    UnitAssignment,
    Visit,
    VisitState,
)
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.ports.pacs_adapters import Outcome
from pacsgate.stores.access import rows
from pacsgate.stores.access_schema import (
    access_unit,
    executed_command,
    pacs_credential,
    pacs_identity,
    pacs_visit,
    unit_assignment,
)
from pacsgate.stores.columns import AnyRow
from pacsgate.stores.database import Database


class SqlAccessStore:
    """The tables of `access_schema`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def together(self) -> AbstractContextManager[None]:
        """One transaction, which every store on this database joins."""
        return self._database.together()

    def executed(self, place: PacsPlace, message_id: str) -> Outcome | None:
        """What a command came to."""
        row = self._one(place, executed_command, _is(executed_command, place, message_id=message_id))
        return None if row is None else Outcome(row.status, rows.unpack_json(row.body))

    def note_executed(self, place: PacsPlace, message_id: str, outcome: Outcome, at: datetime) -> None:
        """Remember it."""
        values = {"status": outcome.status, "body": rows.pack_json(outcome.body), "executed_at": at}
        self._put(executed_command, place, {"message_id": message_id}, values)

    def forget_executed(self, place: PacsPlace, before: datetime) -> int:
        """Forget what was carried out before then."""
        return self._delete(
            place, executed_command, _is(executed_command, place), executed_command.c.executed_at < before
        )

    def identity(self, place: PacsPlace, identity_id: str) -> Identity | None:
        """One identity."""
        row = self._one(place, pacs_identity, _is(pacs_identity, place, identity_id=identity_id))
        return None if row is None else rows.identity_of(row)

    def identities(self, place: PacsPlace, after: str, limit: int) -> Sequence[Identity]:
        """In the order of their ids."""
        behind = pacs_identity.c.identity_id > after
        return [
            rows.identity_of(row)
            for row in self._all(place, pacs_identity, _is(pacs_identity, place), behind, limit=limit)
        ]

    def put_identity(self, place: PacsPlace, identity: Identity) -> None:
        """Keep an identity."""
        key = {"identity_id": identity.identity_id}
        self._put(pacs_identity, place, key, rows.identity_values(identity))

    def remove_identity(self, place: PacsPlace, identity_id: str) -> None:
        """Forget an identity with all that hangs on it."""
        holder = rows.holder_values(HolderKey(HolderKind.IDENTITY, identity_id))
        for table in (pacs_credential, unit_assignment):
            self._delete(place, table, _is(table, place, **holder))
        self._delete(place, pacs_identity, _is(pacs_identity, place, identity_id=identity_id))

    def visit(self, place: PacsPlace, visit_id: str) -> Visit | None:
        """One visit."""
        row = self._one(place, pacs_visit, _is(pacs_visit, place, visit_id=visit_id))
        return None if row is None else rows.visit_of(row)

    def visits(self, place: PacsPlace, after: str, limit: int) -> Sequence[Visit]:
        """In the order of their ids."""
        behind = pacs_visit.c.visit_id > after
        return [
            rows.visit_of(row)
            for row in self._all(place, pacs_visit, _is(pacs_visit, place), behind, limit=limit)
        ]

    def checked_in(self, place: PacsPlace, visitor: str) -> Sequence[Visit]:
        """Those of somebody that are going on."""
        here = _is(pacs_visit, place, visitor=visitor, state=VisitState.CHECKED_IN)
        return [rows.visit_of(row) for row in self._all(place, pacs_visit, here)]

    def overdue(self, place: PacsPlace, now: datetime) -> Sequence[Visit]:
        """Those that ought to be over."""
        query = (
            select(pacs_visit).where(_is(pacs_visit, place), _is_overdue(now)).order_by(pacs_visit.c.valid_to)
        )
        return [rows.visit_of(row) for row in self._rows(place, query)]

    def overdue_at(self, scope: TenantScope, now: datetime) -> frozenset[ArchiveName]:
        """The PACSes that have such visits."""
        query = (
            select(pacs_visit.c.pacs).where(pacs_visit.c.tenant == scope.tenant, _is_overdue(now)).distinct()
        )
        with self._database.reading(scope.tenant) as connection:
            return frozenset(map(ArchiveName, connection.scalars(query)))

    def put_visit(self, place: PacsPlace, visit: Visit) -> None:
        """Keep a visit."""
        self._put(pacs_visit, place, {"visit_id": visit.visit_id}, rows.visit_values(visit))

    def holders_by_account(self, place: PacsPlace, account: str) -> Sequence[Holder]:
        """Those that come in by an account."""
        identities = self._all(place, pacs_identity, _is(pacs_identity, place, account=account))
        visits = self._all(place, pacs_visit, _is(pacs_visit, place, account=account))
        return [*map(rows.identity_of, identities), *map(rows.visit_of, visits)]

    def credentials(self, place: PacsPlace, holder: HolderKey) -> Sequence[AccessCredential]:
        """Those of a holder."""
        here = _is(pacs_credential, place, **rows.holder_values(holder))
        return [rows.credential_of(row) for row in self._all(place, pacs_credential, here)]

    def credential_of(self, place: PacsPlace, format_name: str, value: str) -> AccessCredential | None:
        """The one with a value."""
        row = self._one(place, pacs_credential, _is(pacs_credential, place, format=format_name, value=value))
        return None if row is None else rows.credential_of(row)

    def put_credential(self, place: PacsPlace, credential: AccessCredential) -> None:
        """Keep a credential."""
        key = {**rows.holder_values(credential.holder), "credential_id": credential.credential_id}
        self._put(pacs_credential, place, key, rows.credential_values(credential))

    def remove_credential(self, place: PacsPlace, holder: HolderKey, credential_id: str) -> None:
        """Forget a credential."""
        key = {**rows.holder_values(holder), "credential_id": credential_id}
        self._delete(place, pacs_credential, _is(pacs_credential, place, **key))

    def assignments(self, place: PacsPlace, holder: HolderKey) -> Sequence[UnitAssignment]:
        """Those of a holder, ended ones included."""
        here = _is(unit_assignment, place, **rows.holder_values(holder))
        return [rows.assignment_of(row) for row in self._all(place, unit_assignment, here)]

    def put_assignment(self, place: PacsPlace, assignment: UnitAssignment) -> None:
        """Keep an assignment."""
        key = {**rows.holder_values(assignment.holder), "unit_id": assignment.unit_id}
        values = {"assigned_at": assignment.assigned_at, "removed_at": assignment.removed_at}
        self._put(unit_assignment, place, key, values)

    def holders_of(
        self, place: PacsPlace, unit_id: str, kind: HolderKind, after: str, limit: int
    ) -> Sequence[str]:
        """The ids of those to whom a unit is open."""
        query = (
            select(unit_assignment.c.holder_id)
            .where(
                _is(unit_assignment, place, unit_id=unit_id, holder_kind=kind),
                unit_assignment.c.removed_at.is_(None),
                unit_assignment.c.holder_id > after,
            )
            .order_by(unit_assignment.c.holder_id)
            .limit(limit)
        )
        return [row.holder_id for row in self._rows(place, query)]

    def units(self, place: PacsPlace) -> Sequence[AccessUnit]:
        """The catalogue."""
        return [rows.unit_of(row) for row in self._all(place, access_unit, _is(access_unit, place))]

    def put_unit(self, place: PacsPlace, unit: AccessUnit) -> None:
        """Keep a unit of the catalogue."""
        self._put(access_unit, place, {"unit_id": unit.unit_id}, rows.unit_values(unit))

    def _one(self, place: PacsPlace, table: Table, *conditions: ColumnElement[bool]) -> AnyRow | None:
        with self._database.reading(place.tenant) as connection:
            return connection.execute(select(table).where(*conditions)).one_or_none()

    def _all(
        self, place: PacsPlace, table: Table, *conditions: ColumnElement[bool], limit: int | None = None
    ) -> list[AnyRow]:
        """In the order of the primary key."""
        query = select(table).where(*conditions).order_by(*table.primary_key.columns).limit(limit)
        return self._rows(place, query)

    def _rows(self, place: PacsPlace, query: Select[*tuple[object, ...]]) -> list[AnyRow]:
        with self._database.reading(place.tenant) as connection:
            return list(connection.execute(query))

    def _put(
        self, table: Table, place: PacsPlace, key: Mapping[str, object], values: Mapping[str, object]
    ) -> None:
        with self._database.writing(place.tenant) as connection:
            changed = connection.execute(update(table).where(_is(table, place, **key)).values(values))
            if not changed.rowcount:
                connection.execute(insert(table).values({**rows.place_values(place), **key, **values}))

    def _delete(self, place: PacsPlace, table: Table, *conditions: ColumnElement[bool]) -> int:
        with self._database.writing(place.tenant) as connection:
            return connection.execute(delete(table).where(*conditions)).rowcount


def _is_overdue(now: datetime) -> ColumnElement[bool]:
    goes_on = pacs_visit.c.state.in_((VisitState.PLANNED, VisitState.CHECKED_IN))
    return and_(goes_on, pacs_visit.c.valid_to <= now)


def _is(table: Table, place: PacsPlace, **values: object) -> ColumnElement[bool]:
    """The rows of a place in which these columns have these values."""
    named = {**rows.place_values(place), **values}
    return and_(*(table.c[name] == value for name, value in named.items()))
