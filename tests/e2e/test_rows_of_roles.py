"""Acceptance checks V1, V2, V4, A1 to A5, A8, A9 and P1 to P3: what each kind of user may do, over DICOMweb and the CLI."""

import io
import json
import zipfile

import pytest
import requests
from pydicom.dataset import Dataset
from pydicom.uid import (
    ComprehensiveSRStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    generate_uid,
)

from pacsgate.audit.events import EventKind
from tests.e2e.asking import NOT_AUTHORIZED, annotation, another, events, found, policy_of, reasons, stow
from tests.e2e.expectations import personas, routes
from tests.support.hospital import RunningHospital

ONLY_THE_TEST_PATIENT = """\
rules:
  - id: technologists-delete-the-test-patient-only
    effect: forbid
    roles: [technologist]
    actions: [delete]
    when: study.patient_id != 'P77'
"""


def test_v1_view_only_users_see_and_change_nothing(own_hospital: RunningHospital) -> None:
    client = own_hospital.client("ref1")
    assert client.get(own_hospital.study("S1")).status_code == 200
    assert stow(own_hospital, "ref1", "/studies", another(own_hospital.objects["S1"][0])).status_code == 403
    assert client.delete(own_hospital.study("S1")).status_code == 403
    token = json.loads(own_hospital.cli("token", "issue", "ref1", "--label", "V1", "--json").stdout)["token"]
    assert own_hospital.bearer("ref1", token).get(own_hospital.study("S1")).status_code == 200


@pytest.mark.parametrize(
    ("sop_class", "modality"),
    [
        (GrayscaleSoftcopyPresentationStateStorage, "PR"),
        (ComprehensiveSRStorage, "SR"),
        (KeyObjectSelectionDocumentStorage, "KO"),
    ],
)
def test_v2_radiologists_annotate_what_they_see_and_add_no_images(
    own_hospital: RunningHospital, sop_class: str, modality: str
) -> None:
    image = own_hospital.objects["S1"][0]
    remark = annotation(image, sop_class, modality)
    assert stow(own_hospital, "rad1", "/studies", remark).status_code == 200
    assert stow(own_hospital, "stud1", "/studies", annotation(image, sop_class, modality)).status_code == 403
    hidden = annotation(own_hospital.objects["S2"][0], sop_class, modality)
    refused = stow(own_hospital, "rad1", "/studies", hidden)
    assert (refused.status_code, reasons(refused)) == (409, [NOT_AUTHORIZED])

    refused = stow(own_hospital, "rad1", own_hospital.study("S1"), another(image))
    assert (refused.status_code, reasons(refused)) == (409, [NOT_AUTHORIZED])
    partly = stow(own_hospital, "rad1", "/studies", annotation(image, sop_class, modality), another(image))
    assert (partly.status_code, reasons(partly)) == (202, [NOT_AUTHORIZED])
    stored = own_hospital.client("chief1").get(f"{own_hospital.study('S1')}/instances").json()
    assert remark.SOPInstanceUID in {row["00080018"]["Value"][0] for row in stored}


def test_v4_a_zip_is_an_export_with_recipient_and_byte_count(own_hospital: RunningHospital) -> None:
    as_zip = {"Accept": "application/zip"}
    assert own_hospital.client("rad1").get(own_hospital.study("S1"), headers=as_zip).status_code == 403
    answer = own_hospital.client("chief1").get(own_hospital.study("S3"), headers=as_zip)
    assert answer.status_code == 200
    assert len(zipfile.ZipFile(io.BytesIO(answer.content)).namelist()) == len(own_hospital.objects["S3"])
    exports = events(own_hospital, kind=EventKind.DATA_EXPORTED, user="chief1")
    phases = {event["details.phase"]: event for event in exports}
    assert {event["event.code"] for event in exports} == {"110106"}
    assert phases["complete"]["bytes_sent"] == len(answer.content)
    assert phases["complete"]["recipient"] == "127.0.0.1"
    assert exports.index(phases["begun"]) < exports.index(phases["complete"])


def test_a1_radiologists_see_their_department_below_their_clearance(own_hospital: RunningHospital) -> None:
    assert found(own_hospital, "rad1") == {"S1"}
    assert found(own_hospital, "rad2") == {"S2", "S4"}
    hidden = own_hospital.client("rad1").get(f"{own_hospital.study('S2')}/metadata")
    assert hidden.status_code == 404


