"""Acceptance checks A2, A9, C4, E12, T2, T3 and V1 to V4 over DIMSE, with dcmtk's tools wherever they can ask.

L1 and X8, the same answers in front of any archive, are `test_dimse_by_persona`; T14 is `test_dimse_move_kills`.
"""

import json
import socket
import ssl
import subprocess
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from fhir.resources.R4B.auditevent import AuditEvent as FhirAuditEvent
from pydicom.dataset import Dataset
from pydicom.uid import (
    ComprehensiveSRStorage,
    CTImageStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    generate_uid,
)
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as Find
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelMove as Move
from pynetdicom.sop_class import Verification

from pacsgate.audit.events import AuditEvent, EventKind
from pacsgate.bootstrap.installation import open_installation
from pacsgate.cli.demo.hospital import part10
from pacsgate.config import read_settings
from pacsgate.model.actions import Action
from pacsgate.model.application_entity import RemoteAe
from pacsgate.protocols.dimse.services import SERVICES
from tests.e2e.asking import annotation, another, events, found, policy_of
from tests.support.audit_schema import problems
from tests.support.balp_profiles import departures
from tests.support.dimse import (
    DICOM_SETTINGS,
    Dicom,
    Rejected,
    add_devices,
    dicom_doors,
    opened_with_dicom,
    title_of,
    with_dicom,
)
from tests.support.hospital import FurnishedHospital, RunningHospital, opened
from tests.support.ports import free_port
from tests.support.storage_scp import storage_scp
from tests.support.tls import CertificateAuthority
from tests.support.waiting import wait_until

Ward = tuple[RunningHospital, Dicom]

SUCCESS, NOT_AUTHORIZED = 0x0000, 0x0124
ANNOTATIONS = [
    (GrayscaleSoftcopyPresentationStateStorage, "PR"),
    (ComprehensiveSRStorage, "SR"),
    (KeyObjectSelectionDocumentStorage, "KO"),
]
OF_THIS_WEEK = {
    "technologist:\n    may: [search, view, retrieve, annotate]": (
        "technologist:\n    may: [search, view, retrieve, annotate, delete]"
    ),
    "    when: study.ingest_principal == user.station\n": (
        "    actions: [search, view, retrieve, annotate]\n"
        "    when: study.ingest_principal == user.station && study.age < 7\n"
        "  - id: mistakes-of-today\n"
        "    effect: permit\n"
        "    roles: [technologist]\n"
        "    actions: [delete]\n"
        "    when: study.ingest_principal == user.station && study.age < 1 && !has(study.read_at)\n"
    ),
}
"""What the demo's policy says of technologists, and what a hospital that gives them row A2 says."""


def uid_of(hospital: RunningHospital, study: str) -> str:
    return hospital.studies[study].study_instance_uid


def studies_found(ward: Ward, persona: str) -> set[str]:
    """The names of the studies that a C-FIND of the persona lists."""
    hospital, dicom = ward
    names = {study.study_instance_uid: name for name, study in hospital.studies.items()}
    rows, status = dicom.find(persona, of_study(""))
    assert status == SUCCESS
    return {names.get(row.StudyInstanceUID, "new") for row in rows}


def of_study(uid: str) -> Dataset:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.StudyInstanceUID = uid
    return identifier


def fresh(hospital: RunningHospital, **changes: object) -> Dataset:
    """An image of a study that nobody has."""
    return another(hospital.objects["S1"][0], StudyInstanceUID=generate_uid(), **changes)


def stored(ward: Ward, persona: str, item: Dataset) -> int:
    """The status of a C-STORE with a user identity."""
    syntax = item.file_meta.TransferSyntaxUID
    with ward[1].association(persona, item.SOPClassUID, syntaxes=[syntax]) as association:
        return int(association.send_c_store(item).Status)


