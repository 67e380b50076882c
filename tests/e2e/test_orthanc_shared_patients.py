"""Patients of whom somebody sees one study and not the other: nothing of the other shows anywhere.

The studies are put into Orthanc behind the gate's back, the hidden one first, so that Orthanc keeps its
words for the patient.
"""

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from pydicom.uid import generate_uid

from tests.support.guarded_orthanc import GuardedOrthanc
from tests.support.objects import Part10, variant
from tests.support.orthanc_ids import orthanc_id
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.server("orthanc"), pytest.mark.long]

SECRET = "HIDDEN^PERSON"
OWN = "SHOWN^PERSON"
PATIENT = "SHARED-1"


def put(guarded: GuardedOrthanc, like: str, **changes: str) -> Part10:
    """An object of the department of one of the hospital's studies, in Orthanc behind the gate's back."""
    uids = {name: generate_uid() for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")}
    department = str(guarded.hospital.objects[like][0].InstitutionalDepartmentName)
    made = variant(**{**uids, "InstitutionalDepartmentName": department, **changes})
    guarded.orthanc.upload(made.data)
    return made


def study_of(made: Part10, patient: str = PATIENT) -> str:
    return orthanc_id(patient, made.key.study_instance_uid)


def shown(guarded: GuardedOrthanc, study: str) -> Mapping[str, object]:
    """The study's document, as soon as the feed has brought it."""
    rad1 = guarded.client("rad1")
    wait_until(lambda: study in rad1.get("/studies").json(), seconds=30)
    document: Mapping[str, object] = rad1.get(f"/studies/{study}").json()
    return document


@pytest.fixture(scope="module")
def both(own_guarded_orthanc: GuardedOrthanc) -> tuple[Part10, Part10]:
    """A study that rad1 does not see and one that she does, of one patient under two names."""
    hidden = put(own_guarded_orthanc, "S2", PatientID=PATIENT, PatientName=SECRET, PatientSex="M")
    time.sleep(1.1)  # Orthanc's times have seconds
    visible = put(own_guarded_orthanc, "S1", PatientID=PATIENT, PatientName=OWN, PatientSex="F")
    return hidden, visible


def test_a_patient_is_as_much_as_its_visible_studies_say(
    own_guarded_orthanc: GuardedOrthanc, both: tuple[Part10, Part10]
) -> None:
    guarded, (hidden, visible) = own_guarded_orthanc, both
    document = shown(guarded, study_of(visible))
    assert document["PatientMainDicomTags"]["PatientName"] == OWN  # type: ignore[index]
    rad1, chief, patient = guarded.client("rad1"), guarded.client("chief1"), orthanc_id(PATIENT)
    of_patient = rad1.get(f"/patients/{patient}").json()
    assert of_patient["MainDicomTags"]["PatientName"] == OWN
    assert of_patient["Studies"] == [study_of(visible)]
    assert chief.get(f"/patients/{patient}").json()["MainDicomTags"]["PatientName"] == SECRET
    for path in (
        f"/patients/{patient}",
        f"/patients/{patient}/studies",
        f"/patients/{patient}/series",
        f"/patients/{patient}/instances",
        f"/patients/{patient}/module",
        f"/patients/{patient}/shared-tags",
        f"/patients/{patient}/instances-tags",
        f"/patients/{patient}/metadata?expand",
        f"/patients/{patient}/statistics",
        f"/studies/{study_of(visible)}",
        f"/studies/{study_of(visible)}/patient",
        f"/studies/{study_of(visible)}/module-patient",
        "/patients?expand",
        "/studies?expand&full",
        "/changes?since=0&limit=1000",
    ):
        answer = rad1.get(path)
        assert answer.status_code == 200, path
        for secret in (SECRET, study_of(hidden), hidden.key.study_instance_uid):
            assert secret not in answer.text, path
    assert rad1.get(f"/patients/{patient}/statistics").json()["CountStudies"] == 1
    assert rad1.get(f"/studies/{study_of(hidden)}").status_code == 404


def test_one_study_uid_under_two_patients_is_two_studies(own_guarded_orthanc: GuardedOrthanc) -> None:
    guarded, uid = own_guarded_orthanc, generate_uid()
    hidden = put(guarded, "S2", PatientID="TWIN-A", PatientName=SECRET, StudyInstanceUID=uid)
    visible = put(guarded, "S1", PatientID="TWIN-B", PatientName=OWN, StudyInstanceUID=uid)
    study, other = study_of(visible, "TWIN-B"), study_of(hidden, "TWIN-A")
    document = shown(guarded, study)
    assert document["PatientMainDicomTags"]["PatientName"] == OWN  # type: ignore[index]
    rad1 = guarded.client("rad1")
    assert rad1.get(f"/studies/{other}").status_code == 404
    finds: tuple[dict[str, Any], ...] = (
        {"Level": "Study", "Query": {"StudyInstanceUID": uid}, "Expand": True},
        {"Level": "Series", "Query": {"StudyInstanceUID": uid}, "Expand": True},
        {"Level": "Instance", "Query": {"StudyInstanceUID": uid}},
        {"Level": "Patient", "Query": {}, "Expand": True},
    )
    for find in finds:
        found = rad1.post("/tools/find", json=find)
        assert found.status_code == 200
        assert other not in found.text
        assert orthanc_id("TWIN-A") not in found.text
    assert [row["ID"] for row in rad1.post("/tools/lookup", data=uid).json()] == [study]
    both = guarded.client("chief1").post(
        "/tools/find", json={"Level": "Study", "Query": {"StudyInstanceUID": uid}}
    )
    assert sorted(both.json()) == sorted([study, other])


def test_what_a_document_tells_does_not_move_when_something_hidden_comes(
    own_guarded_orthanc: GuardedOrthanc, both: tuple[Part10, Part10]
) -> None:
    guarded, (_, visible) = own_guarded_orthanc, both
    rad1, patient = guarded.client("rad1"), orthanc_id(PATIENT)
    shown(guarded, study_of(visible))
    before = {
        path: rad1.get(path).json() for path in (f"/patients/{patient}", f"/studies/{study_of(visible)}")
    }
    time.sleep(1.1)
    put(guarded, "S2", PatientID=PATIENT, PatientName=SECRET)
    time.sleep(3)
    for path, document in before.items():
        after = rad1.get(path).json()
        assert json.dumps(after | {"IsStable": True}) == json.dumps(document | {"IsStable": True}), path