def test_a2_technologists_see_what_their_scanner_stored_and_delete_only_what_a_rule_gives(
    own_hospital: RunningHospital,
) -> None:
    client = own_hospital.client("tech1")
    assert found(own_hospital, "tech1") == {"S1", "S9"}
    assert client.delete(own_hospital.study("S1")).status_code == 403
    assert client.get(own_hospital.study("S1"), headers={"Accept": "application/zip"}).status_code == 403

    fresh = another(
        own_hospital.objects["S1"][0],
        StudyInstanceUID=generate_uid(),
        PatientID="P77",
        ReferringPhysicianName="",
    )
    assert stow(own_hospital, "CT1", "/studies", fresh).status_code == 200
    text = own_hospital.policy.read_text("utf-8").replace(
        "technologist:\n    may: [search, view, retrieve, annotate]",
        "technologist:\n    may: [search, view, retrieve, annotate, delete]",
    )
    text = text.replace("rules:\n", ONLY_THE_TEST_PATIENT, 1)
    mine = f"/studies/{fresh.StudyInstanceUID}"

    def deletable() -> bool:  # what is hidden is looked for only by those who could delete at all
        return client.delete(own_hospital.study("S2")).status_code == 404

    with policy_of(own_hospital, text, deletable):
        assert client.delete(own_hospital.study("S1")).status_code == 403
        partly = client.delete(own_hospital.study("S9"))
        assert partly.status_code == 403
        assert client.delete(mine).status_code == 204
        assert client.delete(mine).status_code == 404
    assert "new" not in found(own_hospital, "chief1")


def test_a4_administrators_see_no_images_and_their_changes_say_what_stood_before(
    own_hospital: RunningHospital,
) -> None:
    for administrator in ("admin1", "admin2"):
        assert own_hospital.client(administrator).get("/studies").status_code == 403
    own_hospital.cli("user", "add", "temp1", "--generate", "--group", "radiology")
    own_hospital.cli("user", "groups", "temp1", "radiology", "heads")
    own_hospital.cli("user", "assign", "temp1", "manager")
    changes = [
        event
        for event in events(own_hospital, text="temp1")
        if event.get("details.target") == "temp1" and "details.before" in event
    ]
    groups = next(event for event in changes if "heads" in event.get("details.after", ""))
    assert groups["details.before"] == "radiology"
    assert groups["details.after"] == "heads radiology"
    roles = next(event for event in changes if event["kind"] == "ROLE_CHANGED")
    assert roles["event.type.code"] == "110136"
    assert "manager" in roles["details.after"]
    assert all(event["actor.name"].startswith("local:") for event in changes)


def test_a5_compliance_officers_hold_the_audit_and_account_permissions_and_see_no_images(
    own_hospital: RunningHospital,
) -> None:
    client = own_hospital.client("comp1")
    for path in ("/studies", own_hospital.study("S1"), f"{own_hospital.study('S1')}/metadata", "/"):
        assert client.get(path).status_code == 403
    assert client.delete(own_hospital.study("S1")).status_code == 403
    roles = json.loads(own_hospital.cli("role", "list", "--json").stdout)
    officer = next(role for role in roles if role["name"] == "compliance-officer")
    assert (officer["may"], officer["permissions"]) == ([], ["AuditRead", "RoleGet", "RoleList", "UserList"])


def test_a8_several_roles_are_their_union_and_a_forbid_still_wins(own_hospital: RunningHospital) -> None:
    made = own_hospital.cli(
        *("user", "add", "both1", "--generate", "--json"),
        *("--group", "radiology", "--group", "disc-desk"),
        *("--attribute", "departments=CT-A", "--attribute", "clearance=1"),
    )
    password = json.loads(made.stdout)["password"]
    auth = ("both1", password)
    rows = requests.get(f"{own_hospital.dicomweb}/studies", auth=auth, timeout=30).json()
    names = {study.study_instance_uid: name for name, study in own_hospital.studies.items()}
    seen = {names.get(row["0020000D"]["Value"][0], "new") for row in rows} - {"new"}
    assert seen == set(own_hospital.studies) - {"S3", "S10", "S11"}

    def status(path: str, **headers: str) -> int:
        url = own_hospital.dicomweb + path
        return requests.get(url, auth=auth, headers=headers, timeout=30).status_code

    # As a radiologist also view in CT-A; elsewhere only what the exporter has; what is forbidden, not at all.
    assert status(f"{own_hospital.study('S1')}/metadata") == 200
    assert status(f"{own_hospital.study('S2')}/metadata") == 403
    assert status(own_hospital.study("S2"), Accept="application/zip") == 200
    assert status(f"{own_hospital.study('S3')}/metadata") == 404


