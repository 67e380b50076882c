"""A study permission holds over the web and over DIMSE alike, from the next request on, however it was given."""

import json
from typing import Any

import pytest
import requests
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests.e2e.asking import another, found, stow
from tests.support.dimse import Dicom
from tests.support.hospital import RunningHospital
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long

GRANT_RULES = """
grant_rules:
  - id: what-ct1-makes
    on: [study-arrived]
    when: user.name == 'CT1'
    grant: {users: [rad3], actions: [search, view]}
"""


@pytest.fixture(scope="module")
def hospital(own_dicom_hospital: tuple[RunningHospital, Dicom]) -> RunningHospital:
    return own_dicom_hospital[0]


@pytest.fixture(scope="module")
def dicom(own_dicom_hospital: tuple[RunningHospital, Dicom]) -> Dicom:
    return own_dicom_hospital[1]


def found_over_dimse(hospital: RunningHospital, dicom: Dicom, persona: str) -> set[str]:
    names = {study.study_instance_uid: name for name, study in hospital.studies.items()}
    asked = Dataset()
    asked.QueryRetrieveLevel, asked.StudyInstanceUID = "STUDY", ""
    rows, status = dicom.find(persona, asked)
    assert status == 0
    return {names.get(str(row.StudyInstanceUID), "new") for row in rows}


def sees(hospital: RunningHospital, dicom: Dicom, persona: str) -> set[str]:
    """What a persona finds, the same at both doors."""
    over_the_web = found(hospital, persona)
    assert found_over_dimse(hospital, dicom, persona) == over_the_web
    return over_the_web


def command(hospital: RunningHospital, *arguments: str) -> Any:
    done = hospital.cli("permission", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_permission_counts_from_the_moment_it_is_given_until_it_is_taken_back(
    hospital: RunningHospital, dicom: Dicom
) -> None:
    before = sees(hospital, dicom, "rad1")
    assert "S2" not in before
    on = ("--study", hospital.studies["S2"].study_instance_uid, "--user", "rad1", "--action", "Q")
    assert command(hospital, "grant", *on)["letters"] == 1
    assert sees(hospital, dicom, "rad1") == before | {"S2"}
    assert command(hospital, "grant", *on)["letters"] == 0
    assert command(hospital, "revoke", *on)["letters"] == 1
    assert sees(hospital, dicom, "rad1") == before


def test_a_role_is_permitted_and_everybody_who_has_it_sees_the_study(
    hospital: RunningHospital, dicom: Dicom
) -> None:
    before = {persona: sees(hospital, dicom, persona) for persona in ("rad1", "rad2")}
    on = ("--study", hospital.studies["S4"].study_instance_uid, "--role", "radiologist", "--action", "QR")
    command(hospital, "grant", *on)
    for persona, held in before.items():
        assert sees(hospital, dicom, persona) == held | {"S4"}
    command(hospital, "revoke", *on)
    for persona, held in before.items():
        assert sees(hospital, dicom, persona) == held


def test_the_interface_gives_what_the_command_lists(hospital: RunningHospital, dicom: Dicom) -> None:
    uid = hospital.studies["S4"].study_instance_uid
    url, auth = f"{hospital.url}/api/v1/studies/{uid}/permissions", ("admin1", hospital.passwords["admin1"])
    gift = {"grantee_kind": "user", "grantee": "rad1", "actions": ["search"]}
    before = sees(hospital, dicom, "rad1")
    given = requests.post(url, json=gift, auth=auth, timeout=30)
    assert (given.status_code, len(given.json()["added"])) == (200, 1)
    (row,) = command(hospital, "list", "--study", uid)
    assert (row["grantee"], row["origin"], row["granted_by"]) == ("user:rad1", "api", "admin1")
    assert sees(hospital, dicom, "rad1") == before | {"S4"}
    assert requests.delete(f"{url}/user/rad1", auth=auth, timeout=30).status_code == 200
    assert sees(hospital, dicom, "rad1") == before
    asked_by_others = requests.get(url, auth=("rad1", hospital.passwords["rad1"]), timeout=30)
    assert asked_by_others.status_code == 403


def test_an_arriving_study_is_seen_by_whom_the_rules_name(hospital: RunningHospital, dicom: Dicom) -> None:
    hospital.policy.write_text(hospital.policy.read_text("utf-8") + GRANT_RULES, "utf-8")
    # Whoever watches the file may publish it first.
    wait_until(lambda: hospital.cli("policy", "publish").returncode == 0)
    before = sees(hospital, dicom, "rad3")
    image = another(hospital.objects["S2"][0], StudyInstanceUID=generate_uid())
    assert stow(hospital, "CT1", "/studies", image).status_code == 200
    assert sees(hospital, dicom, "rad3") == before | {"new"}
    (row,) = command(hospital, "list", "--study", str(image.StudyInstanceUID))
    assert row["origin"].startswith("rule what-ct1-makes: study-arrived ")
    assert row["granted_by"] == "CT1"
