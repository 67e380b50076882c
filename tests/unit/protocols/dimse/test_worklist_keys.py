from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from pacsgate.protocols.dimse.worklist_keys import narrowed, widened
from tests.support.data_sets import data_set

STEPS, MODALITY, STATION, DEPARTMENT = "00400100", "00080060", "00400001", "00081040"
NEEDED = [(DEPARTMENT,), (STEPS, MODALITY), (STEPS, STATION)]


def asked(*steps: Dataset) -> Dataset:
    return data_set(PatientName="DOE*", PatientID="", ScheduledProcedureStepSequence=Sequence(steps))


def test_what_decisions_need_is_asked_for_beside_what_was_asked() -> None:
    before = asked(data_set(Modality="CT"))
    wider = widened(before, NEEDED)
    assert (wider.PatientName, wider.PatientID) == ("DOE*", "")
    assert "InstitutionalDepartmentName" in wider
    step = wider.ScheduledProcedureStepSequence[0]
    assert step.Modality == "CT"
    assert "ScheduledStationAETitle" in step
    assert before == asked(data_set(Modality="CT"))


def test_a_sequence_that_was_not_asked_for_is_added_whole() -> None:
    wider = widened(data_set(PatientID=""), NEEDED)
    assert {element.keyword for element in wider.ScheduledProcedureStepSequence[0]} == {
        "Modality",
        "ScheduledStationAETitle",
    }


def test_a_sequence_without_items_asks_for_everything_already() -> None:
    assert len(widened(asked(), NEEDED).ScheduledProcedureStepSequence) == 0


def test_an_item_is_told_as_far_as_it_was_asked_for() -> None:
    item = data_set(
        SpecificCharacterSet="ISO_IR 192",
        PatientName="Dörfer",
        PatientID="P1",
        InstitutionalDepartmentName="SECRET",
        ScheduledProcedureStepSequence=[data_set(Modality="CT", ScheduledStationAETitle="CT1")],
    )
    told = narrowed(item, asked(data_set(Modality="")))
    assert {element.keyword for element in told} == {
        "SpecificCharacterSet",
        "PatientName",
        "PatientID",
        "ScheduledProcedureStepSequence",
    }
    assert [element.keyword for element in told.ScheduledProcedureStepSequence[0]] == ["Modality"]
    assert narrowed(item, asked()).ScheduledProcedureStepSequence == item.ScheduledProcedureStepSequence
    assert "ScheduledProcedureStepSequence" not in narrowed(item, data_set(PatientID=""))