def test_a9_a_scanner_stores_and_reads_nothing(own_hospital: RunningHospital) -> None:
    client = own_hospital.client("CT1")
    fresh = another(own_hospital.objects["S1"][0], StudyInstanceUID=generate_uid(), ReferringPhysicianName="")
    assert stow(own_hospital, "CT1", "/studies", fresh).status_code == 200
    uid = fresh.StudyInstanceUID
    for path in ("/studies", f"/studies/{uid}", f"/studies/{uid}/metadata", f"/studies/{uid}/rendered"):
        assert client.get(path).status_code == 403
    assert client.get("/?requestType=WADO&studyUID=1&seriesUID=2&objectUID=3").status_code == 403
    refused = stow(own_hospital, "CT1", "/studies", another(own_hospital.objects["S2"][0]))
    assert (refused.status_code, reasons(refused)) == (409, [NOT_AUTHORIZED])
    assert "new" in found(own_hospital, "chief1")


def test_p1_an_empty_policy_denies_every_route_to_everybody(own_hospital: RunningHospital) -> None:
    def nothing_left() -> bool:
        return own_hospital.client("chief1").get("/studies").status_code == 403

    empty = "version: 1\nroles:\n  teleradiologist: {may: []}\n"
    with policy_of(own_hospital, empty, nothing_left):
        for row in routes():
            path = row.path.split("?")[0].replace("{study}", own_hospital.studies["S1"].study_instance_uid)
            for variable in ("{series}", "{instance}", "{workitem}", "{uid}", "{transaction}"):
                path = path.replace(variable, "1.2.3")
            path = path.replace("{frames}", "1").replace("{aetitle}", "AE").replace("{tags*}", "7FE00010")
            status = own_hospital.client("chief1").request(row.method, path).status_code
            assert status == (404 if row.answer == "denied" else 403), row
        for persona in personas():
            assert own_hospital.client(persona).get("/studies").status_code == 403


def test_p2_scheduling_clerks_get_few_fields_and_no_images(own_hospital: RunningHospital) -> None:
    client = own_hospital.client("clerk1")
    asked = (
        "includefield=PatientID,StudyDate,StudyDescription,PatientName,AccessionNumber,ReferringPhysicianName"
    )
    allowed = {"PatientID", "StudyDate", "StudyTime", "StudyDescription", "ModalitiesInStudy"}
    plumbing = {"StudyInstanceUID", "SpecificCharacterSet", "RetrieveURL"}
    for query in (asked, "includefield=all", ""):
        for row in client.get(f"/studies?{query}").json():
            named = {element.keyword for element in Dataset.from_json(row)}
            assert named <= allowed | plumbing
            assert {"PatientID", "StudyDate"} <= named or query == ""
    for matched in ("PatientName=AMBER*", "AccessionNumber=1", "ReferringPhysicianName=REF*"):
        assert client.get(f"/studies?{matched}").status_code == 403
    instance = own_hospital.instance("S1")
    for path in ("/metadata", "/rendered", "/thumbnail", "/frames/1", ""):
        assert client.get(instance + path).status_code == 403
    _, _, study, _, series, _, uid = instance.split("/")
    wado = f"/?requestType=WADO&studyUID={study}&seriesUID={series}&objectUID={uid}"
    assert client.get(wado).status_code == 403


def test_p3_students_read_the_teaching_collection_and_nothing_else(own_hospital: RunningHospital) -> None:
    assert found(own_hospital, "stud1") == {"S5"}
    client = own_hospital.client("stud1")
    assert client.get(own_hospital.study("S5")).status_code == 200
    assert client.get(own_hospital.study("S1")).status_code == 404
    assert client.get(own_hospital.series("S5", 2)).status_code == 404


def test_a3_a_referrer_whose_name_no_longer_stands_alone_in_the_study_loses_it_at_once(
    own_hospital: RunningHospital,
) -> None:
    client = own_hospital.client("ref1")
    assert found(own_hospital, "ref1") == {"S1"}
    assert client.get(own_hospital.study("S2")).status_code == 404
    moved = another(own_hospital.objects["S1"][0], ReferringPhysicianName="REF^TWO")
    assert stow(own_hospital, "CT1", "/studies", moved).status_code == 200
    assert client.get(own_hospital.study("S1")).status_code == 404
    assert found(own_hospital, "ref1") == set()
