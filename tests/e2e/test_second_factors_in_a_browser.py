"""Second factors as people use them: an app without scripts, passkeys with Chromium's virtual authenticator.

Acceptance check M2; ASVS 6.5.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.browser import chromium, take_picture
from tests.support.hospital import RunningHospital

pytestmark = [pytest.mark.long, pytest.mark.server("chromium")]

STEP_SECONDS = 30


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def site(own_hospital: RunningHospital) -> str:
    """Passkeys are bound to a name, which an address is not."""
    return own_hospital.url.replace("127.0.0.1", "localhost")


@contextmanager
def window(browser: Browser, **options: object) -> Iterator[Page]:
    context: BrowserContext = browser.new_context(**options)
    try:
        yield context.new_page()
    finally:
        context.close()


def authenticator(page: Page, *, verifies_user: bool) -> None:
    """Plug a security key into this window."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    held = {
        "protocol": "ctap2",
        "transport": "internal" if verifies_user else "usb",
        "hasResidentKey": verifies_user,
        "hasUserVerification": verifies_user,
        "isUserVerified": verifies_user,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": held})


def sign_in(page: Page, site: str, hospital: RunningHospital, name: str, then: str = "/") -> None:
    page.goto(f"{site}/sign-in?return_to={then}")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(hospital.passwords[name])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile("/sign-in"))


def test_a_passkey_is_made_and_then_signs_in_without_a_password(
    browser: Browser, site: str, own_hospital: RunningHospital
) -> None:
    with window(browser) as page:
        authenticator(page, verifies_user=True)
        sign_in(page, site, own_hospital, "rad1", "/security/factors/passkey")
        page.get_by_label("Name").fill("this laptop")
        take_picture(page, "factor-passkey")
        page.get_by_role("button", name="Make it now").click()
        expect(page.get_by_role("heading", name="Keep these codes")).to_be_visible()
        take_picture(page, "recovery-codes")
        page.get_by_role("link", name="I have them").click()
        expect(page.get_by_role("row", name=re.compile("this laptop"))).to_be_visible()
        take_picture(page, "factors")
        sign_out(page)

        page.get_by_role("button", name="Use a passkey").click()
        page.wait_for_url(f"{site}/")
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        assert page.request.get(f"{site}/dicom-web/studies").status == 200


def test_a_key_is_a_second_factor_after_the_password_and_nothing_opens_before_it(
    browser: Browser, site: str, own_hospital: RunningHospital
) -> None:
    with window(browser) as page:
        authenticator(page, verifies_user=False)
        sign_in(page, site, own_hospital, "rad2", "/security/factors/passkey")
        page.get_by_role("button", name="Make it now").click()
        expect(page.get_by_role("heading", name="Keep these codes")).to_be_visible()
        sign_out(page)

        sign_in(page, site, own_hospital, "rad2", "/studies")
        expect(page.get_by_role("heading", name="Prove it is you")).to_be_visible()
        take_picture(page, "second-factor")
        assert page.request.get(f"{site}/dicom-web/studies").status == 401
        page.get_by_role("button", name="Use a passkey or security key").click()
        page.wait_for_url(f"{site}/studies")
        assert page.request.get(f"{site}/dicom-web/studies").status == 200

    with window(browser) as stranger:
        authenticator(stranger, verifies_user=False)
        sign_in(stranger, site, own_hospital, "rad2", "/studies")
        stranger.get_by_role("button", name="Use a passkey or security key").click()
        expect(stranger.get_by_role("alert").filter(has_text="did not work")).to_be_visible()
        assert stranger.request.get(f"{site}/dicom-web/studies").status == 401


def test_an_app_is_added_and_used_without_any_script(
    browser: Browser, site: str, own_hospital: RunningHospital
) -> None:
    with window(browser, java_script_enabled=False, viewport={"width": 390, "height": 844}) as page:
        sign_in(page, site, own_hospital, "mgr1", "/security/factors/app")
        expect(page.get_by_role("img", name=re.compile("QR code"))).to_be_visible()
        take_picture(page, "factor-app-phone")
        seed = page.get_by_label("Key for your app").inner_text().replace(" ", "")
        page.get_by_label("Code that the app shows").fill("000000")
        page.get_by_role("button", name="Add this app").click()
        expect(page.get_by_text("That code does not fit")).to_be_visible()
        assert page.get_by_label("Key for your app").inner_text().replace(" ", "") == seed
        now = datetime.now(UTC).timestamp()  # noqa: TID251 - the gate's clock is this one
        page.get_by_label("Code that the app shows").fill(pyotp.TOTP(seed).at(now))
        page.get_by_role("button", name="Add this app").click()
        codes = page.get_by_role("listitem").locator("code").all_inner_texts()
        assert len(codes) == 10

        page.context.clear_cookies()
        sign_in(page, site, own_hospital, "mgr1", "/access")
        page.get_by_label("Code", exact=False).fill(pyotp.TOTP(seed).at(now + STEP_SECONDS))
        page.get_by_role("button", name="Go on").click()
        page.wait_for_url(f"{site}/access")

        page.context.clear_cookies()
        sign_in(page, site, own_hospital, "mgr1", "/access")
        page.get_by_label("Code", exact=False).fill(codes[0])
        page.get_by_role("button", name="Go on").click()
        page.wait_for_url(f"{site}/access")
