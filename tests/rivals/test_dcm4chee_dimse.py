"""dcm4chee 2 at the DIMSE door: its answers where `refusals: dcm4chee` asks for them, and its holes nowhere.

The rows are those of the enforcement table of its study permissions, for C-MOVE and C-GET.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom.sop_class import (
    CTImageStorage,
    MRImageStorage,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from pacsgate.model.application_entity import RemoteAe
from tests.support.dimse import DICOM_SETTINGS, Dicom, Rejected, add_devices, dicom_doors, storing, with_dicom
from tests.support.hospital import FurnishedHospital, RunningHospital, opened
from tests.support.storage_scp import Received, storage_scp

MOVE, GET = StudyRootQueryRetrieveInformationModelMove, StudyRootQueryRetrieveInformationModelGet
SUCCESS, UNKNOWN = 0x0000, 0xA801
UNIDENTIFIED_DESTINATION, NO_READ, NO_EXPORT = 0xCE12, 0xCE20, 0xCE22
LOOK_ONLY = """\
  - {id: look-only, effect: forbid, users: [chief1], actions: [retrieve], when: "'LOOK' in study.labels"}

assignments:
"""


@dataclass(frozen=True)
class Ward:
    """A gate, and two destinations: one whose account reads MR-B only, and one that stands for nobody."""

    hospital: RunningHospital
    dicom: Dicom
    received: Received

    def uids(self, *names: str) -> list[str]:
        return [self.hospital.studies[name].study_instance_uid for name in names]

    def move(self, persona: str, destination: str, uids: list[str], calling: str = "TEST") -> int:
        self.received.objects.clear()
        with self.dicom.association(persona, MOVE, calling=calling) as association:
            return int(list(association.send_c_move(_studies(uids), destination, MOVE))[-1][0].Status)

    def get(self, persona: str, uids: list[str]) -> tuple[int, int]:
        """The status, and how many objects came."""
        got: list[Dataset] = []
        with self.dicom.association(
            persona, GET, get=(CTImageStorage, MRImageStorage), handlers=storing(got)
        ) as association:
            return int(list(association.send_c_get(_studies(uids), GET))[-1][0].Status), len(got)


def _studies(uids: list[str]) -> Dataset:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.StudyInstanceUID = uids
    return identifier


@pytest.fixture(scope="module", params=["dcm4chee", pytest.param("standard", marks=pytest.mark.long)])
def refusals(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def ward(
    refusals: str, furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ward]:
    copy = furnished.copy_to(tmp_path_factory.mktemp(refusals) / "gate")
    policy = copy.config.parent / "policy.yaml"
    policy.write_text(policy.read_text("utf-8").replace("assignments:\n", LOOK_ONLY, 1), "utf-8")
    with_dicom(copy, f"{DICOM_SETTINGS}  refusals: {refusals}\n")
    with storage_scp("ANY") as received:
        at = {"host": "127.0.0.1", "port": received.port, "owner": "admin1"}
        add_devices(
            copy.config,
            RemoteAe("MRONLY", "rad2", **at),
            RemoteAe("NOBODYS", **at),
            RemoteAe("FAR", "chief1", networks=("192.0.2.0/24",), **at),
            RemoteAe("OWN", "chief1", networks=("127.0.0.0/8",), **at),
        )
        with opened(copy) as running:
            uid = running.studies["S2"].study_instance_uid
            assert running.cli("study", "label", uid, "--add", "LOOK").returncode == 0
            yield Ward(running, dicom_doors(running)[0], received)


@pytest.fixture
def old(refusals: str) -> bool:
    """Whether dcm4chee's own statuses are asked for."""
    return refusals == "dcm4chee"


def test_to_somebody_else_one_needs_export(ward: Ward, old: bool) -> None:
    assert ward.move("rad1", "FAR", ward.uids("S1")) == (NO_EXPORT if old else UNKNOWN)
    assert ward.received.objects == []


def test_a_destination_without_an_identity_receives_nothing(ward: Ward, old: bool) -> None:
    expected = UNIDENTIFIED_DESTINATION if old else UNKNOWN
    assert ward.move("chief1", "NOBODYS", ward.uids("S1")) == expected
    assert ward.received.objects == []


def test_a_destination_needs_to_be_a_reader_itself(ward: Ward, old: bool) -> None:
    assert ward.move("chief1", "MRONLY", ward.uids("S1")) == (NO_READ if old else UNKNOWN)
    assert ward.received.objects == []


def test_one_refused_study_refuses_all_only_where_that_is_asked_for(ward: Ward, old: bool) -> None:
    mixed = ward.uids("S1", "S4")
    assert ward.move("chief1", "MRONLY", mixed) == (NO_READ if old else SUCCESS)
    assert bool(ward.received.objects) is not old
    assert ward.move("chief1", "FAR", mixed) == SUCCESS
    everything = len(ward.received.objects)
    assert everything > 5


def test_a_study_that_may_only_be_looked_at_is_not_read(ward: Ward, old: bool) -> None:
    expected = NO_READ if old else 0x0124
    assert ward.move("chief1", "OWN", ward.uids("S2"), calling="OWN") == expected
    assert ward.get("chief1", ward.uids("S2")) == (expected, 0)
    status, count = ward.get("chief1", ward.uids("S1", "S2"))
    assert (status, count) == ((NO_READ, 0) if old else (SUCCESS, 5))


def test_what_matches_nothing_is_not_asked_about(ward: Ward) -> None:
    assert ward.move("chief1", "MRONLY", [generate_uid()]) == SUCCESS
    assert ward.get("rad1", [generate_uid()]) == (SUCCESS, 0)


def test_a_destination_that_does_not_exist_is_unknown(ward: Ward) -> None:
    assert ward.move("chief1", "ATLANTIS", ward.uids("S1")) == UNKNOWN


def test_a_hidden_study_refuses_nothing_so_that_no_status_tells_of_it(ward: Ward) -> None:
    """dcm4chee's C-MOVE failed for any study that matched, and so told which UIDs exist."""
    assert ward.get("rad1", ward.uids("S1", "S2")) == (SUCCESS, 5)
    assert ward.get("rad1", [*ward.uids("S1"), generate_uid()]) == (SUCCESS, 5)


def test_nobody_moves_to_a_third_party_by_calling_itself_that(ward: Ward) -> None:
    """dcm4chee compared titles: who called itself like the destination needed no permission to export."""
    with pytest.raises(Rejected):
        ward.move("rad1", "FAR", ward.uids("S1"), calling="FAR")
    assert ward.received.objects == []


def test_whoever_is_not_the_destinations_account_still_needs_its_own_rights(ward: Ward) -> None:
    """The destination's account reads everything; who asks does not."""
    assert ward.move("rad1", "OWN", ward.uids("S4"), calling="OWN") == SUCCESS
    assert ward.received.objects == []
