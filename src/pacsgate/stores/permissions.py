"""Study permissions on SQL: `ports.study_permissions.StudyPermissions`, each change one transaction.

A permission is written by the study's UID, and becomes a fact of every row that the index
has under this UID, in whichever archive and of whichever patient, in the same transaction
(`permitted`).  For a study that is still to come its row is written when it comes.

Called by `services` through the port.

Invariants:
- the facts of a row hold exactly the permissions of its study, in every committed state;
- the epoch of grants moves exactly when a holding appears or disappears.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, tuple_, update

from pacsgate.model.actions import Action
from pacsgate.model.grant import GranteeKind, GrantTarget
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.model.study_permission import Holding, StudyPermission
from pacsgate.ports.study_permissions import Named, Tell
from pacsgate.stores.changes import Topic, move_epoch, post
from pacsgate.stores.database import Database
from pacsgate.stores.kinds import forget_old_changes
from pacsgate.stores.permission_schema import permission_holding, study_permission
from pacsgate.stores.permitted import settle_permissions
from pacsgate.stores.place import Place
from pacsgate.stores.schema import AnyRow, study
from pacsgate.stores.storable import storable_text
from pacsgate.stores.studies_named import archives_held, studies_named

_BATCH = 1000

_ROW = study_permission.c
_OF_STUDIES = select(study_permission).where(
    _ROW.tenant == bindparam("of_tenant"),
    _ROW.study_instance_uid.in_(bindparam("studies", expanding=True)),
)
_DELETED = delete(study_permission).where(
    _ROW.tenant == bindparam("of_tenant"),
    _ROW.study_instance_uid == bindparam("of_study"),
    _ROW.grantee_kind == bindparam("of_kind"),
    _ROW.grantee == bindparam("of_grantee"),
    _ROW.action == bindparam("of_action"),
)
_HELD = permission_holding.c
_OF_HOLDING = (
    _HELD.tenant == bindparam("of_tenant"),
    _HELD.grantee_kind == bindparam("of_kind"),
    _HELD.grantee == bindparam("of_grantee"),
    _HELD.action == bindparam("of_action"),
)
_COUNTED = (
    update(permission_holding)
    .where(*_OF_HOLDING)
    .values(studies=_HELD.studies + bindparam("more"))
    .returning(_HELD.studies)
)
_FORGOTTEN = delete(permission_holding).where(*_OF_HOLDING)
_KNOWN = (
    select(study.c.study_instance_uid)
    .distinct()
    .where(
        study.c.tenant == bindparam("of_tenant"),
        study.c.archive == bindparam("of_archive"),
        study.c.study_instance_uid.in_(bindparam("studies", expanding=True)),
    )
)


class SqlStudyPermissions:
    """`ports.study_permissions.StudyPermissions` on a `Database`."""

    def __init__(self, database: Database, orthanc_archives: Collection[ArchiveName] = frozenset()) -> None:
        self._database = database
        self._orthanc_archives = frozenset(orthanc_archives)

    def add(
        self, scope: TenantScope, permissions: Sequence[StudyPermission], tell: Tell
    ) -> tuple[StudyPermission, ...]:
        """Add those that are not there yet; returns these."""
        asked = {_named(each): each for each in map(_storable, permissions)}
        with self._database.writing(scope.tenant) as connection:
            there = set(_held(connection, scope, {uid for uid, _ in asked}))
            fresh = [each for named, each in asked.items() if named not in there]
            if fresh:
                connection.execute(insert(study_permission), [_row(scope, each) for each in fresh])
                self._changed(connection, scope, fresh, 1, tell)
        return tuple(fresh)

    def remove(
        self, scope: TenantScope, permissions: Sequence[Named], tell: Tell
    ) -> tuple[StudyPermission, ...]:
        """Take away those that are there; returns these."""
        asked = set(permissions)
        with self._database.writing(scope.tenant) as connection:
            there = _held(connection, scope, {uid for uid, _ in asked})
            gone = [each for named, each in there.items() if named in asked]
            if gone:
                connection.execute(
                    _DELETED,
                    [_of(scope, each.holding) | {"of_study": each.study_instance_uid} for each in gone],
                )
                self._changed(connection, scope, gone, -1, tell)
        return tuple(gone)

    def of_study(self, scope: TenantScope, study_instance_uid: str) -> tuple[StudyPermission, ...]:
        """All of one study, in the order of their holdings."""
        with self._database.reading(scope.tenant) as connection:
            found = _held(connection, scope, {study_instance_uid})
        return tuple(sorted(found.values(), key=lambda each: each.holding))

    def every(
        self,
        scope: TenantScope,
        *,
        grantee: tuple[GranteeKind, str] | None = None,
        orphans: bool = False,
    ) -> Iterator[StudyPermission]:
        """All, or one grantee's, in the order of their studies, in bounded batches."""
        key = (_ROW.study_instance_uid, _ROW.grantee_kind, _ROW.grantee, _ROW.action)
        wanted = [_ROW.tenant == scope.tenant]
        if grantee is not None:
            wanted += [_ROW.grantee_kind == grantee[0], _ROW.grantee == grantee[1]]
        after = ("", "", "", "")
        while True:
            with self._database.reading(scope.tenant) as connection:
                rows = connection.execute(
                    select(study_permission).where(*wanted, tuple_(*key) > after).order_by(*key).limit(_BATCH)
                ).all()
                known = _known(connection, scope, {row.study_instance_uid for row in rows}) if orphans else {}
            if not rows:
                return
            present = set().union(*known.values())
            yield from (_permission(row) for row in rows if row.study_instance_uid not in present)
            last = rows[-1]
            after = (last.study_instance_uid, last.grantee_kind, last.grantee, last.action)

    def holdings(self, scope: TenantScope) -> tuple[Holding, ...]:
        """Each holding of which there is a permission."""
        with self._database.reading(scope.tenant) as connection:
            return holdings_of(connection, scope.tenant)

    def studies_of(self, scope: TenantScope, target: GrantTarget, target_id: str) -> tuple[str, ...]:
        """The UIDs of the studies that a patient or a collection has now; a study is itself."""
        with self._database.reading(scope.tenant) as connection:
            return studies_named(connection, scope.tenant, target, target_id)

    def _changed(
        self,
        connection: Connection,
        scope: TenantScope,
        changed: Sequence[StudyPermission],
        sign: int,
        tell: Tell,
    ) -> None:
        """Bring everything up to date that rests on these permissions, which have come or gone."""
        if _count_holdings(connection, scope, changed, sign):
            move_epoch(connection, scope.tenant, Topic.GRANTS)
        known = _known(connection, scope, {each.study_instance_uid for each in changed})
        if known:
            version = move_epoch(connection, scope.tenant, Topic.INDEX)
            for archive, uids in known.items():
                orthanc = archive in self._orthanc_archives
                place = Place(connection, scope.tenant, archive, version, orthanc)
                forget_old_changes(place)
                settle_permissions(place, uids)
        for event in tell(changed):
            post(connection, scope.tenant, event)


