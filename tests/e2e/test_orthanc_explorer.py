"""Orthanc Explorer, as Debian ships it, in Chromium: a restricted persona browses, previews, downloads and uploads.

Whatever the browser receives goes past the canary recorder, and so does the text on the screen.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect
from pydicom.uid import generate_uid

from pacsgate.cli.demo.hospital import part10
from tests.e2e.asking import another
from tests.support.browser import PATIENCE_MILLISECONDS, chromium, take_picture
from tests.support.guarded_orthanc import GuardedOrthanc

pytestmark = [pytest.mark.long, pytest.mark.server("orthanc"), pytest.mark.server("chromium")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


class Explorer:
    """A persona in front of Orthanc Explorer, which is at the root of its listener."""

    def __init__(self, guarded: GuardedOrthanc, browser: Browser, persona: str) -> None:
        self.guarded = guarded
        self.persona = persona
        self.context: BrowserContext = browser.new_context(
            viewport={"width": 1300, "height": 900},
            http_credentials={"username": persona, "password": guarded.hospital.passwords[persona]},
            accept_downloads=True,
        )
        self.context.set_default_timeout(PATIENCE_MILLISECONDS)
        self.page: Page = self.context.new_page()
        self.visits = 0
        self.broken: list[str] = []
        self.refused: list[str] = []
        self.page.on("response", self._received)
        self.page.on("pageerror", lambda error: self.broken.append(str(error)))
        self.page.on("dialog", lambda dialog: dialog.dismiss())

    def _received(self, response: Response) -> None:
        if response.status >= 400:
            self.refused.append(f"{response.status} {response.request.method} {response.url}")

    def go(self, anchor: str) -> None:
        """Open a page of the explorer afresh, by its address."""
        self.visits += 1
        self.page.goto(f"{self.guarded.mounted}/app/explorer.html?{self.visits}#{anchor}")
        self.page.wait_for_load_state("networkidle")

    def look(self, picture: str) -> str:
        """Keep what the page looks like, and what it says."""
        take_picture(self.page, picture)
        text = self.page.inner_text("body")
        self.guarded.hospital.recorder.see(self.persona, self.page.content(), picture)
        assert not self.broken, self.broken
        unexpected = [
            each for each in self.refused if not each.startswith("404") and "/protected" not in each
        ]
        assert not unexpected, unexpected
        return text


@pytest.fixture
def explorer(guarded_orthanc: GuardedOrthanc, browser: Browser) -> Iterator[Explorer]:
    desk = Explorer(guarded_orthanc, browser, "rad1")
    yield desk
    desk.context.close()


def test_somebody_browses_from_her_patients_to_an_image(explorer: Explorer) -> None:
    guarded, page = explorer.guarded, explorer.page
    page.goto(f"{guarded.mounted}/")
    page.wait_for_url("**/app/explorer.html**")
    explorer.go("find-patients")
    expect(page.locator("#all-patients li")).to_have_count(1)
    explorer.look("explorer-patients")
    page.locator("#all-patients li a").first.click()
    page.wait_for_url("**#patient?uuid=**")
    expect(page.locator("#list-studies li a")).to_have_count(1)
    expect(page.locator("#patient.ui-page-active:not(.in)")).to_be_visible()
    explorer.look("explorer-patient")
    for level, identifier in (("study", guarded.study("S1")), ("series", guarded.series("S1"))):
        explorer.go(f"{level}?uuid={identifier}")
        explorer.look(f"explorer-{level}")
    explorer.go(f"instance?uuid={guarded.instance('S1')}")
    explorer.look("explorer-instance")
    page.locator("#instance-preview").click()
    image = page.locator("#lbImage")
    expect(image).to_be_visible()
    page.wait_for_timeout(1_000)
    explorer.look("explorer-preview")


def test_what_is_hidden_is_not_found_by_anybody_who_knows_its_address(explorer: Explorer) -> None:
    explorer.go(f"study?uuid={explorer.guarded.study('S2')}")
    explorer.look("explorer-hidden-study")


def test_a_lookup_lists_what_she_sees(explorer: Explorer) -> None:
    explorer.go("lookup")
    explorer.page.locator("#lookup-submit").click()
    expect(explorer.page.locator("#lookup-result li").first).to_be_visible()
    explorer.look("explorer-lookup")
    assert explorer.page.locator("#lookup-result li").count() >= 1


def test_a_download_is_the_object_and_an_archive_needs_a_right_of_its_own(
    guarded_orthanc: GuardedOrthanc, browser: Browser, explorer: Explorer, tmp_path: Path
) -> None:
    explorer.go(f"instance?uuid={guarded_orthanc.instance('S1')}")
    with explorer.page.expect_download() as download:
        explorer.page.locator("#instance-download-dicom").click()
    kept = tmp_path / "downloaded.dcm"
    download.value.save_as(kept)
    straight = guarded_orthanc.orthanc.request("GET", f"/instances/{guarded_orthanc.instance('S1')}/file")
    assert kept.read_bytes() == straight.content
    chief = Explorer(guarded_orthanc, browser, "chief1")
    chief.go(f"study?uuid={guarded_orthanc.study('S1')}")
    with chief.page.expect_download() as download:
        chief.page.locator("#study-archive").click()
    download.value.save_as(tmp_path / "study.zip")
    with zipfile.ZipFile(tmp_path / "study.zip") as archive:
        assert len(archive.namelist()) == len(guarded_orthanc.hospital.objects["S1"])
    chief.context.close()


def test_a_device_uploads_and_sees_nothing(
    own_guarded_orthanc: GuardedOrthanc, browser: Browser, tmp_path: Path
) -> None:
    brought = another(own_guarded_orthanc.hospital.objects["S1"][0], StudyInstanceUID=generate_uid())
    file = tmp_path / "new.dcm"
    file.write_bytes(part10(brought))
    scanner = Explorer(own_guarded_orthanc, browser, "CT1")
    before = own_guarded_orthanc.orthanc.instance_count()
    scanner.go("upload")
    scanner.page.locator("#fileupload").set_input_files(str(file))
    expect(scanner.page.locator(".pending-file")).to_have_count(1)
    scanner.page.locator("#upload-button").click()
    expect(scanner.page.locator("#progress .label")).to_have_text("Done")
    scanner.look("explorer-upload")
    assert own_guarded_orthanc.orthanc.instance_count() == before + 1
    scanner.context.close()
