from typing import Any

import pytest

from pacsgate.policy.declared import declared_facts
from pacsgate.policy.document import load_policy

DECLARE = (
    "version: 1\nattributes: {{study.x: {{type: {type}, from: {source}{more}}}}}\n"
    "rules: [{{id: r, effect: forbid, when: has(study.x)}}]\n"
)


def fact(header: dict[str, Any], type: str = "string", source: str = "StudyID", more: str = "") -> Any:  # noqa: A002
    policy = load_policy({"p": DECLARE.format(type=type, source=source, more=more)})
    study, _ = declared_facts(policy, header)
    return study.get("x")


def study_id(*values: Any) -> dict[str, Any]:
    return {"00200010": {"vr": "SH", "Value": list(values)}}


def test_a_value_is_what_the_element_says_without_padding() -> None:
    assert fact(study_id(" A ")) == {"A"}
    assert fact(study_id("A", "B")) == {"A", "B"}
    assert fact({"00200010": {"vr": "SH", "Value": ["A", None, ""]}}) == {"A"}


@pytest.mark.parametrize("header", [{}, {"00200010": {"vr": "SH"}}, study_id(), study_id("  ", None)])
def test_an_absent_or_empty_element_is_a_scalar_without_value_and_an_empty_set(
    header: dict[str, Any],
) -> None:
    assert fact(header) == frozenset()
    assert fact(header, "set") == frozenset()


def test_numbers_are_read_and_what_is_none_is_missing() -> None:
    assert fact(study_id("012"), "number") == {12}
    assert fact(study_id(2.5), "number") == {2.5}
    assert fact(study_id("1e2"), "number") == {100}
    for unreadable in ("n/a", "1e400", "nan", "Infinity", "12Y", "9" * 40):
        assert fact(study_id("3", unreadable), "number") == frozenset()


def test_dates_and_booleans_are_those_of_dicom() -> None:
    assert fact(study_id("20260310"), "date") == {"20260310"}
    assert fact(study_id("2026-03-10"), "date") == frozenset()
    assert fact(study_id("YES"), "boolean") == {True}
    assert fact(study_id("NO"), "boolean") == {False}
    assert fact(study_id("PERHAPS"), "boolean") == frozenset()


def test_a_map_translates_and_what_it_lacks_is_missing() -> None:
    table = ", map: {A: alpha}"
    assert fact(study_id("A"), more=table) == {"alpha"}
    assert fact(study_id("B"), more=table) == frozenset()
    assert fact(study_id("A", "B"), more=table) == frozenset()
    assert fact(study_id("A"), "set", more=table) == {"alpha"}
    assert fact(study_id("A", "B"), "set", more=table) is None, "nobody knows what this set holds"


def test_values_inside_sequences_and_private_elements_are_reached() -> None:
    code = {"00080100": {"vr": "SH", "Value": ["C1"]}}
    other = {"00080100": {"vr": "SH", "Value": ["C2"]}}
    header = {"00081032": {"vr": "SQ", "Value": [code, other, {}]}}
    assert fact(header, "set", "ProcedureCodeSequence.CodeValue") == {"C1", "C2"}
    private = {"00091010": {"vr": "LO", "Value": ["W1"]}}
    assert fact(private, source='"00091010"') == {"W1"}


def test_of_a_person_s_name_the_first_representation_counts() -> None:
    both = {"Alphabetic": "REF^ONE", "Ideographic": "山田^太郎"}
    assert fact({"00100010": {"vr": "PN", "Value": [both]}}, source="PatientName") == {"REF^ONE"}
    assert fact({"00100010": {"vr": "PN", "Value": [{"Ideographic": "山田"}]}}, source="PatientName") == {
        "山田"
    }


def test_what_was_left_out_as_bulk_data_is_unreadable() -> None:
    bulk = {"00200010": {"vr": "SH", "BulkDataURI": "x"}}
    assert fact(bulk) == frozenset()
    assert fact(bulk, "set") is None


NAMING = """version: 1
attributes: {series.p: {type: string, from: ProtocolName}}
rules:
  - {id: a, effect: forbid, when: "has(series.p) || has(series.modality) || has(series.description)"}
  - {id: b, effect: forbid, when: "'CT' in study.modalities"}
"""


def test_what_the_gate_knows_without_being_told_is_there_too() -> None:
    policy = load_policy({"p": NAMING})
    header = {
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "0008103E": {"vr": "LO", "Value": ["Scout"]},
        "00181030": {"vr": "LO", "Value": ["Chest"]},
    }
    study, series = declared_facts(policy, header)
    assert study == {"modalities": {"CT"}}
    assert series == {"modality": {"CT"}, "description": {"Scout"}, "p": {"Chest"}}
