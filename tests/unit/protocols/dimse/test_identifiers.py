from typing import Any

import pytest
from pydicom.uid import ImplicitVRLittleEndian

from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.protocols.dimse.identifiers import Identifier, read_identifier, status_of, unique_keys
from pacsgate.protocols.dimse.services import Root
from pacsgate.protocols.dimse.statuses import Status
from tests.support.data_sets import data_set
from tests.unit.protocols.dimse.encoded import SYNTAXES, encoded, sent


def identifier(root: Root = Root.STUDY, **values: Any) -> Identifier:
    return read_identifier(sent(**values), ImplicitVRLittleEndian, root)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_level_and_values_are_read_from_any_encoding(syntax: str) -> None:
    written = data_set(
        SpecificCharacterSet="ISO_IR 100",
        QueryRetrieveLevel="IMAGE",
        PatientName="Jérôme",
        StudyInstanceUID="1.2",
        SOPInstanceUID=["1.2.3", "1.2.4"],
        Rows=512,
        PixelSpacing="",
    )
    found = read_identifier(encoded(written, syntax), syntax, Root.STUDY)
    assert found.level is Level.INSTANCE
    assert found.text("PatientName") == "Jérôme"
    assert found.values("SOPInstanceUID") == ("1.2.3", "1.2.4")
    assert found.text("Rows") == "512"
    assert found.values("AccessionNumber") == ()


@pytest.mark.parametrize("level", ["", "PATIENT", "INSTANCE", "study", "STUDY\\SERIES"])
def test_a_level_that_the_model_has_not_is_refused(level: str) -> None:
    with pytest.raises(RequestError) as refused:
        identifier(QueryRetrieveLevel=level)
    assert status_of(refused.value) is Status.IDENTIFIER_DOES_NOT_MATCH


def test_only_patient_root_has_patients() -> None:
    assert identifier(Root.PATIENT, QueryRetrieveLevel="PATIENT").level is Level.PATIENT


def test_bytes_that_are_no_data_set_are_not_understood() -> None:
    with pytest.raises(RequestError) as refused:
        read_identifier(b"\x08\0R\0\xff\xff\xff\x7fSTUDY ", ImplicitVRLittleEndian, Root.STUDY)
    assert status_of(refused.value) is Status.CANNOT_UNDERSTAND


def test_a_question_that_is_too_large_is_said_to_be_that() -> None:
    assert status_of(RequestError("too much", status=413)) is Status.OUT_OF_RESOURCES


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientID", b"P\x001"),
        ("PatientID", b"P\x1b[2J"),
        ("PatientName", b"DOE\r\nX: y"),
        ("PatientName", b"D\xf6rfer"),
        ("Modality", b"C\xd6"),
    ],
)
def test_text_that_its_vr_and_character_set_do_not_explain_is_refused(keyword: str, value: bytes) -> None:
    found = identifier(QueryRetrieveLevel="STUDY", **{keyword: value})
    with pytest.raises(RequestError) as refused:
        found.text(keyword)
    assert "DOE" not in refused.value.public


def test_the_unique_keys_of_a_retrieval_are_one_above_and_any_number_at_its_level() -> None:
    found = identifier(
        QueryRetrieveLevel="SERIES", StudyInstanceUID="1.2", SeriesInstanceUID=["1.2.1", "1.2.2"]
    )
    assert unique_keys(found) == {Level.STUDY: ("1.2",), Level.SERIES: ("1.2.1", "1.2.2")}


@pytest.mark.parametrize(
    "values",
    [
        {"QueryRetrieveLevel": "SERIES", "SeriesInstanceUID": "1.2.1"},
        {"QueryRetrieveLevel": "SERIES", "StudyInstanceUID": ["1.2", "1.3"], "SeriesInstanceUID": "1.2.1"},
        {"QueryRetrieveLevel": "SERIES", "StudyInstanceUID": "1.2"},
        {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": ""},
        {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": "*"},
        {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": "1.2."},
        {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": ["1.2", ""]},
    ],
)
def test_a_retrieval_without_its_unique_keys_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(RequestError):
        unique_keys(identifier(**values))


def test_a_patient_is_retrieved_by_one_whole_patient_id() -> None:
    asked = identifier(Root.PATIENT, QueryRetrieveLevel="PATIENT", PatientID="P1")
    assert unique_keys(asked) == {Level.PATIENT: ("P1",)}
    for patient_id in ("", "P*", "P?", "A\\B"):
        with pytest.raises(RequestError):
            unique_keys(identifier(Root.PATIENT, QueryRetrieveLevel="PATIENT", PatientID=patient_id))


def test_a_relational_retrieval_may_leave_out_the_levels_above() -> None:
    found = identifier(QueryRetrieveLevel="IMAGE", SOPInstanceUID="1.2.3")
    assert unique_keys(found, relational=True) == {Level.INSTANCE: ("1.2.3",)}
