"""Failed sign-ins by the name that was claimed, whether or not such a user exists.

Called by `directory`.
"""

from datetime import datetime

from sqlalchemy import delete, insert, or_

from pacsgate.model.resource import TenantScope
from pacsgate.stores.changes import Topic, move_epoch
from pacsgate.stores.people.table import Family
from pacsgate.stores.people_schema import sign_in_failure
from pacsgate.stores.storable import storable_text


class Lockouts(Family):
    """The failures of `ports.Directory`."""

    def failures(self, scope: TenantScope, name: str) -> tuple[int, datetime | None]:
        """Consecutive failures under a name, and when its lock ends."""
        row = self._one(
            scope.tenant,
            sign_in_failure,
            sign_in_failure.c.tenant == scope.tenant,
            sign_in_failure.c.name == storable_text(name),
        )
        return (0, None) if row is None else (row.failures, row.locked_until)

    def note_failure(
        self, scope: TenantScope, name: str, count: int, at: datetime, locked_until: datetime | None
    ) -> None:
        """Remember how many there have been; a lock reaches every process."""
        claimed = storable_text(name)
        with self._database.writing(scope.tenant) as connection:
            connection.execute(
                delete(sign_in_failure).where(
                    sign_in_failure.c.tenant == scope.tenant, sign_in_failure.c.name == claimed
                )
            )
            connection.execute(
                insert(sign_in_failure).values(
                    tenant=scope.tenant,
                    name=claimed,
                    failures=count,
                    failed_at=at,
                    locked_until=locked_until,
                )
            )
            if locked_until is not None:
                move_epoch(connection, scope.tenant, Topic.LOCKS)

    def clear_failures(self, scope: TenantScope, name: str) -> None:
        """Forget them, after a success."""
        self._forget(
            scope.tenant,
            sign_in_failure,
            sign_in_failure.c.tenant == scope.tenant,
            sign_in_failure.c.name == storable_text(name),
        )

    def forget_failures(self, scope: TenantScope, before: datetime) -> int:
        """Forget those of every name that has neither failed nor been locked since."""
        return self._forget(
            scope.tenant,
            sign_in_failure,
            sign_in_failure.c.tenant == scope.tenant,
            sign_in_failure.c.failed_at < before,
            or_(sign_in_failure.c.locked_until.is_(None), sign_in_failure.c.locked_until < before),
        )
