"""Remote application entities: who calls by a title, and where it listens.

Called by `services`, `identity` and `gateway` through `ports.application_entities`.
"""

from typing import Any

from sqlalchemy import delete, exists, insert, select, update

from pacsgate.audit.events import AuditEvent
from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.model.resource import TenantScope
from pacsgate.stores.changes import Topic, change
from pacsgate.stores.columns import AnyRow
from pacsgate.stores.packing import pack_strings, unpack_strings
from pacsgate.stores.people.table import Family
from pacsgate.stores.people_schema import application_entity
from pacsgate.stores.storable import storable_text


class SqlApplicationEntities(Family):
    """`ports.application_entities.ApplicationEntities` on a `Database`."""

    def remote_ae(self, scope: TenantScope, ae_title: str) -> RemoteAe | None:
        """The entry of this title."""
        row = self._one(
            application_entity,
            application_entity.c.tenant == scope.tenant,
            application_entity.c.ae_title == storable_text(ae_title),
        )
        return None if row is None else _entity(row)

    def remote_aes(self, scope: TenantScope) -> tuple[RemoteAe, ...]:
        """Every entry, by title."""
        return tuple(map(_entity, self._all(application_entity, application_entity.c.tenant == scope.tenant)))

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
    )