def moved(dicom: Dicom, persona: str, destination: str, uid: str) -> int:
    """The status at the end of a C-MOVE."""
    with dicom.association(persona, Move) as association:
        return int(list(association.send_c_move(of_study(uid), destination, Move))[-1][0].Status)


def stored_by_dcmtk(dicom: Dicom, title: str, item: Dataset, file: Path) -> str:
    """What `storescu` says when a device stores an object."""
    file.write_bytes(part10(item))
    return dicom.tool("storescu", "-v", "-R", "@", str(file), calling=title)


def offered(dicom: Dicom, persona: str, *sop_classes: str) -> set[str]:
    """Those of the SOP classes for which the persona gets a presentation context."""
    with dicom.association(persona, Verification, *sop_classes) as association:
        return {str(context.abstract_syntax) for context in association.accepted_contexts} - {Verification}


@contextmanager
def storescp(title: str, directory: Path) -> Iterator[int]:
    """A Storage SCP of dcmtk that writes each data set as it comes."""
    directory.mkdir()
    port = free_port()
    command = ["storescp", "-F", "+xa", "-od", str(directory), "-aet", title, str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: listens(port))
        yield port
    finally:
        server.terminate()
        server.wait()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.server("dcmtk")
@pytest.mark.parametrize("persona", ["ref1", "stud1"])
def test_v1_view_only_users_find_what_is_theirs_and_store_nothing(
    own_dicom_hospital: Ward, tmp_path: Path, persona: str
) -> None:
    hospital, dicom = own_dicom_hospital
    assert studies_found(own_dicom_hospital, persona) == found(hospital, persona) != set()
    for item in (fresh(hospital), annotation(hospital.objects["S1"][0], ComprehensiveSRStorage, "SR")):
        said = stored_by_dcmtk(dicom, title_of(persona), item, tmp_path / "x.dcm")
        assert "No Acceptable Presentation Contexts" in said
        assert events(hospital, kind=EventKind.STORE_BEGUN, study_instance_uid=item.StudyInstanceUID) == []


@pytest.mark.parametrize(("sop_class", "modality"), ANNOTATIONS)
def test_v2_radiologists_send_annotations_of_what_they_see_and_no_images(
    own_dicom_hospital: Ward, sop_class: str, modality: str
) -> None:
    hospital, dicom = own_dicom_hospital
    image = hospital.objects["S1"][0]
    remark = annotation(image, sop_class, modality)
    assert stored(own_dicom_hospital, "rad1", remark) == SUCCESS
    assert stored(own_dicom_hospital, "rad1", another(image)) == NOT_AUTHORIZED
    hidden = annotation(hospital.objects["S2"][0], sop_class, modality)
    assert stored(own_dicom_hospital, "rad1", hidden) == NOT_AUTHORIZED
    assert offered(dicom, "stud1", sop_class, CTImageStorage) == set()
    kept = hospital.client("chief1").get(f"{hospital.study('S1')}/instances").json()
    assert remark.SOPInstanceUID in {row["00080018"]["Value"][0] for row in kept}


def test_v3_nothing_can_be_deleted_over_dimse_not_even_by_a_note_that_rejects_it(
    own_dicom_hospital: Ward,
) -> None:
    """No DIMSE service deletes; whoever may delete does so over the web, which `test_rows_of_roles` asks."""
    hospital, _ = own_dicom_hospital
    assert not {Action.DELETE, Action.UPDATE} & {
        action for service in SERVICES.values() for action in service.actions
    }
    web = hospital.client("chief1")
    before = web.get(f"{hospital.study('S1')}/instances").json()
    note = annotation(hospital.objects["S1"][0], KeyObjectSelectionDocumentStorage, "KO")
    title = Dataset()
    title.CodeValue, title.CodingSchemeDesignator = "113001", "DCM"
    title.CodeMeaning = "Rejected for Quality Reasons"
    note.ConceptNameCodeSequence = [title]
    assert stored(own_dicom_hospital, "rad1", note) == SUCCESS
    after = web.get(f"{hospital.study('S1')}/instances").json()
    assert len(after) == len(before) + 1


