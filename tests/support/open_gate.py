"""A real gate in this process, without a server in front of it: one object, one reader, one token."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from pacsgate.bootstrap.gate import build_app, build_gate
from pacsgate.bootstrap.installation import Installation, open_installation
from pacsgate.bootstrap.policy_watch import PolicyWatch
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.gateway.http.wiring import Gate
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.identity.tokens import RandomTokens
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Assignment
from pacsgate.services.administer_tokens import IssuedToken, TokenAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change, Office
from pacsgate.services.classify_study import ClassifyStudy
from tests.support.objects import Part10, variant

POLICY = """\
version: 1
roles:
  reader: {may: [search, view, retrieve]}
rules:
  - {id: readers-read, effect: permit, roles: [reader]}
  - {id: sealed, effect: forbid, when: "'SEALED' in study.labels"}
"""
MAIN = ArchiveName("main")
SIDE = 1280
"""Pixels: more than one chunk of a file, and more than one look at whether access goes on."""


@dataclass(frozen=True)
class OpenGate:
    installation: Installation
    gate: Gate
    app: ASGIApp
    token: IssuedToken
    item: Part10

    @property
    def path(self) -> str:
        key = self.item.key
        return (
            f"/dicom-web/studies/{key.study_instance_uid}/series/{key.series_instance_uid}"
            f"/instances/{key.sop_instance_uid}"
        )

    def revoke(self) -> None:
        office, change = desk(self.installation)
        TokenAdministration(office, RandomTokens()).revoke(change, self.token.record.token_id)

    def seal(self) -> None:
        office, change = desk(self.installation)
        uid = self.item.key.study_instance_uid
        ClassifyStudy(office, self.installation.stores.index).change(
            change, MAIN, uid, labels=frozenset({"SEALED"})
        )

    def get(
        self, accept: str, method: str = "GET", while_sending: Callable[[], float] = lambda: 0.0
    ) -> tuple[dict[str, str], bytes, bool]:
        """Headers, body, and whether the body came to its end; each chunk takes what `while_sending` says."""
        headers = ((b"authorization", f"Bearer {self.token.text}".encode()), (b"accept", accept.encode()))
        answer = asyncio.run(ask(self.app, self.path, headers, method, while_sending=while_sending))
        return answer.headers, answer.body, answer.is_whole


@dataclass(frozen=True)
class Answer:
    """What came back, and whether its body came to its end."""

    status: int
    headers: dict[str, str]
    body: bytes
    is_whole: bool


async def ask(
    app: ASGIApp,
    path: str,
    asked: Sequence[tuple[bytes, bytes]] = (),
    method: str = "GET",
    query: bytes = b"",
    while_sending: Callable[[], float] = lambda: 0.0,
    body: bytes | None = None,
    gone: asyncio.Event | None = None,
) -> Answer:
    """Sends one request; each message of the answer takes what `while_sending` says.

    The client leaves when `gone` is set.
    """
    sent = [] if body is None else [{"type": "http.request", "body": body, "more_body": False}]
    status = 0
    headers: dict[str, str] = {}
    told = bytearray()
    is_whole = False

    async def receive() -> dict[str, Any]:
        if sent:
            return sent.pop()
        await (asyncio.sleep(30) if gone is None else gone.wait())
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        nonlocal is_whole, status
        status = message.get("status", status)
        headers.update((name.decode(), value.decode()) for name, value in message.get("headers", ()))
        told.extend(message.get("body", b""))
        if message["type"] == "http.response.body":
            is_whole = not message.get("more_body", False)
            await asyncio.sleep(while_sending())

    await app(
        {
            "type": "http",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query,
            "headers": [
                (b"host", b"gate"),
                *asked,
            ],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 80),
        },
        receive,
        send,
    )
    return Answer(status, headers, bytes(told), is_whole)


def desk(installation: Installation) -> tuple[Office, Change]:
    return installation.office, Change(installation.scope, installation.actor(), installation.clock.now())


@contextmanager
def open_gate(directory: Path) -> Iterator[OpenGate]:
    item = variant(Rows=SIDE, Columns=SIDE, PixelData=bytes(SIDE * SIDE * 2))
    config = make_installation(directory / "gate", policy=POLICY, port=0)
    with open_installation(read_settings(config), "test") as installation:
        PolicyWatch(installation).publish()
        archive = installation.archives.by_name[MAIN]
        with archive.spool.begin(1 << 24) as incoming:
            incoming.write(item.data)
            spooled = incoming.finish()
            archive.store(item.key, spooled.path, spooled.digest)
        installation.sync.sync(installation.scope, MAIN)
        office, change = desk(installation)
        users = UserAdministration(office, Argon2Passwords())
        users.add(change, "ada")
        users.assign(change, "ada", Assignment("reader"))
        minted = TokenAdministration(office, RandomTokens()).issue(
            change, "ada", label="test", expires_at=installation.clock.now() + timedelta(days=1)
        )
        gate = build_gate(installation)
        yield OpenGate(installation, gate, build_app(installation, gate, [("127.0.0.1", 0)]), minted, item)
