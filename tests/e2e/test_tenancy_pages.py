"""Two hospitals as their people see them: pages of a tenant, its doors, and a visit from check-in to check-out."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import psutil
import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from pacsgate.admin.console.tenancy.result_page import MOST_LOOKS
from pacsgate.bootstrap.clock import SystemClock
from pacsgate.cli.demo.doors import agent_at_work
from tests.e2e.test_pages_look import SCREENS, look, opened
from tests.support.axe import axe_source
from tests.support.browser import chromium, sign_in
from tests.support.hospital import cli_here, running_demo

pytestmark = [pytest.mark.long, pytest.mark.server("chromium"), pytest.mark.server("npm")]

DOORS, ARCHIVE, VISIT, ONGOING = "north-doors", "north-main", "visit-1", "visit-2"
PLACES = {
    "tenancy": "/admin/tenancy",
    "tenancy-register": "/admin/tenancy/register",
    "tenancy-pacs": f"/admin/tenancy/pacs/{DOORS}",
    "tenancy-visits": f"/admin/tenancy/pacs/{DOORS}/visits",
    "tenancy-visit": f"/admin/tenancy/pacs/{DOORS}/visits/{VISIT}",
    "tenancy-identities": f"/admin/tenancy/pacs/{DOORS}/identities",
    "tenancy-units": f"/admin/tenancy/pacs/{DOORS}/units",
    "tenancy-unit": f"/admin/tenancy/pacs/{DOORS}/units/reading-room",
    "tenancy-roles": f"/admin/tenancy/pacs/{DOORS}/roles",
    "tenancy-new-visit": f"/admin/tenancy/pacs/{DOORS}/new-visit",
    "tenancy-new-identity": f"/admin/tenancy/pacs/{ARCHIVE}/new-identity",
    "tenancy-change": f"/admin/tenancy/pacs/{DOORS}/visits/{ONGOING}/change",
    "tenancy-credential": f"/admin/tenancy/pacs/{DOORS}/visits/{ONGOING}/new-credential",
    "tenancy-about": "/admin/tenancy/about",
    "tenancy-field": "/admin/tenancy/fields/visit",
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with running_demo(tmp_path_factory.mktemp("demo"), "--tenants") as (said, process):
        family = psutil.Process(process.pid).children(recursive=True)
        assert any("agent" in member.cmdline() for member in family)
        at = ("--tenant", "north", "--pacs", DOORS, "-c", str(said["config"]))
        planned = cli_here(
            "visit", "plan", "Di Ford", "--id", ONGOING, "--visitor", "p-2", "--until", "8h", *at
        )
        assert planned.returncode == 0
        yield said | {"waiting": asked_of_nobody(said)}


def asked_of_nobody(demo: dict[str, Any]) -> str:
    """The page of a result that never comes: that of doors without an agent."""
    tenant, asker = f"{demo['url']}/api/v1/tenants/north", ("north/admin1", password(demo, "north/admin1"))
    shed = {"pacsId": "shed", "name": "Shed", "kind": "doors", "agentUid": "shed-agent"}
    assert requests.post(f"{tenant}/pacs", json=shed, auth=asker, timeout=30).status_code == 201
    told = requests.get(f"{tenant}/pacs/shed/visits", auth=asker, timeout=30)
    return f"/admin/tenancy/pacs/shed/results/{told.json()['messageId']}?looks={MOST_LOOKS}"


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


def test_a_visit_is_changed_and_its_card_made_unusable_and_usable_by_keyboard_alone(
    demo: dict[str, Any], browser: Browser
) -> None:
    """The page and the door agree on a card, one way and the other."""
    doors = f"{demo['url']}/admin/tenancy/pacs/{DOORS}"
    with browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740}) as context:
        page = context.new_page()
        enter(page, demo, "north/desk1")
        page.goto(f"{doors}/new-visit")
        now, card_holder = SystemClock().now(), "visit-9"
        typed = {
            "Name": "Cy Marsh",
            "Visitor": "p-9",
            "From (UTC)": f"{now:%Y-%m-%dT%H:%M}",
            "To (UTC)": "2020-01-01T00:00",
            "Id of the visit (optional)": card_holder,
        }
        for label, text in typed.items():
            page.get_by_label(label, exact=True).fill(text)
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("To (UTC) must be after From (UTC)")
        expect(page.get_by_label("To (UTC)")).to_be_focused()
        expect(page.get_by_label("Name", exact=True)).to_have_value("Cy Marsh")
        page.get_by_label("To (UTC)").fill(f"{now + timedelta(hours=3):%Y-%m-%dT%H:%M}")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_have_text("Planned.")
        press(page, "link", "Give a credential")
        page.get_by_label("Format", exact=True).select_option("pin")
        page.get_by_label("Value").fill("987654")
        page.get_by_label("Label").fill("blue")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_have_text("Given.")
        press(page, "button", "Check in")
        expect(page.get_by_role("status")).to_have_text("Checked in.")
        press(page, "link", "Change")
        expect(page.get_by_label("Visitor")).not_to_be_editable()
        page.get_by_label("Host").fill("rad2")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_have_text("Changed.")
        page.get_by_label("Access unit", exact=True).select_option("lobby")
        press(page, "button", "Open")
        expect(page.get_by_role("status")).to_have_text("Opened.")
        assert typed_at(demo, "main-in")["granted"]
        assert typed_at(demo, "main-out")["granted"]
        press(page, "button", "Deactivate pin 987654")
        expect(page.get_by_role("status")).to_have_text("Deactivated.")
        expect(page.get_by_role("region", name="Credentials")).to_contain_text("inactive")
        assert not typed_at(demo, "main-in")["granted"]
        press(page, "button", "Activate pin 987654")
        expect(page.get_by_role("status")).to_have_text("Activated.")
        assert typed_at(demo, "main-in")["granted"]


def test_whoever_administers_one_pacs_waits_for_its_agent_and_sees_no_other(
    demo: dict[str, Any], browser: Browser, tmp_path: Path
) -> None:
    """Registered, its administrator named, its agent started only after somebody has asked for something."""
    annex = f"{demo['url']}/admin/tenancy/pacs/annex"
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        enter(page, demo, "north/admin1")
        page.goto(f"{demo['url']}/admin/tenancy/register")
        page.get_by_label("Id").fill("annex")
        page.get_by_label("Account of its agent").fill("annex-agent")
        page.get_by_role("button", name="Register PACS").click()
        secret = page.get_by_label("Client secret").inner_text()
        page.goto(f"{annex}/roles")
        page.get_by_label("Account").fill("tech1")
        page.get_by_role("button", name="Assign role").click()
        expect(page.get_by_role("row", name="tech1 PacsAdministrator")).to_be_visible()
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        enter(page, demo, "north/tech1")
        page.goto(f"{demo['url']}/admin/tenancy")
        expect(page.get_by_role("link", name="annex")).to_be_visible()
        expect(page.get_by_role("row").filter(has_text="north-")).to_have_count(0)
        page.goto(f"{annex}/new-identity")
        page.get_by_label("Name", exact=True).fill("Ada Reis")
        page.get_by_label("Id (optional)", exact=True).fill("e-7")
        page.get_by_role("button", name="Make identity").click()
        expect(page.get_by_role("heading", name="On its way")).to_be_visible()
        with agent_at_work(settings_of_agent(tmp_path, secret), demo["url"]):
            expect(page.get_by_role("heading", name="Done")).to_be_visible(timeout=30_000)
            page.get_by_role("link", name="Go on").click()
            page.get_by_role("link", name="Ada Reis").click()
            expect(page.get_by_role("heading", name="Ada Reis")).to_be_visible()
        answer = page.goto(f"{demo['url']}/admin/tenancy/pacs/{DOORS}")
        assert answer is not None
        assert answer.status == 403


def settings_of_agent(directory: Path, secret: str) -> Path:
    path = directory / "agent.env"
    path.touch(mode=0o600)
    lines = {
        "Agent__TenantId": "north",
        "Agent__PacsId": "annex",
        "Agent__Adapter": "door-simulator",
        "Agent__DataDirectory": str(directory / "agent"),
        "Auth__ClientId": "north/annex-agent",
        "Auth__ClientSecret": secret,
    }
    path.write_text("".join(f"{name}={value}\n" for name, value in lines.items()), "utf-8")
    return path


def press(page: Page, role: Literal["link", "button"], name: str) -> None:
    """As somebody does who has no mouse."""
    page.get_by_role(role, name=name, exact=True).focus()
    page.keyboard.press("Enter")


def typed_at(demo: dict[str, Any], reader: str) -> dict[str, Any]:
    doors = demo["doors"]["env_file"]
    said = cli_here("agent", "--env-file", doors, "swipe", reader, "pin", "987654", "--json")
    return dict(json.loads(said.stdout))


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
        for name, path in (PLACES | {"tenancy-waiting": demo["waiting"]}).items():
            page.goto(f"{demo['url']}{path}")
            wrong += look(page, name, screen, axe)
        assert (wrong, noise) == ([], [])


@pytest.mark.parametrize("tenant", ["north", "south"])
def test_the_demo_says_who_there_is(demo: dict[str, Any], tenant: str) -> None:
    (told,) = [each for each in demo["tenants"] if each["tenant"] == tenant]
    assert f"{tenant}/rad1" in {user["name"] for user in told["users"]}
    assert Path(demo["config"]).exists()
