"""Holes of dcm4chee 2 and of the archives that followed it."""

import pytest

from tests.support.hospital import RunningHospital


def wado(hospital: RunningHospital, study: str, series: str, instance: str) -> str:
    named = hospital.studies
    return (
        f"{hospital.dicomweb}?requestType=WADO&studyUID={named[study].study_instance_uid}"
        f"&seriesUID={named[series].series_instance_uid(1)}&objectUID={named[instance].sop_instance_uid(1, 1)}"
        "&contentType=application/dicom"
    )


@pytest.mark.parametrize("names", [("S1", "S2", "S2"), ("S1", "S1", "S2"), ("S1", "S2", "S1"), ("S2",) * 3])
def test_an_object_is_not_reached_through_the_uid_of_another_study(
    hospital: RunningHospital, names: tuple[str, str, str]
) -> None:
    assert hospital.client("rad1").get(wado(hospital, *names)).status_code == 404


def test_an_object_is_reached_through_its_own_study(hospital: RunningHospital) -> None:
    assert hospital.client("rad1").get(wado(hospital, "S1", "S1", "S1")).status_code == 200


def test_nobody_is_not_somebody_whose_check_is_switched_off(hospital: RunningHospital) -> None:
    for path in ("", "/studies", "/instances", hospital.study("S1"), wado(hospital, "S1", "S1", "S1")):
        assert hospital.client(None).get(path or hospital.dicomweb).status_code == 401


@pytest.mark.parametrize("password", ["", "rad1", "\0"])
def test_a_name_without_its_password_is_nobody(hospital: RunningHospital, password: str) -> None:
    assert hospital.client("comp1", password).get("/studies").status_code == 401


def test_somebody_without_a_role_on_images_is_not_somebody_with_all_roles(hospital: RunningHospital) -> None:
    for path in ("/studies", hospital.study("S5"), hospital.study("S1") + "/metadata"):
        assert hospital.client("admin1").get(path).status_code == 403


def test_studies_without_labels_and_grants_are_not_for_everybody(hospital: RunningHospital) -> None:
    assert hospital.client("ref1").get(hospital.study("S13")).status_code == 404
