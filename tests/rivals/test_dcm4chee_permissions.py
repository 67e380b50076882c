"""Holes around dcm4chee 2's study permissions: who gives them, and how."""

import pytest
import requests

from tests.support.hospital import RunningHospital

GIFT = {"grantee_kind": "user", "grantee": "rad1", "actions": ["search"]}


def ask(
    hospital: RunningHospital, who: str, method: str, path: str = "", **options: object
) -> requests.Response:
    """Not recorded by the canaries: a permission that was given would be theirs to notice."""
    url = f"{hospital.url}/api/v1/studies/{hospital.studies['S2'].study_instance_uid}/permissions{path}"
    return requests.request(method, url, auth=(who, hospital.passwords[who]), timeout=30, **options)


def held(hospital: RunningHospital) -> object:
    return ask(hospital, "admin1", "GET").json()["permissions"]


@pytest.mark.parametrize("query", ["cmd=add&role=radiologist&action=Q", "_method=POST", "action=search"])
def test_reading_permissions_changes_none(hospital: RunningHospital, query: str) -> None:
    """Web2 executed `cmd=add` for any signed-in user, also by GET."""
    assert ask(hospital, "admin1", "GET", f"?{query}").status_code in {200, 400}
    assert ask(hospital, "rad1", "GET", f"?{query}").status_code in {400, 403}
    assert held(hospital) == []


@pytest.mark.parametrize("who", ["rad1", "ref1", "stud1", "CT1"])
def test_who_may_give_nothing_gives_nothing_whatever_a_page_shows(
    hospital: RunningHospital, who: str
) -> None:
    """Web2 enforced the right to grant in the view alone."""
    assert ask(hospital, who, "POST", json=GIFT).status_code == 403
    assert ask(hospital, who, "PUT", "/user/rad1", json={"actions": ["search"]}).status_code == 403
    assert ask(hospital, who, "DELETE", "/role/radiologist").status_code == 403
    assert held(hospital) == []


def test_a_page_elsewhere_gives_nothing_with_its_reader_s_credential(hospital: RunningHospital) -> None:
    told = ask(hospital, "admin1", "POST", json=GIFT, headers={"Sec-Fetch-Site": "cross-site"})
    assert told.status_code == 403
    assert held(hospital) == []
