"""Tenants, the PACSes behind agents, and counts of calls.

Called by `services` through `ports.tenants.TenantStore`.

Invariants:
- a change and its event are committed together.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, exists, insert, select, update
from sqlalchemy.sql.elements import ColumnElement

from pacsgate.audit.events import AuditEvent
from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.model.extension_fields import ExtensionField, ExtensionFields
from pacsgate.model.pacs_operation import PacsKind
from pacsgate.model.resource import ArchiveName, TenantName, TenantScope
from pacsgate.ports.pacs_adapters import PacsFeatures
from pacsgate.ports.tenants import CallCounts, PacsRecord, TenantRecord
from pacsgate.stores.agents.whereabouts import forget_pacs
from pacsgate.stores.changes import post
from pacsgate.stores.columns import AnyRow
from pacsgate.stores.database import Database
from pacsgate.stores.fixed import Fixed
from pacsgate.stores.storable import storable_text
from pacsgate.stores.tenancy_schema import pacs, tenant, tenant_call
from pacsgate.stores.tenant_wall import ANY_TENANT

_encoder = msgspec.msgpack.Encoder()
_fields = msgspec.msgpack.Decoder(dict[str, ExtensionField])
_features = msgspec.msgpack.Decoder(PacsFeatures)
_configuration = msgspec.msgpack.Decoder(dict[str, Any])
_TENANT = Fixed(select(tenant).where(tenant.c.tenant == bindparam("of_tenant")))
_PACS = Fixed(
    select(pacs).where(pacs.c.tenant == bindparam("of_tenant"), pacs.c.pacs == bindparam("of_pacs"))
)


class SqlTenants:
    """`ports.tenants.TenantStore` on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def together(self) -> AbstractContextManager[None]:
        """One transaction for all stores."""
        return self._database.together()

    def tenants(self) -> tuple[TenantName, ...]:
        """Every tenant, by name."""
        with self._database.reading(ANY_TENANT) as connection:
            names = connection.execute(select(tenant.c.tenant).order_by(tenant.c.tenant)).scalars()
            return tuple(map(TenantName, names))

    def tenant(self, scope: TenantScope) -> TenantRecord | None:
        """One tenant, or `None`."""
        with self._database.reading(scope.tenant) as connection:
            row = _TENANT.first(connection, {"of_tenant": storable_text(scope.tenant)})
        return None if row is None else _tenant(row)

    def add_tenant(self, new: TenantRecord, event: AuditEvent) -> None:
        """Keep a tenant.  Raises `ConflictError`."""
        with self._database.writing(new.tenant) as connection:
            if connection.execute(select(exists().where(tenant.c.tenant == new.tenant))).scalar_one():
                raise ConflictError(f"tenant `{new.tenant}` is registered already")
            connection.execute(
                insert(tenant).values(
                    tenant=new.tenant,
                    registered_at=new.registered_at,
                    registered_by=new.registered_by,
                    counted_since=new.registered_at,
                    **_tenant_columns(new),
                )
            )
            post(connection, new.tenant, event)

    def change_tenant(self, changed: TenantRecord, event: AuditEvent) -> None:
        """Replace name and extension fields.  Raises `NotFoundError`."""
        here = tenant.c.tenant == changed.tenant
        with self._database.writing(changed.tenant) as connection:
            values = _tenant_columns(changed)
            if not connection.execute(update(tenant).where(here).values(**values)).rowcount:
                raise NotFoundError(f"there is no tenant `{changed.tenant}`")
            post(connection, changed.tenant, event)

    def pacs(self, scope: TenantScope, name: ArchiveName) -> PacsRecord | None:
        """One PACS, or `None`."""
        with self._database.reading(scope.tenant) as connection:
            here = {"of_tenant": scope.tenant, "of_pacs": storable_text(name)}
            row = _PACS.first(connection, here)
        return None if row is None else _pacs(row)

    def pacses(self, scope: TenantScope) -> tuple[PacsRecord, ...]:
        """Every PACS, by name."""
        with self._database.reading(scope.tenant) as connection:
            rows = connection.execute(select(pacs).where(pacs.c.tenant == scope.tenant).order_by(pacs.c.pacs))
            return tuple(map(_pacs, rows))

    def add_pacs(self, scope: TenantScope, new: PacsRecord, event: AuditEvent) -> None:
        """Keep a PACS.  Raises `ConflictError`."""
        with self._database.writing(scope.tenant) as connection:
            if connection.execute(select(exists().where(*_here(scope, new.pacs)))).scalar_one():
                raise ConflictError(f"PACS `{new.pacs}` is registered already")
            connection.execute(
                insert(pacs).values(
                    tenant=scope.tenant,
                    pacs=new.pacs,
                    kind=new.kind.value,
                    features=None if new.features is None else _encoder.encode(new.features),
                    registered_at=new.registered_at,
                    registered_by=new.registered_by,
                    **_pacs_columns(new),
                )
            )
            post(connection, scope.tenant, event)

    def change_pacs(self, scope: TenantScope, changed: PacsRecord, event: AuditEvent) -> None:
        """Replace name, agent and configuration.  Raises `NotFoundError`."""
        with self._database.writing(scope.tenant) as connection:
            written = update(pacs).where(*_here(scope, changed.pacs)).values(**_pacs_columns(changed))
            if not connection.execute(written).rowcount:
                raise NotFoundError(f"there is no PACS `{changed.pacs}`")
            post(connection, scope.tenant, event)

    def remove_pacs(self, scope: TenantScope, name: ArchiveName, event: AuditEvent) -> None:
        """Forget a PACS.  Raises `NotFoundError`."""
        with self._database.writing(scope.tenant) as connection:
            if not connection.execute(delete(pacs).where(*_here(scope, name))).rowcount:
                raise NotFoundError(f"there is no PACS `{name}`")
            forget_pacs(connection, scope, name)
            post(connection, scope.tenant, event)

    def report_features(self, scope: TenantScope, name: ArchiveName, features: PacsFeatures) -> None:
        """Keep what a PACS can do.  Raises `NotFoundError`."""
        packed = _encoder.encode(features)
        with self._database.writing(scope.tenant) as connection:
            written = update(pacs).where(*_here(scope, name)).values(features=packed)
            if not connection.execute(written).rowcount:
                raise NotFoundError(f"there is no PACS `{name}`")

    def add_calls(self, counted: Mapping[tuple[TenantName, str], int], at: datetime) -> None:
        """Add to the counts; `at` is since when they are counted where nothing was."""
        with self._database.writing(ANY_TENANT) as connection:
            for (name, operation), calls in sorted(counted.items()):
                here = (tenant_call.c.tenant == name) & (tenant_call.c.operation == operation)
                more = update(tenant_call).where(here).values(calls=tenant_call.c.calls + calls)
                if not connection.execute(more).rowcount:
                    connection.execute(
                        insert(tenant_call).values(tenant=name, operation=operation, calls=calls)
                    )
            for name in sorted({name for name, _ in counted}):
                connection.execute(
                    update(tenant)
                    .where(tenant.c.tenant == name, tenant.c.counted_since.is_(None))
                    .values(counted_since=at)
                )

    def calls(self, scope: TenantScope) -> CallCounts:
        """The counts of a tenant."""
        with self._database.reading(scope.tenant) as connection:
            since = connection.execute(
                select(tenant.c.counted_since).where(tenant.c.tenant == scope.tenant)
            ).scalar_one_or_none()
            rows = connection.execute(
                select(tenant_call.c.operation, tenant_call.c.calls).where(
                    tenant_call.c.tenant == scope.tenant
                )
            )
            return CallCounts(since, {row.operation: row.calls for row in rows})

    def reset_calls(self, scope: TenantScope, at: datetime, event: AuditEvent) -> None:
        """Begin to count anew.  Raises `NotFoundError`."""
        with self._database.writing(scope.tenant) as connection:
            here = tenant.c.tenant == scope.tenant
            if not connection.execute(update(tenant).where(here).values(counted_since=at)).rowcount:
                raise NotFoundError(f"there is no tenant `{scope.tenant}`")
            connection.execute(delete(tenant_call).where(tenant_call.c.tenant == scope.tenant))
            post(connection, scope.tenant, event)


