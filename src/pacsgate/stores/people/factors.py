"""Second factors of accounts: sealed seeds, public keys, hashes of recovery codes.

Called by `identity` and `services` through `ports.factors.Factors`.

Invariants:
- a counter goes up once for each value, whichever process is first, and never down;
- a recovery code is gone in the moment in which it is used.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, update
from sqlalchemy.sql.elements import ColumnElement

from pacsgate.audit.events import AuditEvent
from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.ports.factors import FactorKind, FactorRecord
from pacsgate.stores.changes import Topic, change
from pacsgate.stores.columns import AnyRow
from pacsgate.stores.identity_schema import factor
from pacsgate.stores.people.table import Family
from pacsgate.stores.storable import storable_text
from pacsgate.stores.tenant_wall import ANY_TENANT


class SqlFactors(Family):
    """`ports.factors.Factors` on a `Database`."""

    def factors(self, scope: TenantScope, user: str) -> tuple[FactorRecord, ...]:
        """Those of one account, oldest first."""
        rows = self._all(scope.tenant, factor, factor.c.tenant == scope.tenant, factor.c.account == user)
        return tuple(sorted(map(_record, rows), key=lambda each: (each.created_at, each.factor_id)))

    def factor(self, factor_id: str) -> tuple[TenantName, FactorRecord] | None:
        """One factor and its tenant."""
        row = self._one(ANY_TENANT, factor, factor.c.factor_id == storable_text(factor_id))
        return None if row is None else (TenantName(row.tenant), _record(row))

    def factors_of_kind(self, scope: TenantScope, kind: FactorKind) -> tuple[FactorRecord, ...]:
        """Those of every account, of one kind."""
        rows = self._all(scope.tenant, factor, factor.c.tenant == scope.tenant, factor.c.kind == kind)
        return tuple(map(_record, rows))

    def add_factor(self, scope: TenantScope, factor: FactorRecord, event: AuditEvent) -> None:
        """Keep a new factor.  Raises `ConflictError` when its id is taken, in whichever tenant."""
        with self._database.together():
            self._refuse_taken(factor)
            with change(self._database, scope.tenant, Topic.USERS, event) as connection:
                _insert(connection, scope, factor)

    def remove_factor(self, scope: TenantScope, user: str, factor_id: str, event: AuditEvent) -> None:
        """Forget a factor.  Raises `NotFoundError`."""
        with change(self._database, scope.tenant, Topic.USERS, event) as connection:
            here = _here(scope, factor_id) & (factor.c.account == user)
            if not connection.execute(delete(factor).where(here)).rowcount:
                raise NotFoundError(f"user `{user}` has no such second factor")

    def replace_factors(
        self,
        scope: TenantScope,
        user: str,
        kinds: Collection[FactorKind],
        by: Sequence[FactorRecord],
        event: AuditEvent,
    ) -> None:
        """Forget every factor of these kinds that an account has, and keep these instead."""
        with change(self._database, scope.tenant, Topic.USERS, event) as connection:
            connection.execute(
                delete(factor).where(
                    factor.c.tenant == scope.tenant,
                    factor.c.account == user,
                    factor.c.kind.in_([kind.value for kind in kinds]),
                )
            )
            for each in by:
                _insert(connection, scope, each)

    def _refuse_taken(self, new: FactorRecord) -> None:
        """An authenticator chose the id of a passkey, and could be made to choose one of another tenant."""
        if self.factor(new.factor_id) is not None:
            raise ConflictError("this second factor is registered already")

    def advance(self, scope: TenantScope, factor_id: str, *, above: int, to: int, at: datetime) -> bool:
        """Move a counter from `above` or less to `to`; no cache holds it."""
        with self._database.writing(scope.tenant) as connection:
            moved = connection.execute(
                update(factor)
                .where(_here(scope, factor_id), factor.c.counter <= above)
                .values(counter=to, last_used_at=at)
            )
            return moved.rowcount == 1

    def spend(self, scope: TenantScope, factor_id: str) -> bool:
        """Use up a recovery code; no cache holds it."""
        with self._database.writing(scope.tenant) as connection:
            gone = connection.execute(
                delete(factor).where(_here(scope, factor_id), factor.c.kind == FactorKind.RECOVERY_CODE)
            )
            return gone.rowcount == 1

    def reseal(self, scope: TenantScope, factor_id: str, *, was: bytes, secret: bytes) -> bool:
        """Put the same secret, sealed anew, in the place of what it was; whether it was still that."""
        with self._database.writing(scope.tenant) as connection:
            done = connection.execute(
                update(factor).where(_here(scope, factor_id), factor.c.secret == was).values(secret=secret)
            )
            return done.rowcount == 1


def _here(scope: TenantScope, factor_id: str) -> ColumnElement[bool]:
    return (factor.c.tenant == scope.tenant) & (factor.c.factor_id == storable_text(factor_id))


def _insert(connection: Connection, scope: TenantScope, record: FactorRecord) -> None:
    connection.execute(
        insert(factor).values(
            tenant=scope.tenant,
            factor_id=record.factor_id,
            account=record.user,
            kind=record.kind,
            label=storable_text(record.label),
            secret=record.secret,
            counter=record.counter,
            created_at=record.created_at,
            last_used_at=record.last_used_at,
            details=storable_text(record.details),
        )
    )


def _record(row: AnyRow) -> FactorRecord:
    return FactorRecord(
        factor_id=row.factor_id,
        user=row.account,
        kind=FactorKind(row.kind),
        label=row.label,
        secret=row.secret,
        created_at=row.created_at,
        counter=row.counter,
        last_used_at=row.last_used_at,
        details=row.details,
    )
