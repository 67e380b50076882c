"""Local accounts with their assignments.

Called by `directory`.

Invariants:
- a user name is one account of its tenant, and nobody of another;
- with an account go its assignments, tokens, sessions, lockouts and the grants
  made to it, and no remote AE acts as it any more: whoever gets the name later
  gets none of them.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, exists, insert, select, update

from pacsgate.audit.events import AuditEvent
from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.model.grant import GranteeKind
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName, TenantScope
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.model.tenant_names import read_sign_in_name
from pacsgate.ports import UserRecord
from pacsgate.ports.factors import FactorKind
from pacsgate.ports.locks import LockTarget
from pacsgate.stores.agent_schema import presence
from pacsgate.stores.agents.whereabouts import zones_of
from pacsgate.stores.changes import Topic, change, move_epoch, post
from pacsgate.stores.columns import AnyRow
from pacsgate.stores.fixed import Fixed
from pacsgate.stores.identity_schema import account_lock, factor, identity_link, sighting
from pacsgate.stores.notice_schema import notice_seen
from pacsgate.stores.packing import pack_facts, pack_strings, unpack_facts, unpack_strings
from pacsgate.stores.people.table import Family
from pacsgate.stores.people_schema import (
    access_grant,
    account,
    api_token,
    application_entity,
    assignment,
    role_giving,
    sign_in_failure,
    web_session,
)
from pacsgate.stores.queue_schema import pacs_message
from pacsgate.stores.storable import storable_text
from pacsgate.stores.tenancy_schema import tenant as registered

_LOCKED = account.outerjoin(
    account_lock,
    (account_lock.c.tenant == account.c.tenant)
    & (account_lock.c.target == LockTarget.USER)
    & (account_lock.c.name == account.c.name),
)
_HAS_FACTOR = (
    select(factor.c.factor_id)
    .where(
        factor.c.tenant == account.c.tenant,
        factor.c.account == account.c.name,
        factor.c.kind != FactorKind.RECOVERY_CODE,
    )
    .exists()
)
_ACCOUNTS = (
    select(
        account,
        account_lock.c.locked_at,
        account_lock.c.until.label("locked_until"),
        _HAS_FACTOR.label("has_second_factor"),
    )
    .select_from(_LOCKED)
    .where(account.c.tenant == bindparam("of_tenant"))
    .order_by(account.c.name)
)
_GIVEN = (
    select(assignment)
    .where(assignment.c.tenant == bindparam("of_tenant"))
    .order_by(assignment.c.account, assignment.c.position)
)
_ALL, _ALL_GIVEN = Fixed(_ACCOUNTS), Fixed(_GIVEN)
_ONE = Fixed(_ACCOUNTS.where(account.c.name == bindparam("of_account")))
_ONE_GIVEN = Fixed(_GIVEN.where(assignment.c.account == bindparam("of_account")))


class Users(Family):
    """The users of `ports.Directory`."""

    def user(self, scope: TenantScope, name: str) -> UserRecord | None:
        """One account, or `None`."""
        found = self._users(scope, name)
        return found[0] if found else None

    def users(self, scope: TenantScope) -> tuple[UserRecord, ...]:
        """All accounts, by name."""
        return tuple(self._users(scope))

    def stated(self, name: str) -> tuple[TenantScope, str]:
        """Where a stated name is looked up, and as what."""
        tenant, account_name = read_sign_in_name(name)
        with self._database.reading(tenant) as connection:
            known = connection.execute(
                select(exists().where(registered.c.tenant == storable_text(tenant)))
            ).scalar_one()
        return (TenantScope(tenant), account_name) if known else (TenantScope(DEFAULT_TENANT), name)

    def holders(self, scope: TenantScope, role: str) -> tuple[UserRecord, ...]:
        """The accounts to which a role is assigned, by name."""
        here = (assignment.c.tenant == scope.tenant) & (assignment.c.role == role)
        with self._database.reading(scope.tenant) as connection:
            named = select(assignment.c.account).where(here).distinct().order_by(assignment.c.account)
            names = list(connection.execute(named).scalars())
        return tuple(record for name in names for record in self._users(scope, name))

    def together(self) -> AbstractContextManager[None]:
        """One transaction for all stores."""
        return self._database.together()

    def provided(self, check: Callable[[], None]) -> AbstractContextManager[None]:
        """Let this thread change something only after a check."""
        return self._database.provided(check)

    def add_user(self, scope: TenantScope, user: UserRecord, event: AuditEvent) -> None:
        """Make an account.  Raises `ConflictError` when the name is taken."""
        with change(self._database, scope.tenant, Topic.USERS, event) as connection:
            if connection.execute(
                select(exists().where(account.c.tenant == scope.tenant, account.c.name == user.name))
            ).scalar_one():
                raise ConflictError(f"user `{user.name}` exists already")
            connection.execute(
                insert(account).values(
                    tenant=scope.tenant,
                    name=user.name,
                    created_at=user.created_at,
                    last_sign_in_at=user.last_sign_in_at,
                    **_columns(user),
                )
            )
            _write_assignments(connection, scope, user)

    def change_user(
        self, scope: TenantScope, user: UserRecord, event: AuditEvent, *, before: UserRecord | None = None
    ) -> None:
        """Replace an account, all but when it was made and last used.  Raises `NotFoundError`.

        Given what it was read as `before`, only what is otherwise now is written.
        """
        stood = {} if before is None else _columns(before)
        values = {name: value for name, value in _columns(user).items() if stood.get(name, ...) != value}
        with change(self._database, scope.tenant, Topic.USERS, event) as connection:
            here = (account.c.tenant == scope.tenant) & (account.c.name == user.name)
            changed = connection.execute(
                update(account).where(here).values({"name": user.name, **values})
            ).rowcount
            if not changed:
                raise NotFoundError(f"there is no user `{user.name}`")
            if before is None or before.assignments != user.assignments:
                _delete_assignments(connection, scope, user.name)
                _write_assignments(connection, scope, user)

    def remove_user(self, scope: TenantScope, name: str, event: AuditEvent) -> None:
        """Remove an account and all that hangs on its name.  Raises `NotFoundError`."""
        with change(self._database, scope.tenant, Topic.USERS, event) as connection:
            _delete_assignments(connection, scope, name)
            for table in (
                api_token,
                web_session,
                factor,
                identity_link,
                sighting,
                role_giving,
                notice_seen,
                presence,
            ):
                connection.execute(
                    delete(table).where(table.c.tenant == scope.tenant, table.c.account == name)
                )
            connection.execute(
                delete(sign_in_failure).where(
                    sign_in_failure.c.tenant == scope.tenant, sign_in_failure.c.name == name
                )
            )
            connection.execute(
                delete(access_grant).where(
                    access_grant.c.tenant == scope.tenant,
                    access_grant.c.grantee_kind == GranteeKind.USER,
                    access_grant.c.grantee == name,
                )
            )
            connection.execute(
                update(application_entity)
                .where(application_entity.c.tenant == scope.tenant, application_entity.c.account == name)
                .values(account=None)
            )
            # What it has asked for and was told is not for whoever gets its name.
            connection.execute(
                update(pacs_message)
                .where(
                    pacs_message.c.tenant == scope.tenant,
                    pacs_message.c.requested_by == name,
                    pacs_message.c.outcome.is_not(None),
                )
                .values(outcome=None, once_key=None, once_fingerprint=None)
            )
            gone = connection.execute(
                delete(account).where(account.c.tenant == scope.tenant, account.c.name == name)
            ).rowcount
            if not gone:
                raise NotFoundError(f"there is no user `{name}`")

    def use_up_password(self, scope: TenantScope, name: str, password_hash: str, event: AuditEvent) -> bool:
        """Take this very password away; of two calls only the first does, and only it leaves its event."""
        with self._database.writing(scope.tenant) as connection:
            here = (account.c.tenant == scope.tenant) & (account.c.name == name)
            taken = connection.execute(
                update(account)
                .where(here, account.c.password_hash == password_hash)
                .values(password_hash=None)
            ).rowcount
            if taken:
                move_epoch(connection, scope.tenant, Topic.USERS)
                post(connection, scope.tenant, event)
        return bool(taken)

    def note_sign_in(self, scope: TenantScope, name: str, at: datetime) -> None:
        """Remember the last sign-in; no cache holds it."""
        with self._database.writing(scope.tenant) as connection:
            connection.execute(
                update(account)
                .where(account.c.tenant == scope.tenant, account.c.name == name)
                .values(last_sign_in_at=at)
            )

    def _users(self, scope: TenantScope, name: str | None = None) -> list[UserRecord]:
        accounts, given, whose = _ALL, _ALL_GIVEN, {"of_tenant": str(scope.tenant)}
        if name is not None:
            accounts, given, whose = _ONE, _ONE_GIVEN, {**whose, "of_account": name}
        with self._database.reading(scope.tenant) as connection:
            rows = accounts.rows(connection, whose)
            assignments: dict[str, list[Assignment]] = {row.name: [] for row in rows}
            for row in given.rows(connection, whose) if rows else ():
                assignments[row.account].append(_assignment(row))
            zones = zones_of(connection, scope, name) if rows else {}
        return [_record(row, assignments[row.name], zones.get(row.name)) for row in rows]


def _columns(user: UserRecord) -> dict[str, object]:
    return {
        "kind": user.kind,
        "display_name": user.display_name,
        "password_hash": user.password_hash,
        "disabled": user.disabled,
        "groups": pack_strings(user.groups),
        "attributes": pack_facts(user.attributes),
        "source": user.source,
        "disabled_by": user.disabled_by,
        "starts": user.starts,
        "until": user.until,
    }


def _record(row: AnyRow, assignments: Iterable[Assignment], zones: frozenset[str] | None) -> UserRecord:
    return UserRecord(
        name=row.name,
        kind=row.kind,
        display_name=row.display_name,
        password_hash=row.password_hash,
        disabled=row.disabled,
        groups=unpack_strings(row.groups),
        attributes=unpack_facts(row.attributes),
        assignments=tuple(assignments),
        created_at=row.created_at,
        last_sign_in_at=row.last_sign_in_at,
        source=row.source,
        disabled_by=row.disabled_by,
        starts=row.starts,
        until=row.until,
        is_locked=row.locked_at is not None,
        locked_until=row.locked_until,
        has_second_factor=row.has_second_factor,
        zones=zones,
    )


def _assignment(row: AnyRow) -> Assignment:
    archive = None if row.archive is None else ArchiveName(row.archive)
    return Assignment(row.role, AssignmentScope(archive, row.collection), row.starts, row.until)


def _write_assignments(connection: Connection, scope: TenantScope, user: UserRecord) -> None:
    rows = [
        {
            "tenant": scope.tenant,
            "account": user.name,
            "position": position,
            "role": given.role,
            "archive": given.scope.archive,
            "collection": given.scope.collection,
            "starts": given.starts,
            "until": given.until,
        }
        for position, given in enumerate(user.assignments)
    ]
    if rows:
        connection.execute(insert(assignment), rows)


def _delete_assignments(connection: Connection, scope: TenantScope, name: str) -> None:
    connection.execute(
        delete(assignment).where(assignment.c.tenant == scope.tenant, assignment.c.account == name)
    )
