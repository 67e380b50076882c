"""Holes that the authorization plugin of Orthanc has had; the version is the one that closed each."""

import pytest
from pydicom.uid import generate_uid

from tests.e2e.asking import another, found, stow
from tests.support.hospital import RunningHospital


@pytest.mark.parametrize("level", [RunningHospital.study, RunningHospital.series, RunningHospital.instance])
def test_0_9_2_a_thumbnail_is_as_hidden_as_its_image(hospital: RunningHospital, level) -> None:
    rad1 = hospital.client("rad1")
    assert rad1.get(f"{level(hospital, 'S1')}/thumbnail").status_code == 200
    assert rad1.get(f"{level(hospital, 'S2')}/thumbnail").status_code == 404


def test_0_8_2_a_patient_id_that_is_a_study_uid_opens_nothing(own_hospital: RunningHospital) -> None:
    seen = own_hospital.studies["S1"].study_instance_uid
    confusing = another(own_hospital.objects["S2"][0], StudyInstanceUID=generate_uid(), PatientID=seen)
    assert stow(own_hospital, "CT1", "/studies", confusing).status_code == 200
    assert found(own_hospital, "rad1") == {"S1"}
    rad1 = own_hospital.client("rad1")
    assert rad1.get(f"/studies?PatientID={seen}").status_code == 204
    assert rad1.get(f"/studies/{confusing.StudyInstanceUID}/metadata").status_code == 404


@pytest.mark.parametrize("resource", ["series", "instances"])
def test_0_7_1_a_search_below_a_hidden_study_finds_what_one_below_no_study_finds(
    hospital: RunningHospital, resource: str
) -> None:
    rad1 = hospital.client("rad1")
    hidden, missing = (
        rad1.get(f"{study}/{resource}") for study in (hospital.study("S2"), f"/studies/{generate_uid()}")
    )
    assert (hidden.status_code, hidden.content) == (missing.status_code, missing.content) == (204, b"")


@pytest.mark.parametrize("resource", ["bulkdata", "bulkdata/00100010", "pixeldata", "frames/1"])
def test_0_5_3_bulk_data_is_as_hidden_as_its_image(hospital: RunningHospital, resource: str) -> None:
    path = f"{hospital.instance('S2')}/{resource}"
    assert hospital.client("rad1").get(path, headers={"Accept": "*/*"}).status_code == 404


@pytest.mark.parametrize("path", ["/servers", "/servers/other/studies", "/servers/other/get"])
def test_0_5_0_remote_servers_are_reached_by_nobody(hospital: RunningHospital, path: str) -> None:
    assert hospital.client(None).get(path).status_code == 401
    assert hospital.client("chief1").get(path).status_code == 404


@pytest.mark.parametrize("path", ["changes", "statistics", "system", "modalities", "jobs", "tools/find"])
def test_its_default_permissions_are_nobodys_here(hospital: RunningHospital, path: str) -> None:
    for root in ("", "/orthanc", "/archives/main/orthanc"):
        assert hospital.client("chief1").get(f"{hospital.url}{root}/{path}").status_code == 404
