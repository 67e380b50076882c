import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from pacsgate.dicom.attributes import vr_of
from pacsgate.protocols.dimse.character_sets import SINGLE_SETS
from pacsgate.protocols.dimse.extended_negotiation import QueryExtensions
from pacsgate.protocols.dimse.find_request import read_find
from pacsgate.protocols.dimse.find_response import row_writer
from pacsgate.protocols.dimse.identifiers import read_identifier
from pacsgate.protocols.dimse.services import Root
from pacsgate.stores.packing import PackedAttributes, pack_attributes
from tests.support.indexing import dicom_json
from tests.unit.protocols.dimse.encoded import SYNTAXES, decoded, sent

SERIES: Mapping[str, Any] = {
    "PatientName": {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎"},
    "PatientID": "P1",
    "PatientWeight": 70.25,
    "StudyDate": "20240226",
    "ModalitiesInStudy": ["CT", "SR"],
    "StudyInstanceUID": "1.2.3",
    "NumberOfStudyRelatedInstances": 12,
    "SeriesInstanceUID": "1.2.3.1",
    "SeriesNumber": 4,
    "RequestAttributesSequence": [
        dicom_json({"ScheduledProcedureStepID": "S1", "RequestedProcedureID": "R1"}),
        dicom_json({"ScheduledProcedureStepID": None}),
    ],
}


def row(
    attributes: Mapping[str, Any], syntax: str = ImplicitVRLittleEndian, *, raw: bool = False, **asked: Any
) -> Any:
    identifier = read_identifier(
        sent(QueryRetrieveLevel="SERIES", StudyInstanceUID="1.2.3", **asked),
        ImplicitVRLittleEndian,
        Root.STUDY,
    )
    found = read_find(identifier, QueryExtensions())
    writer = row_writer(found, identifier.keys.characters, syntax, "PACSGATE")
    data = writer.row(dicom_json(attributes))
    return data if raw else decoded(data, syntax)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_row_is_what_pydicom_makes_of_the_same_attributes(syntax: str) -> None:
    asked = {keyword: "" for keyword in SERIES if vr_of(keyword) != "SQ" and keyword != "StudyInstanceUID"}
    found = row(SERIES, syntax, **asked, RequestAttributesSequence=[])
    expected = Dataset.from_json(
        json.dumps(
            dicom_json(
                {
                    **SERIES,
                    "SpecificCharacterSet": "ISO_IR 192",
                    "QueryRetrieveLevel": "SERIES",
                    "RetrieveAETitle": "PACSGATE",
                }
            )
        )
    )
    assert found == expected
    assert str(found.PatientName.ideographic) == "山田^太郎"
    assert list(found.keys()) == sorted(found.keys())


def test_a_row_has_what_was_asked_for_and_no_more() -> None:
    found = row(SERIES, SeriesNumber="", BodyPartExamined="")
    assert {element.keyword: element.value for element in found} == {
        "QueryRetrieveLevel": "SERIES",
        "RetrieveAETitle": "PACSGATE",
        "BodyPartExamined": "",
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": "1.2.3.1",
        "SeriesNumber": 4,
    }


def test_what_is_hidden_reads_like_what_is_not_there() -> None:
    without = {keyword: value for keyword, value in SERIES.items() if keyword != "PatientWeight"}
    assert row(without, raw=True, PatientWeight="") == row(
        {**without, "PatientWeight": None}, raw=True, PatientWeight=""
    )


def test_of_a_sequence_only_the_attributes_asked_for_are_in_its_items() -> None:
    found = row(SERIES, RequestAttributesSequence=[{"RequestedProcedureID": ""}])
    assert [[element.keyword for element in item] for item in found.RequestAttributesSequence] == [
        ["RequestedProcedureID"],
        ["RequestedProcedureID"],
    ]
    assert found.RequestAttributesSequence[0].RequestedProcedureID == "R1"


@pytest.mark.parametrize(
    ("asked", "name", "answered"),
    [
        ("ISO_IR 100", "Dörfer", "ISO_IR 100"),
        ("ISO_IR 144", "Ёлкин", "ISO_IR 144"),
        ("ISO_IR 100", "Ёлкин", "ISO_IR 192"),
        ("\\ISO 2022 IR 87", "山田", "ISO_IR 192"),
        ("GB18030", "王", "GB18030"),
        ("", "Dörfer", "ISO_IR 192"),
        ("ISO_IR 100", "DOE", None),
        ("ISO_IR 192", "DOE", None),
    ],
)
def test_text_is_in_the_character_set_of_the_request_where_that_has_it(
    asked: str, name: str, answered: str | None
) -> None:
    found = row({"PatientName": {"Alphabetic": name}}, SpecificCharacterSet=asked, PatientName="")
    assert found.get("SpecificCharacterSet") == answered
    assert str(found.PatientName) == name


def test_numbers_of_every_kind_are_written_as_their_vr_has_them() -> None:
    found = row(
        {"PatientWeight": 1 / 3, "PatientSize": 2, "SeriesNumber": -1},
        PatientWeight="",
        PatientSize="",
        SeriesNumber="",
    )
    assert found.PatientWeight == pytest.approx(1 / 3)
    assert len(str(found.PatientWeight)) <= 16
    assert found.SeriesNumber == -1


def test_a_row_that_is_remembered_is_the_row_that_is_written_anew() -> None:
    asked = {"StudyDate": "", "PatientName": "", "NumberOfStudyRelatedInstances": "", "PatientWeight": ""}
    identifier = read_identifier(
        sent(QueryRetrieveLevel="SERIES", StudyInstanceUID="1.2.3", **asked),
        ImplicitVRLittleEndian,
        Root.STUDY,
    )
    writer = row_writer(
        read_find(identifier, QueryExtensions()), identifier.keys.characters, ImplicitVRLittleEndian, "AE"
    )
    other = {**SERIES, "StudyDate": "20240227", "PatientName": {"Alphabetic": "Dörfer"}}
    for _ in range(2):
        for attributes in map(dicom_json, (SERIES, other, {**SERIES, "StudyDescription": "x" * 5000})):
            assert writer.row(PackedAttributes(pack_attributes(attributes))) == writer.row(attributes)


def test_who_asks_for_other_attributes_or_elsewhere_gets_rows_of_its_own() -> None:
    stored = PackedAttributes(pack_attributes(dicom_json(SERIES)))

    def rows(syntax: str, title: str, **asked: str) -> bytes:
        encoded = sent(QueryRetrieveLevel="SERIES", StudyInstanceUID="1.2.3", **asked)
        identifier = read_identifier(encoded, ImplicitVRLittleEndian, Root.STUDY)
        find = read_find(identifier, QueryExtensions())
        return row_writer(find, identifier.keys.characters, syntax, title).row(stored)

    found = [
        rows(ImplicitVRLittleEndian, "ONE"),
        rows(ImplicitVRLittleEndian, "TWO"),
        rows(ExplicitVRLittleEndian, "ONE"),
        rows(ImplicitVRLittleEndian, "ONE", PatientName=""),
        rows(ImplicitVRLittleEndian, "ONE", PatientName="", SpecificCharacterSet="GB18030"),
    ]
    assert len(set(found)) == len(found)


@given(st.sampled_from(sorted(SINGLE_SETS)), st.text(st.characters(max_codepoint=126, min_codepoint=32)))
def test_what_is_ascii_is_the_same_in_every_set_that_answers_are_written_in(term: str, text: str) -> None:
    assert text.encode(SINGLE_SETS[term]) == text.encode("ascii")


texts = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\\^="), max_size=20)


@given(name=texts, description=texts, asked=st.sampled_from(["", "ISO_IR 100", "GB18030", "ISO_IR 192"]))
def test_whatever_the_index_holds_comes_out_as_it_went_in(name: str, description: str, asked: str) -> None:
    logging.getLogger("pydicom").setLevel(logging.ERROR)
    attributes = {"PatientName": {"Alphabetic": name}, "StudyDescription": description or None}
    found = row(attributes, SpecificCharacterSet=asked, PatientName="", StudyDescription="")
    assert str(found.PatientName).rstrip(" ^=") == name.rstrip(" ^=")
    assert (found.StudyDescription or "").strip() == description.strip()
