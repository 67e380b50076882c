import pytest

from pacsgate.dicom.attributes import SEARCH_ATTRIBUTES, Use, tag_of
from pacsgate.dicom.query import Query
from pacsgate.model.resource import Level, ResourceKey
from pacsgate.protocols.dicomweb.search_response import more_results_warning, search_response, selected_tags

ROOT = "http://gate/dicom-web"
EVERYTHING = {attribute.tag: {"vr": attribute.vr} for attribute in SEARCH_ATTRIBUTES}
KEYS = {
    Level.STUDY: ResourceKey("1"),
    Level.SERIES: ResourceKey("1", "2"),
    Level.INSTANCE: ResourceKey("1", "2", "3"),
}


def row(query: Query) -> dict[str, object]:
    (only,) = search_response(query, [(KEYS[query.level], EVERYTHING)], ROOT)
    return only


@pytest.mark.parametrize("level", [Level.STUDY, Level.SERIES, Level.INSTANCE])
def test_an_answer_holds_what_the_standard_returns_at_its_level(level: Level) -> None:
    expected = {
        attribute.tag
        for attribute in SEARCH_ATTRIBUTES
        if attribute.level is level and attribute.use is not Use.KEPT
    }
    assert expected <= row(Query(level)).keys()
    assert tag_of("InstitutionName") not in row(Query(level))


def test_a_relational_search_also_returns_the_parents_and_a_hierarchical_one_their_uids() -> None:
    relational = row(Query(Level.INSTANCE))
    below_study = row(Query(Level.INSTANCE, study_instance_uid="1"))
    below_series = row(Query(Level.INSTANCE, study_instance_uid="1", series_instance_uid="2"))
    assert {tag_of("PatientName"), tag_of("Modality")} <= relational.keys()
    assert tag_of("PatientName") not in below_study
    assert tag_of("Modality") in below_study
    assert tag_of("Modality") not in below_series
    assert {tag_of("StudyInstanceUID"), tag_of("SeriesInstanceUID")} <= below_series.keys()


def test_an_included_attribute_is_returned_and_one_inside_a_sequence_brings_the_sequence() -> None:
    query = Query(Level.STUDY, include=frozenset({"InstitutionName", "ProcedureCodeSequence.CodeValue"}))
    assert {tag_of("InstitutionName"), tag_of("ProcedureCodeSequence")} <= row(query).keys()


def test_including_all_returns_everything_in_tag_order() -> None:
    assert selected_tags(Query(Level.STUDY, include_all=True)) is None
    assert list(row(Query(Level.STUDY, include_all=True))) == sorted({*EVERYTHING, "00081190"})


def test_each_row_says_where_it_can_be_retrieved_from_the_gate() -> None:
    assert row(Query(Level.SERIES))["00081190"] == {"vr": "UR", "Value": [f"{ROOT}/studies/1/series/2"]}


def test_the_warning_counts_what_was_not_sent() -> None:
    assert more_results_warning("gate", 7) == "299 gate: There are 7 additional results that can be requested"
    assert more_results_warning("gate", 0) is None
