"""A real gate in this process with a browser's cookies, behind a proxy that it trusts, and a clock to move."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from pacsgate.bootstrap.clock import SystemClock
from pacsgate.bootstrap.gate import build_app, build_gate
from pacsgate.bootstrap.installation import Installation, open_installation
from pacsgate.bootstrap.policy_watch import PolicyWatch
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Assignment
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change
from tests.support.objects import Part10, variant
from tests.support.people import CHEAP, PASSWORD

INSIDE, OUTSIDE = "10.1.2.3", "203.0.113.5"
ORIGIN = "https://gate.example"


class MovedClock(SystemClock):
    """The machine's clock, and a little more."""

    def __init__(self) -> None:
        self.moved = timedelta()

    def now(self) -> datetime:
        return super().now() + self.moved

    def monotonic(self) -> float:
        return super().monotonic() + self.moved.total_seconds()


@dataclass
class BrowsedGate:
    installation: Installation
    clock: MovedClock
    app: Any
    item: Part10

    def browser(self, address: str = INSIDE) -> "Browser":
        client = TestClient(self.app, base_url=ORIGIN, client=("127.0.0.1", 50_000), follow_redirects=False)
        return Browser(self, client, {"X-Forwarded-For": address, "X-Forwarded-Proto": "https"})

    @property
    def study(self) -> str:
        return f"/dicom-web/studies/{self.item.key.study_instance_uid}"

    def add(self, name: str, *roles: str) -> None:
        office = self.installation.office
        change = Change(self.installation.scope, self.installation.actor(), self.installation.clock.now())
        users = UserAdministration(office, Argon2Passwords(CHEAP))
        users.add(change, name, password=PASSWORD)
        for role in roles:
            users.assign(change, name, Assignment(role))


@dataclass
class Browser:
    """Somebody at a browser; also a client that sends a password with each request."""

    gate: BrowsedGate
    client: TestClient
    headers: dict[str, str]
    name: str = ""
    seed: str = field(default="", repr=False)

    def get(self, path: str, **options: Any) -> Any:
        return self.client.get(path, headers=self.headers | options.pop("headers", {}), **options)

    def post(self, path: str, **fields: str) -> Any:
        return self.client.post(path, data=fields, headers=self.headers)

    def submit(self, page: str, **fields: str) -> Any:
        """Fill in the form of a page and send it, with what is hidden in it."""
        shown = self.get(page).text
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', shown))
        return self.post(page.partition("?")[0], **{**hidden, **fields})

    def sign_in(self, name: str) -> Any:
        self.name = name
        return self.post("/sign-in", name=name, password=PASSWORD, return_to="/")

    def dicomweb(self, path: str, **headers: str) -> Any:
        return self.get(path, headers={"Accept": "application/dicom+json", **headers})


@contextmanager
def browsed_gate(directory: Path, policy: str, settings: str = "") -> Iterator[BrowsedGate]:
    """A gate with one study, under this policy; `settings` are further lines of its configuration."""
    item = variant(Rows=8, Columns=8, PixelData=bytes(128))
    config = make_installation(directory / "gate", policy=policy, port=0)
    text = config.read_text("utf-8").replace("workers:", f"public_url: {ORIGIN}\nworkers:")
    text = re.sub(r"internal: .*", "internal: [10.0.0.0/8]", text)
    config.write_text(text + "trusted_proxies: [127.0.0.1/32]\n" + settings, "utf-8")
    with open_installation(read_settings(config), "test") as installation:
        clock = MovedClock()
        installation.clock = clock
        PolicyWatch(installation).publish()
        main = ArchiveName("main")
        archive = installation.archives.by_name[main]
        with archive.spool.begin(1 << 20) as incoming:
            incoming.write(item.data)
            spooled = incoming.finish()
            archive.store(item.key, spooled.path, spooled.digest)
        installation.sync.sync(installation.scope, main)
        gate = build_gate(installation)
        app = build_app(installation, gate, [("127.0.0.1", 0)])
        yield BrowsedGate(installation, clock, app, item)
