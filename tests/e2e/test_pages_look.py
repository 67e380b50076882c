"""Every page on every screen: it fits, says nothing to the console, and keeps nobody out.

Pictures of all of them go to `artifacts/`, for people to look at.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.axe import axe_source, findings
from tests.support.browser import chromium, sign_in, take_picture
from tests.support.hospital import RunningHospital

pytestmark = [pytest.mark.long, pytest.mark.server("chromium"), pytest.mark.server("npm")]

DESKTOP, PHONE, NARROW = (1280, 800), (390, 844), (360, 740)
NOBODYS = {"sign-in": "/sign-in", "reset": "/reset", "set-up": "/setup", "no-such-page": "/nowhere"}
MINE = {
    "home": "/",
    "studies": "/studies?previews=yes",
    "studies-by-query": "/studies?by=query",
    "access": "/access",
    "security": "/security",
    "factors": "/security/factors",
}
ADMINISTRATORS = {
    name: f"/admin/{name}" for name in ("users", "groups", "roles", "devices", "grants", "locks", "users/new")
}
SCREENS = {
    "desktop-light": (DESKTOP, "light"),
    "desktop-dark": (DESKTOP, "dark"),
    "phone-light": (PHONE, "light"),
    "narrow-dark": (NARROW, "dark"),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def axe(request: pytest.FixtureRequest) -> str:
    assert request.config.cache is not None
    return axe_source(request.config.cache.mkdir("axe-core"))


@pytest.fixture(scope="module", params=SCREENS)
def screen(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def opened(browser: Browser, screen: str) -> BrowserContext:
    (width, height), scheme = SCREENS[screen]
    return browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)


def look(page: Page, name: str, screen: str, axe: str) -> list[str]:
    """What is wrong with a page as it stands."""
    (width, _), _ = SCREENS[screen]
    wrong = []
    if page.evaluate("document.documentElement.scrollWidth") > width:
        wrong.append("it is wider than the screen")
    # Contrast differs by scheme, everything else by width: two screens of four are enough for axe.
    if screen in {"desktop-dark", "phone-light"}:
        wrong += findings(page, axe)
    take_picture(page, f"page-{name.replace('/', '-')}-{screen}")
    return [f"{name} on {screen}: {each}" for each in wrong]


def listened_to(page: Page, wrong: list[str]) -> Page:
    """A page whose errors, and refusals by its own policy, are noted; a 404 that was asked for is neither."""
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if "Policy" in message.text else None)
    return page


def test_every_page_fits_is_quiet_and_lets_everybody_in(
    hospital: RunningHospital, browser: Browser, axe: str, screen: str
) -> None:
    """WCAG 2.2 AA as far as axe can tell; no page loads what its policy forbids."""
    wrong: list[str] = []
    studies = {"study": hospital.study("S1"), "hidden-study": hospital.study("S2")}
    for name, pages in ((None, NOBODYS), ("rad1", MINE | studies), ("admin1", ADMINISTRATORS)):
        context = opened(browser, screen)
        page = listened_to(context.new_page(), wrong)
        if name is not None:
            sign_in(page, hospital.url, name, hospital.passwords[name])
        for title, path in pages.items():
            page.goto(f"{hospital.url}{path}")
            wrong += look(page, title, screen, axe)
        context.close()
    assert wrong == []


def test_a_keyboard_is_enough_to_search_and_open_a_study(hospital: RunningHospital, browser: Browser) -> None:
    context = opened(browser, "desktop-light")
    page = context.new_page()
    sign_in(page, hospital.url, "rad1", hospital.passwords["rad1"])
    page.goto(f"{hospital.url}/studies")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.get_by_label("Patient's name")).to_be_focused()
    page.keyboard.type("amber")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="1 study")).to_be_visible()
    expect(page.get_by_label("Patient's name")).to_have_value("amber")
    link = page.get_by_role("row").nth(1).get_by_role("link").first
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What you may do")).to_be_visible()
    context.close()


def test_everything_works_without_scripts(own_hospital: RunningHospital, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    sign_in(page, own_hospital.url, "rad1", own_hospital.passwords["rad1"])
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Studies").click()
    page.get_by_label("Modality").select_option("CT")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("row").nth(1).get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="What you may do")).to_be_visible()
    page.goto(f"{own_hospital.url}/security")
    page.get_by_label("Label").fill("a script of mine")
    page.get_by_role("button", name="Make a key").click()
    key = page.get_by_label("API key", exact=True).inner_text()
    page.goto(f"{own_hospital.url}/security")
    expect(page.get_by_text(key)).to_have_count(0)
    expect(page.get_by_text("a script of mine")).to_be_visible()
    page.get_by_role("button", name="Revoke key a script of mine").click()
    expect(page.get_by_role("status")).to_contain_text("The key is revoked")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("status")).to_have_text("You are signed out.")
    context.close()


def test_somebody_ends_a_session_elsewhere(own_hospital: RunningHospital, browser: Browser) -> None:
    """ASVS 5.0 7.5.2: people see and end their own sessions."""
    here, there = browser.new_context(), browser.new_context()
    page, elsewhere = here.new_page(), there.new_page()
    for one in (elsewhere, page):
        sign_in(one, own_hospital.url, "rad3", own_hospital.passwords["rad3"])
    page.goto(f"{own_hospital.url}/security")
    page.get_by_role("button", name="End session of Chrome on Linux").click()
    expect(page.get_by_role("status")).to_have_text("The session is ended.")
    elsewhere.goto(f"{own_hospital.url}/studies")
    expect(elsewhere).to_have_url(f"{own_hospital.url}/sign-in?said=ended&return_to=%2Fstudies")
    sign_in_again = elsewhere.get_by_label("Name")
    sign_in_again.fill("rad3")
    elsewhere.get_by_label("Password").fill(own_hospital.passwords["rad3"])
    elsewhere.get_by_role("button", name="Sign in").click()
    expect(elsewhere).to_have_url(f"{own_hospital.url}/studies")
    here.close()
    there.close()
