"""Two hospitals as their people see them: pages of a tenant, its doors, and a visit from check-in to check-out."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.e2e.test_pages_look import SCREENS, look, opened
from tests.support.axe import axe_source
from tests.support.browser import chromium, sign_in
from tests.support.hospital import cli_here, running_demo

pytestmark = [pytest.mark.long, pytest.mark.server("chromium"), pytest.mark.server("npm")]

DOORS, ARCHIVE, VISIT = "north-doors", "north-main", "visit-1"
PLACES = {
    "tenancy": "/admin/tenancy",
    "tenancy-register": "/admin/tenancy/register",
    "tenancy-pacs": f"/admin/tenancy/pacs/{DOORS}",
    "tenancy-visits": f"/admin/tenancy/pacs/{DOORS}/visits",
    "tenancy-visit": f"/admin/tenancy/pacs/{DOORS}/visits/{VISIT}",
    "tenancy-identities": f"/admin/tenancy/pacs/{DOORS}/identities",
    "tenancy-units": f"/admin/tenancy/pacs/{DOORS}/units",
    "tenancy-unit": f"/admin/tenancy/pacs/{DOORS}/units/reading-room",
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with running_demo(tmp_path_factory.mktemp("demo"), "--tenants") as (said, process):
        family = psutil.Process(process.pid).children(recursive=True)
        assert any("agent" in member.cmdline() for member in family)
        yield said


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def password(demo: dict[str, Any], name: str) -> str:
    return next(
        user["password"] for tenant in demo["tenants"] for user in tenant["users"] if user["name"] == name
    )


def enter(page: Page, demo: dict[str, Any], name: str) -> None:
    sign_in(page, demo["url"], name, password(demo, name))


def finds(demo: dict[str, Any], name: str) -> list[str] | int:
    """The studies that somebody finds, or the status that tells them no."""
    answer = requests.get(f"{demo['url']}/dicom-web/studies", auth=(name, password(demo, name)), timeout=30)
    return [row["0020000D"]["Value"][0] for row in answer.json()] if answer.ok else answer.status_code


def swipe(demo: dict[str, Any], reader: str) -> dict[str, Any]:
    doors = demo["doors"]
    said = cli_here(
        "agent", "--env-file", doors["env_file"], "swipe", reader, "wiegand26", doors["card"], "--json"
    )
    return dict(json.loads(said.stdout))


def test_a_visit_is_checked_in_at_the_desk_and_opens_room_and_images_until_check_out(
    demo: dict[str, Any], browser: Browser
) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        enter(page, demo, "north/desk1")
        assert not swipe(demo, "main-in")["granted"]
        for pacs in (ARCHIVE, DOORS):
            page.goto(f"{demo['url']}/admin/tenancy/pacs/{pacs}/visits")
            page.get_by_role("link", name="Bo Lund").click()
            page.get_by_role("button", name="Check in").click()
            expect(page.get_by_text("Checked in.")).to_be_visible()
        assert finds(demo, "north/vis1") == 403
        assert swipe(demo, "main-in")["granted"]
        assert swipe(demo, "reading-room-in")["zone"] == "reading-room"
        expect_soon(page, demo, "vis1 reading-room")
        (s1,) = [study for study in demo["tenants"][0]["studies"] if study["name"] == "S1"]
        found = finds(demo, "north/vis1")
        assert isinstance(found, list)
        assert s1["study_instance_uid"] in found
        for pacs in (DOORS, ARCHIVE):
            page.goto(f"{demo['url']}/admin/tenancy/pacs/{pacs}/visits/{VISIT}")
            page.get_by_role("button", name="Check out").click()
            expect(page.get_by_text("Checked out.")).to_be_visible()
        assert finds(demo, "north/vis1") == 403
        swipe(demo, "reading-room-out")
        assert swipe(demo, "reading-room-in")["reason"] == "not-checked-in"


def expect_soon(page: Page, demo: dict[str, Any], row: str) -> None:
    """The live view says so within a few seconds, asked for again by hand."""
    for _ in range(10):
        page.goto(f"{demo['url']}/admin/tenancy")
        if page.get_by_role("row", name=row).count():
            return
        page.wait_for_timeout(500)
    pytest.fail(f"`{row}` is not on site")


def test_a_pacs_is_registered_with_a_secret_that_is_shown_once(
    demo: dict[str, Any], browser: Browser
) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        enter(page, demo, "south/admin1")
        page.goto(f"{demo['url']}/admin/tenancy")
        expect(page.get_by_role("link", name="south-main")).to_be_visible()
        expect(page.get_by_text(DOORS)).to_have_count(0)
        page.get_by_role("link", name="Register PACS").click()
        page.get_by_label("Id").fill("gates")
        page.get_by_label("Account of its agent").fill("gates-agent")
        page.get_by_role("button", name="Register PACS").click()
        secret = page.get_by_label("Client secret").inner_text()
        answer = requests.post(
            f"{demo['url']}/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=("south%2Fgates-agent", secret),
            timeout=30,
        )
        assert answer.json()["token_type"].lower() == "bearer"
        page.goto(f"{demo['url']}/admin/tenancy/register")
        page.get_by_label("Id").fill("gates")
        page.get_by_label("Account of its agent").fill("other")
        page.get_by_role("button", name="Register PACS").click()
        expect(page.get_by_role("alert")).to_contain_text("is there already")


def test_another_tenants_pages_and_those_of_nobody_are_one(demo: dict[str, Any], browser: Browser) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        enter(page, demo, "south/admin1")
        said = []
        for pacs in (DOORS, "nowhere"):
            answer = page.goto(f"{demo['url']}/admin/tenancy/pacs/{pacs}")
            assert answer is not None
            said.append((answer.status, page.locator("main").inner_text().replace(pacs, "…")))
        assert said[0] == said[1]
        assert said[0][0] == 404


def test_who_administers_nothing_is_offered_nothing(demo: dict[str, Any], browser: Browser) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        enter(page, demo, "north/rad1")
        expect(page.get_by_role("link", name="Tenant")).to_have_count(0)
        answer = page.goto(f"{demo['url']}/admin/tenancy")
        assert answer is not None
        assert answer.status == 403


@pytest.mark.parametrize("screen", SCREENS)
def test_every_page_of_a_tenant_fits_every_screen_and_keeps_nobody_out(
    demo: dict[str, Any], browser: Browser, screen: str, request: pytest.FixtureRequest
) -> None:
    assert request.config.cache is not None
    axe = axe_source(request.config.cache.mkdir("axe-core"))
    with opened(browser, screen) as context:
        page = context.new_page()
        noise: list[str] = []
        page.on("console", lambda message: noise.append(message.text))
        page.on("pageerror", lambda error: noise.append(str(error)))
        enter(page, demo, "north/admin1")
        wrong = []
        for name, path in PLACES.items():
            page.goto(f"{demo['url']}{path}")
            wrong += look(page, name, screen, axe)
        assert (wrong, noise) == ([], [])


@pytest.mark.parametrize("tenant", ["north", "south"])
def test_the_demo_says_who_there_is(demo: dict[str, Any], tenant: str) -> None:
    (told,) = [each for each in demo["tenants"] if each["tenant"] == tenant]
    assert f"{tenant}/rad1" in {user["name"] for user in told["users"]}
    assert Path(demo["config"]).exists()
