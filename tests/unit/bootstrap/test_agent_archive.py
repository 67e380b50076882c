"""The adapter beside an installation, over a real one: one adapter for all tests here, in their order."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest

from pacsgate.agent.archive.adapter import ArchiveAdapter
from pacsgate.agent.settings import read_environment
from pacsgate.bootstrap.agent_archive import archive_adapter
from pacsgate.bootstrap.agents import Site, open_site
from pacsgate.model.site_events import INDEX_COUNTED, POLICY_ACTIVATED
from pacsgate.ports.pacs_adapters import Command, Outcome
from tests.support.open_gate import OpenGate, open_gate

pytestmark = pytest.mark.long

POLICY = "version: 1\nroles: {reader: {may: [search]}}\nrules: [{id: all, effect: permit, roles: [reader]}]\n"


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenGate]:
    with open_gate(tmp_path_factory.mktemp("gate")) as opened:
        yield opened


@pytest.fixture(scope="module")
def site(gate: OpenGate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = read_environment(
        {
            "Agent__TenantId": "north",
            "Agent__PacsId": "north-archive",
            "Agent__PlatformUrl": "https://gate.example",
            "Auth__ClientId": "north/agent",
            "Auth__ClientSecret": "secret",
            "Agent__Adapter": "archive",
            "Agent__Config": str(gate.installation.settings.data.parent / "pacsgate.yaml"),
            "Agent__DataDirectory": str(tmp_path_factory.mktemp("agent")),
        }
    )
    with open_site(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def adapter(site: Site) -> Iterator[ArchiveAdapter]:
    with ExitStack() as opened:
        yield archive_adapter(site.settings, site.spool, site.fields, site.clock, opened)


def do(adapter: ArchiveAdapter, operation: str, body: Any, message: str = "m-1", **ids: str) -> Outcome:
    place, now = adapter.place, adapter.clock.now()
    later = now + timedelta(hours=1)
    return adapter.execute(
        Command(message, operation, place.tenant, place.pacs, ids, body, "chief", now, later)
    )


def test_what_it_reports_of_the_index_counts_and_names_nobody(adapter: ArchiveAdapter) -> None:
    counted, policy = adapter.events(None)
    assert (counted.kind, counted.details["studies"]) == (INDEX_COUNTED, "1")
    assert policy.kind == POLICY_ACTIVATED
    assert (counted.account, counted.holder, counted.zone) == (None, None, None)
    adapter._looked = float("-inf")
    assert list(adapter.events(policy.event_id)) == [], "nothing has changed"


def test_people_are_the_installation_s_own_business(adapter: ArchiveAdapter, gate: OpenGate) -> None:
    assert do(adapter, "IdentityCreate", {"identityId": "ann", "name": "Ann"}).status == 201
    local = adapter.local
    assert gate.installation.stores.access.identity(local, "ann") is not None
    assert do(adapter, "IdentityPinCreate", None, "m-2").status == 501


def test_fields_are_those_of_the_tenant_that_governs(adapter: ArchiveAdapter, site: Site) -> None:
    body = {"identityId": "bob", "name": "Bob", "extensionFields": {"licence": 7}}
    assert do(adapter, "IdentityCreate", body, "m-3").status == 400
    field = {"type": "integer", "description": "", "required": True}
    site.fields.learn({"identityExtensionFields": {"licence": field}, "visitExtensionFields": {}})
    assert do(adapter, "IdentityCreate", body, "m-4").status == 201
    assert do(adapter, "IdentityCreate", {"identityId": "eve", "name": "Eve"}, "m-5").status == 400


def test_a_policy_is_published_once_and_answered_alike(adapter: ArchiveAdapter, gate: OpenGate) -> None:
    body = {"sources": {"policy.yaml": POLICY}}
    first = do(adapter, "PolicyPublish", body, "m-6")
    assert (first.status, first.body["live"]) == (200, True)
    assert do(adapter, "PolicyPublish", body, "m-6") == first
    live = gate.installation.stores.revisions.live(gate.installation.scope)
    assert live is not None
    assert live.revision == first.body["revision"]


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"sources": {}},
        {"sources": {"policy.yaml": "version: 1\nroles: 7\n"}},
        {"sources": {"../x.yaml": POLICY}},
        {"sources": {"policy.yaml": POLICY}, "force": True},
    ],
)
def test_what_is_no_policy_is_refused_and_changes_nothing(
    adapter: ArchiveAdapter, gate: OpenGate, body: Any
) -> None:
    before = gate.installation.stores.revisions.live(gate.installation.scope)
    assert do(adapter, "PolicyPublish", body, f"m-{body}").status == 400
    assert gate.installation.stores.revisions.live(gate.installation.scope) == before


def test_the_adapter_supports_what_the_installation_does_and_policies(adapter: ArchiveAdapter) -> None:
    assert {"PolicyPublish", "VisitCheckIn"} <= adapter.features().features
