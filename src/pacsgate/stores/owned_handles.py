"""Whose each job and query is, and what was decided when it was started.

Called by `services` through `ports.handles.HandleStore`.
"""

from collections.abc import Collection

import msgspec
from sqlalchemy import delete, insert, select

from pacsgate.model.actions import Action
from pacsgate.model.resource import ArchiveName, ResourceKey, TenantScope
from pacsgate.ports.handles import HandleKind, OwnedHandle
from pacsgate.stores.database import Database
from pacsgate.stores.handle_schema import owned_handle
from pacsgate.stores.storable import storable_text


class _Decided(msgspec.Struct, array_like=True, frozen=True):
    """The action, and the instances as (StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID, PatientID)."""

    action: str | None
    keys: tuple[tuple[str, str | None, str | None, str | None], ...]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Decided)


class SqlHandles:
    """`ports.handles.HandleStore` on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, scope: TenantScope, owned: OwnedHandle) -> None:
        """Remember a handle, in place of one of the same name."""
        table = owned_handle.c
        with self._database.writing(scope.tenant) as connection:
            connection.execute(
                delete(owned_handle).where(
                    table.tenant == scope.tenant,
                    table.archive == owned.archive,
                    table.kind == owned.kind.value,
                    table.handle == owned.handle,
                )
            )
            connection.execute(
                insert(owned_handle).values(
                    tenant=scope.tenant,
                    archive=owned.archive,
                    kind=owned.kind.value,
                    handle=owned.handle,
                    subject=owned.subject,
                    decided=_pack(owned),
                    started_at=owned.started_at,
                )
            )

    def find(
        self, scope: TenantScope, archive: ArchiveName, kind: HandleKind, handle: str
    ) -> OwnedHandle | None:
        """Whose a handle is."""
        table = owned_handle.c
        with self._database.reading(scope.tenant) as connection:
            row = connection.execute(
                select(owned_handle).where(
                    table.tenant == scope.tenant,
                    table.archive == archive,
                    table.kind == kind.value,
                    table.handle == storable_text(handle),
                )
            ).one_or_none()
        if row is None:
            return None
        decided = _decoder.decode(row.decided)
        return OwnedHandle(
            archive=archive,
            kind=kind,
            handle=row.handle,
            subject=row.subject,
            action=None if decided.action is None else Action(decided.action),
            keys=tuple(ResourceKey(*key) for key in decided.keys),
            started_at=row.started_at,
        )

    def started(
        self, scope: TenantScope, archive: ArchiveName, kind: HandleKind, subject: str | None
    ) -> tuple[str, ...]:
        """The handles of one subject, or of everybody, oldest first."""
        table = owned_handle.c
        of_subject = [] if subject is None else [table.subject == subject]
        with self._database.reading(scope.tenant) as connection:
            return tuple(
                connection.execute(
                    select(table.handle)
                    .where(
                        table.tenant == scope.tenant,
                        table.archive == archive,
                        table.kind == kind.value,
                        *of_subject,
                    )
                    .order_by(table.started_at, table.handle)
                ).scalars()
            )

    def forget(
        self, scope: TenantScope, archive: ArchiveName, kind: HandleKind, handles: Collection[str]
    ) -> None:
        """Forget handles that the archive does not have any more."""
        table = owned_handle.c
        with self._database.writing(scope.tenant) as connection:
            for handle in handles:
                connection.execute(
                    delete(owned_handle).where(
                        table.tenant == scope.tenant,
                        table.archive == archive,
                        table.kind == kind.value,
                        table.handle == storable_text(handle),
                    )
                )


def _pack(owned: OwnedHandle) -> bytes:
    keys = tuple(
        (key.study_instance_uid, key.series_instance_uid, key.sop_instance_uid, key.patient_id)
        for key in owned.keys
    )
    return _encoder.encode(_Decided(None if owned.action is None else owned.action.value, keys))
