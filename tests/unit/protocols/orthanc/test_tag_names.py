import pytest

from pacsgate.model.errors import RequestError
from pacsgate.protocols.orthanc.tag_names import read_content_path, read_name, read_names, written


@pytest.mark.parametrize("text", ["PatientName", "0010,0010", "0010-0010", "00100010"])
def test_an_attribute_has_one_name_however_it_is_spelled(text: str) -> None:
    assert read_name(text) == "PatientName"


def test_what_has_no_keyword_is_named_by_its_tag() -> None:
    assert read_name("0029,10ab") == "002910AB"
    assert written("002910AB") == "0029,10ab"


@pytest.mark.parametrize(
    "text", ["", "0010", "0010,001", "Patient Name", "../x", "Nonsense", "0010,0010,0010"]
)
def test_what_is_no_attribute_is_refused(text: str) -> None:
    with pytest.raises(RequestError):
        read_name(text)


def test_several_are_named_once_each_in_their_order() -> None:
    assert read_names(["StudyDate", "0010,0010", "PatientName"]) == ("StudyDate", "PatientName")


def test_a_place_in_an_instance_is_tags_with_item_numbers_between_them() -> None:
    assert read_content_path(("0008-1140", "0", "ReferencedSOPInstanceUID")) == ("00081140", "0", "00081155")
    assert read_content_path(("7fe0-0010", "1")) == ("7FE00010", "1")


@pytest.mark.parametrize(
    "segments", [("x y",), ("Nonsense",), ("0008-1140", "x"), ("0008-1140", "-1"), ("0008-1140", "00")]
)
def test_what_is_no_place_is_answered_like_one_with_nothing_at_it(segments: tuple[str, ...]) -> None:
    with pytest.raises(RequestError) as refusal:
        read_content_path(segments)
    assert refusal.value.status == 404
