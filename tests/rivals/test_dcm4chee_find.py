"""dcm4chee 2 and 5 at C-FIND: patients by studies that one may not find, subjects without roles, series by a foreign parent.

The table of study permissions asks for `Q` on a study at every level, and of one study at the level of patients.
"""

from typing import Any

import pytest
from pynetdicom.sop_class import (
    PatientRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelFind,
)

from tests.e2e.expectations import could, personas, sees, studies, visible_series
from tests.support.data_sets import identifier
from tests.support.dimse import Dicom
from tests.support.hospital import RunningHospital

Ward = tuple[RunningHospital, Dicom]

PATIENT_ROOT = PatientRootQueryRetrieveInformationModelFind
STUDY_ROOT = StudyRootQueryRetrieveInformationModelFind
COUNTS = ("NumberOfPatientRelatedStudies", "NumberOfPatientRelatedSeries")


def patients(dicom: Dicom, persona: str, **values: Any) -> dict[str, tuple[int, int]]:
    """The studies and series of each patient who is listed."""
    asked = identifier("PATIENT", **{"PatientID": "", **dict.fromkeys(COUNTS, ""), **values})
    rows, status = dicom.find(persona, asked, model=PATIENT_ROOT)
    assert status == 0x0000
    return {str(row.PatientID): tuple(int(row[keyword].value) for keyword in COUNTS) for row in rows}  # type: ignore[misc]


def patient_of(hospital: RunningHospital, study: str) -> str:
    return str(hospital.objects[study][0].PatientID)


def visible(hospital: RunningHospital, persona: str) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for name in studies():
        if sees(persona, name):
            before = found.get(patient_of(hospital, name), (0, 0))
            found[patient_of(hospital, name)] = (
                before[0] + 1,
                before[1] + len(visible_series(persona, name)),
            )
    return found


@pytest.mark.parametrize("persona", ["rad1", "rad3", "ref1", "stud1"])
def test_no_patient_is_listed_of_whom_no_study_is_visible(own_dicom_hospital: Ward, persona: str) -> None:
    hospital, dicom = own_dicom_hospital
    assert patients(dicom, persona) == visible(hospital, persona)


def test_a_permission_to_find_one_study_shows_its_patient_and_that_study_alone(
    own_dicom_hospital: Ward,
) -> None:
    hospital, dicom = own_dicom_hospital
    mine = visible(hospital, "rad2")
    # One that a colleague sees, so that no forbid stands against it.
    hidden = next(name for name in studies() if sees("rad3", name) and patient_of(hospital, name) not in mine)
    uid, patient = hospital.studies[hidden].study_instance_uid, patient_of(hospital, hidden)
    assert patient not in patients(dicom, "rad2")
    given = hospital.cli("permission", "grant", "--action", "Q", "--user", "rad2", "--study", uid)
    assert given.returncode == 0, given.stderr
    try:
        shown = patients(dicom, "rad2")
        assert shown[patient][0] == 1
        assert {key: value for key, value in shown.items() if key != patient} == mine
    finally:
        hospital.cli("permission", "revoke", "--action", "Q", "--user", "rad2", "--study", uid)
    assert patients(dicom, "rad2") == mine


def test_a_hidden_study_is_not_found_by_what_it_says(own_dicom_hospital: Ward) -> None:
    hospital, dicom = own_dicom_hospital
    hidden = next(name for name in studies() if patient_of(hospital, name) not in visible(hospital, "rad2"))
    name = str(hospital.objects[hidden][0].PatientName)
    assert patients(dicom, "rad2", PatientName=name) == {}
    assert patients(dicom, "rad2", PatientID=patient_of(hospital, hidden)) == {}


def test_a_series_of_ones_own_is_not_found_in_a_hidden_study_nor_the_other_way_round(
    own_dicom_hospital: Ward,
) -> None:
    hospital, dicom = own_dicom_hospital
    own, hidden = hospital.studies["S2"], hospital.studies["S1"]
    assert sees("rad2", "S2")
    assert not sees("rad2", "S1")
    for study, series in ((own, hidden), (hidden, own)):
        asked = identifier(
            "SERIES",
            StudyInstanceUID=study.study_instance_uid,
            SeriesInstanceUID=series.series_instance_uid(1),
        )
        assert dicom.find("rad2", asked) == ([], 0x0000)


@pytest.mark.parametrize("persona", [persona for persona in personas() if not could(persona, "search")])
def test_somebody_without_a_role_for_it_is_refused_and_nothing_breaks(
    own_dicom_hospital: Ward, persona: str
) -> None:
    _, dicom = own_dicom_hospital
    with pytest.raises(ConnectionAbortedError):
        patients(dicom, persona)


def test_who_loses_the_role_finds_nothing_more_over_an_association_that_is_open(
    own_dicom_hospital: Ward,
) -> None:
    hospital, dicom = own_dicom_hospital
    added = hospital.cli(
        "user", "add", "guest", "--role", "chief-radiologist", "--password-stdin", stdin="a long passphrase\n"
    )
    assert added.returncode == 0, added.stderr
    asked = identifier("STUDY", StudyInstanceUID="")
    with dicom.association("guest", STUDY_ROOT, password="a long passphrase") as association:
        before = list(association.send_c_find(asked, STUDY_ROOT))
        assert int(before[-1][0].Status) == 0x0000
        assert len(before) > 1
        assert hospital.cli("user", "unassign", "guest", "chief-radiologist").returncode == 0
        after = list(association.send_c_find(asked, STUDY_ROOT))
    assert [int(status.Status) for status, _ in after] == [0x0124]
    assert after[-1][0].ErrorComment == "not authorized"
