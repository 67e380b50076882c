"""OHIF in front of a guarded Orthanc: its pages ask the gate's DICOMweb, which takes every object from Orthanc's REST API."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.test_viewer import LIST_SETTLES_MILLISECONDS, Desk, browser, shades, viewer
from tests.support.browser import take_picture
from tests.support.guarded_orthanc import FurnishedOrthanc, GuardedOrthanc, opened_guarded
from tests.support.waiting import wait_until

__all__ = ["browser", "viewer"]

pytestmark = [
    pytest.mark.long,
    pytest.mark.server("chromium"),
    pytest.mark.server("npm"),
    pytest.mark.server("orthanc"),
]


@pytest.fixture(scope="module")
def guarded(
    viewer: Path,
    furnished_orthanc: FurnishedOrthanc,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[GuardedOrthanc]:
    furnished = furnished_orthanc.copy_to(tmp_path_factory.mktemp("viewer-over-orthanc"))
    with furnished.gate.config.open("a", encoding="utf-8") as file:
        file.write(f"viewer: {viewer}\n")
    with opened_guarded(furnished) as running:
        yield running


@pytest.mark.parametrize(("persona", "study"), [("rad1", "S1"), ("rad2", "S2"), ("stud1", "S5")])
def test_a_study_of_orthanc_is_drawn_for_who_may_see_it(
    guarded: GuardedOrthanc,
    browser: Browser,
    persona: str,
    study: str,
) -> None:
    desk = Desk(guarded.hospital, browser, persona)
    desk.open(study)
    desk.page.locator("canvas.cornerstone-canvas").first.wait_for()
    wait_until(lambda: shades(desk.page) > 16, seconds=30)
    desk.page.wait_for_timeout(LIST_SETTLES_MILLISECONDS)
    assert guarded.hospital.objects[study][0].StudyDescription in desk.read()
    take_picture(desk.page, f"viewer-over-orthanc-{study}-{persona}")
    desk.close()
