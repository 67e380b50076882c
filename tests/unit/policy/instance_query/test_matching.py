"""The evaluation table of the query language of Research PACS on AWS, its recommended column row by row."""

from typing import Any

import pytest
from pydicom.sequence import Sequence

from pacsgate.dicom.json_model import to_json
from pacsgate.policy.instance_query.matching import matches
from pacsgate.policy.instance_query.reading import read_query
from tests.support.data_sets import data_set


def asked(query: str, **elements: Any) -> bool:
    """Ask it of a data set as it is known from an archive: bulk is a link."""
    return matches(read_query(query), to_json(data_set(**elements), lambda _place: "/bulk"))


def items(*elements: dict[str, Any]) -> Sequence:
    return Sequence([data_set(**each) for each in elements])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Modality StrEquals CT", True),
        ("Modality StrEquals ct", True),
        ("Modality StrEquals C", False),
        ("Modality StrEquals C*", True),
        ("Modality StrEquals *", True),
        ("ImageType StrEquals AXIAL", True),
        ("ImageType StrEquals prim*", True),
        ("ImageType StrEquals PRIMARY\\AXIAL", False),
        ("PatientName StrEquals Doe^Jane", True),
        ("PatientName StrEquals DOE*", True),
        ("InstitutionName StrEquals MÜNCHEN", True),
        ('StudyDescription StrEquals ""', True),
        ("SeriesDescription StrEquals CT", False),
    ],
)
def test_a_text_equals_when_any_value_does_whatever_its_case(query: str, expected: bool) -> None:
    found = asked(
        query,
        Modality="CT",
        ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
        PatientName="Doe^Jane",
        InstitutionName="München",
        StudyDescription="",
    )
    assert found is expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Modality StrNotEquals MR", True),
        ("Modality StrNotEquals CT", False),
        ("Modality StrNotEquals c*", False),
        ("ImageType StrNotEquals AXIAL", False),  # one value differs, but one equals
        ("ImageType StrNotEquals LOCALIZER", True),
        ("SeriesDescription StrNotEquals anything", True),  # absent
    ],
)
def test_a_text_differs_when_no_value_equals(query: str, expected: bool) -> None:
    assert asked(query, Modality="CT", ImageType=["ORIGINAL", "PRIMARY", "AXIAL"]) is expected


@pytest.mark.parametrize("value", ["a.b", "a+b", "a?b", "a{2}", "a$b", "a\\b", "[x", "?", "CT|MR", "^a"])
def test_only_the_asterisk_means_anything_but_itself(value: str) -> None:
    query = f'StudyDescription StrEquals "{value}"'
    data_set = {"00081030": {"vr": "LO", "Value": [value]}}
    assert matches(read_query(query), data_set)
    for other in ("axb", "ab", "aab", "b", "aa", "xMR", "CTx", "MR", "CT", "x", "a"):
        assert not matches(read_query(query), {"00081030": {"vr": "LO", "Value": [other]}})


def test_parentheses_in_a_value_are_written_in_quotes() -> None:
    assert asked('StudyDescription StrEquals "a(b)"', StudyDescription="a(b)")
    assert not asked('StudyDescription StrEquals "a(b)"', StudyDescription="ab")


def test_an_asterisk_goes_across_line_breaks() -> None:
    assert asked('ImageComments StrEquals "first*last"', ImageComments="first\nand last")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("PixelSpacing NbEquals 0.5", True),
        ("PixelSpacing NbEquals 0.7", False),
        ("PixelSpacing NbNotEquals 0.5", False),
        ("PixelSpacing NbNotEquals 0.7", True),
        ("PixelSpacing NbGreater 0.5", True),
        ("PixelSpacing NbGreater 0.6", False),
        ("PixelSpacing NbLess 0.6", True),
        ("Rows NbEquals 512.0", True),
        ("SliceThickness NbNotEquals 5", True),
        ("SliceThickness NbEquals 5", False),
    ],
)
def test_a_number_compares_when_any_value_does(query: str, expected: bool) -> None:
    assert asked(query, PixelSpacing=["0.5", "0.6"], Rows=512) is expected


@pytest.mark.parametrize("value", ["+5", " 5 ", "5", "5.0", "0.5e1", "50e-1"])
def test_a_number_is_read_in_every_form(value: str) -> None:
    data_set = {"00081030": {"vr": "LO", "Value": [value]}}
    assert matches(read_query("StudyDescription NbEquals 5"), data_set)
    assert matches(read_query("StudyDescription NbLess 1"), {"00081030": {"vr": "LO", "Value": ["-5"]}})


