"""What matching means, VR by VR, in the words of PS3.4 C.2.2.2."""

from typing import Any

import pytest

from pacsgate.dicom.attributes import tag_of, vr_of
from pacsgate.dicom.matching import has_case, is_ascii, is_universal, matches, number_key, range_keys
from pacsgate.dicom.query import Matching, MatchKey, Range, SingleValue, UidList, Wildcard


def holds(
    keyword: str, matching: Matching, *values: Any, fuzzy: bool = False, any_case: bool = False
) -> bool:
    attributes = {tag_of(keyword): {"vr": vr_of(keyword), "Value": list(values)}}
    return matches(MatchKey((keyword,), matching), attributes, fuzzy=fuzzy, any_case=any_case)


@pytest.mark.parametrize(
    ("keyword", "wanted", "value", "found"),
    [
        ("PatientID", "A1", "A1", True),
        ("PatientID", "a1", "A1", False),
        ("PatientID", " A1 ", "A1", True),
        ("PatientComments", " A1", "A1", False),
        ("PatientComments", "A1  ", "A1", True),
        ("Modality", "ct", "CT", False),
        ("StudyInstanceUID", "1.2.84", "1.2.840", False),
        ("StudyInstanceUID", "1.2.840", "1.2.840\0", True),
        ("SeriesNumber", "007", 7, True),
        ("SeriesNumber", "7.0", 7, True),
        ("SeriesNumber", "70", 7, False),
        ("SeriesNumber", "x", 7, False),
        ("SliceThickness", "1.50", 1.5, True),
        ("Rows", "512", 512, True),
        ("StudyDate", "20240229", "20240229", True),
        ("StudyDate", "20240229", "2024.02.29", True),
        ("StudyTime", "1030", "103000", True),
        ("StudyTime", "1030", "103001", False),
        ("StudyTime", "103000", "103000.000", True),
        ("PatientName", "doe^john", {"Alphabetic": "Doe^John^^"}, True),
        ("PatientName", "doe", {"Alphabetic": "Doe^John"}, False),
        ("PatientName", "山田^太郎", {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎"}, True),
    ],
)
def test_single_values(keyword: str, wanted: str, value: Any, found: bool) -> None:
    assert holds(keyword, SingleValue(wanted), value) is found


@pytest.mark.parametrize(
    ("keyword", "pattern", "value", "found"),
    [
        ("StudyDescription", "CT*", "CT HEAD", True),
        ("StudyDescription", "ct*", "CT HEAD", False),
        ("StudyDescription", "C? HEAD", "CT HEAD", True),
        ("StudyDescription", "*HEA", "CT HEAD", False),
        ("PatientName", "DOE*", {"Alphabetic": "Doe^John"}, True),
        ("StudyInstanceUID", "1.2.*", "1.2.840", False),
        ("StudyInstanceUID", "1.2.?", "1.2.3", False),
        ("StudyDate", "2024*", "20240229", False),
        ("SeriesNumber", "1?", 12, False),
        ("PatientAge", "01?Y", "012Y", False),
    ],
)
def test_wildcards_work_only_in_the_vrs_that_have_them(
    keyword: str, pattern: str, value: Any, found: bool
) -> None:
    assert holds(keyword, Wildcard(pattern), value) is found


@pytest.mark.parametrize(
    ("keyword", "low", "high", "value", "found"),
    [
        ("StudyDate", "20240101", "20241231", "20240101", True),
        ("StudyDate", "20240101", "20241231", "20241231", True),
        ("StudyDate", "20240101", None, "20231231", False),
        ("StudyDate", None, "20240101", "20240101", True),
        ("StudyDate", "20240101", "20241231", "2024.06.01", True),
        ("StudyDate", "20240101", "20241231", "unknown", False),
        ("StudyDate", "2024", "2025", "20240601", False),
        ("StudyTime", "10", "1030", "103059.9", True),
        ("StudyTime", "10", "1030", "103100", False),
        ("StudyTime", "103000", None, "1030", True),
        ("AcquisitionDateTime", "2024", "2024", "20241231235959", True),
        ("AcquisitionDateTime", "20240101000000+0000", None, "20240101003000+0100", False),
        ("SeriesNumber", "1", "9", 5, False),
        ("PatientName", "A", "Z", {"Alphabetic": "Doe"}, False),
    ],
)
def test_ranges_are_inclusive_and_only_of_moments(
    keyword: str, low: str | None, high: str | None, value: Any, found: bool
) -> None:
    assert holds(keyword, Range(low, high), value) is found


def test_any_value_of_several_matches() -> None:
    assert holds("ModalitiesInStudy", SingleValue("SR"), "CT", "SR")
    assert not holds("ModalitiesInStudy", SingleValue("MR"), "CT", "SR")
    assert holds("OperatorsName", Wildcard("*two"), {"Alphabetic": "One"}, {"Alphabetic": "Two"})


def test_a_list_matches_one_of_it_and_an_empty_list_nothing() -> None:
    assert holds("StudyInstanceUID", UidList(("1.1", "1.2")), "1.2")
    assert not holds("StudyInstanceUID", UidList(("1.1", "1.2")), "1.3")
    assert not holds("StudyInstanceUID", UidList(()), "1.3")
    assert holds("PatientName", UidList(("A", "doe")), {"Alphabetic": "Doe"})


@pytest.mark.parametrize(
    "matching",
    [SingleValue("x"), Wildcard("?*"), Wildcard("x*"), UidList(("x",)), Range("2", "3"), Range(None, "3")],
)
@pytest.mark.parametrize(
    "keyword", ["PatientName", "PatientID", "StudyDate", "SeriesNumber", "StudyInstanceUID"]
)
def test_a_missing_or_empty_attribute_matches_only_universally(keyword: str, matching: Matching) -> None:
    key = MatchKey((keyword,), matching)
    for attributes in (
        {},
        {tag_of(keyword): {"vr": vr_of(keyword)}},
        {tag_of(keyword): {"vr": "LO", "Value": [None]}},
    ):
        assert not matches(key, attributes)


@pytest.mark.parametrize(
    "matching", [SingleValue(""), SingleValue("  "), Wildcard("*"), Wildcard("**"), Range(None, None)]
)
def test_universal_matching_matches_what_is_missing_too(matching: Matching) -> None:
    assert is_universal(matching)
    assert matches(MatchKey(("PatientName",), matching), {})
    assert matches(MatchKey(("RequestAttributesSequence", "RequestedProcedureID"), matching), {})


def test_a_name_of_nothing_but_delimiters_is_an_empty_value() -> None:
    for text in ("^", "=", "^=^"):
        assert matches(MatchKey(("PatientName",), SingleValue(text)), {})
        assert matches(MatchKey(("PatientName",), Wildcard(text)), {})
    assert matches(MatchKey(("PatientName",), SingleValue("^*")), {}, fuzzy=True)
    assert not matches(MatchKey(("PatientID",), SingleValue("^")), {})


def test_a_key_inside_a_sequence_matches_any_item() -> None:
    items = [{"00401001": {"vr": "SH", "Value": [number]}} for number in ("P1", "P2")]
    attributes = {"00400275": {"vr": "SQ", "Value": items}}
    path = ("RequestAttributesSequence", "RequestedProcedureID")
    assert matches(MatchKey(path, SingleValue("P2")), attributes)
    assert not matches(MatchKey(path, SingleValue("P3")), attributes)
    assert not matches(MatchKey(path[:1], SingleValue("P2")), attributes)


def test_a_private_element_compares_by_the_vr_that_it_says() -> None:
    attributes = {"00091001": {"vr": "IS", "Value": [7]}}
    assert matches(MatchKey(("00091001",), SingleValue("007")), attributes)


@pytest.mark.parametrize("name", ["*oh*", "*^Jo?n", "D*^J*", "Doe^John"])
def test_fuzzy_matching_finds_whatever_is_found_without_it(name: str) -> None:
    for fuzzy in (False, True):
        assert holds("PatientName", Wildcard(name), {"Alphabetic": "Doe^John"}, fuzzy=fuzzy)


@pytest.mark.parametrize(
    ("keyword", "matching", "value"),
    [
        ("Modality", SingleValue("ct"), "CT"),
        ("PatientID", UidList(("x", "abc")), "aBc"),
        ("StudyDescription", Wildcard("?ct *"), "\u0130CT HEAD"),
        ("StudyDescription", SingleValue("TH\u00c9R\u00c8SE"), "th\u00e9r\u00e8se"),
        ("PatientName", SingleValue("DOE^JOHN"), {"Alphabetic": "Doe^John"}),
        ("SeriesNumber", SingleValue("007"), 7),
        ("StudyDate", Range("20240101", None), "20240229"),
    ],
)
def test_in_any_case_letters_of_either_case_are_the_same(
    keyword: str, matching: Matching, value: Any
) -> None:
    assert holds(keyword, matching, value, any_case=True)
    assert not holds(keyword, SingleValue("other"), value, any_case=True)


@pytest.mark.parametrize(
    ("wanted", "value"), [("k", "\u212a"), ("\u212a", "K"), ("i\u0307", "\u0130"), ("i", "\u0130")]
)
def test_in_any_case_a_letter_outside_ascii_is_none_of_ascii(wanted: str, value: str) -> None:
    assert not holds("PatientID", SingleValue(wanted), value, any_case=True)


def test_what_is_asked_for_is_in_ascii_or_not() -> None:
    assert is_ascii(UidList(("a", "B")))
    assert not is_ascii(Wildcard("*\u00e9"))


@pytest.mark.parametrize(
    ("matching", "has"),
    [
        (SingleValue("123-4 *"), False),
        (SingleValue("12a"), True),
        (UidList(("1.2", "1.3")), False),
        (UidList(("1", "B")), True),
        (Wildcard("*\u00e9"), True),
        (Wildcard("\u5c71*"), False),
        (Range("1", "2"), False),
    ],
)
def test_only_letters_have_a_case(matching: Matching, *, has: bool) -> None:
    assert has_case(matching) is has


def test_fuzzy_concerns_names_only() -> None:
    assert holds("PatientName", SingleValue("john"), {"Alphabetic": "Doe^John"}, fuzzy=True)
    assert not holds("PatientName", SingleValue("john"), {"Alphabetic": "Doe^John"})
    assert not holds("StudyDescription", SingleValue("HEAD"), "CT HEAD", fuzzy=True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("7", 7),
        ("+7", 7),
        ("0", -0.0),
        ("1e2", 100),
        (".5", 0.5),
        ("1.10", 1.1),
        (2**63, "9223372036854775808"),
    ],
)
def test_equal_numbers_have_one_key(one: Any, other: Any) -> None:
    assert number_key(one) == number_key(other) is not None


def test_what_is_no_number_or_moment_has_no_key() -> None:
    assert [number_key(text) for text in ("", "x", "nan", "inf", "1,5")] == [None] * 5
    assert range_keys(Range("tomorrow", None), "DA") is None
    assert range_keys(Range(None, "20240101"), "DA") == (None, "20240101")
