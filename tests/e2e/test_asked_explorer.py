"""Orthanc Explorer in Chromium through nginx that asks the gate: lists from the gate, pages and images from Orthanc."""

from pathlib import Path

import pytest
from playwright.sync_api import Response, expect

from tests.support.browser import PATIENCE_MILLISECONDS, chromium, take_picture
from tests.support.fronts import running_front
from tests.support.guarded_orthanc import GuardedOrthanc

pytestmark = [
    pytest.mark.long,
    pytest.mark.server("orthanc"),
    pytest.mark.server("nginx"),
    pytest.mark.server("chromium"),
]


def test_a_radiologist_browses_her_own_through_a_proxy_that_asks(
    guarded_orthanc: GuardedOrthanc, enforcement_point: str, tmp_path: Path
) -> None:
    hospital, persona = guarded_orthanc.hospital, "rad1"
    gate, orthanc = hospital.url, guarded_orthanc.orthanc
    answers: list[Response] = []

    def received(response: Response) -> None:
        answers.append(response)

    credentials = {"username": persona, "password": hospital.passwords[persona]}
    with running_front("nginx", tmp_path, gate, orthanc, enforcement_point) as url, chromium() as browser:
        context = browser.new_context(http_credentials=credentials, viewport={"width": 1300, "height": 900})
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        page = context.new_page()
        page.on("response", received)
        page.goto(f"{url}/orthanc/app/explorer.html?1#patient?uuid={guarded_orthanc.patient('S1')}")
        page.wait_for_load_state("networkidle")
        expect(page.locator("#list-studies li a")).to_have_count(1)
        take_picture(page, "explorer-asked-patient")
        page.goto(f"{url}/orthanc/app/explorer.html?2#instance?uuid={guarded_orthanc.instance('S1')}")
        page.wait_for_load_state("networkidle")
        hospital.recorder.see(persona, page.content(), "the explorer through nginx")
        page.goto(f"{url}/orthanc/instances/{guarded_orthanc.instance('S1')}/preview")
        take_picture(page, "explorer-asked-preview")
        by_gate = {
            each.url.removeprefix(url).partition("?")[0]: "x-request-id" in each.headers for each in answers
        }
        context.close()
    assert not by_gate["/orthanc/app/explorer.html"]
    assert not by_gate[f"/orthanc/instances/{guarded_orthanc.instance('S1')}/preview"]
    assert by_gate[f"/orthanc/patients/{guarded_orthanc.patient('S1')}"]
    assert by_gate["/orthanc/system"]
