"""An administrator works in a browser: users, roles, devices and grants, without scripts."""

import re
from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.support.axe import axe_source, findings
from tests.support.browser import chromium, sign_in, take_picture
from tests.support.hospital import RunningHospital

pytestmark = [pytest.mark.long, pytest.mark.server("chromium"), pytest.mark.server("npm")]

SCREENS = {"desktop-light": ((1280, 900), "light"), "phone-dark": ((390, 844), "dark")}
NEW_PASSWORD = "a long and new password of hers"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def axe(request: pytest.FixtureRequest) -> str:
    assert request.config.cache is not None
    return axe_source(request.config.cache.mkdir("axe-core"))


@pytest.fixture
def page(browser: Browser, own_hospital: RunningHospital) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=False)
    try:
        opened = context.new_page()
        sign_in(opened, own_hospital.url, "admin1", own_hospital.passwords["admin1"])
        yield opened
    finally:
        context.close()


def test_a_new_user_is_invited_chooses_a_password_and_is_locked_out_at_once(
    page: Page, own_hospital: RunningHospital
) -> None:
    url = own_hospital.url
    page.get_by_role("navigation").get_by_role("link", name="Users").click()
    page.get_by_role("link", name="Add user").click()
    page.get_by_label("Name", exact=True).fill("locum1")
    page.get_by_label("Name to show").fill("Dr. Lo Cum")
    page.get_by_role("button", name="Add user").click()
    code = page.locator("#secret").inner_text()
    page.get_by_role("link", name="Back to locum1").click()
    page.get_by_label("Role", exact=True).select_option("radiologist")
    page.locator("#assign-until").fill("2999-01-31T18:00")
    page.get_by_role("button", name="Assign").click()
    expect(page.get_by_text("Role assigned.")).to_be_visible()

    with requests.Session() as locum:
        locum.trust_env = False
        redeemed = locum.post(
            f"{url}/reset", {"name": "locum1", "code": code, "password": NEW_PASSWORD}, timeout=30
        )
        assert redeemed.ok, redeemed.text
        me = requests.get(f"{url}/api/v1/me", auth=("locum1", NEW_PASSWORD), timeout=30)
        assert [given["role"] for given in me.json()["assignments"]] == ["radiologist"]
        page.get_by_label("Reason").fill("a lost badge")
        page.get_by_role("button", name="Lock").click()
        expect(page.get_by_text("a lost badge")).to_be_visible()
        me = requests.get(f"{url}/api/v1/me", auth=("locum1", NEW_PASSWORD), timeout=30)
        assert me.status_code == 401
    page.get_by_role("button", name="Unlock").click()
    page.get_by_label(re.compile("Write locum1")).fill("locum1")
    page.get_by_role("button", name="Remove account").click()
    expect(page.get_by_text("Removed.")).to_be_visible()


def test_a_role_a_device_and_a_grant_are_made_and_taken_back(page: Page) -> None:
    page.get_by_role("navigation").get_by_role("link", name="Roles").click()
    page.get_by_role("link", name="Add role").click()
    page.get_by_label("Name", exact=True).fill("night-reader")
    page.get_by_label("search", exact=True).check()
    page.get_by_label("view", exact=True).check()
    page.get_by_role("button", name="Add role").click()
    expect(page.get_by_role("heading", name="night-reader")).to_be_visible()
    page.get_by_role("button", name="Remove role").click()
    expect(page.get_by_text("Removed.")).to_be_visible()

    page.get_by_role("navigation").get_by_role("link", name="Devices").click()
    page.get_by_role("link", name="Add device").click()
    page.get_by_label("AE title").fill("CT/9")
    page.get_by_label("Owner").fill("informatics")
    page.get_by_label("Networks").fill("10.9.0.0/16")
    page.get_by_role("button", name="Add device").click()
    expect(page.get_by_role("heading", name="CT/9")).to_be_visible()
    page.get_by_role("button", name="Remove device").click()
    expect(page.get_by_text("Removed.")).to_be_visible()

    page.get_by_role("navigation").get_by_role("link", name="Grants").click()
    page.get_by_label("To a").select_option("user")
    page.get_by_label("Named").fill("rad1")
    page.get_by_label("Identified by").fill("1.2.3.4")
    page.get_by_role("button", name="Grant", exact=True).click()
    expect(page.get_by_text("Granted.")).to_be_visible()
    page.get_by_role("button", name="Revoke the grant to rad1").first.click()
    expect(page.get_by_text("Revoked.")).to_be_visible()


@pytest.mark.parametrize("screen", SCREENS)
def test_every_page_fits_the_screen_and_keeps_nobody_out(
    browser: Browser, own_hospital: RunningHospital, axe: str, screen: str
) -> None:
    """What `test_pages_look` does not look at: pages of one thing, and forms.  WCAG as far as axe can tell."""
    (width, height), scheme = SCREENS[screen]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    wrong = []
    try:
        page = context.new_page()
        sign_in(page, own_hospital.url, "admin1", own_hospital.passwords["admin1"])
        for path in (
            "users/rad1",
            "users/admin1",
            "groups/radiology",
            "roles/new",
            "roles/radiologist",
            "devices/new",
            "grants?lapsed=yes",
        ):
            page.goto(f"{own_hospital.url}/admin/{path}")
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
            wrong += [f"{path}: {each}" for each in findings(page, axe)]
            take_picture(page, f"admin-{path.split('?')[0].replace('/', '-')}-{screen}")
    finally:
        context.close()
    assert not wrong, "\n".join(wrong)