@pytest.mark.server("dcmtk")
def test_v4_only_an_exporter_sends_elsewhere_and_recipient_and_bytes_are_on_record(
    own_dicom_hospital: Ward, tmp_path: Path
) -> None:
    """Rows V4, T3."""
    hospital, dicom = own_dicom_hospital
    with storescp("PARTNER", tmp_path / "received") as port:
        add_devices(
            hospital.config, RemoteAe("PARTNER", "chief1", host="127.0.0.1", port=port, owner="admin1")
        )
        said = {
            persona: dicom.tool(
                "movescu",
                *("-v", "-S", "-aem", "PARTNER", "-k", "QueryRetrieveLevel=STUDY"),
                *("-k", f"StudyInstanceUID={uid_of(hospital, 'S3')}", "@"),
                calling=title_of(persona),
            )
            for persona in ("rad3", "chief1")
        }
    assert "Received Final Move Response (Refused: MoveDestinationUnknown)" in said["rad3"]
    assert "Received Final Move Response (Success)" in said["chief1"]
    arrived = [file.stat().st_size for file in (tmp_path / "received").iterdir()]
    recipient = f"PARTNER@127.0.0.1:{port}"
    begun, complete = events(hospital, kind=EventKind.DATA_EXPORTED, text=recipient)
    assert {begun["event.code"], complete["event.code"]} == {"110106"}
    assert begun["recipient"] == complete["recipient"] == recipient
    assert (complete["count"], complete["bytes_sent"]) == (len(arrived), sum(arrived))
    assert begun["count"] == len(hospital.objects["S3"]) == len(arrived)
    refused = events(hospital, kind=EventKind.DENIED, user="rad3", text="PARTNER")
    assert [event["event.code"] for event in refused] == ["110113"]


def test_a2_technologists_annotate_what_their_scanner_sent_this_week_and_delete_todays_while_nobody_read_it(
    own_dicom_hospital: Ward,
) -> None:
    hospital, dicom = own_dicom_hospital
    today = datetime.now(UTC).strftime("%Y%m%d")  # noqa: TID251 - the gate under test has the real clock
    mistake, reported = (fresh(hospital, StudyDate=today, ReferringPhysicianName="") for _ in range(2))
    for item in (mistake, reported):
        assert stored(own_dicom_hospital, "CT1", item) == SUCCESS
    assert studies_found(own_dicom_hospital, "tech1") == {"S1", "S9", "new"}
    text = hospital.policy.read_text("utf-8")
    for old, new in OF_THIS_WEEK.items():
        assert old in text
        text = text.replace(old, new, 1)
    with policy_of(hospital, text, lambda: studies_found(own_dicom_hospital, "tech1") == {"new"}):
        report = annotation(reported, ComprehensiveSRStorage, "SR")
        older = annotation(hospital.objects["S1"][0], ComprehensiveSRStorage, "SR")
        assert stored(own_dicom_hospital, "tech1", report) == SUCCESS
        assert stored(own_dicom_hospital, "tech1", older) == NOT_AUTHORIZED
        assert stored(own_dicom_hospital, "tech1", another(reported)) == NOT_AUTHORIZED
        with storage_scp("TAKES") as received:
            add_devices(
                hospital.config,
                RemoteAe("TAKES", "chief1", host="127.0.0.1", port=received.port, owner="admin1"),
            )
            assert moved(dicom, "tech1", "TAKES", reported.StudyInstanceUID) == 0xA801
        assert received.objects == []
        web = hospital.client("tech1")
        assert web.delete(f"/studies/{reported.StudyInstanceUID}").status_code == 403
        assert web.delete(hospital.study("S1")).status_code in {403, 404}
        assert web.delete(f"/studies/{mistake.StudyInstanceUID}").status_code == 204
    rows, _ = dicom.find("chief1", of_study(mistake.StudyInstanceUID))
    assert rows == []


