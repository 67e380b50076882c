from typing import Any

import pytest

from pacsgate.model.mask import Mask
from pacsgate.model.resource import Level
from pacsgate.protocols.orthanc.documents import (
    CHILDREN,
    MAIN_TAGS,
    PARENT,
    VisiblePart,
    composed,
    other_ids,
    picked,
    reduced,
)
from pacsgate.protocols.orthanc.modules import MODULES
from pacsgate.protocols.orthanc.tag_forms import TagsForm

IDS = [f"{digit}{digit}{digit}{digit}0000-1-2-3-4" for digit in "abcd"]


def tag(name: str, value: str) -> dict[str, Any]:
    return {"Name": name, "Type": "String", "Value": value}


TAGS = {
    "0010,0010": tag("PatientName", "DOE^JANE"),
    "0010,0020": tag("PatientID", "P1"),
    "0008,1030": tag("StudyDescription", "CHEST"),
    "0020,000d": tag("StudyInstanceUID", "1.2"),
    "0008,0060": tag("Modality", "CT"),
    "0008,0018": tag("SOPInstanceUID", "1.2.3"),
}
STUDY: dict[str, Any] = {
    "ID": IDS[0],
    "Type": "Study",
    "IsStable": True,
    "LastUpdate": "20260101T000000",
    "ParentPatient": IDS[1],
    "Series": IDS[2:],
    "MainDicomTags": {name: TAGS[name] for name in ("0008,1030", "0020,000d")},
    "PatientMainDicomTags": {name: TAGS[name] for name in ("0010,0010", "0010,0020")},
    "AnonymizedFrom": IDS[1],
    "Labels": ["teaching"],
}


def test_of_the_children_only_the_visible_ones_are_named() -> None:
    assert reduced(STUDY, Level.STUDY, visible={IDS[3]})["Series"] == [IDS[3]]


def test_a_further_resource_is_named_only_if_it_is_visible() -> None:
    assert other_ids(STUDY) == {IDS[1]}
    assert "AnonymizedFrom" not in reduced(STUDY, Level.STUDY, visible=set())
    assert reduced(STUDY, Level.STUDY, visible=other_ids(STUDY))["AnonymizedFrom"] == IDS[1]


def test_a_field_that_is_not_in_the_table_does_not_pass() -> None:
    document = reduced(
        STUDY | {"Metadata": {"RemoteIP": "10.0.0.1"}, "Secret": 1}, Level.STUDY, visible=set()
    )
    assert document.keys() == STUDY.keys() - {"AnonymizedFrom"}


def test_a_document_of_which_all_is_visible_is_orthanc_s_own() -> None:
    own = reduced(STUDY, Level.STUDY, visible=IDS, form=TagsForm.FULL)
    assert own == STUDY


def test_a_masked_attribute_is_in_no_part_of_a_document() -> None:
    document = STUDY | {"RequestedTags": {"0010,0010": TAGS["0010,0010"]}}
    for form in TagsForm:
        left = reduced(document, Level.STUDY, visible=IDS, mask=Mask(frozenset({"PatientName"})), form=form)
        assert "DOE" not in str(left)
        assert "P1" in str(left)


def part(level: Level) -> VisiblePart:
    return VisiblePart(
        level,
        IDS[0],
        None if level is Level.PATIENT else IDS[1],
        TAGS,
        (IDS[2],),
        "20260102T000000",
        is_stable=False,
    )


@pytest.mark.parametrize("level", [Level.PATIENT, Level.STUDY, Level.SERIES])
def test_a_composed_document_has_what_the_visible_part_says_and_no_more(level: Level) -> None:
    document = composed(part(level))
    expected = {"ID", "Type", "IsStable", "LastUpdate", "MainDicomTags", CHILDREN[level]}
    if level is not Level.PATIENT:
        expected.add(PARENT[level])
    expected |= {
        Level.STUDY: {"PatientMainDicomTags"},
        Level.SERIES: {"Status", "ExpectedNumberOfInstances"},
    }.get(level, set())
    assert document.keys() == expected
    assert document[CHILDREN[level]] == [IDS[2]]
    assert document["MainDicomTags"].keys() <= set(MAIN_TAGS[level])


def test_a_composed_document_is_masked_too() -> None:
    assert "DOE" not in str(composed(part(Level.STUDY), mask=Mask(frozenset({"PatientName"}))))


def test_tags_are_picked_by_keyword_and_written_in_the_form_asked_for() -> None:
    assert picked(TAGS, ("PatientID", "Rows")) == {"PatientID": "P1"}
    assert picked(TAGS, MODULES[Level.SERIES], form=TagsForm.SHORT) == {"0008,0060": "CT"}
    assert picked(TAGS, ("PatientID",), mask=Mask(frozenset({"PatientID"}))) == {}
