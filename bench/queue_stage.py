"""One gate with PACSes behind agents, on SQLite or PostgreSQL, and clients that are nothing but sockets.

Every agent and every requester holds one connection of HTTP/1.1 open.  What they do is counted here, in a
process of its own.

Called by `queueing`.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.support.hospital import serving

from bench.asking import family
from bench.lists.databases import cluster
from bench.stage import POLICY
from pacsgate.bootstrap import people
from pacsgate.bootstrap.installation import Installation, open_installation
from pacsgate.bootstrap.pacs_registry import pacses
from pacsgate.bootstrap.policies import PolicyWatches
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.model.built_in_roles import TENANT_ADMINISTRATOR
from pacsgate.model.pacs_operation import PacsKind
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Assignment
from pacsgate.ports.tenants import PacsRecord
from pacsgate.services.administration import Change

_PLACE = "/api/v1/tenants/default/pacs"


@dataclass(frozen=True)
class QueueStage:
    """A gate of one worker, the PACSes that it knows, and tokens to come with."""

    port: int
    pid: int
    clerk: str
    agents: Sequence[str]
    """The token of the agent of each PACS."""

    def place(self, number: int) -> str:
        """The path of a PACS."""
        return f"{_PLACE}/p{number}"

    @property
    def family(self) -> list[int]:
        """The processes of the gate."""
        return family(self.pid)


@contextmanager
def database(flavour: str, directory: Path) -> Iterator[str | None]:
    """The URL of a database that is as durable as they are by default; `None` is the gate's own SQLite."""
    if flavour == "sqlite":
        yield None
        return
    place = directory / "postgresql"
    place.mkdir(parents=True)
    for above in (directory, directory.parent):
        above.chmod(0o755)  # PostgreSQL runs as another user, who must come through
    with cluster(place, fresh=True) as url:
        yield url


@contextmanager
def set_up(directory: Path, url: str | None, pacses_count: int) -> Iterator[QueueStage]:
    """Make and serve it."""
    config = make_installation(directory / "gate", policy=POLICY, port=0, workers=1)
    if url is not None:
        config.write_text(config.read_text("utf-8") + f"database: {url}\n", "utf-8")
    with open_installation(read_settings(config), "bench") as installation:
        PolicyWatches(installation).tick()
        agents = [_registered(installation, f"p{number}") for number in range(pacses_count)]
        clerk = _clerk(installation)
    with serving(config) as (address, process, _log):
        yield QueueStage(int(address.rpartition(":")[2]), process.pid, clerk, agents)


def _change(installation: Installation) -> Change:
    return Change(installation.scope, installation.actor(), installation.clock.now())


def _registered(installation: Installation, name: str) -> str:
    new = PacsRecord(ArchiveName(name), name, PacsKind.DOORS, f"agent-{name}")
    pacses(installation).register(_change(installation), new)
    return _token(installation, f"agent-{name}")


def _clerk(installation: Installation) -> str:
    users = people.users(installation)
    users.add(_change(installation), "clerk")
    users.assign(_change(installation), "clerk", Assignment(TENANT_ADMINISTRATOR))
    return _token(installation, "clerk")


def _token(installation: Installation, who: str) -> str:
    change = _change(installation)
    until = change.at + timedelta(days=1)
    return people.tokens(installation).issue(change, who, label="bench", expires_at=until).text


class Line:
    """One connection of one client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> None:
        self._reader = reader
        self._writer = writer
        self._head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"

    @classmethod
    async def opened(cls, port: int, token: str) -> "Line":
        """A new connection."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 16), token)

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, str], Any]:
        """Send a request and read its answer."""
        sent = b"" if body is None else json.dumps(body).encode()
        kind = f"Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n" if sent else ""
        self._writer.write(f"{method} {path} HTTP/1.1\r\n{self._head}{kind}\r\n".encode() + sent)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {
            name.lower(): text for name, _, text in (line.partition(": ") for line in head[1:] if line)
        }
        length = int(headers.get("content-length", "0"))
        content = await self._reader.readexactly(length) if length else b""
        return int(head[0].split()[1]), headers, json.loads(content) if content else None

    async def wait(self, path: str) -> tuple[int, Any]:
        """Ask again and again until there is something."""
        while True:
            status, _, body = await self.ask("GET", path)
            if status != 307:
                return status, body

    def close(self) -> None:
        """Hang up."""
        self._writer.close()