@pytest.mark.server("dcmtk")
def test_a9_a_scanner_stores_and_neither_finds_nor_moves(own_dicom_hospital: Ward, tmp_path: Path) -> None:
    hospital, dicom = own_dicom_hospital
    said = stored_by_dcmtk(dicom, "CT1", fresh(hospital), tmp_path / "x.dcm")
    assert "Received Store Response (Success)" in said
    key = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={uid_of(hospital, 'S1')}", "@")
    for tool in (("findscu", "-S"), ("movescu", "-S", "-aem", "CT1")):
        said = dicom.tool(tool[0], "-v", *tool[1:], *key, calling="CT1")
        assert "No Acceptable Presentation Contexts" in said, said
    assert offered(dicom, "CT1", Find, Move) == set()


def refused_to(ward: Ward, destinations: Mapping[str, int]) -> None:
    """Ask for moves to destinations that do not count or stand for nobody, and for one to a valid destination."""
    hospital, dicom = ward
    with storage_scp("VALID") as received:
        where = {"host": "127.0.0.1", "port": received.port}
        now = datetime.now(UTC)  # noqa: TID251 - the gate under test has the real clock
        add_devices(
            hospital.config,
            RemoteAe("DISABLED", "chief1", **where, owner="admin1", disabled=True),
            RemoteAe("ADDRESS", None, **where, owner="admin1"),
            RemoteAe("VALID", "chief1", **where, owner="admin1"),
        )
        with open_installation(read_settings(hospital.config), "test") as installation:
            entered = AuditEvent(EventKind.DEVICE_CHANGED, now, installation.actor())
            # `pacsgate device` makes neither.
            for entity in (
                RemoteAe("EXPIRED", "chief1", **where, owner="admin1", valid_until=now - timedelta(days=1)),
                RemoteAe("OWNERLESS", "chief1", **where),
            ):
                installation.stores.remote_aes.add_remote_ae(installation.scope, entity, entered)
        uid = uid_of(hospital, "S1")
        for title, status in destinations.items():
            assert (title, moved(dicom, "chief1", title, uid)) == (title, status)
            (refused,) = events(hospital, kind=EventKind.DENIED, text=title)
            assert refused["event.code"] == "110113"
        assert received.objects == []
        assert moved(dicom, "chief1", "VALID", uid) == SUCCESS
        assert received.objects != []


UNKNOWN = dict.fromkeys(("NOBODY", "EXPIRED", "DISABLED", "OWNERLESS"), 0xA801)
"""Destinations that do not count, and what the standard calls each."""


def test_c4_a_destination_that_nobody_answers_for_gets_nothing(own_dicom_hospital: Ward) -> None:
    refused_to(own_dicom_hospital, {**UNKNOWN, "ADDRESS": 0xA801})


@pytest.mark.long
@pytest.mark.parametrize(("setting", "status"), [("c801", 0xC801), ("'0124'", NOT_AUTHORIZED)])
def test_c4_a_destination_that_counts_and_may_have_nothing_is_refused_by_setting(
    furnished: FurnishedHospital, tmp_path: Path, setting: str, status: int
) -> None:
    settings = f"{DICOM_SETTINGS}  forbidden_destination: {setting}\n"
    with opened_with_dicom(with_dicom(furnished.copy_to(tmp_path / "gate"), settings)) as ward:
        refused_to(ward, {**UNKNOWN, "ADDRESS": status})


@dataclass(frozen=True)
class Secured:
    """A gate with a plain listener that takes no identities, and a listener with TLS beside it."""

    plain: Dicom
    secured: Dicom
    authority: CertificateAuthority
    device: tuple[Path, Path]


