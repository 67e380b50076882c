"""C-MOVE from a gate that serves: what arrives, what is counted, what is on record, and what ends it."""

import json
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000Lossless, generate_uid
from pynetdicom.sop_class import (
    CTImageStorage,
    StudyRootQueryRetrieveInformationModelMove,
)

from pacsgate.dicom.file_meta import read_part10_head
from pacsgate.model.application_entity import RemoteAe
from tests.support.dimse import Dicom, Rejected, add_devices
from tests.support.hospital import RunningHospital
from tests.support.multipart import multipart_related
from tests.support.objects import variant
from tests.support.ports import free_port
from tests.support.storage_scp import Received, storage_scp
from tests.support.waiting import wait_until

MOVE = StudyRootQueryRetrieveInformationModelMove
MANY = 100
READER = "RAD1"
SUCCESS, CANCELLED, PENDING = 0x0000, 0xFE00, 0xFF00
NOT_AUTHORIZED, UNKNOWN, NO_MATCHES = 0x0124, 0xA801, 0xA701
WITH_FAILURES, NOTHING_SENT, MALFORMED = 0xB000, 0xA702, 0xA900


@dataclass(frozen=True)
class House:
    """A hospital with a study of a hundred images, and who may send it where."""

    hospital: RunningHospital
    dicom: Dicom
    many: str

    def uid(self, name: str) -> str:
        return self.hospital.studies[name].study_instance_uid

    def move(
        self, persona: str, destination: str, *studies: str, calling: str = "TEST"
    ) -> tuple[Dataset, Dataset | None]:
        """The final response of a move of studies."""
        return self.responses(persona, destination, of_studies(*studies), calling=calling)[-1]

    def responses(
        self, persona: str, destination: str, identifier: Dataset, *, calling: str = "TEST", model: str = MOVE
    ) -> list[tuple[Dataset, Dataset | None]]:
        with self.dicom.association(persona, model, calling=calling) as association:
            return list(association.send_c_move(identifier, destination, model))

    def destination(
        self, title: str, received: Received, account: str | None = "chief1", **more: Any
    ) -> None:
        """Enter a destination, in place of one with this title."""
        entity = RemoteAe(
            title, account, **{"host": "127.0.0.1", "port": received.port, "owner": "admin1", **more}
        )
        add_devices(self.hospital.config, entity)

    def events(self, kind: str, text: str) -> list[dict[str, Any]]:
        found = self.hospital.cli("audit", "search", "--kind", kind, "--text", text, "--json")
        return [json.loads(line) for line in found.stdout.splitlines()]

    def stored(self, name: str) -> dict[str, bytes]:
        """The data sets of a study as the web gives them."""
        study, web = self.hospital.studies[name], self.hospital.client("chief1")
        answer: dict[str, bytes] = {}
        for found in web.get(f"{self.hospital.study(name)}/instances").json():
            series, uid = (found[tag]["Value"][0] for tag in ("0020000E", "00080018"))
            path = f"/studies/{study.study_instance_uid}/series/{series}/instances/{uid}"
            as_stored = {"Accept": "application/dicom; transfer-syntax=*"}
            file = web.get(path, headers=as_stored).content
            answer[uid] = file[read_part10_head(file).data_set_offset :]
        return answer


def of_studies(*uids: str) -> Dataset:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.StudyInstanceUID = list(uids)
    return identifier


def counts(response: Dataset) -> tuple[int | None, int, int, int]:
    return (
        response.get("NumberOfRemainingSuboperations"),
        response.NumberOfCompletedSuboperations,
        response.NumberOfFailedSuboperations,
        response.NumberOfWarningSuboperations,
    )


@pytest.fixture(scope="module")
def house(own_dicom_hospital: tuple[RunningHospital, Dicom]) -> House:
    running, dicom = own_dicom_hospital
    many = generate_uid()
    series = generate_uid()
    objects = [
        variant(
            "MR_small.dcm",
            PatientID="MANY",
            StudyInstanceUID=many,
            SeriesInstanceUID=series,
            SOPInstanceUID=generate_uid(),
            InstanceNumber=number,
        ).data
        for number in range(MANY)
    ]
    body, content_type = multipart_related(objects)
    stored = running.client("CT1").post("/studies", data=body, headers={"Content-Type": content_type})
    assert stored.status_code == 200, stored.text
    return House(running, dicom, many)


