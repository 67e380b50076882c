"""A gate over TLS with a PACS of doors, and its agent as a process of its own."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pacsgate.audit.events import Actor
from pacsgate.bootstrap.installation import Installation, open_installation
from pacsgate.bootstrap.pacs_queue import QueueDesk, queue_desk
from pacsgate.config import read_settings
from pacsgate.model.resource import ArchiveName
from pacsgate.ports.pacs_adapters import Outcome
from pacsgate.ports.tenants import PacsRecord
from pacsgate.services.pacs_queue.submit import Asked
from tests.support.hospital import PACSGATE, FurnishedHospital, RunningHospital, cli_here, opened
from tests.support.ports import free_ports
from tests.support.processes import running
from tests.support.tls import CertificateAuthority

PATIENCE_SECONDS = 20
DOORS = ArchiveName("doors")
PLAIN_LISTENER = "  - {host: 127.0.0.1, port: 0}\n"
TLS_LISTENER = "  - {{host: 127.0.0.1, port: {port}, tls: {{certificate: gate.pem, key: gate.key}}}}\n"


def wait_until(is_so: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    """What `is_so` says once that is true."""
    deadline = time.monotonic() + seconds
    while not (found := is_so()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)
    return found


@dataclass
class AgentSite:
    """Operations are asked for as an operator would; cards are held to readers by the command line."""

    hospital: RunningHospital
    installation: Installation
    queue: QueueDesk
    environment: dict[str, str]
    https_port: int
    directory: Path
    pacs_id: ArchiveName = DOORS

    @property
    def actor(self) -> Actor:
        return self.installation.actor()

    @property
    def pacs(self) -> PacsRecord:
        found = self.installation.stores.tenants.pacs(self.installation.scope, self.pacs_id)
        assert found is not None
        return found

    def ask(self, operation: str, body: Any = None, **ids: str) -> str:
        """Submit; the id of the result."""
        asked = Asked(operation, ids, body, {})
        scope = self.installation.scope
        return self.queue.submit.accept(scope, self.pacs, asked, self.actor).message_id

    def result(self, message_id: str, seconds: float = PATIENCE_SECONDS) -> Outcome | None:
        """What came of it."""
        scope = self.installation.scope
        return self.queue.results.wait(scope, self.pacs_id, message_id, self.actor, seconds=seconds)

    def done(self, operation: str, body: Any = None, **ids: str) -> Any:
        """Submit, and wait for success."""
        outcome = self.result(self.ask(operation, body, **ids))
        assert outcome is not None, operation
        assert 200 <= outcome.status < 300, outcome
        return outcome.body

    def person(self, name: str, card: str, *units: str, account: str | None = None) -> None:
        """Somebody with a card."""
        body = {"identityId": name, "name": name} | ({} if account is None else {"account": account})
        self.done("IdentityCreate", body)
        self.done("IdentityCredentialCreate", {"format": "wiegand26", "value": card}, identity=name)
        for unit in units:
            self.done("IdentityAccessUnitAssign", identity=name, unit=unit)

    def another_pacs(self, pacs: str, kind: str, **changed: str) -> "AgentSite":
        """A further PACS at the same gate."""
        environment = {**self.environment, **registered(self.hospital, pacs, kind), **changed}
        return replace(self, environment=environment, pacs_id=ArchiveName(pacs))

    def env_file(self) -> Path:
        path = self.directory / "agent.env"
        path.write_text("".join(f"{name}={text}\n" for name, text in self.environment.items()), "utf-8")
        return path

    def swipe(self, reader: str, card: str) -> dict[str, Any]:
        """Hold a card to a reader."""
        env = str(self.env_file())
        said = cli_here("agent", "--env-file", env, "swipe", reader, "wiegand26", card, "--json")
        return dict(json.loads(said.stdout))

    @contextmanager
    def agent(self, **changed: str) -> Iterator["subprocess.Popen[bytes]"]:
        """The agent, at work until the block ends."""
        environment = {**os.environ, **self.environment, **changed}
        command = ["env", *(f"{name}={environment[name]}" for name in environment), *PACSGATE, "agent"]
        log = self.directory / f"agent-{time.monotonic_ns()}.log"
        with running(command, log) as process:
            yield process

    def log(self) -> str:
        """What its agents have written."""
        return "".join(path.read_text("utf-8") for path in sorted(self.directory.glob("agent-*.log")))

    def zones(self, account: str) -> frozenset[str] | None:
        """Where the gate thinks somebody is."""
        found = self.installation.stores.directory.user(self.installation.scope, account)
        assert found is not None
        return found.zones


@contextmanager
def agent_site(furnished: FurnishedHospital, directory: Path, settings: str = "") -> Iterator[AgentSite]:
    """A copy of a hospital that serves over TLS, with a PACS of doors and the secret of its agent."""
    made = furnished.copy_to(directory / "gate")
    authority = CertificateAuthority(directory / "authority")
    (port,) = free_ports(1)
    text = made.config.read_text("utf-8")
    assert PLAIN_LISTENER in text
    text = text.replace(PLAIN_LISTENER, PLAIN_LISTENER + TLS_LISTENER.format(port=port))
    made.config.write_text(text.replace("workers: 2\n", "workers: 1\n") + settings, "utf-8")
    for source, name in zip(authority.issue("localhost", "127.0.0.1"), ("gate.pem", "gate.key"), strict=True):
        (made.config.parent / name).write_bytes(source.read_bytes())
    with opened(made) as hospital:
        environment = {
            "Agent__TenantId": "default",
            "Agent__PlatformUrl": f"https://localhost:{port}",
            "Agent__CaFile": str(authority.ca_file),
            "Agent__Adapter": "door-simulator",
            "Agent__DataDirectory": str(directory / "agent"),
            **registered(hospital, DOORS, "doors"),
        }
        with open_installation(read_settings(made.config), "test") as installation:
            yield AgentSite(hospital, installation, queue_desk(installation), environment, port, directory)


def registered(hospital: RunningHospital, pacs: str, kind: str) -> dict[str, str]:
    """A new PACS; what its agent must know."""
    done = hospital.cli("pacs", "register", pacs, "--agent", f"{pacs}-agent", "--kind", kind)
    assert done.returncode == 0, done.stderr
    issued = hospital.cli("token", "issue", f"{pacs}-agent", "--label", "agent", "--client-secret", "--json")
    secret = json.loads(issued.stdout)
    return {
        "Agent__PacsId": pacs,
        "Auth__ClientId": secret["client_id"],
        "Auth__ClientSecret": secret["client_secret"],
    }


def behind(site: AgentSite, port: int) -> AgentSite:
    """The same site, whose agent reaches the gate through another port."""
    changed = {**site.environment, "Agent__PlatformUrl": f"https://localhost:{port}"}
    return replace(site, environment=changed)
