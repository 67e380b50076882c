"""C-GET from a gate that serves: what comes back over the association it was asked for on, and what ends it."""

import json
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pynetdicom import evt
from pynetdicom.sop_class import (
    BasicTextSRStorage,
    CTImageStorage,
    MRImageStorage,
    PatientRootQueryRetrieveInformationModelGet,
    SecondaryCaptureImageStorage,
    StudyRootQueryRetrieveInformationModelGet,
)

from pacsgate.dicom.file_meta import read_part10_head
from tests.support.data_sets import identifier
from tests.support.dimse import Dicom, storing
from tests.support.hospital import RunningHospital
from tests.support.multipart import multipart_related
from tests.support.objects import variant
from tests.support.waiting import wait_until

GET = StudyRootQueryRetrieveInformationModelGet
CLASSES = (CTImageStorage, MRImageStorage, SecondaryCaptureImageStorage, BasicTextSRStorage)
MANY = 60
SUCCESS, CANCELLED, PENDING = 0x0000, 0xFE00, 0xFF00
WITH_FAILURES, NOTHING_SENT = 0xB000, 0xA702


@dataclass(frozen=True)
class House:
    """A hospital with a study of sixty images."""

    hospital: RunningHospital
    dicom: Dicom
    many: str

    def uid(self, name: str) -> str:
        return self.hospital.studies[name].study_instance_uid

    def get(
        self,
        persona: str,
        identifier: Dataset,
        *,
        classes: tuple[str, ...] = CLASSES,
        model: str = GET,
        syntaxes: tuple[str, ...] = (ExplicitVRLittleEndian,),
    ) -> tuple[list[Dataset], list[tuple[Dataset, Dataset | None]]]:
        """What came, and every response."""
        got: list[Dataset] = []
        with self.dicom.association(
            persona, model, get=classes, handlers=storing(got), syntaxes=syntaxes
        ) as association:
            responses = list(association.send_c_get(identifier, model))
        for dataset in got:
            self.hospital.recorder.see(persona, str(dataset).encode("utf-8", "replace"), "C-GET")
        return got, responses

    def events(self, kind: str, text: str) -> list[dict[str, Any]]:
        found = self.hospital.cli("audit", "search", "--kind", kind, "--text", text, "--json")
        return [json.loads(line) for line in found.stdout.splitlines()]


def _study(uid: str) -> Dataset:
    return identifier("STUDY", StudyInstanceUID=uid)


def _counts(response: Dataset) -> tuple[int, int, int]:
    return (
        response.NumberOfCompletedSuboperations,
        response.NumberOfFailedSuboperations,
        response.NumberOfWarningSuboperations,
    )


@pytest.fixture(scope="module")
def house(own_dicom_hospital: tuple[RunningHospital, Dicom]) -> House:
    running, dicom = own_dicom_hospital
    many, series = generate_uid(), generate_uid()
    objects = [
        variant(
            "MR_small.dcm",
            PatientID="MANY",
            StudyInstanceUID=many,
            SeriesInstanceUID=series,
            SOPInstanceUID=generate_uid(),
        ).data
        for _ in range(MANY)
    ]
    _store(running, objects)
    return House(running, dicom, many)


def _store(running: RunningHospital, objects: list[bytes]) -> None:
    body, content_type = multipart_related(objects)
    stored = running.client("CT1").post("/studies", data=body, headers={"Content-Type": content_type})
    assert stored.status_code == 200, stored.text


@pytest.mark.server("dcmtk")
def test_getscu_gets_what_is_stored_byte_for_byte(house: House, tmp_path: Path) -> None:
    said = house.dicom.tool(
        "getscu",
        *("-v", "-S", "-B", "-od", str(tmp_path), "-k", "QueryRetrieveLevel=STUDY"),
        *("-k", f"StudyInstanceUID={house.uid('S1')}"),
        calling="RAD1",
    )
    assert "Number of Completed Suboperations : 5" in said
    web = house.hospital.client("rad1")
    stored = set()
    for found in web.get(f"{house.hospital.study('S1')}/instances").json():
        series, uid = (found[tag]["Value"][0] for tag in ("0020000E", "00080018"))
        path = f"{house.hospital.study('S1')}/series/{series}/instances/{uid}"
        file = web.get(path, headers={"Accept": "application/dicom; transfer-syntax=*"}).content
        stored.add(file[read_part10_head(file).data_set_offset :])
    files = [path.read_bytes() for path in tmp_path.iterdir()]
    assert {file[read_part10_head(file).data_set_offset :] for file in files} == stored
    (event,) = house.events("instances-transferred", "RAD1@127.0.0.1")
    assert (event["count"], event["bytes_sent"]) == (5, sum(map(len, stored)))


@pytest.mark.parametrize("level", ["PATIENT", "STUDY", "SERIES", "IMAGE"])
def test_each_level_names_what_is_below_it(house: House, level: str) -> None:
    study = house.hospital.studies["S1"]
    keys = {
        "PatientID": str(house.hospital.objects["S1"][0].PatientID),
        "StudyInstanceUID": study.study_instance_uid,
        "SeriesInstanceUID": study.series_instance_uid(1),
        "SOPInstanceUID": study.sop_instance_uid(1, 1),
    }
    depth = ["PATIENT", "STUDY", "SERIES", "IMAGE"].index(level) + 1
    named = dict(list(keys.items())[:depth])
    got, responses = house.get(
        "rad1", identifier(level, **named), model=PatientRootQueryRetrieveInformationModelGet
    )
    expected = {
        str(instance.SOPInstanceUID)
        for name, instances in house.hospital.objects.items()
        for instance in instances
        if all(str(instance[keyword].value) == value for keyword, value in named.items())
        and house.hospital.client("rad1").get(f"{house.hospital.study(name)}/metadata").status_code == 200
    }
    assert {str(dataset.SOPInstanceUID) for dataset in got} == expected != set()
    assert (responses[-1][0].Status, _counts(responses[-1][0])) == (SUCCESS, (len(expected), 0, 0))


