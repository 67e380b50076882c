"""The search form means what QIDO-RS would be asked; most of it is compared with the reader that the door uses."""

import pytest

from pacsgate.admin.console.study_search import FURTHER, MAIN, StudySearch
from pacsgate.dicom.query import Query
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.protocols.dicomweb.search_request import read_search
from pacsgate.protocols.query_string import read_query_string


def by_form(**values: str) -> Query:
    return StudySearch.read(values).query(limit=50, offset=0)


def by_qido(parameters: str) -> Query:
    return read_search(Level.STUDY, None, read_query_string(parameters.encode()), maximum=50)


@pytest.mark.parametrize(
    ("values", "parameters"),
    [
        ({}, ""),
        ({"PatientName": "doe"}, "PatientName=doe*"),
        ({"PatientName": "Doe, Jane"}, "PatientName=Doe^Jane*"),
        ({"PatientName": "D?e"}, "PatientName=D?e"),
        ({"PatientID": " P1 "}, "PatientID=P1"),
        ({"from": "2026-08-07"}, "StudyDate=20260807-"),
        ({"until": "2026-08-07"}, "StudyDate=-20260807"),
        ({"from": "2026-08-07", "until": "2026-08-07"}, "StudyDate=20260807"),
        ({"from": "2026-08-01", "until": "2026-08-07"}, "StudyDate=20260801-20260807"),
        ({"ModalitiesInStudy": "ct"}, "ModalitiesInStudy=CT"),
        ({"AccessionNumber": "A*"}, "AccessionNumber=A*"),
        ({"StudyDescription": "thorax"}, "StudyDescription=*thorax*"),
        ({"ReferringPhysicianName": "ref"}, "ReferringPhysicianName=ref*"),
        ({"PatientBirthDate": "1968-04-12"}, "PatientBirthDate=19680412"),
        ({"StudyID": "S1", "StudyInstanceUID": "1.2.3"}, "StudyID=S1&StudyInstanceUID=1.2.3"),
        ({"keyword": "InstitutionName", "value": "General"}, "InstitutionName=General"),
    ],
)
def test_a_form_asks_what_qido_rs_would(values: dict[str, str], parameters: str) -> None:
    assert by_form(**values) == by_qido(parameters)


@pytest.mark.parametrize(
    "values",
    [
        {"from": "yesterday"},
        {"keyword": "InstitutionName"},
        {"value": "General"},
        {"keyword": "NoSuchKeyword", "value": "x"},
        {"keyword": "SliceThickness", "value": "1\n2"},
        {"PatientID": "a\x00b"},
    ],
)
def test_what_cannot_be_asked_is_refused_and_not_passed_over(values: dict[str, str]) -> None:
    with pytest.raises(RequestError):
        by_form(**values)


def test_a_field_that_the_form_does_not_have_is_not_asked() -> None:
    assert by_form(limit="1000000", offset="7", includefield="all") == by_qido("")


def test_every_field_of_the_form_can_be_asked() -> None:
    filled = {"from", "until", "PatientBirthDate"}
    for field in (*MAIN, *FURTHER):
        if field.name not in {"keyword", "value"}:
            value = "2026-01-31" if field.name in filled else "1.2"
            assert by_form(**{field.name: value}).match