def _here(scope: TenantScope, name: ArchiveName) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return pacs.c.tenant == scope.tenant, pacs.c.pacs == storable_text(name)


def _tenant_columns(of: TenantRecord) -> dict[str, object]:
    return {
        "name": of.name,
        "identity_fields": _encoder.encode(of.identity_fields),
        "visit_fields": _encoder.encode(of.visit_fields),
    }


def _tenant(row: AnyRow) -> TenantRecord:
    return TenantRecord(
        tenant=TenantName(row.tenant),
        name=row.name,
        identity_fields=_read_fields(row.identity_fields),
        visit_fields=_read_fields(row.visit_fields),
        registered_at=row.registered_at,
        registered_by=row.registered_by,
    )


def _read_fields(packed: bytes) -> ExtensionFields:
    return _fields.decode(packed)


def _pacs_columns(of: PacsRecord) -> dict[str, object]:
    return {
        "name": of.name,
        "agent": of.agent,
        "configuration": _encoder.encode(of.configuration),
    }


def _pacs(row: AnyRow) -> PacsRecord:
    return PacsRecord(
        pacs=ArchiveName(row.pacs),
        name=row.name,
        kind=PacsKind(row.kind),
        agent=row.agent,
        features=None if row.features is None else _features.decode(row.features),
        configuration=_configuration.decode(row.configuration),
        registered_at=row.registered_at,
        registered_by=row.registered_by,
    )
