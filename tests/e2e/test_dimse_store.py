"""C-STORE through the gate: decided as by STOW-RS, kept as it was sent, and answered with the standard's statuses."""

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from pydicom.dataset import Dataset
from pydicom.uid import (
    ComprehensiveSRStorage,
    generate_uid,
)
from pynetdicom.association import Association
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.pdu_primitives import P_DATA

from pacsgate.audit.events import EventKind
from pacsgate.cli.demo.hospital import part10
from pacsgate.dicom.file_meta import read_part10_head
from tests.e2e.asking import NOT_AUTHORIZED, annotation, another, events, policy_of, reasons, stow, within
from tests.support.dimse import Dicom
from tests.support.hospital import RunningHospital
from tests.support.objects import variant

SUCCESS, REFUSED, DUPLICATE, MISMATCH, UNREADABLE = 0x0000, 0x0124, 0x0111, 0xA900, 0xC000

GRANTING = """\
grant_rules:
  - id: referrers-see-what-arrives
    on: [study-arrived]
    grant: {users: [ref1], actions: [search, view]}
  - id: a-colleague-sees-what-is-complete
    on: [series-stored]
    grant: {users: [rad3], actions: [search, view]}
"""

Ward = tuple[RunningHospital, Dicom]


def fresh(hospital: RunningHospital, **changes: object) -> Dataset:
    """An image of a study that nobody has."""
    return another(
        hospital.objects["S1"][0],
        StudyInstanceUID=generate_uid(),
        SeriesInstanceUID=generate_uid(),
        **changes,
    )


@contextmanager
def storing(dicom: Dicom, persona: str, *objects: Dataset) -> Iterator[Association]:
    """An association for objects of these classes, each in its own transfer syntax."""
    syntaxes = sorted({item.file_meta.TransferSyntaxUID for item in objects})
    classes = sorted({item.SOPClassUID for item in objects})
    with dicom.association(persona, *classes, syntaxes=syntaxes) as association:
        yield association


def stored(dicom: Dicom, persona: str, *objects: Dataset) -> list[int]:
    """The status of each object, sent over one association."""
    with storing(dicom, persona, *objects) as association:
        return [int(association.send_c_store(item).Status) for item in objects]


def file_of(item: Dataset, path: Path) -> Path:
    item.save_as(path, enforce_file_format=True)
    return path


def data_set_bytes(part10: bytes) -> bytes:
    return part10[read_part10_head(part10).data_set_offset :]


@pytest.mark.parametrize("name", ["MR_small.dcm", "JPEG2000.dcm", "image_dfl.dcm", "test-SR.dcm"])
def test_what_is_kept_is_what_was_sent_byte_for_byte(
    own_dicom_hospital: Ward, tmp_path: Path, name: str
) -> None:
    hospital, dicom = own_dicom_hospital
    sent = variant(name, StudyInstanceUID=generate_uid(), SOPInstanceUID=generate_uid())
    path = tmp_path / "sent.dcm"
    path.write_bytes(sent.data)
    head = read_part10_head(sent.data)
    with dicom.association("CT1", head.sop_class_uid, syntaxes=[head.transfer_syntax_uid]) as association:
        # pynetdicom sends a file's data set as it stands in the file.
        assert association.send_c_store(path).Status == SUCCESS
    key = sent.key
    instance = (
        f"/studies/{key.study_instance_uid}/series/{key.series_instance_uid}/instances/{key.sop_instance_uid}"
    )
    any_syntax = {"Accept": 'application/dicom; transfer-syntax="*"'}
    kept = hospital.client("chief1").get(instance, headers=any_syntax)
    assert kept.status_code == 200
    assert data_set_bytes(kept.content) == data_set_bytes(sent.data)
    assert read_part10_head(kept.content).transfer_syntax_uid == head.transfer_syntax_uid


