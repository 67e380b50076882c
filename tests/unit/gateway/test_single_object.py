"""One object on its way out of a real gate, without a server in between: whole, counted, cut off when access ends."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp

from pacsgate.audit.events import EventKind
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
from pacsgate.sinks.trail_reader import read_trail
from tests.support.objects import Part10, variant

POLICY = """\
version: 1
roles:
  reader: {may: [search, view, retrieve]}
rules:
  - {id: readers-read, effect: permit, roles: [reader]}
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

    def get(
        self, accept: str, method: str = "GET", while_sending: Callable[[], float] = lambda: 0.0
    ) -> tuple[dict[str, str], bytes, bool]:
        """Headers, body, and whether the body came to its end; each chunk takes what `while_sending` says."""
        return asyncio.run(ask(self, accept, method, while_sending))


async def ask(
    door: OpenGate, accept: str, method: str, while_sending: Callable[[], float]
) -> tuple[dict[str, str], bytes, bool]:
    headers: dict[str, str] = {}
    body = bytearray()
    is_whole = False

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(30)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        nonlocal is_whole
        headers.update((name.decode(), value.decode()) for name, value in message.get("headers", ()))
        body.extend(message.get("body", b""))
        if message["type"] == "http.response.body":
            is_whole = not message.get("more_body", False)
            await asyncio.sleep(while_sending())

    await door.app(
        {
            "type": "http",
            "method": method,
            "scheme": "http",
            "path": door.path,
            "raw_path": door.path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [
                (b"host", b"gate"),
                (b"authorization", f"Bearer {door.token.text}".encode()),
                (b"accept", accept.encode()),
            ],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 80),
        },
        receive,
        send,
    )
    return headers, bytes(body), is_whole


def desk(installation: Installation) -> tuple[Office, Change]:
    stores = installation.stores
    office = Office(stores.directory, stores.outbox, installation.trail, installation.policy())
    return office, Change(installation.scope, installation.actor(), installation.clock.now())


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
        yield OpenGate(installation, gate, build_app(installation, gate), minted, item)


MULTIPART = 'multipart/related; type="application/dicom"; transfer-syntax=*'
SINGLE = "application/dicom; transfer-syntax=*"


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenGate]:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    with open_gate(tmp_path) as opened:
        yield opened


def test_an_object_leaves_whole_as_long_as_it_says_and_is_counted_to_the_byte(door: OpenGate) -> None:
    single_headers, single, _ = door.get(SINGLE)
    assert single == door.item.data
    headers, multipart, is_whole = door.get(MULTIPART)
    assert door.item.data in multipart
    assert is_whole
    assert int(headers["content-length"]) == len(multipart)
    assert int(single_headers["content-length"]) == len(single)
    head, nothing, _ = door.get(SINGLE, "HEAD")
    assert nothing == b""
    assert head["content-length"] == single_headers["content-length"]
    door.gate.windows.close()
    door.installation.trail.close()
    (closed,) = (
        entry.event
        for entry in read_trail(door.installation.settings.data / "trail")
        if entry.event.kind is EventKind.ACCESS_WINDOW_CLOSED
    )
    assert (closed.count, closed.bytes_sent) == (2, 2 * len(door.item.data))


def test_an_object_is_cut_off_in_the_middle_when_access_to_it_ends(door: OpenGate) -> None:
    revoked: list[None] = []

    def revoked_once() -> float:
        if not revoked:
            revoked.append(door.revoke())
        return 1.1

    headers, body, is_whole = door.get(SINGLE, while_sending=revoked_once)
    assert not is_whole
    assert 0 < len(body) < int(headers["content-length"])


def test_an_object_that_has_left_the_archive_is_not_found_and_not_counted(door: OpenGate) -> None:
    door.installation.archives.by_name[MAIN].delete(door.item.key)
    for _ in range(2):
        _, body, _ = door.get(SINGLE)
        assert b"not found" in body
    assert not door.gate.windows._open or all(
        window.readers == 0 and window.instances == 0 for window in door.gate.windows._open.values()
    )
