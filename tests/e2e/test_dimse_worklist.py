"""A modality asks for its worklist through the gate, and sees of it what it may see of the studies that will be."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from pydicom.dataset import Dataset
from pynetdicom.sop_class import ModalityWorklistInformationFind

from tests.e2e.expectations import sees, studies
from tests.support.dimse import DICOM_SETTINGS, Dicom, dicom_doors, title_of, with_dicom
from tests.support.hospital import FurnishedHospital, RunningHospital, opened
from tests.support.wlmscpfs import order, running_worklist

pytestmark = pytest.mark.server("dcmtk")

HIDDEN = next(name for name in studies() if not sees("ref1", name))
WORKLIST = str(ModalityWorklistInformationFind)


@dataclass(frozen=True)
class Ward:
    hospital: RunningHospital
    dicom: Dicom

    def find(self, persona: str, asked: Dataset | None = None) -> tuple[set[str], int]:
        """The names that somebody finds, and the final status."""
        rows, status = self.dicom.find(persona, asked or item(), model=WORKLIST)
        return {str(row.get("PatientName", "")) for row in rows}, status


def item(**values: str) -> Dataset:
    made = Dataset()
    for keyword in (
        "PatientName",
        "PatientID",
        "StudyInstanceUID",
        "RequestedProcedureDescription",
    ):
        setattr(made, keyword, "")
    for keyword, value in values.items():
        setattr(made, keyword, value)
    step = Dataset()
    step.Modality = step.ScheduledStationAETitle = step.ScheduledProcedureStepStartDate = ""
    made.ScheduledProcedureStepSequence = [step]
    return made


@pytest.fixture(scope="module")
def ward(furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    directory = tmp_path_factory.mktemp("worklist")
    hidden = furnished.made.studies[HIDDEN].study_instance_uid
    items = (
        order(PatientName="ALPHA^OWN", PatientID="A1", ReferringPhysicianName="REF^ONE"),
        order(PatientName="BETA^OTHER", PatientID="B1", ReferringPhysicianName="REF^TWO"),
        order(PatientName="GAMMA^NOBODY", PatientID="C1"),
        order(
            PatientName="DELTA^HIDDEN",
            PatientID="D1",
            ReferringPhysicianName="REF^ONE",
            StudyInstanceUID=hidden,
        ),
        order(PatientName="Ängström^Ö", PatientID="E1", ReferringPhysicianName="REF^ONE"),
    )
    with running_worklist(directory / "worklist", items) as worklist:
        own = with_dicom(furnished.copy_to(directory / "gate"), DICOM_SETTINGS + worklist.settings)
        with opened(own) as running:
            yield Ward(running, dicom_doors(running)[0])


def test_each_sees_the_orders_of_the_studies_that_they_will_see(ward: Ward) -> None:
    assert ward.find("ref1") == ({"ALPHA^OWN", "Ängström^Ö"}, 0)
    assert ward.find("rad3") == (set(), 0)
    assert {"ALPHA^OWN", "BETA^OTHER", "GAMMA^NOBODY"} <= ward.find("chief1")[0]


def test_the_order_of_a_study_that_is_hidden_is_hidden_whatever_it_says(ward: Ward) -> None:
    assert ward.find("ref1", item(PatientID="D1")) == (set(), 0)
    assert ward.find("chief1", item(PatientID="A1")) == ({"ALPHA^OWN"}, 0)


def test_what_is_masked_is_taken_out_and_cannot_be_asked_for(ward: Ward) -> None:
    rows, status = ward.dicom.find("clerk1", item(), model=WORKLIST)
    assert status == 0
    assert {str(row.PatientID) for row in rows} >= {"A1", "B1"}
    assert not any("PatientName" in row for row in rows)
    assert ward.find("clerk1", item(PatientName="ALPHA*")) == (set(), 0x0124)


def test_a_masked_sequence_cannot_be_asked_for_by_what_is_in_it(ward: Ward) -> None:
    """The number of rows would tell what is in it."""
    inside, asked = Dataset(), item()
    inside.StudyDescription = "GUESSED"  # which the clerk may see, but of no step
    asked.ScheduledProcedureStepSequence = [inside]
    assert ward.find("clerk1", asked) == (set(), 0x0124)


def test_a_real_modality_gets_its_worklist(ward: Ward) -> None:
    printed = ward.dicom.tool(
        "findscu", "-v", "-W", "@", "-k", "PatientName", "-k", "PatientID",
        "-k", "ScheduledProcedureStepSequence[0].Modality=CT", calling=title_of("ref1"),
    )  # fmt: skip
    assert "[ALPHA^OWN" in printed
    assert "[A1" in printed
    assert "BETA" not in printed
    answers = printed[printed.index("Find Response") :]
    assert "ReferringPhysicianName" not in answers
    assert "ScheduledProcedureStepStartDate" not in answers
    assert "Received Final Find Response (Success)" in printed


def test_who_may_never_search_gets_no_context_for_it(ward: Ward) -> None:
    with pytest.raises(ConnectionAbortedError):
        ward.find("admin1")


def test_a_worklist_query_is_on_record_with_its_keys(ward: Ward) -> None:
    ward.find("rad2", item(PatientID="UNHEARD-OF"))
    trail = ward.hospital.cli("audit", "search", "--kind", "QUERY", "--json").stdout
    assert "C-FIND Modality Worklist?" in trail
    assert "PatientID=UNHEARD-OF" in trail
