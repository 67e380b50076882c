"""Acceptance checks M1, M4, M5 and M6: second factors and fresh proofs, over HTTP and the pages.

ASVS 6.3.3, 6.3.4, 6.5.1, 7.2.4, 7.5.1, 7.5.3.  The gate is whole and in this process; the clock is moved.
"""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pyotp
import pytest

from pacsgate.bootstrap import people
from pacsgate.services.administration import Change
from tests.support.authenticator import SoftAuthenticator
from tests.support.factors import SITE
from tests.support.gate_browser import INSIDE, ORIGIN, OUTSIDE, BrowsedGate, Browser, browsed_gate
from tests.support.people import PASSWORD

POLICY = """\
version: 1
roles:
  reader: {may: [search, view, retrieve]}
  exporter: {may: [search, view, retrieve, export]}
  chief: {may: [search], permissions: [UserList, UserAdminister]}
authentication:
  - {roles: [chief], level: 2}
  - {networks: [external], level: 2}
  - {actions: [export], level: 2, within: 5 min}
  - {permissions: ['*'], level: 2, within: 15 min}
rules:
  - {id: readers-read, effect: permit, roles: [reader, exporter]}
"""
LEVEL_2 = 'acr_values="urn:pacsgate:level:2"'


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowsedGate]:
    with browsed_gate(tmp_path_factory.mktemp("factors"), POLICY) as opened:
        yield opened


def secret_of(page: str) -> str:
    found = re.search(r'<code id="secret"[^>]*>([A-Z2-7 ]+)<', page)
    assert found is not None, page
    return found.group(1).replace(" ", "")


def enrol(browser: Browser) -> None:
    """Add an app, as a person does, and remember its seed."""
    page = browser.get("/security/factors/app")
    assert page.status_code == 200, page.headers
    browser.seed = secret_of(page.text)
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    answer = browser.post("/security/factors/app", **hidden, code=code(browser), label="phone")
    assert "Keep these codes" in answer.text, answer.text
    browser.gate.clock.moved += timedelta(seconds=60)


def code(browser: Browser) -> str:
    return str(pyotp.TOTP(browser.seed).at(browser.gate.clock.now()))


def pass_time(browser: Browser, minutes: int) -> None:
    """Time in which somebody looks at a page now and then, so that the session does not rest."""
    for _ in range(minutes):
        browser.gate.clock.moved += timedelta(minutes=1)
        browser.get("/access")


def prove(browser: Browser, page: str = "/second-factor", **fields: str) -> int:
    status: int = browser.submit(page, **(fields or {"code": code(browser)})).status_code
    browser.gate.clock.moved += timedelta(seconds=30)
    return status


def test_m1_a_password_alone_is_not_enough_for_who_has_an_app_and_a_code_is_good_once(
    gate: BrowsedGate,
) -> None:
    gate.add("m1", "reader")
    first = gate.browser()
    first.sign_in("m1")
    assert first.dicomweb("/dicom-web/studies").status_code == 200
    before = first.client.cookies["__Host-pacsgate"]
    enrol(first)
    assert first.client.cookies["__Host-pacsgate"] != before
    assert first.dicomweb("/dicom-web/studies").status_code == 200

    later = gate.browser()
    later.seed = first.seed
    assert later.sign_in("m1").status_code == 303
    refused = later.dicomweb("/dicom-web/studies")
    assert (refused.status_code, refused.json()["error"]) == (401, "mfa_required")
    assert 'error="insufficient_user_authentication"' in refused.headers["WWW-Authenticate"]
    assert LEVEL_2 in refused.headers["WWW-Authenticate"]
    assert later.get("/studies").headers["Location"].startswith("/second-factor")
    assert (
        gate.browser()
        .client.get("/dicom-web/studies", auth=("m1", PASSWORD), headers={"X-Forwarded-For": INSIDE})
        .status_code
        == 401
    )

    used, half = code(later), later.client.cookies["__Host-pacsgate"]
    assert later.submit("/second-factor", code=used).status_code == 303
    assert later.dicomweb("/dicom-web/studies").status_code == 200
    again = gate.browser()
    again.client.cookies.set("__Host-pacsgate", half, domain="gate.example")
    assert again.dicomweb("/dicom-web/studies").json()["error"] == "authentication required"

    third = gate.browser()
    third.sign_in("m1")
    assert third.submit("/second-factor", code=used).status_code == 401
    gate.clock.moved += timedelta(seconds=30)
    assert third.submit("/second-factor", code=used).status_code == 401
    for steps in (-3, 3):
        stale = pyotp.TOTP(first.seed).at(gate.clock.now() + timedelta(seconds=30 * steps))
        assert third.submit("/second-factor", code=stale).status_code == 401
    third.seed = first.seed
    assert prove(third) == 303