@pytest.mark.parametrize("value", ["x", "", "5x", "nan", "inf", "\u0665", "1_0", "0x5", None])
def test_a_value_that_is_no_number_is_passed_over(value: str | None) -> None:
    data_set = {"00081030": {"vr": "LO", "Value": [value, "7"]}}
    assert matches(read_query("StudyDescription NbEquals 7"), data_set)
    assert not matches(read_query("StudyDescription NbNotEquals 7"), data_set)
    assert matches(read_query("StudyDescription NbNotEquals 5"), data_set)
    alone = {"00081030": {"vr": "LO", "Value": [value]}}
    assert matches(read_query("StudyDescription NbNotEquals 5"), alone)
    assert not matches(read_query("StudyDescription NbGreater 0 OR StudyDescription NbLess 9"), alone)


def test_large_numbers_are_compared_exactly() -> None:
    data_set = {"00081030": {"vr": "LO", "Value": ["9007199254740993"]}}
    assert matches(read_query("StudyDescription NbEquals 9007199254740993"), data_set)
    assert not matches(read_query("StudyDescription NbEquals 9007199254740992"), data_set)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("StudyDescription Exists", True),
        ("StudyDescription NotExists", False),
        ("StudyDescription Empty", True),
        ("StudyDescription NotEmpty", False),
        ("SeriesDescription Exists", False),
        ("SeriesDescription NotExists", True),
        ("SeriesDescription Empty", False),
        ("SeriesDescription NotEmpty", True),
        ("ImageType Empty", True),
        ("ImageType NotEmpty", True),
        ("PixelData Empty", False),
        ("PixelData NotEmpty", True),
        ('PixelData StrEquals ""', False),
        ("PixelData StrEquals *", False),
        ("EncapsulatedDocument Empty", False),
        ("ProcedureCodeSequence Exists", True),
        ("ProcedureCodeSequence Empty", False),
        ("ProcedureCodeSequence NotEmpty", True),
        ("ReferencedStudySequence Exists", True),
        ("ReferencedStudySequence Empty", True),
        ("ReferencedStudySequence NotEmpty", False),
    ],
)
def test_presence_is_as_the_table_says(query: str, expected: bool) -> None:
    made = data_set(
        StudyDescription="",
        ImageType=["", "x"],
        ProcedureCodeSequence=items({"CodeValue": "X1"}),
        ReferencedStudySequence=Sequence(),
    )
    made.add_new("PixelData", "OW", b"\0\1")
    made.add_new("EncapsulatedDocument", "OB", b"\0\1")
    assert matches(read_query(query), to_json(made, lambda _place: "/bulk")) is expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("ProcedureCodeSequence.CodeValue StrEquals X2", True),
        ("ProcedureCodeSequence.CodeValue StrEquals X3", False),
        ("ProcedureCodeSequence.CodeMeaning Exists", True),
        ("ProcedureCodeSequence.CodeMeaning NotExists", False),  # one of the two items lacks it
        ("ProcedureCodeSequence.CodingSchemeDesignator NotExists", True),
        ("ReferencedStudySequence.CodeValue NotExists", True),
        ("Modality.CodeValue Exists", False),
        (
            "RequestAttributesSequence.ScheduledProtocolCodeSequence.CodeValue StrEquals P2",
            True,
        ),
    ],
)
def test_a_path_goes_through_every_item_at_each_level(query: str, expected: bool) -> None:
    found = asked(
        query,
        Modality="CT",
        ProcedureCodeSequence=items({"CodeValue": "X1", "CodeMeaning": "one"}, {"CodeValue": "X2"}),
        RequestAttributesSequence=items(
            {"ScheduledProtocolCodeSequence": items({"CodeValue": "P1"})},
            {"ScheduledProtocolCodeSequence": items({"CodeValue": "P2"})},
        ),
    )
    assert found is expected


@pytest.mark.parametrize("tag", ["00091010", "7fe00010", "30060002", "0020000d"])
def test_tags_are_found_in_either_case_and_however_they_begin(tag: str) -> None:
    data_set = {tag.upper(): {"vr": "LO", "Value": ["x"]}}
    assert matches(read_query(f"{tag} StrEquals x"), data_set)
    assert matches(read_query(f"{tag.upper()} Exists"), data_set)


def test_a_query_and_its_negation_never_both_match() -> None:
    made = to_json(data_set(Modality="CT", ImageType=["A", "B"], Rows=5, StudyDescription=""))
    for tag in ("Modality", "ImageType", "Rows", "StudyDescription", "SeriesDescription"):
        for plain, negated in (
            (f"{tag} Exists", f"{tag} NotExists"),
            (f"{tag} StrEquals A*", f"{tag} StrNotEquals A*"),
            (f"{tag} NbEquals 5", f"{tag} NbNotEquals 5"),
        ):
            assert matches(read_query(plain), made) is not matches(read_query(negated), made)


@pytest.mark.timeout(5)
def test_no_pattern_takes_long() -> None:
    data_set = {"00081030": {"vr": "LT", "Value": ["a" * 10_000]}}
    pattern = "*".join("a" * 60)
    assert not matches(read_query(f'StudyDescription StrEquals "{pattern}b"'), data_set)
