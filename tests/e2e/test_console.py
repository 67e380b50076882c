"""The pages of a browser session: signing in and out, and making the first administrator.

Most of it without a browser, because a page's protection is in its headers and in what it refuses.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, expect

from pacsgate.cli.new_installation import make_installation
from tests.support.browser import chromium, sign_in
from tests.support.hospital import RunningHospital, serving

COOKIE = "__Host-pacsgate"
SECONDS = 30
PAGES = ("/sign-in", "/setup", "/nowhere")


def get(url: str, cookie: str | None = None, **headers: str) -> requests.Response:
    if cookie is not None:
        headers["Cookie"] = f"{COOKIE}={cookie}"
    return requests.get(url, headers=headers, timeout=SECONDS, allow_redirects=False)


def post(url: str, fields: dict[str, str], cookie: str | None = None, **headers: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if cookie is not None:
        named["Cookie"] = f"{COOKIE}={cookie}"
    return requests.post(url, data=fields, headers=named, timeout=SECONDS, allow_redirects=False)


def signed_in(hospital: RunningHospital, name: str, cookie: str | None = None) -> str:
    """Sign in and return the value of the cookie."""
    fields = {"name": name, "password": hospital.passwords[name]}
    answer = post(f"{hospital.url}/sign-in", fields, cookie)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    return answer.cookies[COOKIE]


def csrf_token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


def test_no_page_can_be_framed_or_kept_or_runs_a_script_that_is_not_ours(hospital: RunningHospital) -> None:
    for page in PAGES:
        headers = get(f"{hospital.url}{page}").headers
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        assert (policy["default-src"], policy["frame-ancestors"]) == ("'none'", "'none'")
        assert policy["form-action"] == "'self'"
        assert (policy["script-src"], policy["style-src"]) == ("'self'", "'self'")
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"


def test_nobody_is_home_without_a_session(hospital: RunningHospital) -> None:
    for cookie, leads_to in ((None, "/sign-in"), ("made-up", "/sign-in?said=ended")):
        answer = get(f"{hospital.url}/", cookie)
        assert (answer.status_code, answer.headers["Location"]) == (303, leads_to)


def test_the_cookie_is_for_this_site_over_a_secure_channel_and_not_for_scripts(
    hospital: RunningHospital,
) -> None:
    fields = {"name": "rad1", "password": hospital.passwords["rad1"]}
    cookie = post(f"{hospital.url}/sign-in", fields).headers["Set-Cookie"]
    value, *flags = cookie.split("; ")
    assert value.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} <= set(flags)
    assert not any(flag.startswith("Domain") for flag in flags)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
    ],
)
def test_a_form_of_another_site_is_refused(hospital: RunningHospital, headers: dict[str, str]) -> None:
    fields = {"name": "rad1", "password": hospital.passwords["rad1"]}
    answer = post(f"{hospital.url}/sign-in", fields, **headers)
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_a_form_of_this_site_is_accepted(hospital: RunningHospital, site: str) -> None:
    fields = {"name": "rad1", "password": hospital.passwords["rad1"]}
    assert post(f"{hospital.url}/sign-in", fields, Sec_Fetch_Site=site).status_code == 303


def test_a_form_is_small(hospital: RunningHospital) -> None:
    assert post(f"{hospital.url}/sign-in", {"name": "x" * 70_000, "password": ""}).status_code == 413


def test_signing_in_again_ends_the_session_before(hospital: RunningHospital) -> None:
    first = signed_in(hospital, "rad1")
    second = signed_in(hospital, "rad1", cookie=first)
    assert first != second
    assert get(f"{hospital.url}/", second).status_code == 200
    assert get(f"{hospital.url}/", first).status_code == 303


def test_signing_out_needs_the_token_of_the_session_and_ends_it_everywhere(hospital: RunningHospital) -> None:
    cookie, other = signed_in(hospital, "rad1"), signed_in(hospital, "rad1")
    foreign = csrf_token(get(f"{hospital.url}/", other).text)
    for token in ("", foreign):
        assert post(f"{hospital.url}/sign-out", {"csrf_token": token}, cookie).status_code == 403
    home = get(f"{hospital.url}/", cookie)
    assert home.status_code == 200
    assert get(f"{hospital.dicomweb}/studies", cookie).status_code == 200
    assert post(f"{hospital.url}/sign-out", {"csrf_token": csrf_token(home.text)}, cookie).status_code == 303
    assert get(f"{hospital.url}/", cookie).status_code == 303
    assert get(f"{hospital.dicomweb}/studies", cookie).status_code == 401
    assert get(f"{hospital.url}/", other).status_code == 200


def test_the_home_page_says_who_is_signed_in_and_with_which_roles(hospital: RunningHospital) -> None:
    """Also a role that holds in one collection only."""
    page = get(f"{hospital.url}/", signed_in(hospital, "stud1")).text
    assert "Gil Tanaka" in page
    assert "medical-student" in page


def test_a_script_is_not_offered_basic_authentication(hospital: RunningHospital) -> None:
    """A browser would ask for a password by itself, and keep sending it after the user has signed out."""
    by_script = get(f"{hospital.dicomweb}/studies", **{"Sec-Fetch-Mode": "cors"})
    assert (by_script.status_code, by_script.headers["WWW-Authenticate"]) == (401, 'Bearer realm="pacsgate"')
    assert "Basic" in get(f"{hospital.dicomweb}/studies").headers["WWW-Authenticate"]


def test_an_unknown_name_and_a_wrong_password_look_the_same(own_hospital: RunningHospital) -> None:
    answers = [
        post(f"{own_hospital.url}/sign-in", {"name": name, "password": "not the one"})
        for name in ("tech1", "nobody")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].text.replace("tech1", "nobody") == answers[1].text


def test_whoever_fails_too_often_is_told_when_to_come_back(own_hospital: RunningHospital) -> None:
    for _ in range(20):
        answer = post(f"{own_hospital.url}/sign-in", {"name": "mgr1", "password": "not the one"})
        if answer.status_code == 429:
            break
    assert answer.status_code == 429
    seconds = int(answer.headers["Retry-After"])
    assert seconds > 0
    assert f"Try again in {seconds} seconds" in answer.text
    right = {"name": "mgr1", "password": own_hospital.passwords["mgr1"]}
    assert post(f"{own_hospital.url}/sign-in", right).status_code == 429


def test_the_printed_code_makes_one_administrator(tmp_path: Path) -> None:
    password = "four words of my own"
    with serving(make_installation(tmp_path / "gate", port=0)) as (url, _process, log):
        code = printed_code(log)
        fields = {"code": code, "name": "ada", "password": password}
        assert post(f"{url}/setup", {**fields, "code": "0" * len(code)}).status_code == 400
        assert post(f"{url}/setup", {**fields, "password": "password"}).status_code == 400
        made = post(f"{url}/setup", fields)
        assert (made.status_code, made.headers["Location"]) == (303, "/sign-in?said=ready")
        assert post(f"{url}/setup", {**fields, "name": "eve"}).status_code == 400
        answer = post(f"{url}/sign-in", {"name": "ada", "password": password})
        assert "administrator" in get(f"{url}/", answer.cookies[COOKIE]).text


def printed_code(log: Path) -> str:
    found = re.search(r"set-up code for /setup: (\w+)", log.read_text("utf-8"))
    assert found is not None
    return found.group(1)


# In a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.mark.server("chromium")
def test_a_person_signs_in_and_out_with_a_browser(own_hospital: RunningHospital, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{own_hospital.url}/")
    sign_in(page, own_hospital.url, "rad1", "not the one")
    expect(page.get_by_role("alert")).to_have_text("That name and password do not match.")
    expect(page.get_by_label("Password")).to_be_focused()
    sign_in(page, own_hospital.url, "rad1", own_hospital.passwords["rad1"])
    expect(page.get_by_role("heading", level=1)).to_contain_text("Dr. Ada Reis")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading")).to_have_text("Sign in")
    page.goto(f"{own_hospital.url}/")
    expect(page).to_have_url(f"{own_hospital.url}/sign-in")
    page.close()
