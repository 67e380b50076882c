import pydicom.datadict
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.dicom.attributes import (
    COMPUTED_KEYWORDS,
    KEPT_KEYWORDS,
    RETURNED_KEYWORDS,
    SEARCH_ATTRIBUTES,
    Use,
    is_private,
    keyword_of,
    level_of,
    parse_attribute_path,
    tag_of,
    vr_of,
)
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level

# PS3.18 table 10.6.1-5, copied from the standard and not from the code.
REQUIRED_MATCHING = {
    Level.STUDY: "00080020 00080030 00080050 00080061 00080090 00100010 00100020 0020000D 00200010",
    Level.SERIES: "00080060 0020000E 00200011 00400244 00400245 00400275",
    Level.INSTANCE: "00080016 00080018 00200013",
}
# PS3.18 tables 10.6.3-3, 10.6.3-4 and 10.6.3-5, but for SpecificCharacterSet, which JSON does not need.
REQUIRED_RETURNED = {
    Level.STUDY: REQUIRED_MATCHING[Level.STUDY]
    + " 00080056 00080201 00081190 00100030 00100040 00201206 00201208",
    Level.SERIES: REQUIRED_MATCHING[Level.SERIES] + " 0008103E 00081190 00201209",
    Level.INSTANCE: REQUIRED_MATCHING[Level.INSTANCE]
    + " 00080056 00081190 00280008 00280010 00280011 00280100",
}


@pytest.mark.parametrize("level", REQUIRED_MATCHING)
def test_the_tables_of_the_standard_are_covered(level: Level) -> None:
    matched = {a.tag for a in SEARCH_ATTRIBUTES if a.level is level and a.use is Use.MATCHED}
    assert matched == set(REQUIRED_MATCHING[level].split())
    assert {tag_of(keyword) for keyword in RETURNED_KEYWORDS[level]} >= set(REQUIRED_RETURNED[level].split())


def test_every_row_names_an_attribute_of_the_dictionary_once_per_level() -> None:
    for attribute in SEARCH_ATTRIBUTES:
        assert keyword_of(attribute.tag) == attribute.keyword
        assert attribute.vr == pydicom.datadict.dictionary_VR(attribute.tag)
    rows = [(attribute.level, attribute.keyword) for attribute in SEARCH_ATTRIBUTES]
    assert len(rows) == len(set(rows))


def test_what_is_computed_is_never_kept() -> None:
    assert not COMPUTED_KEYWORDS & frozenset().union(*KEPT_KEYWORDS.values())


def test_an_attribute_has_the_highest_level_that_holds_it() -> None:
    assert level_of("PatientName") is Level.STUDY
    assert level_of("RetrieveURL") is Level.STUDY
    assert level_of("Modality") is Level.SERIES
    assert level_of("PixelData") is None


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("PatientName", ("PatientName",)),
        ("00100010", ("PatientName",)),
        ("0020000d", ("StudyInstanceUID",)),
        ("00091001", ("00091001",)),
        ("0009100a", ("0009100A",)),
        ("RequestAttributesSequence.ScheduledProcedureStepID",) * 1
        + (("RequestAttributesSequence", "ScheduledProcedureStepID"),),
        ("00400275.RequestedProcedureID", ("RequestAttributesSequence", "RequestedProcedureID")),
        ("00400275.00401001", ("RequestAttributesSequence", "RequestedProcedureID")),
    ],
)
def test_attributes_are_named_by_keyword_tag_or_path(text: str, path: tuple[str, ...]) -> None:
    assert parse_attribute_path(text) == path


@pytest.mark.parametrize(
    "text",
    ["", ".", "PatientNam", "0010001", "0010,0010", "PatientName.PatientID", "A" * 500, "x" + ".x" * 20],
)
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(RequestError):
        parse_attribute_path(text)


def test_a_near_miss_gets_a_suggestion() -> None:
    with pytest.raises(RequestError, match="did you mean `PatientName`"):
        parse_attribute_path("PatientNam")


@given(st.sampled_from(sorted(pydicom.datadict.DicomDictionary)))
def test_every_tag_of_the_dictionary_is_found_by_its_keyword(number: int) -> None:
    tag = f"{number:08X}"
    keyword = keyword_of(tag)
    if keyword is not None:
        assert tag_of(keyword) == tag
    assert vr_of(tag) in pydicom.datadict.dictionary_VR(number)
    assert not is_private(tag)


@given(st.text(max_size=80))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    try:
        path = parse_attribute_path(text)
    except RequestError as refused:
        assert refused.status == 400  # noqa: PT017 - both outcomes are right, each for its texts
        return
    assert parse_attribute_path(".".join(path)) == path
