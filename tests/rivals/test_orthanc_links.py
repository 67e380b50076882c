"""Holes of links and profiles where Orthanc's authorization plugin and its service decided together.

The plugin sees methods and paths and asks a web service; each trusted the other to look at what it did not look at itself.
"""

import time

import pytest
import requests

from tests.support.asking_plugin import Plugin
from tests.support.plugin_simulator import DEFAULT_PERMISSIONS

pytestmark = [pytest.mark.server("orthanc"), pytest.mark.long]


@pytest.mark.parametrize("method", ["put", "post", "delete"])
def test_a_link_to_look_at_a_study_does_not_change_it(plugin: Plugin, method: str) -> None:
    """The service ignored the method, so whoever had a viewer's link could delete the study with it."""
    link = {"token": plugin.link("S7")}
    assert plugin.simulator.allows("get", f"/studies/{plugin.study('S7')}", link)
    assert not plugin.simulator.allows(method, f"/studies/{plugin.study('S7')}", link)


def test_who_may_view_a_part_does_not_mint_a_link_to_the_rest(plugin: Plugin) -> None:
    """A viewer limited to some labels could mint an instant link for any study whose identifier was known."""
    somebody = {"token": plugin.sonographer}
    for purpose in ("viewer-instant-link", "download-instant-link", "stone-viewer-publication"):
        assert not plugin.simulator.allows("put", f"/auth/tokens/{purpose}", somebody)
    with pytest.raises(requests.HTTPError):
        plugin.link("S1", "viewer-instant-link")


def test_viewing_is_not_downloading(plugin: Plugin) -> None:
    """The permission `view` let archives and files through; `download` only showed a button."""
    for persona in ("rad1", "rad2"):  # who view and retrieve, and export nothing
        tokens = {"Authorization": plugin.basic(persona)}
        for name in ("S1", "S2", "S7"):
            assert not plugin.simulator.allows("get", f"/studies/{plugin.study(name)}/archive", tokens)


def test_a_patient_is_no_way_around_a_limited_profile(plugin: Plugin) -> None:
    """Labels were checked on studies alone, so `/patients/{id}/archive` needed the permission and no label."""
    tokens = {"token": plugin.sonographer}
    for name in ("S1", "S7"):
        patient = plugin.guarded.patient(name)
        for path in (f"/patients/{patient}", f"/patients/{patient}/studies", f"/patients/{patient}/archive"):
            assert not plugin.simulator.allows("get", path, tokens), path


def test_every_link_ends(plugin: Plugin) -> None:
    """A link without a duration had no end, and one with an uninitialised duration any."""
    for wish in ({}, {"validity-duration": 2**40}, {"validity-duration": -1}):
        link = plugin.link("S7", **wish)
        (row,) = [row for row in plugin.listed() if row["share_id"] == link.split("_")[1]]
        assert row["expires_at"] is not None


def test_a_link_can_be_listed_and_taken_back(plugin: Plugin) -> None:
    """Links were signed and kept nowhere: there was no list, and no way to end one but to end all."""
    link, other = plugin.link("S7"), plugin.link("S8")
    assert link.split("_")[1] in {row["share_id"] for row in plugin.listed()}
    plugin.revoke(link)
    assert not plugin.simulator.allows("get", f"/studies/{plugin.study('S7')}", {"token": link})
    assert plugin.simulator.allows("get", f"/studies/{plugin.study('S8')}", {"token": other})


def test_no_answer_outlives_what_it_rests_on(plugin: Plugin) -> None:
    """Every answer was valid for a minute, also about a link that ended in a second; a profile of 0 for ever."""
    link = plugin.link("S7", **{"validity-duration": 2})
    question = {
        "method": "get",
        "level": "study",
        "orthanc-id": plugin.study("S7"),
        "dicom-uid": plugin.uid("S7"),
        "token-key": "token",
        "token-value": link,
    }
    answer = plugin.simulator.post("tokens/validate", question)
    assert answer["validity"] <= 2
    time.sleep(2.1)
    assert plugin.simulator.post("tokens/validate", question)["granted"] is False


def test_an_instant_link_finds_the_study_it_is_for(plugin: Plugin) -> None:
    """Instant links decoded to nothing, so a viewer's search for prior studies ended in an error."""
    assert plugin.simulator.finds({"token": plugin.link("S7", "viewer-instant-link")}) == [plugin.uid("S7")]


def test_no_token_is_in_the_log_or_in_the_record(plugin: Plugin) -> None:
    """Tokens were logged as they came."""
    link = plugin.link("S7")
    plugin.simulator.allows("get", f"/studies/{plugin.study('S7')}", {"token": link})
    plugin.simulator.allows(
        "get", f"/studies/{plugin.study('S7')}", {"Authorization": f"Bearer {plugin.sonographer}"}
    )
    hospital = plugin.guarded.hospital
    written = hospital.log.read_text("utf-8", "replace") + hospital.cli("audit", "search", "--json").stdout
    for secret in (link.split("_")[2], plugin.sonographer.split("_")[2]):
        assert secret not in written


def test_nobody_uploads_without_a_name(plugin: Plugin) -> None:
    """The anonymous profile that was shipped held `upload`."""
    for method, path, _ in DEFAULT_PERMISSIONS:
        if path in {"/instances", "/dicom-web/studies"} and method == "post":
            assert not plugin.simulator.allows(method, path)
