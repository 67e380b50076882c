"""The files of seed 000, unchanged, in front of the archive: over HTTP its users may do what their table says."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from pydicom.uid import generate_uid

from pacsgate.bootstrap.installation import open_installation
from pacsgate.config import read_settings
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change
from tests.e2e.asking import PATIENCE_SECONDS, another, found, stow, within
from tests.support.hospital import FurnishedHospital, RunningHospital, cli_here, opened
from tests.support.seed_000 import LUA, ORTHANC_JSON, SAMPLE_PASSWORDS

FOREIGN = """\
foreign_policies:
  - {format: zhiva, path: orthanc.json}
  - {format: zhiva, path: scripts/IncomingHttpRequestFilter.lua}
"""
OWN_POLICY = """\
version: 1
rules:
  - id: no-series-metadata
    effect: forbid
    users: [zhiva]
    when: "has(env.request) && 'GET /dicom-web/studies/*/series/*/metadata' in env.request"
    message: Not this way.
"""
PEOPLE = ("zhiva", "zhiva-editor", "zhiva-admin", "stranger")
PASSWORD = "not-in-any-guide-7"


def script(hospital: RunningHospital) -> Path:
    return hospital.config.parent / "scripts/IncomingHttpRequestFilter.lua"


@pytest.fixture(scope="module")
def zhiva(
    furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningHospital]:
    """The demo's archive behind a gate that reads the files of seed 000."""
    copied = furnished.copy_to(tmp_path_factory.mktemp("zhiva") / "gate")
    directory = copied.config.parent
    (directory / "scripts").mkdir()
    (directory / "scripts/IncomingHttpRequestFilter.lua").write_text(LUA, "utf-8")
    (directory / "orthanc.json").write_text(ORTHANC_JSON, "utf-8")
    (directory / "policy.yaml").write_text(OWN_POLICY, "utf-8")
    with copied.config.open("a", encoding="utf-8") as config:
        config.write(FOREIGN)
    with open_installation(read_settings(copied.config), "test") as installation:
        office = installation.office
        change = Change(installation.scope, installation.actor(), installation.clock.now())
        for name in PEOPLE:
            UserAdministration(office, Argon2Passwords()).add(change, name, password=PASSWORD)
    with opened(copied) as running:
        yield replace(running, passwords={**running.passwords, **dict.fromkeys(PEOPLE, PASSWORD)})


def ask(hospital: RunningHospital, user: str, method: str, path: str, accept: str = "*/*") -> int:
    # Not recorded by the canaries: what they know is the oracle, which knows of no such user.
    response = requests.request(
        method,
        hospital.dicomweb + path,
        auth=(user, PASSWORD),
        headers={"Accept": accept},
        timeout=30,
        allow_redirects=False,
    )
    return response.status_code


@pytest.mark.parametrize("user", ["zhiva", "zhiva-editor", "zhiva-admin"])
def test_viewers_read_every_study_by_get_and_head(zhiva: RunningHospital, user: str) -> None:
    assert found(zhiva, user) == set(zhiva.studies)
    for path in (zhiva.study("S1"), f"{zhiva.study('S2')}/metadata", f"{zhiva.instance('S3')}/frames/1"):
        assert ask(zhiva, user, "GET", path) == 200
    assert ask(zhiva, user, "HEAD", "/studies") == 200


@pytest.mark.parametrize(
    ("user", "stores"), [("zhiva", False), ("zhiva-editor", True), ("zhiva-admin", True), ("stranger", False)]
)
def test_editors_store_by_post(zhiva: RunningHospital, user: str, stores: bool) -> None:
    new = another(zhiva.objects["S2"][0], StudyInstanceUID=generate_uid(), SeriesInstanceUID=generate_uid())
    assert (stow(zhiva, user, "/studies", new).status_code == 200) is stores
    more = another(zhiva.objects["S1"][0])
    assert (stow(zhiva, user, zhiva.study("S1"), more).status_code == 200) is stores


@pytest.mark.parametrize(
    ("user", "status"), [("zhiva", 403), ("zhiva-editor", 403), ("zhiva-admin", 204), ("stranger", 403)]
)
def test_only_admins_delete(zhiva: RunningHospital, user: str, status: int) -> None:
    assert ask(zhiva, user, "DELETE", zhiva.instance("S2", number=2)) == status


@pytest.mark.parametrize(("user", "status"), [("zhiva", 403), ("zhiva-editor", 403), ("zhiva-admin", 200)])
def test_what_is_built_to_leave_is_for_admins_whatever_the_lua_let_through(
    zhiva: RunningHospital, user: str, status: int
) -> None:
    assert ask(zhiva, user, "GET", zhiva.study("S1"), "application/zip") == status


def test_somebody_in_no_list_may_nothing(zhiva: RunningHospital) -> None:
    assert ask(zhiva, "stranger", "GET", "/studies") == 403
    assert ask(zhiva, "stranger", "GET", zhiva.study("S1")) == 403


@pytest.mark.parametrize("mount", ["/dicom-web", "/archives/main/dicom-web"])
def test_a_rule_of_our_own_about_a_request_holds_by_every_mount_and_spelling(
    zhiva: RunningHospital, mount: str
) -> None:
    path = f"{zhiva.series('S1')}/metadata"
    for spelled in (path, path.replace("series", "%73eries"), path.replace("metadata", "%6detadata")):
        for user, status in (("zhiva", 403), ("zhiva-editor", 200)):
            answer = requests.get(f"{zhiva.url}{mount}{spelled}", auth=(user, PASSWORD), timeout=30)
            assert answer.status_code == status
    assert ask(zhiva, "zhiva", "GET", f"{zhiva.study('S1')}/metadata") == 200


def test_a_saved_list_decides_at_once_and_a_broken_one_changes_nothing(zhiva: RunningHospital) -> None:
    try:
        script(zhiva).write_text(LUA.replace("{'zhiva', 'zhiva-editor'}", "{'zhiva-editor'}"), "utf-8")
        assert within(PATIENCE_SECONDS, lambda: ask(zhiva, "zhiva", "GET", "/studies") == 403)
        script(zhiva).write_text(LUA.replace("{'zhiva-admin'}", "everybody()"), "utf-8")
        assert within(
            PATIENCE_SECONDS, lambda: requests.get(f"{zhiva.url}/readyz", timeout=30).status_code == 503
        )
        assert ask(zhiva, "zhiva", "GET", "/studies") == 403
        checked = cli_here("config", "check", str(zhiva.config))
        assert "IncomingHttpRequestFilter.lua:4:" in checked.stderr
    finally:
        script(zhiva).write_text(LUA, "utf-8")
    assert within(PATIENCE_SECONDS, lambda: ask(zhiva, "zhiva", "GET", "/studies") == 200)


def test_no_password_of_the_files_is_kept_anywhere(zhiva: RunningHospital) -> None:
    kept = [file for file in (zhiva.config.parent / "data").rglob("*") if file.is_file()]
    assert kept
    for file in (*kept, zhiva.log):
        held = file.read_bytes()
        assert not any(secret.encode() in held for secret in SAMPLE_PASSWORDS.values()), file
