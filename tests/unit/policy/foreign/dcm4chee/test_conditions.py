"""dcm4chee 5's conditions mean here what they mean there."""

import pytest
from pydicom.dataset import Dataset

from pacsgate.model.errors import RequestError
from pacsgate.policy.foreign.dcm4chee.conditions import Observed, read_condition


def observed() -> Observed:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "P5", "99X", "Head"
    request = Dataset()
    request.ScheduledProtocolCodeSequence = [code]
    request.ScheduledProcedureStepID = "S1"
    header = Dataset()
    header.Modality = "CT"
    header.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    header.StudyDescription = ""
    header.RequestAttributesSequence = [request]
    header.ProcedureCodeSequence = [code]
    return Observed(header, "CT1", "ARCHIVE")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Modality=CT", True),
        ("Modality=C", False),
        ("Modality=CT|MR", True),
        ("Modality=[CM].", True),
        ("Modality!=CT", False),
        ("Modality!=MR", True),
        ("00080060=CT", True),
        ("ImageType=AXIAL", True),
        ("ImageType[3]=AXIAL", True),
        ("ImageType[1]=AXIAL", False),
        ("ImageType[9]=AXIAL", True),  # beyond the last value: a match, as there
        ("BodyPartExamined=.*", False),
        ("BodyPartExamined!=HEAD", True),
        ("Modality=", True),
        ("StudyDescription=", False),
        ("BodyPartExamined!=", True),
        ("00400275.00400009=S1", True),
        ("RequestAttributesSequence.ScheduledProcedureStepID=S2", False),
        ("RequestAttributesSequence.ScheduledProcedureStepID!=S2", True),
        ('ProcedureCodeSequence=(P5, 99X, "anything")', True),
        ("ProcedureCodeSequence=(P5, 99Y)", False),
        ('ProcedureCodeSequence=(P9, 99X)|(P5, 99X, "Head")', True),
        ("RequestAttributesSequence.ScheduledProtocolCodeSequence=(P5,99X)", True),
        ("SendingApplicationEntityTitle=CT[0-9]", True),
        ("SendingApplicationEntityTitle!=CT1", False),
        ("ReceivingApplicationEntityTitle=ARCHIVE", True),
    ],
)
def test_a_condition_holds_or_not(text: str, expected: bool) -> None:
    assert read_condition(text).holds(observed()) is expected


def test_what_nobody_is_called_matches_nothing() -> None:
    alone = Observed(Dataset(), None, None)
    assert not read_condition("SendingApplicationEntityTitle=.*").holds(alone)
    assert read_condition("SendingApplicationEntityTitle!=CT1").holds(alone)


@pytest.mark.parametrize(
    "text",
    [
        "Modality",
        "Klingon=1",
        "Modality[=CT",
        "SendingHostname=ct1",
        "StudyDate=\u00a7CURRENT_DATE",
        "PatientID=(?=X).*",
        "PatientID=(a)\\1",
        "PatientID=[",
        "PatientID=" + "x" * 2000,
    ],
)
def test_what_cannot_be_the_same_is_refused(text: str) -> None:
    with pytest.raises(RequestError):
        read_condition(text)


def test_no_expression_takes_long() -> None:
    header = Dataset()
    header.StudyDescription = "a" * 64
    assert not read_condition("StudyDescription=(a+)+b").holds(Observed(header, None, None))