@pytest.fixture(scope="module")
def with_tls(furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    directory = tmp_path_factory.mktemp("tls")
    authority = CertificateAuthority(directory / "ca")
    certificate, key = authority.issue("127.0.0.1")
    device = authority.issue("modality")
    fingerprint = sha256(ssl.PEM_cert_to_DER_cert(device[0].read_text())).hexdigest()
    tls = f"{{certificate: {certificate}, key: {key}, client_ca: {authority.ca_file}}}"
    settings = f"""\
dicom:
  listeners: [{{port: 0}}, {{port: 0, tls: {tls}}}]
  ae_titles: {{PACSGATE: {{archive: main}}}}
"""
    own = with_dicom(furnished.copy_to(directory / "gate"), settings)
    add_devices(
        own.config,
        RemoteAe("SHOWS", "CT1", certificate_sha256=fingerprint, owner="admin1"),
        RemoteAe("ELSEWHERE", "CT1", networks=("192.0.2.0/24",), owner="admin1"),
    )
    with opened(own) as running:
        plain, secured = dicom_doors(running)
        yield Secured(plain, secured, authority, device)


def echoed(door: Dicom, title: str, *options: str) -> bool:
    return "Received Echo Response (Success)" in door.tool("echoscu", "-v", *options, "@", calling=title)


@pytest.mark.long
@pytest.mark.server("dcmtk")
def test_e12_with_tls_a_device_is_its_certificate_and_without_tls_its_port_is_deaf(with_tls: Secured) -> None:
    certificate, key = with_tls.device
    tls = ("+tls", str(key), str(certificate), "+cf", str(with_tls.authority.ca_file))
    assert echoed(with_tls.secured, "SHOWS", *tls)
    assert not echoed(with_tls.secured, "SHOWS", "+tla", "-ic")
    assert not echoed(with_tls.secured, "SHOWS")
    with pytest.raises(ConnectionAbortedError):
        with_tls.secured.echo(None, calling=title_of("rad1"))


@pytest.mark.long
@pytest.mark.server("dcmtk")
def test_e12_without_tls_only_listed_networks_come_in_and_no_passcode_is_taken(with_tls: Secured) -> None:
    assert echoed(with_tls.plain, title_of("CT1"))
    assert not echoed(with_tls.plain, "ELSEWHERE")
    assert not echoed(with_tls.plain, "UNHEARD")
    with pytest.raises(Rejected) as refused:
        with_tls.plain.echo("rad1", calling=title_of("rad1"))
    assert refused.value.triple == (1, 2, 1)


def exported(hospital: RunningHospital, form: str) -> list[str]:
    done = hospital.cli("audit", "export", "--format", form)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def id_in(message: ET.Element) -> str:
    """The RecordID of an AuditMessage."""
    return b64decode(message.find(".//ParticipantObjectDetail[@type='RecordID']").get("value")).decode()


def test_t2_the_trail_leaves_as_dicom_and_as_fhir_with_the_same_ids(own_dicom_hospital: Ward) -> None:
    hospital, _ = own_dicom_hospital
    assert stored(own_dicom_hospital, "CT1", fresh(hospital)) == SUCCESS
    assert studies_found(own_dicom_hospital, "rad1")
    messages = [ET.fromstring(line) for line in exported(hospital, "dicom-xml")]  # noqa: S314 - our own bytes
    resources = [json.loads(line) for line in exported(hospital, "balp")]
    for message in messages:
        assert problems(message) == []
    for resource in resources:
        FhirAuditEvent(**resource)
        assert "meta" not in resource or departures(resource) == []
    patterns = {
        profile.rsplit(".", 1)[1] for each in resources for profile in each.get("meta", {}).get("profile", [])
    }
    assert {"PatientCreate", "Query"} <= patterns
    in_dicom = {
        id_in(message): message.find("EventIdentification").get("EventDateTime") for message in messages
    }
    in_fhir = {each["entity"][-1]["what"]["identifier"]["value"]: each["recorded"] for each in resources}
    in_json = {each["id"]: each["at"] for each in map(json.loads, exported(hospital, "json"))}
    assert len(in_dicom) == len(messages) > 0
    assert in_dicom.items() <= in_fhir.items() <= in_json.items()