def test_dcmtk_stores_with_a_passcode_and_the_trail_says_what_began_and_what_was_stored(
    own_dicom_hospital: Ward, tmp_path: Path
) -> None:
    hospital, dicom = own_dicom_hospital
    item = fresh(hospital)
    said = dicom.tool(
        "storescu",
        "-v",
        *("-usr", "CT1", "-pwd", hospital.passwords["CT1"], "-rsp"),
        "@",
        str(file_of(item, tmp_path / "new.dcm")),
        calling="SCANNER",
    )
    assert "Received Store Response (Success)" in said
    for kind in (EventKind.STORE_BEGUN, EventKind.INSTANCES_STORED):
        (event,) = events(hospital, kind=kind, study_instance_uid=str(item.StudyInstanceUID))
        assert event["actor.name"] == "CT1"
        assert event["details.sop_instance_uids"] == item.SOPInstanceUID


def test_a_device_without_an_identity_stores_as_the_account_of_its_entry(
    own_dicom_hospital: Ward, tmp_path: Path
) -> None:
    hospital, dicom = own_dicom_hospital
    item = fresh(hospital)
    said = dicom.tool("storescu", "-v", "@", str(file_of(item, tmp_path / "new.dcm")), calling="CT1")
    assert "Received Store Response (Success)" in said
    facts = hospital.client("chief1").get(f"/studies?StudyInstanceUID={item.StudyInstanceUID}").json()
    assert len(facts) == 1


def test_an_object_that_is_sent_again_is_stored_once(own_dicom_hospital: Ward) -> None:
    hospital, dicom = own_dicom_hospital
    item = fresh(hospital)
    assert stored(dicom, "CT1", item, item) == [SUCCESS, SUCCESS]
    assert stored(dicom, "CT1", item) == [SUCCESS]
    kept = hospital.client("chief1").get(f"/studies/{item.StudyInstanceUID}/instances").json()
    assert len(kept) == 1


def test_the_uid_of_something_that_one_may_not_search_is_refused_like_any_other_object(
    own_dicom_hospital: Ward,
) -> None:
    hospital, dicom = own_dicom_hospital
    taken = fresh(hospital, SOPInstanceUID=hospital.objects["S3"][0].SOPInstanceUID)
    refused = another(hospital.objects["S2"][0])
    with storing(dicom, "CT1", taken, refused) as association:
        answers = [association.send_c_store(item) for item in (taken, refused)]
    assert [int(answer.Status) for answer in answers] == [REFUSED, REFUSED]
    assert {str(answer.ErrorComment) for answer in answers} == {"not authorized"}


@pytest.mark.parametrize("persona", ["CT1", "rad1"])
def test_c_store_and_stow_rs_agree_about_every_kind_of_object(own_dicom_hospital: Ward, persona: str) -> None:
    hospital, dicom = own_dicom_hospital
    image, hidden = hospital.objects["S1"][0], hospital.objects["S2"][0]

    def of_each_kind() -> dict[str, Dataset]:
        return {
            "a new study": fresh(hospital),
            "more of a study that CT1 stored": another(image),
            "more of somebody else's": another(hidden),
            "an annotation of what rad1 sees": annotation(image, ComprehensiveSRStorage, "SR"),
            "an annotation of what rad1 does not see": annotation(hidden, ComprehensiveSRStorage, "SR"),
        }

    by_association, by_web = of_each_kind(), of_each_kind()
    with storing(dicom, persona, *by_association.values()) as association:
        for kind, item in by_association.items():
            status = int(association.send_c_store(item).Status)
            answer = stow(hospital, persona, "/studies", by_web[kind])
            expected = SUCCESS if answer.status_code == 200 else REFUSED
            assert (kind, status) == (kind, expected)
            assert expected == SUCCESS or reasons(answer) == [NOT_AUTHORIZED]


def test_a_command_that_names_another_object_than_the_data_set_is_answered_a900(
    own_dicom_hospital: Ward,
) -> None:
    hospital, dicom = own_dicom_hospital
    item = fresh(hospital)
    with storing(dicom, "CT1", item) as association:
        assert sent_raw(association, item, generate_uid(), encoded(item)) == MISMATCH
    rows = hospital.client("chief1").get(f"/studies?StudyInstanceUID={item.StudyInstanceUID}")
    assert rows.status_code == 204


