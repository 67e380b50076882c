"""The places from which accounts were at work lately.

Called by `pacsgate.identity.shared_credentials` through `ports.sightings`.
"""

from datetime import datetime

from sqlalchemy import delete, insert, select

from pacsgate.model.resource import TenantScope
from pacsgate.stores.identity_schema import sighting
from pacsgate.stores.people.table import Family


class SqlSightings(Family):
    """`ports.sightings.Sightings` on a `Database`."""

    def sighted(
        self, scope: TenantScope, user: str, place: str, at: datetime, *, since: datetime
    ) -> frozenset[str]:
        """Note one, and tell where else the account has been since, if it is new here."""
        of_user = (sighting.c.tenant == scope.tenant) & (sighting.c.account == user)
        with self._database.writing(scope.tenant) as connection:
            places = select(sighting.c.place).where(of_user, sighting.c.seen_at >= since)
            fresh = frozenset(connection.execute(places).scalars())
            connection.execute(delete(sighting).where(of_user, sighting.c.place == place))
            connection.execute(
                insert(sighting).values(tenant=scope.tenant, account=user, place=place, seen_at=at)
            )
        return frozenset() if place in fresh else fresh

    def forget_sightings(self, scope: TenantScope, before: datetime) -> int:
        """Forget older ones."""
        return self._forget(
            scope.tenant, sighting, sighting.c.tenant == scope.tenant, sighting.c.seen_at < before
        )