@pytest.mark.server("dcmtk")
def test_a_workstation_moves_to_itself_what_is_stored_byte_for_byte(house: House, tmp_path: Path) -> None:
    port = free_port()
    add_devices(
        house.hospital.config,
        RemoteAe("WS1", "rad1", networks=("127.0.0.0/8",), host="127.0.0.1", port=port, owner="admin1"),
    )
    scp = subprocess.Popen(
        ["storescp", "-F", "+xa", "-od", str(tmp_path), "-aet", "WS1", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: listens(port))
        said = house.dicom.tool(
            "movescu",
            *("-v", "-S", "-aem", "WS1", "-k", "QueryRetrieveLevel=STUDY"),
            *("-k", f"StudyInstanceUID={house.uid('S1')}"),
            calling="WS1",
        )
    finally:
        scp.terminate()
        scp.wait()
    assert "Received Final Move Response (Success)" in said
    files = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(files.values()) == sorted(house.stored("S1").values())
    (event,) = house.events("instances-transferred", f"WS1@127.0.0.1:{port}")
    assert (event["count"], event["bytes_sent"]) == (len(files), sum(map(len, files.values())))
    assert house.events("data-exported", f"WS1@127.0.0.1:{port}") == [], "to oneself is no export"


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_what_goes_elsewhere_is_an_export_with_recipient_count_and_bytes(house: House) -> None:
    """Rows V4, T3."""
    with storage_scp("DISC1") as received:
        house.destination("DISC1", received)
        final, _ = house.move("chief1", "DISC1", house.uid("S1"))
    assert (final.Status, counts(final)[1:]) == (SUCCESS, (5, 0, 0))
    assert dict(received.objects) == house.stored("S1")
    assert received.callers == {"PACSGATE"}
    assert received.originators == {("TEST", 1)}
    recipient = f"DISC1@127.0.0.1:{received.port}"
    begun, exported = house.events("data-exported", recipient)
    assert (begun["details.phase"], begun["count"]) == ("begun", 5)
    assert (exported["details.phase"], exported["count"], exported["bytes_sent"]) == (
        "complete",
        5,
        received.size,
    )
    (first,) = house.events("transfer-begun", recipient)
    (last,) = house.events("instances-transferred", recipient)
    assert (first["count"], last["count"], last["bytes_sent"]) == (5, 5, received.size)
    assert first["request_id"] == last["request_id"]


def test_who_may_not_export_learns_nothing_of_destinations(house: House) -> None:
    with storage_scp("DISC2") as received:
        house.destination("DISC2", received)
        refused, _ = house.move("rad1", "DISC2", house.uid("S1"))
        missing, _ = house.move("rad1", "NOBODY", house.uid("S1"))
    assert received.objects == []
    assert refused.Status == missing.Status == UNKNOWN
    assert [event["details.destination"] for event in house.events("denied", "DISC2")] == ["DISC2"]
    assert refused.get("ErrorComment") == missing.get("ErrorComment")


def test_a_calling_title_alone_does_not_make_a_destination_ones_own(house: House) -> None:
    """dcm4chee compared the destination with the calling AE title, which anybody may choose."""
    with storage_scp("DISC3") as received:
        house.destination("DISC3", received, networks=("192.0.2.0/24",))
        with pytest.raises(Rejected):
            house.move("rad1", "DISC3", house.uid("S1"), calling="DISC3")
        refused, _ = house.move("rad1", "DISC3", house.uid("S1"), calling="TEST")
    assert refused.Status == UNKNOWN
    assert received.objects == []


@pytest.mark.parametrize("lacking", [{"disabled": True}, {"account": None}, {"account": "clerk1"}], ids=str)
def test_a_destination_that_nobody_vouches_for_receives_nothing(
    house: House, lacking: dict[str, Any]
) -> None:
    title = f"D{free_port()}"
    with storage_scp(title) as received:
        house.destination(title, received, **lacking)
        refused, _ = house.move("chief1", title, house.uid("S1"))
    assert (refused.Status, received.objects) == (UNKNOWN, [])
    assert house.events("denied", "destination-not-allowed") or house.events("denied", "no-permit")


def test_a_destination_receives_only_what_its_own_account_may_read(house: House) -> None:
    with storage_scp("MRDISC") as received:
        house.destination("MRDISC", received, account="rad2")
        final, _ = house.move("chief1", "MRDISC", house.uid("S1"), house.uid("S2"))
        withheld, _ = house.move("chief1", "MRDISC", house.uid("S1"))
    assert final.Status == SUCCESS
    assert received.uids == set(house.stored("S2"))
    assert withheld.Status == UNKNOWN


def test_hidden_and_missing_studies_are_answered_alike_and_recorded(house: House) -> None:
    add_devices(
        house.hospital.config,
        RemoteAe("WS2", "rad1", networks=("127.0.0.0/8",), host="127.0.0.1", port=1, owner="admin1"),
    )
    missing = generate_uid()
    answers = [house.move("rad1", "WS2", uid, calling="WS2")[0] for uid in (house.uid("S2"), missing)]
    assert [answer.Status for answer in answers] == [SUCCESS, SUCCESS]
    assert counts(answers[0]) == counts(answers[1])
    assert house.events("denied", "not-found")[-1]["study.study_instance_uid"] == missing


def test_what_a_destination_does_not_take_fails_and_is_named(house: House) -> None:
    with storage_scp("CTONLY", classes=[CTImageStorage]) as received:
        house.destination("CTONLY", received)
        final, failed = house.move("chief1", "CTONLY", house.uid("S1"), house.many)
    assert final.Status == WITH_FAILURES
    assert counts(final)[1:] == (len(received.objects), MANY + 5 - len(received.objects), 0)
    assert failed is not None
    assert set(failed.FailedSOPInstanceUIDList).isdisjoint(received.uids)
    assert len(failed.FailedSOPInstanceUIDList) == counts(final)[2]


def test_refusals_and_warnings_of_a_destination_are_counted(house: House) -> None:
    statuses = {0: 0xA700, 1: 0xB000}
    with storage_scp("PICKY", answer=lambda number: statuses.get(number, 0)) as received:
        house.destination("PICKY", received)
        final, failed = house.move("chief1", "PICKY", house.many)
    assert final.Status == WITH_FAILURES
    assert counts(final)[1:] == (MANY - 2, 1, 1)
    assert failed is not None
    assert failed.FailedSOPInstanceUIDList == received.objects[0][0]
    (last,) = house.events("instances-transferred", f"PICKY@127.0.0.1:{received.port}")
    taken = received.size - len(received.objects[0][1])
    assert (last["count"], last["bytes_sent"]) == (MANY - 1, taken)


def test_a_destination_that_takes_nothing_at_all_is_a_failure(house: House) -> None:
    with storage_scp("NOTHING", answer=lambda _: 0xA700) as received:
        house.destination("NOTHING", received)
        final, _ = house.move("chief1", "NOTHING", house.uid("S1"))
    assert (final.Status, counts(final)[1:]) == (NOTHING_SENT, (0, 5, 0))
    add_devices(
        house.hospital.config, RemoteAe("AWAY", "chief1", host="127.0.0.1", port=received.port, owner="o")
    )
    final, _ = house.move("chief1", "AWAY", house.uid("S1"))
    assert (final.Status, counts(final)[1:]) == (NOTHING_SENT, (0, 5, 0))


def test_a_compressed_object_is_decoded_for_whom_does_not_take_it_compressed(house: House) -> None:
    study, sop = generate_uid(), generate_uid()
    stored = variant(
        "JPEG2000.dcm",
        PatientID="J2K",
        StudyInstanceUID=study,
        SeriesInstanceUID=generate_uid(),
        SOPInstanceUID=sop,
    )
    body, content_type = multipart_related([stored.data])
    answer = house.hospital.client("CT1").post("/studies", data=body, headers={"Content-Type": content_type})
    assert answer.status_code == 200
    with storage_scp("PLAIN") as received:
        house.destination("PLAIN", received)
        final, _ = house.move("chief1", "PLAIN", study)
    assert (final.Status, received.uids) == (SUCCESS, {sop})
    with storage_scp("ODD", syntaxes=[JPEG2000Lossless]) as odd:
        house.destination("ODD", odd)
        final, _ = house.move("chief1", "ODD", study)
    assert (final.Status, odd.objects) == (NOTHING_SENT, [])


@pytest.mark.long
def test_a_requester_hears_every_second_and_may_cancel(house: House) -> None:
    with storage_scp("SLOW", seconds=0.1) as received:
        house.destination("SLOW", received)
        with house.dicom.association("chief1", MOVE) as association:
            responses = []
            for status, _ in association.send_c_move(of_studies(house.many), "SLOW", MOVE, msg_id=7):
                responses.append(status)
                if len(responses) == 2:
                    association.send_c_cancel(7, query_model=MOVE)
    assert [response.Status for response in responses[:2]] == [PENDING, PENDING]
    final = responses[-1]
    assert final.Status == CANCELLED
    remaining, completed, failed, warning = counts(final)
    assert (completed, failed, warning) == (len(received.objects), 0, 0)
    assert completed < MANY
    assert remaining == MANY - completed
    (last,) = house.events("instances-transferred", f"SLOW@127.0.0.1:{received.port}")
    assert (last["details.phase"], last["count"]) == ("cancelled", completed)


@pytest.mark.long
def test_pending_counts_add_up(house: House) -> None:
    with storage_scp("STEADY", seconds=0.03) as received:
        house.destination("STEADY", received)
        responses = house.responses("chief1", "STEADY", of_studies(house.many))
    pending = [counts(status) for status, _ in responses if status.Status == PENDING]
    assert pending, "a transfer of three seconds"
    assert all(sum(part or 0 for part in counts) == MANY for counts in pending)


@pytest.mark.long
@pytest.mark.parametrize("revoke", ["requester", "destination"])
def test_a_right_that_is_lost_ends_the_transfer_within_two_seconds(house: House, revoke: str) -> None:
    account = {"requester": "chief1", "destination": "rad2"}[revoke]
    title = f"LOST{revoke[0].upper()}"
    study = house.many if revoke == "requester" else house.uid("S2")
    with storage_scp(title, seconds=0.1 if revoke == "requester" else 1.2) as received:
        house.destination(title, received, account="chief1" if revoke == "requester" else "rad2")
        with house.dicom.association("chief1", MOVE) as association:
            moving = association.send_c_move(of_studies(study), title, MOVE)
            status, _ = next(moving)
            assert status.Status == PENDING
            assert house.hospital.cli("user", "disable", account).returncode == 0
            disabled = time.monotonic()
            try:
                last = list(moving)
            finally:
                took = time.monotonic() - disabled
                assert house.hospital.cli("user", "enable", account).returncode == 0
    assert took < 2.5
    assert len(received.objects) < MANY
    if revoke == "destination":
        assert last[-1][0].Status == NOT_AUTHORIZED
    recipient = f"{title}@127.0.0.1:{received.port}"
    wait_until(lambda: bool(house.events("instances-transferred", recipient)))
    ended = house.events("instances-transferred", recipient)
    assert [event["details.phase"] for event in ended] == ["broken"]


@pytest.mark.long
def test_ten_thousand_uids_are_answered_and_more_are_refused(house: House) -> None:
    with storage_scp("BULK") as received:
        house.destination("BULK", received)
        uids = [generate_uid() for _ in range(9_999)]
        began = time.monotonic()
        final, _ = house.move("chief1", "BULK", *uids, house.uid("S1"))
        took = time.monotonic() - began
        assert (final.Status, len(received.objects)) == (SUCCESS, 5)
        assert took < 20
        refused, _ = house.move("chief1", "BULK", *uids, *(generate_uid() for _ in range(2)))
    assert refused.Status == NO_MATCHES
    assert house.events("denied", "A701")


@pytest.mark.parametrize(
    "keys",
    [
        {"QueryRetrieveLevel": "STUDY"},
        {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": "1.2.*"},
        {"QueryRetrieveLevel": "SERIES", "SeriesInstanceUID": "1.2.3"},
        {"QueryRetrieveLevel": "GALAXY", "StudyInstanceUID": "1.2.3"},
        {"StudyInstanceUID": "1.2.3"},
    ],
    ids=str,
)
def test_an_identifier_that_is_none_is_refused_and_recorded(house: House, keys: dict[str, str]) -> None:
    identifier = Dataset()
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    before = len(house.events("denied", "A900"))
    sink = f"D{free_port()}"
    add_devices(house.hospital.config, RemoteAe(sink, "chief1", host="127.0.0.1", port=1, owner="o"))
    final, _ = house.responses("chief1", sink, identifier)[-1]
    assert final.Status == MALFORMED
    assert len(house.events("denied", "A900")) == before + 1


def test_a_requester_that_goes_away_ends_its_transfer(house: House) -> None:
    with storage_scp("LEFT", seconds=0.1) as received:
        house.destination("LEFT", received)
        with house.dicom.association("chief1", MOVE) as association:
            status, _ = next(association.send_c_move(of_studies(house.many), "LEFT", MOVE))
            assert status.Status == PENDING
            association.abort()
        recipient = f"LEFT@127.0.0.1:{received.port}"
        wait_until(lambda: bool(house.events("instances-transferred", recipient)))
        (ended,) = house.events("instances-transferred", recipient)
    assert ended["details.phase"] == "broken"
    assert len(received.objects) - 1 <= ended["count"] <= len(received.objects) < MANY
