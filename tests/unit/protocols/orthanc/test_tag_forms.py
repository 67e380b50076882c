from typing import Any

from pacsgate.model.mask import NO_MASK, Mask
from pacsgate.protocols.orthanc.tag_forms import TagsForm, in_form, masked


def element(name: str, value: Any, kind: str = "String") -> dict[str, Any]:
    return {"Name": name, "Type": kind, "Value": value}


FULL = {
    "0010,0010": element("PatientName", "DOE^JANE"),
    "0020,000d": element("StudyInstanceUID", "1.2"),
    "0008,1140": element(
        "ReferencedImageSequence",
        [
            {
                "0010,0010": element("PatientName", "DOE^JANE"),
                "0008,1155": element("ReferencedSOPInstanceUID", "1"),
            }
        ],
        "Sequence",
    ),
    "7fe0,0010": element("PixelData", None, "Null"),
    "0009,1001": {**element("Unknown Tag & Data", None, "Binary"), "PrivateCreator": "ACME"},
}


def test_the_short_form_has_numbers_and_the_human_one_names() -> None:
    assert in_form(FULL, TagsForm.SHORT) == {
        "0010,0010": "DOE^JANE",
        "0020,000d": "1.2",
        "0008,1140": [{"0010,0010": "DOE^JANE", "0008,1155": "1"}],
        "7fe0,0010": None,
        "0009,1001": None,
    }
    assert in_form(FULL, TagsForm.HUMAN) == {
        "PatientName": "DOE^JANE",
        "StudyInstanceUID": "1.2",
        "ReferencedImageSequence": [{"PatientName": "DOE^JANE", "ReferencedSOPInstanceUID": "1"}],
        "PixelData": None,
        "Unknown Tag & Data": None,
    }
    assert in_form(FULL, TagsForm.FULL) == FULL


def test_of_a_masked_element_nothing_is_left_at_any_depth() -> None:
    left = masked(FULL, Mask(frozenset({"PatientName"})))
    assert "DOE" not in str(left)
    assert left.keys() == FULL.keys() - {"0010,0010"}
    assert left["0008,1140"]["Value"] == [{"0008,1155": element("ReferencedSOPInstanceUID", "1")}]


def test_a_mask_that_shows_only_some_hides_what_has_no_keyword() -> None:
    assert masked(FULL, Mask(frozenset({"PatientName"}), all_but=True)).keys() == {"0010,0010", "0020,000d"}


def test_without_a_mask_nothing_is_touched() -> None:
    assert masked(FULL, NO_MASK) is FULL


def test_an_element_of_another_shape_does_not_pass_a_mask() -> None:
    assert masked({"0010,0010": "DOE^JANE", "0010,0020": []}, Mask(frozenset({"StudyDate"}))) == {}
