from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import ImplicitVRLittleEndian

from pacsgate.dicom.matching import matches
from pacsgate.dicom.query import MatchKey, Query, Range, SingleValue, UidList, Wildcard
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.protocols.dicomweb.search_request import read_search
from pacsgate.protocols.dimse.extended_negotiation import QueryExtensions
from pacsgate.protocols.dimse.find_request import Find, Wanted, read_find, spelled
from pacsgate.protocols.dimse.identifiers import QUERY_LEVELS, read_identifier
from pacsgate.protocols.dimse.services import Root
from pacsgate.protocols.query_string import read_query_string
from tests.support.indexing import dicom_json
from tests.unit.protocols.dimse.encoded import sent

PLAIN = QueryExtensions()


def find(root: Root = Root.STUDY, extensions: QueryExtensions = PLAIN, **values: Any) -> Find:
    values = {"QueryRetrieveLevel": "STUDY", **values}
    identifier = read_identifier(sent(**values), ImplicitVRLittleEndian, root)
    return read_find(identifier, extensions)


def query(**values: Any) -> Query:
    (only,) = find(**values).queries
    return only


def tags(found: Find) -> list[str]:
    return [wanted.tag for wanted in found.wanted]


@pytest.mark.parametrize(
    "raw",
    [
        "PatientName=DOE*",
        "PatientID=A1",
        "AccessionNumber=A?1",
        "StudyDate=20200101-20201231",
        "StudyDate=20200101&StudyTime=1000-1200",
        "StudyDate=-20201231",
        "ModalitiesInStudy=CT%5CMR",
        "ReferringPhysicianName=*",
        "NumberOfStudyRelatedInstances=4",
        "StudyDescription=a,b",
        "StudyInstanceUID=1.2%5C1.3",
    ],
)
def test_a_search_asks_the_index_what_the_same_search_by_qido_asks(raw: str) -> None:
    parameters = read_query_string(raw.encode())
    by_web = read_search(Level.STUDY, None, parameters, maximum=1000)
    by_dimse = query(**{name: value.split("\\") if "\\" in value else value for name, value in parameters})
    assert set(by_dimse.match) == set(by_web.match)


def test_an_empty_value_asks_for_an_attribute_and_matches_everything() -> None:
    found = find(PatientName="", StudyDate="*")
    assert found.queries == (Query(Level.STUDY),)
    assert tags(found) == ["00080020", "00100010", "0020000D"]


def test_a_list_of_uids_is_matched_as_one() -> None:
    assert query(StudyInstanceUID=["1.2", "1.3"]).match == (
        MatchKey(("StudyInstanceUID",), UidList(("1.2", "1.3"))),
    )


def test_parents_stand_where_the_index_looks_for_them() -> None:
    found = query(
        QueryRetrieveLevel="IMAGE", StudyInstanceUID="1.2", SeriesInstanceUID="1.2.1", InstanceNumber="7"
    )
    assert (found.level, found.study_instance_uid, found.series_instance_uid) == (
        Level.INSTANCE,
        "1.2",
        "1.2.1",
    )
    assert found.match == (MatchKey(("InstanceNumber",), SingleValue("7")),)


@pytest.mark.parametrize(
    ("root", "values"),
    [
        (Root.STUDY, {"QueryRetrieveLevel": "SERIES"}),
        (Root.STUDY, {"QueryRetrieveLevel": "SERIES", "StudyInstanceUID": ""}),
        (Root.STUDY, {"QueryRetrieveLevel": "SERIES", "StudyInstanceUID": ["1.2", "1.3"]}),
        (Root.STUDY, {"QueryRetrieveLevel": "IMAGE", "StudyInstanceUID": "1.2"}),
        (Root.PATIENT, {"QueryRetrieveLevel": "STUDY"}),
        (Root.PATIENT, {"QueryRetrieveLevel": "STUDY", "PatientID": "P*"}),
        (Root.PATIENT, {"QueryRetrieveLevel": "SERIES", "StudyInstanceUID": "1.2"}),
    ],
)
def test_a_hierarchical_search_names_one_of_each_level_above(root: Root, values: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match="must have one value"):
        find(root, **values)
    find(root, QueryExtensions(relational=True), **values)


@pytest.mark.parametrize(
    "values",
    [
        {"Modality": "CT"},
        {"SOPClassUID": "1.2.3"},
        {"RequestAttributesSequence": [{"ScheduledProcedureStepID": "S1"}]},
    ],
)
def test_a_condition_of_a_lower_level_is_refused_for_leaving_it_out_would_find_more(
    values: dict[str, Any],
) -> None:
    with pytest.raises(RequestError, match="is an attribute of a"):
        find(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"Modality": ""},
        {"PatientBirthName": "DOE"},
        {"NumberOfPatientRelatedStudies": ""},
        {"RetrieveURL": ""},
    ],
)
def test_an_attribute_that_is_not_supported_is_left_out_and_said_so(values: dict[str, Any]) -> None:
    found = find(**values)
    assert found.ignores_keys
    assert found.queries == (Query(Level.STUDY),)
    assert tags(found) == ["0020000D"]


def test_private_elements_are_not_supported_and_nothing_in_them_is_read() -> None:
    identifier = read_identifier(
        sent(QueryRetrieveLevel="STUDY", **{"00091001": b"\xff\x00\x80\x1b"}),
        ImplicitVRLittleEndian,
        Root.STUDY,
    )
    assert read_find(identifier, PLAIN).ignores_keys


