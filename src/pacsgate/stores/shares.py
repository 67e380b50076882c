"""Links to single objects: their public id, the SHA-256 of their secret, and what they name.

Called by `services` and `identity` through `ports.shares.ShareStore`.
"""

from datetime import datetime

import msgspec
from sqlalchemy import delete, exists, insert, select, update

from pacsgate.audit.events import AuditEvent
from pacsgate.model.errors import NotFoundError
from pacsgate.model.resource import ArchiveName, Level, TenantName, TenantScope
from pacsgate.model.share import SharedObject
from pacsgate.ports.shares import ShareRecord
from pacsgate.stores.changes import post
from pacsgate.stores.columns import AnyRow
from pacsgate.stores.database import Database
from pacsgate.stores.share_schema import share
from pacsgate.stores.storable import storable_text
from pacsgate.stores.tenant_wall import ANY_TENANT

_Packed = tuple[tuple[Level, str, str], ...]

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Packed)


class SqlShares:
    """`ports.shares.ShareStore` on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def share(self, share_id: str) -> tuple[TenantName, ShareRecord] | None:
        """A link by the id it presents, which also says whose tenant it is of."""
        with self._database.reading(ANY_TENANT) as connection:
            row = connection.execute(
                select(share).where(share.c.share_id == storable_text(share_id))
            ).one_or_none()
        return None if row is None else (TenantName(row.tenant), _record(row))

    def shares(self, scope: TenantScope) -> tuple[ShareRecord, ...]:
        """Every link, oldest first."""
        with self._database.reading(scope.tenant) as connection:
            rows = connection.execute(
                select(share)
                .where(share.c.tenant == scope.tenant)
                .order_by(share.c.created_at, share.c.share_id)
            )
            return tuple(map(_record, rows))

    def add_share(self, scope: TenantScope, new: ShareRecord, event: AuditEvent) -> None:
        """Keep a new link."""
        with self._database.writing(scope.tenant) as connection:
            connection.execute(
                insert(share).values(
                    tenant=scope.tenant,
                    share_id=new.share_id,
                    secret_sha256=new.secret_sha256,
                    archive=new.archive,
                    account=new.account,
                    purpose=new.purpose,
                    label=new.label,
                    objects=_encoder.encode([(one.level, one.orthanc_id, one.uid) for one in new.objects]),
                    created_at=new.created_at,
                    expires_at=new.expires_at,
                    revoked_at=new.revoked_at,
                )
            )
            post(connection, scope.tenant, event)

    def revoke_share(self, scope: TenantScope, share_id: str, at: datetime, event: AuditEvent) -> None:
        """Let a link end."""
        here = (share.c.tenant == scope.tenant) & (share.c.share_id == storable_text(share_id))
        with self._database.writing(scope.tenant) as connection:
            if not connection.execute(select(exists().where(here))).scalar_one():
                raise NotFoundError(f"there is no link `{share_id}`")
            connection.execute(update(share).where(here, share.c.revoked_at.is_(None)).values(revoked_at=at))
            post(connection, scope.tenant, event)

    def forget_shares(self, scope: TenantScope, ended_before: datetime) -> int:
        """Forget links that ended before then."""
        with self._database.writing(scope.tenant) as connection:
            return connection.execute(
                delete(share).where(share.c.tenant == scope.tenant, share.c.expires_at < ended_before)
            ).rowcount


def _record(row: AnyRow) -> ShareRecord:
    return ShareRecord(
        share_id=row.share_id,
        secret_sha256=row.secret_sha256,
        archive=ArchiveName(row.archive),
        account=row.account,
        purpose=row.purpose,
        label=row.label,
        objects=tuple(SharedObject(*packed) for packed in _decoder.decode(row.objects)),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