@pytest.mark.parametrize("left", [6, 200, -1])
def test_a_data_set_that_ends_too_early_is_answered_c000(own_dicom_hospital: Ward, left: int) -> None:
    hospital, dicom = own_dicom_hospital
    item = fresh(hospital)
    with storing(dicom, "CT1", item) as association:
        cut = encoded(item)[:left]
        assert sent_raw(association, item, str(item.SOPInstanceUID), cut) == UNREADABLE
        assert association.send_c_store(item).Status == SUCCESS


def test_what_was_half_sent_leaves_nothing_behind(own_dicom_hospital: Ward) -> None:
    hospital, dicom = own_dicom_hospital
    spool = hospital.config.parent / "archive" / "spool"
    item = fresh(hospital)
    with storing(dicom, "CT1", item) as association:
        for fragment in fragments(association, item, str(item.SOPInstanceUID), bytes(300_000))[:5]:
            association.dul.send_pdu(fragment)
        assert within(5, lambda: bool(objects_in(spool)))
        association.abort()
    assert within(5, lambda: not objects_in(spool))
    rows = hospital.client("chief1").get(f"/studies?StudyInstanceUID={item.StudyInstanceUID}")
    assert rows.status_code == 204


def test_what_arrives_is_seen_at_once_by_whom_a_rule_gives_it_and_a_series_when_it_ended(
    own_dicom_hospital: Ward,
) -> None:
    hospital, dicom = own_dicom_hospital
    first, second = fresh(hospital), fresh(hospital, ReferringPhysicianName="")
    marked = {"InstitutionalDepartmentName": "NOWHERE", "ReferringPhysicianName": "NOBODY"}
    for item in (first, second):
        for keyword, value in marked.items():
            setattr(item, keyword, value)

    def sees(persona: str, item: Dataset) -> bool:
        # Past the canaries: these studies are copies of one that has some.
        auth = (persona, hospital.passwords[persona])
        url = f"{hospital.dicomweb}/studies?StudyInstanceUID={item.StudyInstanceUID}"
        return requests.get(url, auth=auth, timeout=30).status_code == 200

    def is_live() -> bool:
        probe = fresh(hospital, **marked)
        return stored(dicom, "CT1", probe) == [SUCCESS] and sees("ref1", probe)

    granting = hospital.policy.read_text("utf-8") + GRANTING
    with policy_of(hospital, granting, is_live), storing(dicom, "CT1", first) as association:
        assert association.send_c_store(first).Status == SUCCESS
        assert (sees("ref1", first), sees("rad3", first)) == (True, False)
        assert association.send_c_store(second).Status == SUCCESS
        assert (sees("rad3", first), sees("rad3", second)) == (True, False)
        association.release()
        assert within(5, lambda: sees("rad3", second))


def test_whoever_stores_nothing_gets_no_context_for_objects(own_dicom_hospital: Ward) -> None:
    hospital, dicom = own_dicom_hospital
    item = fresh(hospital)
    with pytest.raises(ConnectionAbortedError), storing(dicom, "ref1", item):
        pass


def objects_in(spool: Path) -> list[Path]:
    return [path for path in spool.rglob("*") if path.is_file() and path.name != "lock"]


def encoded(item: Dataset) -> bytes:
    """The data set in the transfer syntax of its file meta information."""
    return data_set_bytes(part10(item))


def fragments(association: Association, item: Dataset, sop_instance_uid: str, data: bytes) -> list[P_DATA]:
    """A C-STORE of these bytes under this name."""
    request = C_STORE()
    request.MessageID, request.Priority = 7, 0
    request.AffectedSOPClassUID = item.SOPClassUID
    request.AffectedSOPInstanceUID = sop_instance_uid
    request.DataSet = io.BytesIO(data)
    message = C_STORE_RQ()
    message.primitive_to_message(request)
    return list(message.encode_msg(association.accepted_contexts[0].context_id, 16_384))


def sent_raw(association: Association, item: Dataset, sop_instance_uid: str, data: bytes) -> int:
    """The status of a C-STORE of these bytes under this name."""
    association._reactor_checkpoint.clear()  # or the library's own thread takes the answer
    while not association._is_paused:
        time.sleep(0.001)
    for fragment in fragments(association, item, sop_instance_uid, data):
        association.dul.send_pdu(fragment)
    _, answer = association.dimse.get_msg(block=True)
    association._reactor_checkpoint.set()
    return int(answer.Status)
