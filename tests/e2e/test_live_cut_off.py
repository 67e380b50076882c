"""Who is locked, leaves or comes to the end of their time loses everything within two seconds, on every node.

Two gates on one PostgreSQL: what is done at one must end what runs at the other.
"""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser
from pydicom.uid import generate_uid

from pacsgate.bootstrap.clock import SystemClock
from tests.e2e.asking import another, stow
from tests.support.browser import PATIENCE_MILLISECONDS, chromium, sign_in
from tests.support.databases import cluster
from tests.support.dimse import Dicom, dicom_doors, with_dicom
from tests.support.dimse_wire import associate_rq, identity_item, wire
from tests.support.hospital import RunningHospital, cli, furnish, opened
from tests.support.slow_download import slow_download

pytestmark = [pytest.mark.long, pytest.mark.server("postgresql")]

CLOCK = SystemClock()
SECONDS = 2.0
NOT_AUTHORIZED = 0x0124
LARGE_OBJECTS, LARGE_BYTES = 6, 16 * 1024**2
SETTINGS = """\
database: {url}
identity:
  scim: [{{name: hr, account: scim-hr}}]
viewer: {viewer}
"""


@dataclass(frozen=True)
class Nodes:
    """Two gates with one database; commands are given at the first."""

    first: RunningHospital
    second: RunningHospital
    dicom: Dicom
    """Of the second."""
    large: str
    """The path of a study that no buffer can hold."""

    def token(self, name: str) -> str:
        """A new token of an account."""
        issued = self.first.cli("token", "issue", name, "--label", "t", "--json")
        return str(json.loads(issued.stdout)["token"])

    def do(self, *command: str) -> None:
        """Give a command, which must succeed."""
        done = self.first.cli(*command)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def viewer(request: pytest.FixtureRequest) -> Path:
    """The pinned build, fetched once and kept between runs."""
    directory = request.config.cache.mkdir("ohif") / "viewer"
    installed = cli("viewer", "install", "--directory", str(directory))
    assert installed.returncode == 0, installed.stderr
    return directory


