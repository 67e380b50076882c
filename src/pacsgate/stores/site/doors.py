"""The state of simulated doors: their plan, and in which zone everybody is.

Called by `pacsgate.agent.doors` through `ports.site`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, select, update

from pacsgate.model.access import HolderKey, PacsPlace
from pacsgate.stores.database import Database
from pacsgate.stores.site_schema import door_plan, door_whereabouts


class SqlDoors:
    """`ports.site.DoorStore` on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def plan(self, place: PacsPlace) -> str | None:
        """The plan as it was written."""
        wanted = select(door_plan.c.plan).where(_plan_of(place))
        with self._database.reading(place.tenant) as connection:
            found: str | None = connection.execute(wanted).scalar_one_or_none()
        return found

    def set_plan(self, place: PacsPlace, plan: str) -> None:
        """Replace the plan."""
        with self._database.writing(place.tenant) as connection:
            connection.execute(delete(door_plan).where(_plan_of(place)))
            connection.execute(insert(door_plan).values(**_key(place), plan=plan))

    def zone_of(self, place: PacsPlace, holder: HolderKey) -> str | None:
        """Where a holder is; `None` if no door has seen them yet."""
        wanted = select(door_whereabouts.c.zone).where(_whereabouts_of(place, holder))
        with self._database.reading(place.tenant) as connection:
            found: str | None = connection.execute(wanted).scalar_one_or_none()
        return found

    def move(self, place: PacsPlace, holder: HolderKey, zone: str, at: datetime) -> None:
        """A holder is in a zone now; `""` is outside."""
        with self._database.writing(place.tenant) as connection:
            moved = connection.execute(
                update(door_whereabouts).where(_whereabouts_of(place, holder)).values(zone=zone, since=at)
            ).rowcount
            if not moved:
                row = {**_key(place), "holder": str(holder), "zone": zone, "since": at}
                connection.execute(insert(door_whereabouts).values(**row))

    def forget(self, place: PacsPlace, holder: HolderKey) -> bool:
        """Nobody knows any more where a holder is; whether it was known."""
        with self._database.writing(place.tenant) as connection:
            gone = connection.execute(delete(door_whereabouts).where(_whereabouts_of(place, holder)))
            return gone.rowcount == 1

    def people(self, place: PacsPlace) -> Sequence[tuple[str, str]]:
        """Holders and their zones, by holder."""
        wanted = select(door_whereabouts.c.holder, door_whereabouts.c.zone).where(
            door_whereabouts.c.tenant == place.tenant, door_whereabouts.c.pacs == place.pacs
        )
        with self._database.reading(place.tenant) as connection:
            rows = connection.execute(wanted.order_by(door_whereabouts.c.holder)).all()
        return [(row.holder, row.zone) for row in rows]


def _key(place: PacsPlace) -> dict[str, Any]:
    return {"tenant": place.tenant, "pacs": place.pacs}


def _plan_of(place: PacsPlace) -> ColumnElement[bool]:
    return (door_plan.c.tenant == place.tenant) & (door_plan.c.pacs == place.pacs)


def _whereabouts_of(place: PacsPlace, holder: HolderKey) -> ColumnElement[bool]:
    return (
        (door_whereabouts.c.tenant == place.tenant)
        & (door_whereabouts.c.pacs == place.pacs)
        & (door_whereabouts.c.holder == str(holder))
    )
