"""An agent as a process of its own, over TLS: what it carries out, what it reports, and what bad networks do to it.

Long: one gate for all tests here; the agent's database is a new one for each.
"""

import json
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
import requests
from pydicom.uid import generate_uid
from ruamel.yaml import YAML

from pacsgate.audit.events import EventKind
from pacsgate.bootstrap.installation import open_installation, trail_directory
from pacsgate.config import read_settings
from pacsgate.model.access import PacsPlace
from pacsgate.model.site_events import ACCESS_GRANTED, INDEX_COUNTED
from pacsgate.ports.pacs_reports import Kept
from pacsgate.sinks.trail_reader import read_trail
from tests.e2e.asking import another, stow
from tests.support.agent_site import AgentSite, agent_site, behind, wait_until
from tests.support.hospital import FurnishedHospital
from tests.support.meddling_proxy import meddling_proxy
from tests.support.slow_download import slow_download

pytestmark = pytest.mark.long

CARD = "12-34567"
SECONDS = 2.0
BRANCH_POLICY = "version: 1\nroles: {reader: {may: [search]}}\n"
QUEUE = "queue: {wait: 5 s, lease: 2 s, attempts: 20}\n"
LARGE_OBJECTS, LARGE_BYTES = 6, 16 * 1024**2
ROLE = "reading-room-reader"
RULE = {
    "id": "images-only-in-the-reading-room",
    "effect": "permit",
    "roles": [ROLE],
    "when": "'reading-room' in user.zone",
}


@pytest.fixture(scope="module")
def gate(furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentSite]:
    with agent_site(furnished, tmp_path_factory.mktemp("agents"), QUEUE) as site:
        yield site


@pytest.fixture
def site(gate: AgentSite, tmp_path: Path) -> AgentSite:
    """The gate, with an agent that has never run."""
    environment = {**gate.environment, "Agent__DataDirectory": str(tmp_path / "agent")}
    return replace(gate, environment=environment, directory=tmp_path)


def reader(site: AgentSite, name: str) -> str:
    """An account that may read in the reading room only; its token."""
    hospital = site.hospital
    yaml, text = YAML(), StringIO()
    policy = yaml.load(hospital.policy)
    if ROLE not in policy["roles"]:
        policy["roles"][ROLE] = {"may": ["search", "view", "retrieve"]}
        policy["rules"].append(RULE)
        yaml.dump(policy, text)
        hospital.policy.write_text(text.getvalue(), "utf-8")
        wait_until(lambda: ROLE in site.installation.policies.current(site.installation.scope).roles)
    assert hospital.cli("user", "add", name, "--no-password", "--role", ROLE).returncode == 0
    issued = hospital.cli("token", "issue", name, "--label", "t", "--json")
    return str(json.loads(issued.stdout)["token"])


def test_what_is_asked_at_the_gate_is_done_at_the_doors_and_what_happens_there_is_known_at_the_gate(
    site: AgentSite,
) -> None:
    with site.agent() as process:
        site.person("ann", CARD, "reading-room", account="rad1")
        wait_until(lambda: site.pacs.features is not None)
        assert site.swipe("main-in", CARD)["granted"]
        wait_until(lambda: site.zones("rad1") == {"lobby", "doors/lobby"})
        refused = site.result(site.ask("IdentityCreate", {"identityId": "ann", "name": "Ann"}))
        assert refused is not None
        assert refused.status == 409
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    trail = [record.event for record in read_trail(trail_directory(site.installation.settings))]
    passed = [event for event in trail if event.kind is EventKind.DOOR_PASSED]
    assert (passed[-1].actor.name, passed[-1].details["zone"]) == ("rad1", "lobby")


def test_images_end_within_two_seconds_of_leaving_the_room_running_downloads_included(
    site: AgentSite,
) -> None:
    hospital = site.hospital
    token = reader(site, "ann")
    uid = generate_uid()
    for _ in range(LARGE_OBJECTS):
        image = another(hospital.objects["S2"][0], StudyInstanceUID=uid)
        image.Rows, image.Columns, image.PixelData = 4096, 2048, bytes(LARGE_BYTES)
        assert stow(hospital, "CT1", "/studies", image).status_code == 200

    def studies() -> int:
        headers = {"Authorization": f"Bearer {token}"}
        answer = requests.get(f"{hospital.dicomweb}/studies?limit=1", headers=headers, timeout=10)
        return len(answer.json()) if answer.status_code == 200 else 0

    with site.agent():
        site.person("ann-badge", "12-2", "reading-room", account="ann")
        assert studies() == 0, "nobody knows where she is"
        site.swipe("main-in", "12-2")
        site.swipe("reading-room-in", "12-2")
        wait_until(studies)
        with slow_download(hospital.url, f"/studies/{uid}", token) as download:
            download.read_slowly(0.5)
            site.swipe("reading-room-out", "12-2")
            left = time.monotonic()
            download.read_slowly(SECONDS)
            assert download.read_the_rest() < LARGE_OBJECTS * LARGE_BYTES / 2
        wait_until(lambda: studies() == 0, SECONDS)
        assert time.monotonic() - left < 2 * SECONDS
        site.swipe("reading-room-in", "12-2")
        wait_until(studies)
        now = site.installation.clock.now()
        site.installation.stores.reports.silence(now, now)
        assert studies() == 0, "an agent that is silent is not believed"