def test_m4_who_comes_from_outside_needs_two_factors_and_a_forged_address_changes_nothing(
    gate: BrowsedGate,
) -> None:
    gate.add("m4", "reader")
    asked = {"auth": ("m4", PASSWORD)}
    inside, outside = gate.browser(INSIDE), gate.browser(OUTSIDE)
    assert inside.get("/dicom-web/studies", **asked).status_code == 200
    refused = outside.get("/dicom-web/studies", **asked)
    assert (refused.status_code, refused.json()["error"]) == (401, "mfa_required")
    forged = gate.browser(f"{INSIDE}, {OUTSIDE}")
    assert forged.get("/dicom-web/studies", **asked).status_code == 401

    inside.sign_in("m4")
    enrol(inside)
    outside.sign_in("m4")
    outside.seed = inside.seed
    assert outside.dicomweb("/dicom-web/studies").status_code == 401
    assert prove(outside) == 303
    assert outside.dicomweb("/dicom-web/studies").status_code == 200


def test_m5_export_needs_a_proof_of_the_last_five_minutes_and_reading_does_not(gate: BrowsedGate) -> None:
    gate.add("m5", "exporter")
    browser = gate.browser()
    browser.sign_in("m5")
    export = {"headers": {"Accept": "application/zip"}}
    assert browser.get(gate.study, **export).status_code == 401
    enrol(browser)
    assert browser.get(gate.study, **export).status_code == 200
    gate.clock.moved += timedelta(minutes=5)
    refused = browser.get(gate.study, **export)
    assert refused.status_code == 401
    assert LEVEL_2 in refused.headers["WWW-Authenticate"]
    assert "max_age=300" in refused.headers["WWW-Authenticate"]
    assert browser.dicomweb(f"{gate.study}/metadata").status_code == 200
    assert prove(browser, "/step-up?return_to=/studies") == 303
    assert browser.get(gate.study, **export).status_code == 200


def test_m5_administration_needs_two_factors_and_no_api_key_reaches_it(gate: BrowsedGate) -> None:
    gate.add("m5-chief", "chief")
    browser = gate.browser()
    browser.sign_in("m5-chief")
    refused = browser.get("/api/v1/users")
    assert (refused.status_code, refused.json()["error"]) == (401, "mfa_required")
    assert browser.get("/admin/users").headers["Location"].startswith("/second-factor")
    assert "none yet" in browser.get("/second-factor").text
    enrol(browser)
    assert browser.get("/api/v1/users").status_code == 200
    pass_time(browser, minutes=15)
    stale = browser.get("/api/v1/users")
    assert (stale.status_code, stale.json()["error"]) == (401, "insufficient_user_authentication")
    assert "max_age=900" in stale.headers["WWW-Authenticate"]
    assert browser.get("/admin/users").headers["Location"].startswith("/step-up?return_to=")
    assert prove(browser, "/step-up?return_to=/admin/users") == 303
    assert browser.get("/admin/users").status_code == 200

    here = gate.installation
    change = Change(here.scope, here.actor(), here.clock.now())
    issued = people.tokens(here).issue(
        change, "m5-chief", label="key", expires_at=change.at + timedelta(days=1)
    )
    by_key = gate.browser()
    answer = by_key.get("/api/v1/users", headers={"Authorization": f"Bearer {issued.text}"})
    assert (answer.status_code, answer.json()["error"]) == (401, "mfa_required")


def test_m2_a_passkey_signs_in_by_itself_and_reaches_what_needs_two_factors(gate: BrowsedGate) -> None:
    """Row I9."""
    gate.add("m2", "exporter")
    browser = gate.browser(OUTSIDE)
    browser.sign_in("m2")
    page = browser.get("/security/factors/passkey").text

    options = unescape(re.search(r'data-options="([^"]*)"', page).group(1))
    key = SoftAuthenticator(ORIGIN, SITE.rp_id)
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    kept = browser.post(
        "/security/factors/passkey", **{**hidden, "answer": key.make(options), "label": "blue"}
    )
    assert "Keep these codes" in kept.text

    fresh = gate.browser(OUTSIDE)
    for origin, status in (("https://evil.example", "/sign-in?said=passkey"), (ORIGIN, "/")):
        asked = fresh.get("/sign-in/passkey").json()
        answer = key.use(json.dumps(asked["options"]), origin=origin)
        entered = fresh.post("/sign-in/passkey", number=asked["number"], answer=answer, return_to="/")
        assert entered.headers["Location"] == status
    assert fresh.get(gate.study, headers={"Accept": "application/zip"}).status_code == 200


