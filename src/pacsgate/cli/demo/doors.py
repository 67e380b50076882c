"""North's doors: a PACS of kind `doors`, its agent as a process of its own, and a visit that is planned.

Called by `running_two`.

Invariants:
- the agent ends with the demo;
- its secret is in a file that nobody else reads.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from pacsgate.bootstrap.installation import open_installation
from pacsgate.bootstrap.pacs_registry import pacses
from pacsgate.bootstrap.people import tokens, users
from pacsgate.cli.demo.two_hospitals import DOORS, NORTH, RECEPTIONIST, VISITOR
from pacsgate.cli.pacs_asking import Place, ask
from pacsgate.config import Settings
from pacsgate.model.built_in_roles import PACS_ADMINISTRATOR
from pacsgate.model.pacs_operation import PacsKind
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.ports.directory import TokenPurpose
from pacsgate.ports.tenants import PacsRecord
from pacsgate.services.administration import Change

AGENT = "doors-agent"
ENV_FILE = "agent.env"
CARD_FORMAT = "wiegand26"
CARD = "12-34567"
ROOM = "reading-room"
DEPARTMENT = "department:CT-A"
VISIT = "visit-1"
ARCHIVE = ArchiveName("north-main")
_SECRET_LASTS = timedelta(days=30)
_VISIT_LASTS = timedelta(hours=8)
_GRACE_SECONDS = 10


def build_doors(settings: Settings, directory: Path) -> Path:
    """Register the doors with their agent; returns its settings, which do not name the gate yet."""
    with open_installation(settings, "demo", NORTH) as here:
        change = Change(here.scope, here.actor(), here.clock.now())
        pacses(here).register(change, PacsRecord(DOORS, "Doors of North", PacsKind.DOORS, AGENT))
        users(here).assign(change, RECEPTIONIST, Assignment(PACS_ADMINISTRATOR, AssignmentScope(DOORS)))
        issued = tokens(here).issue(
            change,
            AGENT,
            label="demo",
            expires_at=change.at + _SECRET_LASTS,
            purpose=TokenPurpose.CLIENT_SECRET,
        )
    path = directory / ENV_FILE
    lines = {
        "Agent__TenantId": NORTH,
        "Agent__PacsId": DOORS,
        "Agent__Adapter": "door-simulator",
        "Agent__DataDirectory": str(directory / "agent"),
        "Auth__ClientId": f"{NORTH}/{AGENT}",
        "Auth__ClientSecret": issued.text,
    }
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in lines.items()), "utf-8")
    return path


@contextmanager
def agent_at_work(env_file: Path, url: str) -> Iterator[None]:
    """The agent of the doors, as a process of its own, until the block ends."""
    with env_file.open("a", encoding="utf-8") as file:
        file.write(f"Agent__PlatformUrl={url}\n")
    command = (sys.executable, "-m", "pacsgate", "agent", "--env-file", str(env_file))
    process = subprocess.Popen(command, env=_without_foreign_settings())  # noqa: S603 - our own words
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def plan_visit(config: Path, settings: Settings) -> None:
    """Plan what the visitor may enter, at the doors and in the archive; somebody still checks him in."""
    with open_installation(settings, "demo", NORTH) as here:
        now = here.clock.now()
    body = {
        "visitId": VISIT,
        "visitor": VISITOR,
        "name": "Bo Lund",
        "host": "rad1",
        "validFrom": now.isoformat(),
        "validTo": (now + _VISIT_LASTS).isoformat(),
        "account": VISITOR,
    }
    archive, doors = Place(config, NORTH, ARCHIVE), Place(config, NORTH, DOORS)
    ask(archive, "VisitCreate", {}, body)
    ask(archive, "VisitAccessUnitAssign", {"visit": VISIT, "unit": DEPARTMENT})
    ask(doors, "VisitCreate", {}, body)
    ask(doors, "VisitCredentialCreate", {"visit": VISIT}, {"format": CARD_FORMAT, "value": CARD})
    ask(doors, "VisitAccessUnitAssign", {"visit": VISIT, "unit": ROOM})


def _without_foreign_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("Agent__", "Auth__"))}
