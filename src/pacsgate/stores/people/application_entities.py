"""Remote application entities: who calls by a title, and where it listens.

Called by `services`, `identity` and `gateway` through `ports.application_entities`.
"""

from typing import Any

from sqlalchemy import delete, exists, insert, select, update

from pacsgate.audit.events import AuditEvent
from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.model.resource import TenantScope
from pacsgate.ports.locks import LockTarget
from pacsgate.stores.changes import Topic, change
from pacsgate.stores.columns import AnyRow
from pacsgate.stores.identity_schema import account_lock
from pacsgate.stores.packing import pack_strings, unpack_strings
from pacsgate.stores.people.table import Family
from pacsgate.stores.people_schema import application_entity
from pacsgate.stores.storable import storable_text

_LOCKED = application_entity.outerjoin(
    account_lock,
    (account_lock.c.tenant == application_entity.c.tenant)
    & (account_lock.c.target == LockTarget.DEVICE)
    & (account_lock.c.name == application_entity.c.ae_title),
)


class SqlApplicationEntities(Family):
    """`ports.application_entities.ApplicationEntities` on a `Database`."""

    def remote_ae(self, scope: TenantScope, ae_title: str) -> RemoteAe | None:
        """The entry of this title."""
        found = self._entities(scope, ae_title)
        return found[0] if found else None

    def remote_aes(self, scope: TenantScope) -> tuple[RemoteAe, ...]:
        """Every entry, by title."""
        return tuple(self._entities(scope))

    def add_remote_ae(self, scope: TenantScope, entity: RemoteAe, event: AuditEvent) -> None:
        """Make an entry.  Raises `ConflictError`."""
        with change(self._database, scope.tenant, Topic.USERS, event) as connection:
            here = _is(scope, entity.ae_title)
            if connection.execute(select(exists().where(here))).scalar_one():
                raise ConflictError(f"device `{entity.ae_title}` exists already")
            connection.execute(
                insert(application_entity).values(
                    tenant=scope.tenant, ae_title=entity.ae_title, **_columns(entity)
                )
            )

    def change_remote_ae(self, scope: TenantScope, entity: RemoteAe, event: AuditEvent) -> None:
        """Replace an entry.  Raises `NotFoundError`."""
        with change(self._database, scope.tenant, Topic.USERS, event) as connection:
            changed = connection.execute(
                update(application_entity).where(_is(scope, entity.ae_title)).values(_columns(entity))
            ).rowcount
            if not changed:
                raise NotFoundError(f"there is no device `{entity.ae_title}`")

    def remove_remote_ae(self, scope: TenantScope, ae_title: str, event: AuditEvent) -> None:
        """Remove an entry.  Raises `NotFoundError`."""
        with change(self._database, scope.tenant, Topic.USERS, event) as connection:
            if not connection.execute(delete(application_entity).where(_is(scope, ae_title))).rowcount:
                raise NotFoundError(f"there is no device `{ae_title}`")

    def _entities(self, scope: TenantScope, ae_title: str | None = None) -> list[RemoteAe]:
        entries = (
            select(application_entity, account_lock.c.locked_at, account_lock.c.until.label("locked_until"))
            .select_from(_LOCKED)
            .where(application_entity.c.tenant == scope.tenant)
            .order_by(application_entity.c.ae_title)
        )
        if ae_title is not None:
            entries = entries.where(application_entity.c.ae_title == storable_text(ae_title))
        with self._database.reading(scope.tenant) as connection:
            return list(map(_entity, connection.execute(entries)))


def _is(scope: TenantScope, ae_title: str) -> Any:
    return (application_entity.c.tenant == scope.tenant) & (application_entity.c.ae_title == ae_title)


def _columns(entity: RemoteAe) -> dict[str, object]:
    return {
        "account": entity.account,
        "networks": " ".join(entity.networks),
        "certificate_sha256": entity.certificate_sha256,
        "title_is_enough": entity.title_is_enough,
        "vouches_for": pack_strings(entity.vouches_for),
        "host": entity.host,
        "port": entity.port,
        "tls": entity.tls,
        "owner": entity.owner,
        "description": entity.description,
        "valid_until": entity.valid_until,
        "disabled": entity.disabled,
    }


def _entity(row: AnyRow) -> RemoteAe:
    return RemoteAe(
        ae_title=row.ae_title,
        account=row.account,
        networks=tuple(row.networks.split()),
        certificate_sha256=row.certificate_sha256,
        title_is_enough=row.title_is_enough,
        vouches_for=unpack_strings(row.vouches_for),
        host=row.host,
        port=row.port,
        tls=row.tls,
        owner=row.owner,
        description=row.description,
        valid_until=row.valid_until,
        disabled=row.disabled,
        is_locked=row.locked_at is not None,
        locked_until=row.locked_until,
    )
