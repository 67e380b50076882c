"""A simulated site at work: its desk, its doors, a clock moved by hand."""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from pacsgate.agent.doors.adapter import DoorSimulator
from pacsgate.agent.doors.effects import DoorEffects
from pacsgate.agent.doors.physics import Doors, Swipe
from pacsgate.agent.doors.plan import USUAL_PLAN, read_plan
from pacsgate.agent.tenant_fields import TenantFields
from pacsgate.model.access import PacsPlace
from pacsgate.model.resource import ArchiveName, TenantName
from pacsgate.ports.pacs_adapters import Command, Outcome, PacsEvent
from pacsgate.services.access.desk import AccessDesk
from pacsgate.services.access.rules import DeskRules
from pacsgate.stores.access.store import SqlAccessStore
from pacsgate.stores.database import open_database
from pacsgate.stores.site.doors import SqlDoors
from pacsgate.stores.site.spool import SqlSiteSpool
from tests.support.clocks import HandClock
from tests.support.databases import sqlite_url

PLACE = PacsPlace(TenantName("north"), ArchiveName("doors"))
CARD = "wiegand26"


@dataclass
class SimulatedSite:
    """Commands are given as the gate would give them; cards are held to readers."""

    simulator: DoorSimulator
    doors: Doors
    spool: SqlSiteSpool
    fields: TenantFields
    clock: HandClock
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def do(self, operation: str, body: Any = None, **ids: str) -> Outcome:
        now = self.clock.now()
        message = f"m-{next(self.numbers)}"
        return self.simulator.execute(
            Command(
                message,
                operation,
                self.doors.place.tenant,
                self.doors.place.pacs,
                ids,
                body,
                "desk",
                now,
                now + timedelta(hours=1),
            )
        )

    def done(self, operation: str, body: Any = None, **ids: str) -> Any:
        outcome = self.do(operation, body, **ids)
        assert 200 <= outcome.status < 300, outcome
        return outcome.body

    def identity(self, name: str, card: str, *units: str, **more: Any) -> None:
        self.done("IdentityCreate", {"identityId": name, "name": name, **more})
        self.done("IdentityCredentialCreate", {"format": CARD, "value": card}, identity=name)
        for unit in units:
            self.done("IdentityAccessUnitAssign", identity=name, unit=unit)

    def swipe(self, reader: str, card: str, card_format: str = CARD) -> Swipe:
        return self.doors.swipe(reader, card_format, card, self.clock.now())

    def events(self) -> list[PacsEvent]:
        return list(self.simulator.events(None))


@contextmanager
def simulated_site(
    directory: Path, plan: Mapping[str, Any] = USUAL_PLAN, place: PacsPlace = PLACE
) -> Iterator[SimulatedSite]:
    database = open_database(sqlite_url(directory))
    clock, built = HandClock(), read_plan(plan)
    access, spool = SqlAccessStore(database), SqlSiteSpool(database)
    fields = TenantFields(place, spool)
    desk = AccessDesk(
        access,
        DoorEffects(built, SqlDoors(database), spool),
        clock,
        DeskRules(most_credentials=3),
        lambda _tenant, kind, values: fields.check(kind, values),
    )
    doors = Doors(place, built, access, SqlDoors(database), spool)
    try:
        yield SimulatedSite(DoorSimulator(place, desk, spool, clock), doors, spool, fields, clock)
    finally:
        database.close()
