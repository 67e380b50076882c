"""Two tenants behind one gate, in this process: the same study in both, and every door leads to one's own.

The thin path of what `tests/e2e/test_two_tenants*` walk with everybody over every route.
"""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from starlette.types import ASGIApp

from pacsgate.bootstrap.gate import build_app, build_gate
from pacsgate.bootstrap.hl7 import reception
from pacsgate.bootstrap.installation import Installation, open_installation
from pacsgate.bootstrap.policies import publish_all
from pacsgate.bootstrap.trail import finish_stores
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.gateway.hl7.senders import Sender
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.identity.tokens import RandomTokens
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName, TenantName, TenantScope
from pacsgate.model.role import Assignment
from pacsgate.model.subject import SubjectKind
from pacsgate.services.administer_tokens import TokenAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change
from pacsgate.sinks.trail_reader import read_trail
from tests.support.messages import order
from tests.support.objects import Part10, variant
from tests.support.open_gate import Answer, ask
from tests.support.people import CHEAP

OWN, NORTH = TenantScope(DEFAULT_TENANT), TenantScope(TenantName("north"))
POLICY = """\
version: 1
roles:
  reader: {may: [search, view, retrieve], permissions: [EvaluateForOthers]}
  orders: {permissions: [GrantByOrder]}
rules:
  - {id: readers-read, effect: permit, roles: [reader]}
"""
ARCHIVES = """\
  main: {kind: folder, path: archive}
  north-main: {kind: folder, path: north, tenant: north}
tenants: {north: {policy: policy.yaml}}
"""
ASKER = {OWN: "asker", NORTH: "north-asker"}
NAMES = {OWN: "OWN^CANARY", NORTH: "FAR^CANARY"}
OTHER = {OWN: NORTH, NORTH: OWN}


