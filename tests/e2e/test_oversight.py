"""Acceptance checks A4 and L5: what one administrator does, another is told of or has to agree to."""

import json
from datetime import timedelta
from typing import Any, Literal

import pytest
import requests
from playwright.sync_api import expect

from pacsgate.audit.events import EventKind
from pacsgate.bootstrap.clock import SystemClock
from tests.e2e.asking import events
from tests.support.axe import axe_source, findings
from tests.support.browser import PATIENCE_MILLISECONDS, chromium, sign_in, take_picture
from tests.support.hospital import RunningHospital, cli_here
from tests.support.pages import Pages, pages_of, text_of

pytestmark = pytest.mark.long

ADMINISTRATORS = ("admin1", "admin2")


@pytest.fixture(scope="module")
def tokens(own_hospital: RunningHospital) -> dict[str, str]:
    issued = {
        name: own_hospital.cli("token", "issue", name, "--label", "oversight", "--json").stdout
        for name in ADMINISTRATORS
    }
    return {name: json.loads(text)["token"] for name, text in issued.items()}


def api(hospital: RunningHospital, token: str, method: str, path: str, body: Any = None) -> requests.Response:
    bearer = {"Authorization": f"Bearer {token}"}
    return requests.request(method, f"{hospital.url}/api/v1{path}", headers=bearer, json=body, timeout=30)


def see_all(hospital: RunningHospital, token: str) -> None:
    while notices := api(hospital, token, "GET", "/me/notices").json()["notices"]:
        seen = {"up_to": notices[0]["number"]}
        assert api(hospital, token, "POST", "/me/notices/seen", seen).status_code == 200


def test_a4_the_second_administrator_is_told_of_what_the_first_changed_until_both_say_that_it_was_seen(
    own_hospital: RunningHospital, tokens: dict[str, str]
) -> None:
    for name in ADMINISTRATORS:
        see_all(own_hospital, tokens[name])
    changed = api(own_hospital, tokens["admin1"], "PATCH", "/users/rad2", {"disabled": True})
    assert changed.status_code == 200
    assert own_hospital.cli("user", "enable", "rad2").returncode == 0

    pages: dict[str, Pages] = {name: pages_of(own_hospital, name) for name in ADMINISTRATORS}
    home = {name: text_of(pages[name].get("/").text) for name in ADMINISTRATORS}
    assert "Disabled: rad2 admin1," in home["admin2"]
    assert "Enabled: rad2 local:" in home["admin2"]
    assert "Enabled: rad2 local:" in home["admin1"]
    assert "Disabled: rad2" not in home["admin1"]

    newest = api(own_hospital, tokens["admin2"], "GET", "/me/notices").json()["notices"][0]
    assert pages["admin2"].post("/changes-seen", "/", up_to=str(newest["number"])).status_code == 303
    assert "Changes by others" not in text_of(pages["admin2"].get("/").text)
    assert "Changes by others" in text_of(pages["admin1"].get("/").text)
    (seen,) = events(own_hospital, user="admin2", kind=EventKind.CHANGES_SEEN)[-1:]
    assert (seen["details.changes"], "admin1" in seen["details.by"]) == ("2", True)


@pytest.mark.server("chromium")
@pytest.mark.server("npm")
@pytest.mark.parametrize(
    ("screen", "width", "scheme"), [("desktop-light", 1280, "light"), ("phone-dark", 390, "dark")]
)
def test_changes_by_others_are_read_and_put_away_in_a_browser(
    own_hospital: RunningHospital,
    tokens: dict[str, str],
    request: pytest.FixtureRequest,
    screen: str,
    width: int,
    scheme: Literal["light", "dark"],
) -> None:
    assert request.config.cache is not None
    axe = axe_source(request.config.cache.mkdir("axe-core"))
    see_all(own_hospital, tokens["admin2"])
    for number in range(4):
        body = {
            "until": (SystemClock().now() + timedelta(days=number + 1)).isoformat(),
            "role": "technologist",
        }
        given = api(own_hospital, tokens["admin1"], "POST", "/users/stud1/assignments", body)
        assert given.status_code == 201, given.text
    own_hospital.cli("user", "unassign", "stud1", "technologist")
    own_hospital.cli("role", "add", f"night-{width}", "--may", "view")
    with chromium() as browser:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        page = context.new_page()
        sign_in(page, own_hospital.url, "admin2", own_hospital.passwords["admin2"])
        changes = page.get_by_role("region", name="Changes by others since you last looked")
        expect(changes).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert findings(page, axe) == []
        take_picture(page, f"changes-by-others-{screen}")
        page.get_by_text("1 earlier change").click()
        changes.get_by_role("link", name="stud1").last.click()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.go_back()
        page.get_by_role("button", name="Seen all of these changes").click()
        expect(changes).not_to_be_visible()


def test_l5_a_role_for_a_time_is_given_for_no_longer_and_prolonged_by_another_person(
    own_hospital: RunningHospital, tokens: dict[str, str]
) -> None:
    made = own_hospital.cli("role", "add", "locum", "--may", "search", "--longest", "14d")
    assert made.returncode == 0, made.stderr
    now = SystemClock().now()

    def assign(who: str, days: float | None) -> requests.Response:
        end = {} if days is None else {"until": (now + timedelta(days=days)).isoformat()}
        return api(own_hospital, tokens[who], "POST", "/users/stud1/assignments", {"role": "locum", **end})

    for days in (None, 15):
        refused = assign("admin1", days)
        assert (refused.status_code, "14 d at most" in refused.json()["message"]) == (400, True)
    for end in ((), ("--until", "15d")):
        told = own_hospital.cli("user", "assign", "stud1", "locum", *end)
        assert (told.returncode, "14 d at most" in told.stderr) == (2, True)
    policy = own_hospital.config.parent / "too-long.yaml"
    policy.write_text(
        "version: 1\nroles: {locum2: {longest: 14d}}\nassignments: [{users: [stud1], roles: [locum2]}]\n"
    )
    checked = cli_here("policy", "check", str(policy))
    assert (checked.returncode, "given for 14 d at most" in checked.stdout + checked.stderr) == (1, True)

    assert assign("admin1", 7).status_code == 201
    alone = assign("admin1", 12)
    assert (alone.status_code, "somebody else has to prolong it" in alone.json()["message"]) == (409, True)
    assert assign("admin2", 12).status_code == 201
    given = events(own_hospital, kind=EventKind.ROLE_CHANGED, text="stud1")
    attempt, prolonged = (event for event in given if "details.given_before_by" in event)
    assert (attempt["outcome"], attempt["actor.name"]) == (8, "admin1")
    assert (prolonged["actor.name"], prolonged["details.given_before_by"]) == ("admin2", "admin1")