def test_hidden_parts_are_neither_sent_nor_counted(house: House) -> None:
    seen = {
        persona: house.hospital.client(persona).get(f"{house.hospital.study('S1')}/instances")
        for persona in ("tech1", "rad1")
    }
    for persona, answer in seen.items():
        visible = len(answer.json()) if answer.status_code == 200 else 0
        got, responses = house.get(persona, _study(house.uid("S1")))
        assert (len(got), _counts(responses[-1][0])) == (visible, (visible, 0, 0))


def test_what_the_requester_does_not_take_fails_and_is_named(house: House) -> None:
    both = identifier("STUDY", StudyInstanceUID=[house.uid("S1"), house.many])
    got, responses = house.get("chief1", both, classes=(CTImageStorage,))
    final, failed = responses[-1]
    assert final.Status == WITH_FAILURES
    assert _counts(final) == (len(got), MANY, 0)
    assert failed is not None
    assert len(set(failed.FailedSOPInstanceUIDList) - {one.SOPInstanceUID for one in got}) == MANY
    nothing, responses = house.get("rad1", _study(house.uid("S1")), classes=(MRImageStorage,))
    assert (responses[-1][0].Status, nothing) == (NOTHING_SENT, [])


def test_a_compressed_object_comes_decoded_to_whom_does_not_take_it_compressed(house: House) -> None:
    study = generate_uid()
    stored = variant(
        "JPEG2000.dcm",
        PatientID="J2K",
        StudyInstanceUID=study,
        SeriesInstanceUID=generate_uid(),
        SOPInstanceUID=generate_uid(),
    )
    _store(house.hospital, [stored.data])
    (plain,), responses = house.get("chief1", _study(study))
    assert responses[-1][0].Status == SUCCESS
    assert plain.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian


def _slow(got: list[None], then: Any = None) -> list[Any]:
    """A requester that takes a tenth of a second for each object, and then does something."""

    def store(event: evt.Event) -> int:
        got.append(None)
        time.sleep(0.1)
        if then is not None:
            then(event)
        return 0x0000

    return [(evt.EVT_C_STORE, store)]


@pytest.mark.long
def test_a_requester_hears_of_it_and_may_cancel(house: House) -> None:
    got: list[None] = []
    with house.dicom.association("chief1", GET, get=CLASSES, handlers=_slow(got)) as association:
        responses = []
        for status, _ in association.send_c_get(_study(house.many), GET, msg_id=9):
            responses.append(status)
            if len(responses) == 2:
                association.send_c_cancel(9, query_model=GET)
    assert [status.Status for status in responses[:2]] == [PENDING, PENDING]
    final = responses[-1]
    assert final.Status == CANCELLED
    assert final.NumberOfCompletedSuboperations == len(got) < MANY
    assert final.NumberOfRemainingSuboperations == MANY - len(got)


@pytest.mark.long
def test_a_right_that_is_lost_ends_it_within_two_seconds(house: House) -> None:
    got: list[None] = []
    with house.dicom.association(
        "chief1", GET, get=CLASSES, handlers=_slow(got), calling="LOSING"
    ) as association:
        getting = association.send_c_get(_study(house.many), GET)
        next(getting)
        assert house.hospital.cli("user", "disable", "chief1").returncode == 0
        disabled = time.monotonic()
        try:
            list(getting)
        finally:
            took = time.monotonic() - disabled
            assert house.hospital.cli("user", "enable", "chief1").returncode == 0
    assert took < 2.5
    assert len(got) < MANY
    wait_until(lambda: bool(house.events("instances-transferred", "LOSING@")))
    (ended,) = house.events("instances-transferred", "LOSING@")
    assert (ended["details.phase"], ended["count"] < MANY) == ("broken", True)


def test_a_requester_that_goes_away_leaves_an_end_on_record(house: House) -> None:
    got: list[None] = []

    def leave(event: evt.Event) -> None:
        if len(got) == 5:
            event.assoc.dul.socket.socket.shutdown(socket.SHUT_RDWR)

    with house.dicom.association(
        "chief1", GET, get=CLASSES, handlers=_slow(got, leave), calling="LEAVING"
    ) as association:
        list(association.send_c_get(_study(house.many), GET))
    wait_until(lambda: bool(house.events("instances-transferred", "LEAVING@")))
    (ended,) = house.events("instances-transferred", "LEAVING@")
    assert ended["details.phase"] == "broken"
    assert 4 <= ended["count"] <= 5
    report = house.hospital.cli("report", "transfers", "--mismatch", "--json")
    (row,) = [row for row in json.loads(report.stdout) if row["recipient"] == "LEAVING@127.0.0.1"]
    assert (row["begun"], row["done"]) == (MANY, ended["count"])
