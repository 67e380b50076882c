"""OHIF, as its makers built it, in Chromium: two people see what each of them may see, and no more.

Whatever the browser receives from the gate goes past the canary recorder, and so does the text on the screen.
"""

import io
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Request, expect

from tests.personas import Expected, oracle
from tests.support.browser import PATIENCE_MILLISECONDS, chromium, sign_in, take_picture
from tests.support.hospital import FurnishedHospital, RunningHospital, cli, opened
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.long, pytest.mark.server("chromium"), pytest.mark.server("npm")]

LIST_SETTLES_MILLISECONDS = 3_000


@pytest.fixture(scope="module")
def viewer(request: pytest.FixtureRequest) -> Path:
    """The pinned build, fetched once and kept between runs."""
    directory = request.config.cache.mkdir("ohif") / "viewer"
    installed = cli("viewer", "install", "--directory", str(directory))
    assert installed.returncode == 0, installed.stderr
    return directory


@pytest.fixture(scope="module")
def ward(
    viewer: Path, furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningHospital]:
    """A hospital with the viewer."""
    copied = furnished.copy_to(tmp_path_factory.mktemp("ward") / "gate")
    with copied.config.open("a", encoding="utf-8") as file:
        file.write(f"viewer: {viewer}\n")
    with opened(copied) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


class Desk:
    """A persona in front of the viewer; `close` checks what came to the screen on the way there."""

    def __init__(self, ward: RunningHospital, browser: Browser, persona: str) -> None:
        self.ward = ward
        self.persona = persona
        self.context: BrowserContext = browser.new_context(viewport={"width": 1400, "height": 900})
        self.context.set_default_timeout(PATIENCE_MILLISECONDS)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.received: list[tuple[str, bytes]] = []
        self.page.on("console", self._listen)
        self.page.on("requestfinished", self._receive)
        sign_in(self.page, ward.url, persona, ward.passwords[persona])

    def _listen(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Cross-Origin" in message.text:
            self.complaints.append(message.text)

    def _receive(self, request: Request) -> None:
        self.asked.append(request.url)
        response = request.response()
        if response is not None and "/dicom-web/" in request.url:
            with suppress(Error):  # a page that has been left takes its answers with it
                self.received.append((request.url, response.body()))

    def read(self) -> str:
        """The text on the screen."""
        text = self.page.inner_text("body")
        self.ward.recorder.see(self.persona, text, f"the viewer at {self.page.url}")
        return text

    def open(self, study: str) -> None:
        """Open a study by its address."""
        uid = self.ward.studies[study].study_instance_uid
        self.page.goto(f"{self.ward.url}/viewer/viewer?StudyInstanceUIDs={uid}")

    def close(self) -> None:
        """Leave."""
        self.context.close()
        for url, body in self.received:
            self.ward.recorder.see(self.persona, body, url)
        assert [url for url in self.asked if not url.startswith((self.ward.url, "blob:", "data:"))] == []
        assert self.complaints == []


def shades(page: Page) -> int:
    """How many different shades of grey the first viewport shows."""
    canvas = page.locator("canvas.cornerstone-canvas").first
    with Image.open(io.BytesIO(canvas.screenshot())) as image:
        return sum(count > 0 for count in image.convert("L").histogram())


def test_the_viewer_opens_for_a_session_only(ward: RunningHospital, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{ward.url}/viewer/")
    expect(page).to_have_url(f"{ward.url}/sign-in")
    page.close()


@pytest.mark.parametrize("persona", ["rad1", "rad2", "stud1", "chief1"])
def test_the_study_list_shows_what_the_persona_may_see(
    ward: RunningHospital, browser: Browser, persona: str
) -> None:
    desk = Desk(ward, browser, persona)
    desk.page.get_by_role("link", name="Image viewer").click()
    expected = oracle()
    may_see = {name: expected[persona, "search", name] is Expected.ALLOW for name in ward.studies}
    desk.page.get_by_text(re.compile(rf"1-\d+ of {sum(may_see.values())}$")).wait_for()
    desk.page.wait_for_timeout(LIST_SETTLES_MILLISECONDS)
    text = desk.read()
    take_picture(desk.page, f"viewer-list-{persona}")
    for name, instances in ward.objects.items():
        assert (instances[0].StudyDescription in text) is may_see[name], name
    desk.close()


@pytest.mark.parametrize(
    ("persona", "study"), [("rad1", "S1"), ("rad2", "S2"), ("stud1", "S5"), ("chief1", "S7"), ("rad3", "S8")]
)
def test_a_study_is_drawn(ward: RunningHospital, browser: Browser, persona: str, study: str) -> None:
    """Native, JPEG-LS and JPEG 2000 slices, colour, twelve-bit JPEG."""
    desk = Desk(ward, browser, persona)
    desk.open(study)
    desk.page.locator("canvas.cornerstone-canvas").first.wait_for()
    wait_until(lambda: shades(desk.page) > 16, seconds=30)
    assert ward.objects[study][0].StudyDescription in desk.read()
    take_picture(desk.page, f"viewer-{study}-{persona}")
    desk.close()


def test_the_hidden_series_of_a_study_is_not_there(ward: RunningHospital, browser: Browser) -> None:
    """The report of the teaching case is not for students."""
    for persona, sees in (("stud1", False), ("chief1", True)):
        desk = Desk(ward, browser, persona)
        desk.open("S5")
        desk.page.locator("canvas.cornerstone-canvas").first.wait_for()
        desk.page.wait_for_timeout(LIST_SETTLES_MILLISECONDS)
        (report,) = (one for one in ward.objects["S5"] if one.Modality == "SR")
        assert (report.SeriesDescription in desk.read()) is sees
        desk.close()


def test_the_address_of_a_hidden_study_shows_nothing(ward: RunningHospital, browser: Browser) -> None:
    desk = Desk(ward, browser, "rad1")
    desk.open("S2")
    desk.page.get_by_text("not available at this time").wait_for()
    desk.read()
    take_picture(desk.page, "viewer-hidden-study")
    desk.close()


def test_whoever_is_disabled_is_put_out_of_the_viewer(ward: RunningHospital, browser: Browser) -> None:
    desk = Desk(ward, browser, "tech1")
    desk.page.goto(f"{ward.url}/viewer/")
    desk.page.get_by_text(ward.objects["S9"][0].StudyDescription).wait_for()
    assert ward.cli("user", "disable", "tech1").returncode == 0
    desk.page.get_by_text(ward.objects["S9"][0].StudyDescription).click()
    expect(desk.page).to_have_url(f"{ward.url}/sign-in")
    desk.close()


def test_an_old_page_is_asked_for_again_and_may_only_talk_to_the_gate(ward: RunningHospital) -> None:
    answer = requests.get(f"{ward.url}/viewer/app-config.js", timeout=30)
    assert answer.headers["Cache-Control"] == "no-cache"
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["connect-src"].split()[0] == "'self'"
    assert "http" not in answer.headers["Content-Security-Policy"]
    assert policy["frame-ancestors"] == "'none'"
