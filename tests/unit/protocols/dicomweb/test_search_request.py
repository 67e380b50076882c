import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.dicom.query import MatchKey, Query, Range, SingleValue, UidList, Wildcard
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level, ResourceKey
from pacsgate.protocols.dicomweb.search_request import read_search
from pacsgate.protocols.query_string import read_query_string


def search(raw: str, level: Level = Level.STUDY, key: ResourceKey | None = None) -> Query:
    return read_search(level, key, read_query_string(raw.encode()), maximum=1000)


def only(raw: str, level: Level = Level.STUDY) -> MatchKey:
    (key,) = search(raw, level).match
    return key


def test_a_search_without_parameters_asks_for_everything_up_to_the_maximum() -> None:
    assert search("") == Query(Level.STUDY, limit=1000)


def test_the_parents_in_the_path_are_part_of_the_query() -> None:
    query = search("", Level.INSTANCE, ResourceKey("1.2", "3.4"))
    assert (query.study_instance_uid, query.series_instance_uid) == ("1.2", "3.4")


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        ("PatientID=A1", MatchKey(("PatientID",), SingleValue("A1"))),
        ("00100020=A1", MatchKey(("PatientID",), SingleValue("A1"))),
        ("PatientName=DOE*", MatchKey(("PatientName",), Wildcard("DOE*"))),
        ("PatientName=DOE^J%3Fhn", MatchKey(("PatientName",), Wildcard("DOE^J?hn"))),
        ("PatientName=%20DOE%20", MatchKey(("PatientName",), SingleValue("DOE"))),
        ("StudyDate=20200101", MatchKey(("StudyDate",), SingleValue("20200101"))),
        ("StudyDate=20200101-20201231", MatchKey(("StudyDate",), Range("20200101", "20201231"))),
        ("StudyDate=-20201231", MatchKey(("StudyDate",), Range(None, "20201231"))),
        ("StudyDate=20200101-", MatchKey(("StudyDate",), Range("20200101", None))),
        ("StudyTime=1000-1200", MatchKey(("StudyTime",), Range("1000", "1200"))),
        ("StudyInstanceUID=1.2", MatchKey(("StudyInstanceUID",), SingleValue("1.2"))),
        ("StudyInstanceUID=1.2,1.3", MatchKey(("StudyInstanceUID",), UidList(("1.2", "1.3")))),
        ("StudyInstanceUID=1.2%5C1.3", MatchKey(("StudyInstanceUID",), UidList(("1.2", "1.3")))),
        ("ModalitiesInStudy=CT,MR", MatchKey(("ModalitiesInStudy",), UidList(("CT", "MR")))),
        ("ModalitiesInStudy=CT%5CMR", MatchKey(("ModalitiesInStudy",), UidList(("CT", "MR")))),
        ("StudyDescription=a,b", MatchKey(("StudyDescription",), SingleValue("a,b"))),
        ("PatientID=A%5CB&multiplevaluematching=true", MatchKey(("PatientID",), UidList(("A", "B")))),
        ("NumberOfStudyRelatedInstances=4", MatchKey(("NumberOfStudyRelatedInstances",), SingleValue("4"))),
    ],
)
def test_a_value_is_read_by_its_vr(raw: str, key: MatchKey) -> None:
    assert only(raw) == key


@pytest.mark.parametrize(
    "name",
    [
        "RequestAttributesSequence.ScheduledProcedureStepID",
        "00400275.00400009",
        "00400275.ScheduledProcedureStepID",
    ],
)
def test_a_sequence_is_searched_by_a_dotted_path_of_keywords_or_tags(name: str) -> None:
    expected = MatchKey(("RequestAttributesSequence", "ScheduledProcedureStepID"), SingleValue("S1"))
    assert only(f"{name}=S1", Level.SERIES) == expected


def test_a_date_time_range_is_told_from_an_offset_to_the_west() -> None:
    name = "00400275.00404005"  # ScheduledProcedureStepStartDateTime, a DT
    assert only(f"{name}=20200101120000-0500", Level.SERIES).matching == SingleValue("20200101120000-0500")
    assert only(f"{name}=20200101120000-0500-20210101", Level.SERIES).matching == Range(
        "20200101120000-0500", "20210101"
    )