@pytest.mark.parametrize(
    "values",
    [
        {"PatientID": "A\\B"},
        {"PatientName": ["DOE", "ROE"]},
        {"AccessionNumber": ["1", "2"]},
        {"StudyDate": "2026*"},
        {"StudyDate": "yesterday"},
        {"StudyTime": "25"},
        {"StudyInstanceUID": "1.2.x"},
        {"NumberOfStudyRelatedSeries": "many"},
        {"PatientName": "x" * 1025},
        {"StudyInstanceUID": [f"1.{n}" for n in range(1001)]},
        {"ProcedureCodeSequence": [{"CodeValue": ""}, {"CodeValue": ""}]},
    ],
)
def test_what_cannot_be_matched_on_is_refused_rather_than_found_nowhere(values: dict[str, Any]) -> None:
    with pytest.raises(RequestError) as refused:
        find(**values)
    assert "DOE" not in refused.value.public


def test_a_long_patient_id_is_looked_for_like_any_other() -> None:
    assert query(PatientID="x" * 100).match == (MatchKey(("PatientID",), SingleValue("x" * 100)),)


def test_one_item_of_a_sequence_is_matched_on_and_says_what_of_it_is_wanted() -> None:
    item = {"ScheduledProcedureStepID": "S*", "RequestedProcedureID": ""}
    found = find(QueryRetrieveLevel="SERIES", StudyInstanceUID="1.2", RequestAttributesSequence=[item])
    assert found.queries[0].match == (
        MatchKey(("RequestAttributesSequence", "ScheduledProcedureStepID"), Wildcard("S*")),
    )
    assert Wanted("00400275", (Wanted("00400009"), Wanted("00401001"))) in found.wanted
    whole = find(QueryRetrieveLevel="SERIES", StudyInstanceUID="1.2", RequestAttributesSequence=[])
    assert Wanted("00400275") in whole.wanted


def test_a_search_for_patients_is_one_for_studies_with_a_visible_patient_id() -> None:
    found = find(
        Root.PATIENT, QueryRetrieveLevel="PATIENT", PatientName="DOE*", NumberOfPatientRelatedSeries=""
    )
    (asked,) = found.queries
    assert asked.level is Level.STUDY
    assert {key.keyword for key in asked.match} == {"PatientName", "PatientID"}
    assert found.counts == {"NumberOfPatientRelatedSeries"}


def test_a_zone_is_no_condition() -> None:
    assert query(TimezoneOffsetFromUTC="+0100").match == ()


def test_fuzzy_names_have_to_be_agreed_on() -> None:
    assert not query(PatientName="DOE").fuzzy
    assert find(extensions=QueryExtensions(fuzzy=True), PatientName="DOE").queries[0].fuzzy


def test_the_record_names_the_level_and_every_key() -> None:
    identifier = read_identifier(
        sent(
            QueryRetrieveLevel="SERIES",
            PatientName="Dörfer^J*",
            StudyInstanceUID="1.2",
            RequestAttributesSequence=[{"ScheduledProcedureStepID": "a&b"}],
        ),
        ImplicitVRLittleEndian,
        Root.STUDY,
    )
    assert spelled(identifier) == (
        "C-FIND Study Root SERIES?PatientName=D%C3%B6rfer^J*&StudyInstanceUID=1.2"
        "&RequestAttributesSequence.ScheduledProcedureStepID=a%26b"
    )


# ------------------------------------------------------------------ a date and a time as one moment

DAYS = [f"{date(2024, 2, day):%Y%m%d}" for day in range(26, 30)]
TIMES = ["0000", "0930", "1200", "2359"]
maybe = st.none()


@given(
    days=st.tuples(maybe | st.sampled_from(DAYS), maybe | st.sampled_from(DAYS)).filter(any),
    times=st.tuples(maybe | st.sampled_from(TIMES), maybe | st.sampled_from(TIMES)).filter(any),
)
def test_combined_moments_find_what_lies_between_two_moments_each_once(
    days: tuple[str | None, str | None], times: tuple[str | None, str | None]
) -> None:
    (low, high), (begin, end) = days, times
    asked = find(
        extensions=QueryExtensions(combined_date_time=True),
        StudyDate=f"{low or ''}-{high or ''}",
        StudyTime=f"{begin or ''}-{end or ''}",
    )
    for day in DAYS:
        for time in TIMES:
            study = dicom_json({"StudyDate": day, "StudyTime": time})
            found = [all(matches(key, study) for key in each.match) for each in asked.queries]
            expected = (
                (low or "") <= day
                and (high is None or day <= high)
                and (low is None or begin is None or (day, time) >= (low, begin))
                and (high is None or end is None or (day, time) <= (high, end))
            )
            if low is None and begin is not None:
                # Without a first day a first time bounds nothing, as without one a last time does.
                assert sum(found) <= 1
                continue
            assert sum(found) == expected, (day, time)


def test_moments_are_combined_only_if_that_was_agreed_on() -> None:
    values = {"StudyDate": "20240226-20240227", "StudyTime": "0930-1200"}
    assert set(query(**values).match) == {
        MatchKey(("StudyDate",), Range("20240226", "20240227")),
        MatchKey(("StudyTime",), Range("0930", "1200")),
    }


@pytest.mark.parametrize("level", QUERY_LEVELS)
def test_every_level_can_be_asked_relationally(level: str) -> None:
    found = find(Root.PATIENT, QueryExtensions(relational=True), QueryRetrieveLevel=level)
    assert found.level is QUERY_LEVELS[level]


def test_a_record_is_not_made_longer_than_a_search_needs() -> None:
    uids = [f"1.2.{number}" for number in range(1000)]
    filler = {f"0010{number:04X}": "x" * 1000 for number in range(0x2000, 0x2100)}
    identifier = read_identifier(
        sent(QueryRetrieveLevel="STUDY", StudyInstanceUID=uids, **filler), ImplicitVRLittleEndian, Root.STUDY
    )
    assert len(spelled(identifier)) < 17_000
