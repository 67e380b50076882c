"""Wires an agent: its own database, its adapter, and the way to its gate.

Called by the command line.

Invariants:
- the agent's database can be read by its owner only;
- of all adapters one is made: the code of the others is not even imported.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pacsgate.agent import adapters
from pacsgate.agent.agent import Agent
from pacsgate.agent.agent_log import AgentLog
from pacsgate.agent.doors.adapter import MOST_CREDENTIALS, DoorSimulator
from pacsgate.agent.doors.effects import DoorEffects
from pacsgate.agent.doors.physics import Doors
from pacsgate.agent.doors.plan import USUAL_PLAN, SitePlan, read_plan
from pacsgate.agent.gate_client import GateClient
from pacsgate.agent.running import run_agent
from pacsgate.agent.settings import AgentSettings
from pacsgate.agent.tenant_fields import TenantFields
from pacsgate.bootstrap.clock import SystemClock
from pacsgate.model.errors import SettingsError
from pacsgate.ports.access import Effects
from pacsgate.ports.pacs_adapters import PacsAdapter
from pacsgate.ports.site import DoorStore
from pacsgate.protocols.strict_json import read_strict_json, write_json
from pacsgate.services.access.desk import AccessDesk
from pacsgate.services.access.rules import DeskRules
from pacsgate.stores.access.store import SqlAccessStore
from pacsgate.stores.database import Database, open_database
from pacsgate.stores.site.doors import SqlDoors
from pacsgate.stores.site.spool import SqlSiteSpool

DATABASE = "agent.db"
_LONGEST_PLAN = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Site:
    """The open parts of an agent that need no gate."""

    settings: AgentSettings
    clock: SystemClock
    database: Database

    @property
    def spool(self) -> SqlSiteSpool:
        """What is still to be told."""
        return SqlSiteSpool(self.database)

    @property
    def fields(self) -> TenantFields:
        """The tenant's extension fields."""
        return TenantFields(self.settings.place, self.spool)

    def desk(self, effects: Effects, rules: DeskRules) -> AccessDesk:
        """A desk over the agent's database."""
        fields = self.fields
        return AccessDesk(
            SqlAccessStore(self.database),
            effects,
            self.clock,
            rules,
            lambda _tenant, kind, values: fields.check(kind, values),
        )

    @property
    def plan(self) -> SitePlan:
        """The plan of the site, as it was last given.  Raises `SettingsError`."""
        kept = SqlDoors(self.database).plan(self.settings.place)
        return read_plan(
            USUAL_PLAN if kept is None else read_strict_json(kept.encode(), at_most=_LONGEST_PLAN)
        )

    @property
    def doors(self) -> Doors:
        """The simulated doors."""
        return Doors(
            self.settings.place,
            self.plan,
            SqlAccessStore(self.database),
            SqlDoors(self.database),
            self.spool,
        )


@contextmanager
def open_site(settings: AgentSettings) -> Iterator[Site]:
    """Open an agent's own database.  Raises `SettingsError`."""
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"cannot make the data directory `{settings.data}`: {error.strerror}") from error
    database = open_database(f"sqlite:///{settings.data / DATABASE}")
    try:
        yield Site(settings, SystemClock(), database)
    finally:
        database.close()


def run_site(settings: AgentSettings) -> None:
    """Work as this agent until SIGTERM.  Raises `SettingsError`."""
    with open_site(settings) as site, open_adapter(site) as adapter:
        log = AgentLog(settings.place, site.spool, site.clock)
        run_agent(
            lambda: GateClient(settings, site.clock),
            lambda client: Agent(settings.place, adapter, client, site.spool, site.fields, log, site.clock),
        )


@contextmanager
def open_adapter(site: Site) -> Iterator[PacsAdapter]:
    """The adapter that the settings name.  Raises `SettingsError`."""
    settings = site.settings
    match settings.adapter:
        case adapters.DOOR_SIMULATOR:
            yield _door_simulator(site)
        case adapters.ARCHIVE:
            from pacsgate.bootstrap.agent_archive import archive_adapter  # noqa: PLC0415 - imports a whole gate

            with ExitStack() as opened:
                yield archive_adapter(settings, site.spool, site.fields, site.clock, opened)
        case name:
            make = adapters.load_adapter(name)
            made = make(adapters.AdapterSite(settings.place, settings.data, settings.config, site.desk))
            with closing(made):
                yield made


def _door_simulator(site: Site) -> DoorSimulator:
    _keep_plan(site, SqlDoors(site.database))
    effects = DoorEffects(site.plan, SqlDoors(site.database), site.spool)
    desk = site.desk(effects, DeskRules(most_credentials=MOST_CREDENTIALS))
    return DoorSimulator(site.settings.place, desk, site.spool, site.clock)


def _keep_plan(site: Site, doors: DoorStore) -> None:
    """Let the doors be those of the plan file, if there is one."""
    if site.settings.site_plan is None:
        return
    given = _read_yaml(site.settings.site_plan)
    read_plan(given)
    doors.set_plan(site.settings.place, write_json(given).decode())


def _read_yaml(path: Path) -> Mapping[str, Any]:
    try:
        found = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError):
        raise SettingsError(f"the site plan `{path}` cannot be read as YAML") from None
    if not isinstance(found, dict):
        raise SettingsError(f"the site plan `{path}` is not a mapping")
    return found