@pytest.mark.parametrize("value", ["", "*", "%20"])
def test_an_empty_value_matches_everything_and_asks_for_the_attribute(value: str) -> None:
    query = search(f"StudyDescription={value}")
    assert query.match == ()
    assert query.include == {"StudyDescription"}


def test_included_attributes_come_repeated_listed_and_by_tag() -> None:
    query = search("includefield=StudyDescription,00081010&includefield=00400275.00400009")
    assert query.include == {
        "StudyDescription",
        "StationName",
        "RequestAttributesSequence.ScheduledProcedureStepID",
    }
    assert not query.include_all
    assert search("includefield=all&includefield=StudyDescription").include_all


def test_what_is_matched_on_is_returned() -> None:
    assert search("InstitutionName=X").include == {"InstitutionName"}


@given(st.integers(0, 10**30), st.integers(0, 10**30))
def test_limits_are_clamped_to_the_maximum_and_offsets_to_what_can_exist(limit: int, offset: int) -> None:
    query = search(f"limit={limit}&offset={offset}")
    assert query.limit == min(limit, 1000)
    assert query.offset == min(offset, 2**31 - 1)


def test_fuzzy_matching_is_off_unless_asked_for() -> None:
    assert not search("fuzzymatching=false").fuzzy
    assert search("fuzzymatching=true").fuzzy


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ("limit=-1", "`limit` is a whole number"),
        ("limit=1.5", "`limit` is a whole number"),
        ("limit=", "`limit` is a whole number"),
        ("limit=%D9%A1", "`limit` is a whole number"),
        ("offset=x", "`offset` is a whole number"),
        ("limit=1&limit=2", "`limit` is given twice"),
        ("fuzzymatching=yes", "`true` or `false`"),
        ("emptyvaluematching=true", "not supported"),
        ("PatientID=1&PatientID=2", "`PatientID` is matched on twice"),
        ("PatientID=1&00100020=1", "`PatientID` is matched on twice"),
        ("PatientID=A%5CB", "several values"),
        ("PatientID=A%5CB*&multiplevaluematching=true", "none of them may have a wildcard"),
        ("PatientID=A%5C&multiplevaluematching=true", "lists an empty value"),
        ("PatientName=A%5CB&multiplevaluematching=true", "one at a time"),
        ("PatientNam=A", "did you mean `PatientName`?"),
        ("limti=1", "did you mean `limit`?"),
        ("StudyDate=2020-01-01", "expected `YYYYMMDD`"),
        ("StudyDate=20201301", "expected `YYYYMMDD`"),
        ("StudyDate=-", "malformed"),
        ("StudyDate=2020*", "malformed"),
        ("StudyTime=25", "malformed"),
        ("StudyInstanceUID=1.2,", "malformed UID"),
        ("StudyInstanceUID=1.2*", "malformed UID"),
        ("StudyInstanceUID=" + ",".join(["1"] * 1001), "more than 1000"),
        ("StudyDescription=" + "x" * 1025, "longer than"),
        ("NumberOfStudyRelatedInstances=4*", "a whole number"),
        ("PixelData=1", "cannot be searched for"),
        ("ProcedureCodeSequence=1", "name an attribute inside it"),
        ("PatientID.CodeValue=1", "not a sequence"),
        ("SeriesDescription=x", "attribute of a series"),
        ("00091001=x", "cannot be searched for"),
        ("includefield=Nothing", "unknown attribute"),
        ("includefield=", "names no attribute"),
        ("includefield=StudyDate,,StudyTime", "names no attribute"),
        ("includefield=RequestAttributesSequence..StudyDate", "names no attribute"),
    ],
)
def test_a_condition_that_is_not_understood_is_refused_and_never_skipped(raw: str, sentence: str) -> None:
    with pytest.raises(RequestError) as refusal:
        search(raw)
    assert refusal.value.status == 400
    assert sentence in refusal.value.public


def test_a_search_for_instances_may_match_on_every_level_above() -> None:
    query = search("PatientID=A&Modality=CT&SOPClassUID=1.2", Level.INSTANCE)
    assert [key.keyword for key in query.match] == ["PatientID", "Modality", "SOPClassUID"]


def test_a_refusal_does_not_repeat_the_value() -> None:
    with pytest.raises(RequestError) as refusal:
        search("StudyDate=DOE^JOHN")
    assert "DOE" not in refusal.value.public