def test_through_cuts_delays_and_reordering_everything_is_done_and_told_once_and_in_order(
    site: AgentSite,
) -> None:
    with meddling_proxy(site.https_port) as proxy:
        here = behind(site, proxy.port)
        with here.agent():
            here.person("bob", "12-3", "lobby", account="rad1")
            proxy.weather.slowest_seconds, proxy.weather.cut = 0.1, 0.04
            asked = [
                here.ask("IdentityCreate", {"identityId": f"p{number}", "name": "P"}) for number in range(10)
            ]
            for number in range(20):
                here.swipe("main-in" if number % 2 == 0 else "main-out", "12-3")
                if number % 7 == 6:
                    proxy.cut_all()
            outcomes = [here.result(message, 60) for message in asked]
            proxy.weather.cut = proxy.weather.slowest_seconds = 0.0
            assert [outcome and outcome.status for outcome in outcomes] == [201] * 10
            wait_until(lambda: _passages(here, "identity/bob") >= 20)
            assert proxy.weather.cuts > 3
    doors = [each for each in _events(here) if each.event.holder == "identity/bob"]
    assert [each.event.details["reader"] for each in doors] == ["main-in", "main-out"] * 10


def _events(site: AgentSite) -> list[Kept]:
    kept = site.installation.stores.reports.events(
        site.installation.scope, site.pacs_id, before=None, limit=1000
    )
    return list(reversed(kept))


def _passages(site: AgentSite, holder: str) -> int:
    return sum(each.event.holder == holder and each.event.kind == ACCESS_GRANTED for each in _events(site))


def test_while_the_gate_is_away_doors_go_on_and_are_told_of_later(site: AgentSite) -> None:
    with meddling_proxy(site.https_port) as proxy:
        here = behind(site, proxy.port)
        with here.agent():
            here.person("eve", "12-4", "lobby", account="rad1")
            proxy.weather.is_down = True
            proxy.cut_all()
            for reader_name in ("main-in", "main-out", "main-in"):
                assert here.swipe(reader_name, "12-4")["granted"]
            message = here.ask("IdentityGet", identity="eve")
            time.sleep(1)
            assert _passages(here, "identity/eve") == 0
            proxy.weather.is_down = False
            outcome = here.result(message, 60)
            assert outcome is not None
            assert outcome.status == 200
            wait_until(lambda: _passages(here, "identity/eve") == 3, 40)


def test_an_agent_that_is_killed_again_and_again_loses_nothing_and_does_nothing_twice(
    site: AgentSite,
) -> None:
    """Kills at random moments while commands go through; each command creates one credential."""
    with site.agent():
        site.person("kim", "12-5")
    asked: list[str] = []

    def submit() -> None:
        for number in range(9):
            body = {"format": "uid", "value": f"0A0B0C{number:02X}", "credentialId": f"c{number}"}
            asked.append(site.ask("IdentityCreate", {"identityId": f"k{number}", "name": "K"}))
            asked.append(site.ask("IdentityCredentialCreate", body, identity=f"k{number}"))
            time.sleep(0.15)

    submitting = threading.Thread(target=submit)
    submitting.start()
    for round_number in range(3):
        with site.agent() as process:
            time.sleep(0.9 + 0.25 * round_number)
            process.kill()
            process.wait(10)
    submitting.join(30)
    with site.agent():
        outcomes = [site.result(message, 90) for message in asked]
        assert [outcome and outcome.status for outcome in outcomes] == [201] * 18


def test_an_agent_with_a_wrong_secret_gets_nowhere_and_says_so(site: AgentSite) -> None:
    with site.agent(Auth__ClientSecret="wrong") as process:
        message = site.ask("IdentityList")
        wait_until(lambda: "no access token" in site.log())
        assert process.poll() is None
        assert site.result(message, 0.1) is None
        assert "wrong" not in site.log()


def test_an_agent_does_not_speak_to_a_gate_whose_certificate_it_does_not_trust(site: AgentSite) -> None:
    with site.agent(Agent__CaFile=""):
        message = site.ask("IdentityList")
        wait_until(lambda: "the certificate of the token endpoint is not trusted" in site.log())
        assert site.result(message, 0.1) is None


def test_an_installation_without_an_inbound_port_is_governed_through_its_agent(
    site: AgentSite, furnished: FurnishedHospital
) -> None:
    """The agent stands beside another installation, which nobody serves: its people and its policy are set."""
    branch = furnished.copy_to(site.directory / "branch")
    remote = site.another_pacs(
        "branch", "archive", Agent__Adapter="archive", Agent__Config=str(branch.config)
    )
    with remote.agent(), open_installation(read_settings(branch.config), "test") as there:
        remote.done("IdentityCreate", {"identityId": "locum-7", "name": "Locum", "account": "rad1"})
        published = remote.done("PolicyPublish", {"sources": {"policy.yaml": BRANCH_POLICY}})
        live = there.stores.revisions.live(there.scope)
        assert live is not None
        assert (live.revision, published["live"]) == (published["revision"], True)
        place = PacsPlace(there.scope.tenant, there.main_archive)
        assert there.stores.access.identity(place, "locum-7") is not None

        def counted() -> set[str]:
            return {
                each.event.details["studies"] for each in _events(remote) if each.event.kind == INDEX_COUNTED
            }

        wait_until(counted)
        studies, _, _ = there.stores.index.counts(there.scope, there.main_archive)
        assert counted() == {str(studies)}