@dataclass(frozen=True)
class TwoTenants:
    installation: Installation
    app: ASGIApp
    tokens: dict[TenantScope, str]
    uid: str

    def get(self, scope: TenantScope, path: str, query: str = "", **headers: str) -> Answer:
        return self.sent(scope, "GET", path, query=query, **headers)

    def sent(
        self, scope: TenantScope, method: str, path: str, body: object = None, query: str = "", **headers: str
    ) -> Answer:
        given = {
            "authorization": f"Bearer {self.tokens[scope]}",
            "content-type": "application/json",
            **headers,
        }
        encoded = [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()]
        data = None if body is None else json.dumps(body).encode()
        return asyncio.run(ask(self.app, path, encoded, method, query.encode(), body=data))

    def told(self, scope: TenantScope, path: str, query: str = "", **headers: str) -> tuple[object, ...]:
        """Everything of an answer that could tell it from another."""
        answer = self.get(scope, path, query, **headers)
        return answer.status, {**answer.headers, "x-request-id": "", "date": ""}, answer.body


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoTenants]:
    directory = tmp_path_factory.mktemp("apart")
    config = make_installation(directory / "gate", policy=POLICY, port=0)
    text = config.read_text("utf-8").replace("  main: {kind: folder, path: archive}\n", ARCHIVES)
    config.write_text(text, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROMETHEUS_MULTIPROC_DIR", str(directory))
        with open_installation(read_settings(config), "test") as installation:
            publish_all(installation)
            tokens = {scope: _furnish(installation, scope) for scope in NAMES}
            app = build_app(installation, build_gate(installation), [("127.0.0.1", 0)])
            uid = _object(OWN).key.study_instance_uid
            yield TwoTenants(installation, app, tokens, uid)


def _object(scope: TenantScope) -> Part10:
    return variant(PatientName=NAMES[scope])


def _furnish(installation: Installation, scope: TenantScope) -> str:
    """One study, one account; returns its token."""
    name = installation.tenant_archives.main(scope)
    archive, one = installation.archives.by_name[name], _object(scope)
    path = installation.archives.spools[name].new_path()
    path.write_bytes(one.data)
    archive.store(one.key, path, one.digest)
    installation.sync.sync(scope, name)
    change = Change(scope, installation.actor(), installation.clock.now())
    users = UserAdministration(installation.office, Argon2Passwords(CHEAP))
    users.add(change, ASKER[scope], kind=SubjectKind.SERVICE)
    users.assign(change, ASKER[scope], Assignment("reader"))
    tokens = TokenAdministration(installation.office, RandomTokens())
    until = change.at + timedelta(days=1)
    return tokens.issue(change, ASKER[scope], label="t", expires_at=until).text


@pytest.mark.parametrize("scope", [OWN, NORTH])
def test_the_same_path_leads_everybody_to_their_own_study(two: TwoTenants, scope: TenantScope) -> None:
    own, other = NAMES[scope].encode(), NAMES[OTHER[scope]].encode()
    archive = two.installation.tenant_archives.main(scope)
    for root in ("/dicom-web", f"/archives/{archive}/dicom-web"):
        for path in ("/studies", f"/studies/{two.uid}/metadata", f"/studies/{two.uid}"):
            answer = two.get(scope, root + path, accept="*/*")
            assert (answer.status, own in answer.body, other in answer.body) == (200, True, False), path
    found = two.get(scope, "/api/v1/search", "query=Modality%20StrEquals%20MR")
    assert (found.status, own in found.body, other in found.body) == (200, True, False)


@pytest.mark.parametrize("scope", [OWN, NORTH])
def test_anothers_archive_is_one_that_does_not_exist(two: TwoTenants, scope: TenantScope) -> None:
    foreign = two.installation.tenant_archives.main(OTHER[scope])
    for path in (
        f"/archives/%s/dicom-web/studies/{two.uid}/metadata",
        "/archives/%s/dicom-web/studies",
        "/archives/%s/orthanc/system",
    ):
        assert two.told(scope, path % foreign) == two.told(scope, path % "nowhere"), path
        assert two.told(scope, path % foreign)[0] == 404
    query = "query=Modality%%20StrEquals%%20MR&archive=%s"
    assert two.told(scope, "/api/v1/search", query % foreign) == two.told(
        scope, "/api/v1/search", query % "nowhere"
    )


@pytest.mark.parametrize("scope", [OWN, NORTH])
def test_a_proxy_lets_nobody_through_to_anothers_archive(two: TwoTenants, scope: TenantScope) -> None:
    def told(archive: str, point: TenantScope) -> tuple[object, ...]:
        path = f"/auth/check/archives/{archive}/dicom-web/studies/{two.uid}"
        return two.told(scope, path, pacsgate_enforcement_point=f"Bearer {two.tokens[point]}")

    archives = two.installation.tenant_archives
    own, foreign = archives.main(scope), archives.main(OTHER[scope])
    assert told(own, scope)[0] == 200
    assert told(foreign, scope) == told("nowhere", scope)
    for point in (scope, OTHER[scope]):
        assert told(foreign, point)[0] == 403
    assert told(own, OTHER[scope])[0] == 403


@pytest.mark.parametrize("scope", [OWN, NORTH])
def test_of_others_one_may_ask_within_ones_own_tenant(two: TwoTenants, scope: TenantScope) -> None:
    def decision(name: str, **properties: str) -> object:
        answer = two.sent(
            scope,
            "POST",
            "/access/v1/evaluation",
            {
                "subject": {"type": "service", "id": name, "properties": {"ip_address": "127.0.0.1"}},
                "action": {"name": "view"},
                "resource": {"type": "study", "id": two.uid, "properties": properties},
            },
        )
        assert answer.status == 200
        return json.loads(answer.body)

    foreign = two.installation.tenant_archives.main(OTHER[scope])
    assert decision(ASKER[scope])["decision"] is True
    assert decision(ASKER[OTHER[scope]]) == decision("nobody")
    assert decision(ASKER[scope], archive=foreign) == decision(ASKER[scope], archive="nowhere")
    assert decision(ASKER[scope], archive=foreign)["decision"] is False


def test_a_system_that_sends_messages_is_a_device_of_its_own_tenant(two: TwoTenants) -> None:
    change = Change(NORTH, two.installation.actor(), two.installation.clock.now())
    users = UserAdministration(two.installation.office, Argon2Passwords(CHEAP))
    users.add(change, "north-ris", kind=SubjectKind.DEVICE)
    users.assign(change, "north-ris", Assignment("orders"))
    taking = reception(two.installation)
    here = Sender("north-ris", scope=NORTH)
    assert b"MSA|AA" in taking.receive(here, "127.0.0.1", order("P1", "1.2.3"))
    assert b"MSA|AR" in taking.receive(replace(here, scope=OWN), "127.0.0.1", order("P1", "1.2.3"))


def test_everything_is_on_record_of_the_tenant_of_who_asked(two: TwoTenants) -> None:
    seen = {}
    for entry in read_trail(two.installation.settings.data / "trail"):
        if entry.event.actor.name in ASKER.values():
            seen.setdefault(entry.event.actor.name, set()).add((entry.event.tenant, entry.event.archive))
    assert seen["asker"] <= {
        ("default", "main"),
        ("default", None),
        ("default", "north-main"),
        ("default", "nowhere"),
    }
    assert {tenant for tenant, _ in seen["north-asker"]} == {"north"}


def test_what_a_crash_left_is_finished_in_the_tenant_whose_archive_it_is(two: TwoTenants) -> None:
    finish_stores(two.installation)
    index = two.installation.stores.index
    for scope, archive in ((OWN, "main"), (NORTH, "north-main")):
        assert len(index.studies(scope, ArchiveName(archive), two.uid)) == 1
        assert index.studies(OTHER[scope], ArchiveName(archive), two.uid) == ()
