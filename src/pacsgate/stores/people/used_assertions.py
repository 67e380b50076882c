"""Assertions that were used, until they expire.

Called by `identity` through `ports.assertions.UsedAssertions`.
"""

from datetime import datetime

from sqlalchemy import delete, exists, insert, select
from sqlalchemy.exc import IntegrityError

from pacsgate.model.resource import TenantScope
from pacsgate.stores.people.table import Family
from pacsgate.stores.people_schema import used_assertion
from pacsgate.stores.storable import storable_text


class SqlUsedAssertions(Family):
    """`ports.assertions.UsedAssertions` on a `Database`."""

    def use(
        self, scope: TenantScope, issuer: str, assertion_id: str, *, expires_at: datetime, now: datetime
    ) -> bool:
        """Note that an assertion is used; whether it is for the first time."""
        named = {"issuer": storable_text(issuer), "assertion_id": storable_text(assertion_id)}
        here = (
            (used_assertion.c.tenant == scope.tenant)
            & (used_assertion.c.issuer == named["issuer"])
            & (used_assertion.c.assertion_id == named["assertion_id"])
        )
        try:
            with self._database.writing(scope.tenant) as connection:
                if connection.execute(select(exists().where(here))).scalar_one():
                    return False
                connection.execute(
                    insert(used_assertion).values(tenant=scope.tenant, **named, expires_at=expires_at)
                )
                connection.execute(
                    delete(used_assertion).where(
                        used_assertion.c.tenant == scope.tenant, used_assertion.c.expires_at <= now
                    )
                )
        except IntegrityError:
            return False  # another process was quicker by less than a transaction
        return True
