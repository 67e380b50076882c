import json
from typing import Any

import pytest

from pacsgate.dicom.query import MatchKey, Query, Range, SingleValue, UidList, Wildcard
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.protocols.orthanc.arguments import Page
from pacsgate.protocols.orthanc.find_body import read_count, read_find
from pacsgate.protocols.orthanc.tag_forms import TagsForm

ONE = "6b0d4bd6-1b5bb9d6-6a2f0d54-0c1e7a0f-aa11bb22"


def body(level: str = "Study", **fields: Any) -> bytes:
    return json.dumps({"Level": level, "Query": {}} | fields).encode()


def test_a_search_without_conditions_is_for_everything_of_a_level() -> None:
    found = read_find(body())
    assert found.query == Query(Level.STUDY, any_case=True)
    assert (found.level, found.page, found.expand, found.form) == (
        Level.STUDY,
        Page(0, None),
        False,
        TagsForm.HUMAN,
    )


@pytest.mark.parametrize("spelled", ["patient", "Patients", "PATIENT"])
def test_patients_are_searched_for_among_studies(spelled: str) -> None:
    found = read_find(body(spelled, Query={"PatientID": "P1"}))
    assert (found.level, found.query.level) == (Level.PATIENT, Level.STUDY)
    assert found.query.match == (MatchKey(("PatientID",), SingleValue("P1")),)


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("PatientName", "DOE*", MatchKey(("PatientName",), Wildcard("DOE*"))),
        ("0010,0010", "DOE", MatchKey(("PatientName",), SingleValue("DOE"))),
        ("0010-0020", "P1", MatchKey(("PatientID",), SingleValue("P1"))),
        ("StudyDate", "20200101-20201231", MatchKey(("StudyDate",), Range("20200101", "20201231"))),
        ("PatientName", "DOE\\ROE", MatchKey(("PatientName",), UidList(("DOE", "ROE")))),
        ("ModalitiesInStudy", "CT\\MR", MatchKey(("ModalitiesInStudy",), UidList(("CT", "MR")))),
        ("StudyInstanceUID", "1.2\\1.3", MatchKey(("StudyInstanceUID",), UidList(("1.2", "1.3")))),
        ("00080020", "20200101-", MatchKey(("StudyDate",), Range("20200101", None))),
    ],
)
def test_a_condition_is_read_as_dicom_matching(name: str, value: str, key: MatchKey) -> None:
    assert read_find(body(Query={name: value})).query.match == (key,)


@pytest.mark.parametrize("value", ["", "*"])
def test_a_condition_that_everything_meets_is_none(value: str) -> None:
    assert read_find(body(Query={"PatientName": value})).query.match == ()


def test_the_case_of_letters_counts_only_where_the_body_says_so() -> None:
    assert read_find(body()).query.any_case
    assert not read_find(body(CaseSensitive=True)).query.any_case


@pytest.mark.parametrize(
    ("level", "key"),
    [
        ("Patient", "StudyDate"),
        ("Study", "Modality"),
        ("Study", "SOPInstanceUID"),
        ("Series", "InstanceNumber"),
    ],
)
def test_a_condition_on_what_is_below_is_refused(level: str, key: str) -> None:
    with pytest.raises(RequestError, match=f"`{key}` is an attribute of a"):
        read_find(body(level, Query={key: "1"}))


@pytest.mark.parametrize(
    "fields",
    [
        {"Query": None},
        {"Query": []},
        {"Query": {"PatientName": 5}},
        {"Query": {"PatientName": ["a"]}},
        {"Query": {"Nonsense": "x"}},
        {"Query": {"PatientName": "a", "0010,0010": "b"}},
        {"Query": {"ReferencedStudySequence": "x"}},
        {"Query": {"StudyInstanceUID": "1.2*"}},
        {"Query": {"StudyDate": "2003*"}},
        {"Query": {"StudyDate": "2020-2021"}},
        {"Query": {"00091001": "x"}},
        {"Query": {"PatientName": "DOE\\"}},
        {"Query": {"PatientName": "DOE\\R*"}},
        {"Level": "Cohort"},
        {"Level": 1},
        {"Expand": "yes"},
        {"Limit": -1},
        {"Limit": True},
        {"Since": 0.5},
        {"CaseSensitive": 1},
        {"Labels": "a"},
        {"RequestedTags": ["../x"]},
        {"OrderBy": []},
        {"ResponseContent": ["Metadata"]},
        {"MetadataQuery": {}},
        {"Foo": 1},
        {"ParentPatient": "1.2.3"},
        {"ParentSeries": ONE},
        {"ParentStudy": ONE},
        {"ParentPatient": ONE, "ParentStudy": ONE},
    ],
)
def test_what_is_not_understood_is_refused_and_not_passed_over(fields: dict[str, Any]) -> None:
    with pytest.raises(RequestError) as refusal:
        read_find(body(**fields))
    assert refusal.value.status == 400


@pytest.mark.parametrize("missing", ["Level", "Query"])
def test_level_and_query_are_not_optional(missing: str) -> None:
    fields = {"Level": "Study", "Query": {}}
    del fields[missing]
    with pytest.raises(RequestError, match=missing):
        read_find(json.dumps(fields).encode())


def test_the_rest_of_a_search_is_read() -> None:
    found = read_find(
        body(
            "Instance",
            Expand=True,
            Limit=5,
            Since=10,
            Full=True,
            RequestedTags=["StudyDate", "0010-0010"],
            ParentStudy=ONE,
        )
    )
    assert (found.expand, found.page, found.form) == (True, Page(10, 5), TagsForm.FULL)
    assert found.requested == ("StudyDate", "PatientName")
    assert found.parent == (Level.STUDY, ONE)


def test_a_limit_of_nought_is_no_limit_as_in_orthanc() -> None:
    assert read_find(body(Limit=0)).page == Page(0, None)


def test_a_count_has_the_conditions_of_a_search_and_nothing_else() -> None:
    raw = body(Query={"PatientID": "P1"}, ParentPatient=ONE)
    counted, found = read_count(raw), read_find(raw)
    assert (counted.query, counted.parent) == (found.query, found.parent)
    with pytest.raises(RequestError, match="unknown field `Limit`"):
        read_count(body(Limit=1))


@pytest.mark.parametrize(
    "fields", [{"Labels": ["a"]}, {"LabelsConstraint": "None"}, {"Labels": [], "LabelsConstraint": "Some"}]
)
def test_a_search_for_labels_is_not_served(fields: dict[str, Any]) -> None:
    for read in (read_find, read_count):
        assert read(body(Labels=[], LabelsConstraint="Any")) == read(body())
        with pytest.raises(RequestError) as refusal:
            read(body(**fields))
        assert refusal.value.status == 501