def test_whoever_sits_down_at_an_open_session_adds_no_factor_of_their_own(gate: BrowsedGate) -> None:
    """ASVS 7.5.1: a fresh proof before credentials are changed."""
    gate.add("fresh", "reader")
    browser = gate.browser()
    browser.sign_in("fresh")
    pass_time(browser, minutes=14)
    assert browser.get("/security/factors/app").status_code == 200
    pass_time(browser, minutes=2)
    for page in ("app", "passkey"):
        sent = browser.get(f"/security/factors/{page}")
        assert sent.headers["Location"].startswith("/step-up?return_to=")
    assert prove(browser, "/step-up?return_to=/security/factors/app", password="wrong one") == 401
    assert prove(browser, "/step-up?return_to=/security/factors/app", password=PASSWORD) == 303
    assert browser.get("/security/factors/app").status_code == 200


def test_after_a_change_of_factors_whoever_is_signed_in_elsewhere_must_prove_it_or_goes(
    gate: BrowsedGate,
) -> None:
    """ASVS 7.4.3: a factor that is added shuts out who has not shown it; after any change others may be ended."""
    gate.add("changing", "reader")
    here, there = gate.browser(), gate.browser()
    for browser in (here, there):
        browser.sign_in("changing")
    enrol(here)
    assert there.dicomweb("/dicom-web/studies").status_code == 401
    there.seed = here.seed
    assert prove(there) == 303
    held = here.get("/security/factors").text
    factor = re.search(r'name="factor" value="([^"]+)"', held)
    token = re.search(r'name="csrf_token" value="([^"]+)"', held)
    assert factor is not None
    assert token is not None
    removed = here.post("/security/factors/remove", factor=factor.group(1), csrf_token=token.group(1))
    assert there.dicomweb("/dicom-web/studies").status_code == 200
    assert 'action="/security/sessions/end-others"' in here.get(removed.headers["Location"]).text
    assert here.post("/security/sessions/end-others", csrf_token=token.group(1)).status_code == 303
    assert there.dicomweb("/dicom-web/studies").status_code == 401
    assert here.dicomweb("/dicom-web/studies").status_code == 200


def test_a_new_password_is_no_way_around_the_second_factor(gate: BrowsedGate) -> None:
    """ASVS 6.4.3."""
    gate.add("forgetful", "reader")
    browser = gate.browser()
    browser.sign_in("forgetful")
    enrol(browser)
    here = gate.installation
    reset = people.password_reset(here).give(Change(here.scope, here.actor(), here.clock.now()), "forgetful")
    assert browser.dicomweb("/dicom-web/studies").status_code == 401
    stranger = gate.browser()
    chosen = stranger.post("/reset", name="forgetful", code=reset.code, password=PASSWORD)
    assert chosen.headers["Location"] == "/sign-in?said=chosen"
    assert stranger.sign_in("forgetful").status_code == 303
    assert stranger.dicomweb("/dicom-web/studies").json()["error"] == "mfa_required"
    assert stranger.get("/security/factors/app").status_code == 403


def test_whoever_owes_a_factor_reaches_the_pages_where_it_is_proven_and_no_other(gate: BrowsedGate) -> None:
    gate.add("owing", "reader")
    browser = gate.browser()
    browser.sign_in("owing")
    enrol(browser)
    half = gate.browser()
    half.sign_in("owing")
    for path in ("/", "/studies", "/access", "/security", "/security/factors"):
        assert half.get(path).headers["Location"].startswith("/second-factor"), path
    for path in ("/dicom-web/studies", "/api/v1/me", "/orthanc/studies", "/access/v1/evaluation"):
        assert half.get(path).status_code in {401, 404, 405}, path
    assert half.get("/security/factors/app").status_code == 403
    assert half.get("/second-factor").status_code == 200


def test_a_form_without_the_sessions_token_proves_and_adds_nothing(gate: BrowsedGate) -> None:
    gate.add("forged", "reader")
    browser = gate.browser()
    browser.sign_in("forged")
    for path in ("/second-factor", "/step-up", "/security/factors/app", "/security/factors/remove"):
        assert browser.post(path, code="000000", csrf_token="guessed").status_code == 403


def test_where_to_go_after_a_proof_is_never_another_site(gate: BrowsedGate) -> None:
    gate.add("redirected", "reader")
    browser = gate.browser()
    browser.sign_in("redirected")
    enrol(browser)
    gate.clock.moved += timedelta(seconds=30)
    answer = browser.submit("/step-up?return_to=//evil.example/", code=code(browser))
    assert answer.headers["Location"] == "/"
