"""Through a proxy that asks, the client's own address counts, and no address that it claims."""

import json
from collections.abc import Iterator
from pathlib import Path
from socket import AF_INET
from typing import Any

import pytest
import requests
from psutil import net_if_addrs
from requests.adapters import HTTPAdapter

from pacsgate.audit.events import EventKind
from tests.e2e.asking import events
from tests.support.fronts import running_front
from tests.support.guarded_orthanc import FurnishedOrthanc, GuardedOrthanc, opened_guarded

pytestmark = [pytest.mark.server("orthanc"), pytest.mark.server("nginx"), pytest.mark.long]

CLIENT = "127.0.0.5"
CLAIMED = "10.1.1.1"


class FromThere(HTTPAdapter):
    """Connects from an address of its own; all of 127.0.0.0/8 is this machine."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, source_address=(CLIENT, 0))


@pytest.fixture(scope="module")
def trusting(
    furnished_orthanc: FurnishedOrthanc, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[GuardedOrthanc, str]]:
    """A gate that takes one address for a proxy's, and the token of that proxy."""
    furnished = furnished_orthanc.copy_to(tmp_path_factory.mktemp("trusting"))
    # Envoy puts a question from its machine's first address that is not loopback, and says so.
    addresses = [
        each.address for found in net_if_addrs().values() for each in found if each.family == AF_INET
    ]
    trusted = {"127.0.0.1", *(address for address in addresses if not address.startswith("127."))}
    with furnished.gate.config.open("a", encoding="utf-8") as file:
        file.write(f"trusted_proxies: [{', '.join(f'{address}/32' for address in trusted)}]\n")
    with opened_guarded(furnished) as guarded:
        cli = guarded.hospital.cli
        assert cli("role", "add", "proxy", "--permission", "EvaluateForOthers").returncode == 0
        added = cli("user", "add", "asker", "--kind", "service", "--no-password", "--role", "proxy")
        assert added.returncode == 0, added.stderr
        issued = cli("token", "issue", "asker", "--label", "t", "--json")
        yield guarded, json.loads(issued.stdout)["token"]


@pytest.mark.parametrize("kind", ["nginx", "traefik", "envoy"])
def test_a_client_is_where_it_is_and_not_where_it_says(
    kind: str, trusting: tuple[GuardedOrthanc, str], tmp_path: Path
) -> None:
    guarded, token = trusting
    hospital = guarded.hospital
    own, foreign = guarded.instance("S1"), guarded.instance("S2")
    with (
        running_front(kind, tmp_path, hospital.url, guarded.orthanc, token) as url,
        requests.Session() as session,
    ):
        session.mount("http://", FromThere())
        session.auth = ("rad1", hospital.passwords["rad1"])
        for headers in ({}, {"X-Forwarded-For": CLAIMED}, {"X-Forwarded-For": f"{CLAIMED}, 127.0.0.1"}):
            passed = session.get(f"{url}/orthanc/instances/{own}/file", headers=headers, timeout=30)
            denied = session.get(f"{url}/orthanc/instances/{foreign}/file", headers=headers, timeout=30)
            assert (passed.status_code, denied.status_code) == (200, 404)
        # Whoever names a header of the proxy as one of this connection alone would have it taken away.
        for named in ("X-Forwarded-For", "Pacsgate-Enforcement-Point", "X-Original-URI", "X-Forwarded-Uri"):
            hop = {"Connection": f"close, {named}", "X-Forwarded-For": CLAIMED}
            hidden = session.get(f"{url}/orthanc/instances/{foreign}/file", headers=hop, timeout=30)
            assert hidden.status_code in {400, 404}, named
            session.get(f"{url}/orthanc/instances/{own}/file", headers=hop, timeout=30)
    for event_kind in (EventKind.INSTANCES_TRANSFERRED, EventKind.DENIED):
        found = {event["actor.address"] for event in events(hospital, kind=event_kind, user="rad1")}
        assert found == {CLIENT}, event_kind


@pytest.mark.parametrize("kind", ["nginx", "traefik", "envoy"])
def test_who_guesses_is_told_to_wait_as_at_the_gate(
    kind: str, trusting: tuple[GuardedOrthanc, str], tmp_path: Path
) -> None:
    guarded, token = trusting
    with running_front(kind, tmp_path, guarded.hospital.url, guarded.orthanc, token) as url:
        answers = [
            requests.get(f"{url}/orthanc/studies", auth=(f"nobody-at-{kind}", str(guess)), timeout=30)
            for guess in range(7)
        ]
    assert [answer.status_code for answer in answers[:5]] == [401] * 5
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0