def holdings_of(connection: Connection, tenant: str) -> tuple[Holding, ...]:
    """Each holding of which there is a permission, within a transaction."""
    rows = connection.execute(
        select(_HELD.action, _HELD.grantee_kind, _HELD.grantee).where(_HELD.tenant == tenant)
    )
    return tuple(sorted(Holding(Action(action), GranteeKind(kind), name) for action, kind, name in rows))


def _count_holdings(
    connection: Connection, scope: TenantScope, changed: Iterable[StudyPermission], sign: int
) -> bool:
    """Count more or fewer permissions of each holding; whether one appeared or disappeared."""
    moved = False
    for holding, number in Counter(each.holding for each in changed).items():
        here = _of(scope, holding)
        left = connection.execute(_COUNTED, here | {"more": sign * number}).scalar_one_or_none()
        if left is None:
            connection.execute(
                insert(permission_holding),
                {"tenant": scope.tenant, **_columns(holding), "studies": number},
            )
        elif left == 0:
            connection.execute(_FORGOTTEN, here)
        moved |= not left
    return moved


def _held(
    connection: Connection, scope: TenantScope, studies: Collection[str]
) -> dict[Named, StudyPermission]:
    rows = connection.execute(_OF_STUDIES, {"of_tenant": scope.tenant, "studies": sorted(studies)})
    return {_named(each): each for each in map(_permission, rows)}


def _known(connection: Connection, scope: TenantScope, studies: Collection[str]) -> dict[str, frozenset[str]]:
    """By archive, those of these studies that its index holds."""
    found = {
        archive: frozenset(
            connection.scalars(
                _KNOWN, {"of_tenant": scope.tenant, "of_archive": archive, "studies": sorted(studies)}
            )
        )
        for archive in archives_held(connection, scope.tenant)
    }
    return {archive: uids for archive, uids in found.items() if uids}


def _storable(permission: StudyPermission) -> StudyPermission:
    return StudyPermission(
        permission.study_instance_uid,
        permission.action,
        permission.grantee_kind,
        storable_text(permission.grantee),
        storable_text(permission.origin),
        storable_text(permission.granted_by),
        permission.granted_at,
    )


def _named(permission: StudyPermission) -> Named:
    return permission.study_instance_uid, permission.holding


def _columns(holding: Holding) -> dict[str, str]:
    return {
        "grantee_kind": holding.grantee_kind,
        "grantee": holding.grantee,
        "action": holding.action,
    }


def _of(scope: TenantScope, holding: Holding) -> dict[str, Any]:
    return {
        "of_tenant": scope.tenant,
        "of_kind": holding.grantee_kind,
        "of_grantee": holding.grantee,
        "of_action": holding.action,
    }


def _row(scope: TenantScope, permission: StudyPermission) -> Mapping[str, object]:
    return {
        "tenant": scope.tenant,
        "study_instance_uid": permission.study_instance_uid,
        **_columns(permission.holding),
        "origin": permission.origin,
        "granted_by": permission.granted_by,
        "granted_at": permission.granted_at,
    }


def _permission(row: AnyRow) -> StudyPermission:
    return StudyPermission(
        study_instance_uid=row.study_instance_uid,
        action=Action(row.action),
        grantee_kind=GranteeKind(row.grantee_kind),
        grantee=row.grantee,
        origin=row.origin,
        granted_by=row.granted_by,
        granted_at=row.granted_at,
    )