@pytest.fixture(scope="module")
def nodes(viewer: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    directory = tmp_path_factory.mktemp("nodes")
    with ExitStack() as running:
        url = running.enter_context(cluster()).url()
        settings = SETTINGS.format(url=url, viewer=viewer)
        first = with_dicom(furnish(directory / "a", workers=1, settings=settings))
        gate = running.enter_context(opened(first))
        uid = generate_uid()
        for _ in range(LARGE_OBJECTS):
            image = another(gate.objects["S2"][0], StudyInstanceUID=uid)
            image.Rows, image.Columns, image.PixelData = 4096, 2048, bytes(LARGE_BYTES)
            assert stow(gate, "CT1", "/studies", image).status_code == 200
        # The same objects on the second node's own disk, as if both stood before one archive.
        second = running.enter_context(opened(first.copy_to(directory / "b")))
        yield Nodes(gate, second, dicom_doors(second)[0], f"/studies/{uid}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def refused_by_both(nodes: Nodes, token: str) -> None:
    """The very next request is refused, at whichever node."""
    for node in (nodes.first, nodes.second):
        told = requests.get(f"{node.dicomweb}/studies", headers=bearer(token), timeout=10)
        assert told.status_code == 401


@pytest.mark.server("chromium")
@pytest.mark.server("npm")
def test_a_lock_ends_the_viewer_the_association_and_the_download_within_two_seconds(
    nodes: Nodes, browser: Browser
) -> None:
    """Row X7.  OHIF in Chromium at one node; a held association and a running download at the other.

    ASVS 7.4.2, 8.3.2.
    """
    name, token = "chief1", nodes.token("chief1")
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    page = context.new_page()
    sign_in(page, nodes.first.url, name, nodes.first.passwords[name])
    uid = nodes.first.studies["S1"].study_instance_uid
    page.goto(f"{nodes.first.url}/viewer/viewer?StudyInstanceUIDs={uid}")
    page.locator("canvas.cornerstone-canvas").first.wait_for()
    # Paging, as a person at the wheel: the same question again and again, with the time of the first refusal.
    page.evaluate(
        """(path) => { window.refusedAt = null; window.asked = 0; window.paging = setInterval(async () => {
            const answer = await fetch(path + '&offset=' + window.asked, {cache: 'no-store'});
            window.asked += 1;
            if (answer.status === 401 && window.refusedAt === null) { window.refusedAt = Date.now(); }
        }, 50); }""",
        "/dicom-web/studies?limit=1",
    )
    page.wait_for_function("window.asked > 5")
    assert page.evaluate("window.refusedAt") is None
    identity = identity_item(2, name.encode(), nodes.first.passwords[name].encode())
    with wire(nodes.dicom.port) as peer, slow_download(nodes.second.url, nodes.large, token) as download:
        peer.associate(associate_rq("PACSGATE", user_items=identity))
        assert peer.echo() == 0
        download.read_slowly(0.3)
        nodes.do("lock", name, "--reason", "laptop stolen")
        locked, locked_at = time.monotonic(), CLOCK.now().timestamp()
        assert peer.pdu()[:1] == b"\x07"
        assert time.monotonic() - locked < SECONDS
        refused_by_both(nodes, token)
        download.read_slowly(SECONDS - (time.monotonic() - locked))
        assert download.read_the_rest() < LARGE_OBJECTS * LARGE_BYTES / 2
        page.wait_for_function("window.refusedAt !== null", timeout=SECONDS * 1000)
        assert page.evaluate("window.refusedAt") / 1000 - locked_at < SECONDS
    nodes.do("unlock", name)
    page.goto(f"{nodes.first.url}/viewer/")
    assert "/sign-in" in page.url, "the session has ended for good"
    context.close()


def test_a_locked_device_is_cut_off_and_refused(nodes: Nodes) -> None:
    """Row X7.  For what has no account of a person."""
    nodes.do("user", "add", "scanner9", "--kind", "device", "--no-password")
    nodes.do("device", "add", "CT9", "--owner", "op", "--account", "scanner9", "--network", "127.0.0.0/8")
    with wire(nodes.dicom.port) as peer:
        peer.associate(associate_rq("PACSGATE", calling="CT9"))
        assert peer.echo() == NOT_AUTHORIZED, "it may do nothing, and is let in"
        nodes.do("lock", "CT9", "--reason", "sends to the wrong place")
        locked = time.monotonic()
        assert peer.pdu()[:1] == b"\x07"
        assert time.monotonic() - locked < SECONDS
    with wire(nodes.dicom.port) as peer:
        peer.send(associate_rq("PACSGATE", calling="CT9"))
        assert peer.pdu()[:1] == b"\x03"
    nodes.do("unlock", "CT9")


@pytest.mark.parametrize("window", ["account", "assignment"])
def test_what_has_an_end_ends_by_itself_in_the_middle_of_a_download(nodes: Nodes, window: str) -> None:
    """Row L5.  Nobody does anything; the time is up."""
    name = f"locum-{window}"
    nodes.do("role", "add", f"reader-{window}", "--may", "search", "--may", "retrieve")
    ends = CLOCK.now() + timedelta(seconds=5)
    until = ("--until", ends.isoformat())
    nodes.do("user", "add", name, "--no-password", *(until if window == "account" else ()))
    nodes.do("user", "assign", name, f"reader-{window}", *(until if window == "assignment" else ()))
    uid = nodes.large.rpartition("/")[2]
    nodes.do(
        "grant",
        "add",
        "--role",
        f"reader-{window}",
        "--study",
        uid,
        "--action",
        "search",
        "--action",
        "retrieve",
    )
    token = nodes.token(name)
    with slow_download(nodes.second.url, nodes.large, token) as download:
        download.read_slowly((ends - CLOCK.now()).total_seconds() - 0.5)
        assert not download.is_over
        download.read_slowly(0.5 + SECONDS)
        assert download.read_the_rest() < LARGE_OBJECTS * LARGE_BYTES / 2
    if window == "account":
        refused_by_both(nodes, token)


def test_a_leaver_told_by_scim_is_cut_off_within_two_seconds(nodes: Nodes) -> None:
    """Rows R6, L3.  The client asks one node, and the leaver downloads from the other.

    ASVS 7.4.2, 8.3.2.
    """
    nodes.do("role", "add", "provisioner", "--permission", "AccountProvision")
    nodes.do("user", "add", "scim-hr", "--kind", "service", "--no-password", "--role", "provisioner")
    headers = bearer(nodes.token("scim-hr"))
    url = f"{nodes.first.url}/scim/v2/Users"
    user = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "leaver1"}
    made = requests.post(url, json=user, headers=headers, timeout=10).json()
    uid = nodes.large.rpartition("/")[2]
    nodes.do(
        "grant", "add", "--user", "leaver1", "--study", uid, "--action", "search", "--action", "retrieve"
    )
    nodes.do("role", "add", "guest", "--may", "search", "--may", "retrieve")
    nodes.do("user", "assign", "leaver1", "guest")
    token = nodes.token("leaver1")
    with slow_download(nodes.second.url, nodes.large, token) as download:
        download.read_slowly(0.3)
        patch = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "Replace", "path": "active", "value": "False"}],
        }
        told = requests.patch(f"{url}/{made['id']}", json=patch, headers=headers, timeout=10)
        assert told.json()["active"] is False
        refused_by_both(nodes, token)
        download.read_slowly(SECONDS)
        assert download.read_the_rest() < LARGE_OBJECTS * LARGE_BYTES / 2


def test_a_personnel_list_joins_moves_and_disables_and_one_cut_short_does_nothing(
    nodes: Nodes, tmp_path: Path
) -> None:
    """Rows R5, R6, L3.  A leaver is out at both nodes when the command has returned."""
    listed = tmp_path / "hr.csv"
    header = "id,name,groups\n"
    rows = [f"{number},hr{number},radiology\n" for number in range(1, 7)]

    def sync(lines: list[str], *options: str) -> Any:
        listed.write_text(header + "".join(lines), "utf-8")
        return nodes.first.cli("user", "sync", str(listed), "--source", "personnel", *options)

    assert sync(rows).returncode == 0
    leaver, mover = nodes.token("hr1"), nodes.token("hr2")
    after = [rows[1].replace("radiology", "cardiology"), *rows[2:]]
    planned = json.loads(sync(after, "--dry-run", "--json").stdout)["steps"]
    assert {step["name"]: step["change"] for step in planned} == {"hr1": "leave", "hr2": "move"}
    assert nodes.first.cli("report", "drift", str(listed), "--source", "personnel").returncode == 1
    refused = sync(rows[:3])
    assert (refused.returncode, "--force" in refused.stderr) == (1, True)
    assert (
        requests.get(f"{nodes.second.url}/api/v1/me", headers=bearer(leaver), timeout=10).status_code == 200
    )
    assert sync(after).returncode == 0
    refused_by_both(nodes, leaver)
    moved = requests.get(f"{nodes.second.url}/api/v1/me", headers=bearer(mover), timeout=10).json()
    assert moved["groups"] == ["cardiology"]
    assert nodes.first.cli("report", "drift", str(listed), "--source", "personnel").returncode == 0
    orphans = json.loads(nodes.first.cli("report", "orphans", "--json").stdout)
    assert {"rad1"} <= {row["name"] for row in orphans}
    assert not {row["name"] for row in orphans} & {"hr1", "hr2", "hr3"}
