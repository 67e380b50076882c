"""What a policy needs to know of objects, and what it makes of them."""

from typing import Any

import pytest

from pacsgate.policy.declared import declared_facts
from pacsgate.policy.document import load_policy
from pacsgate.policy.naming import fact_basis, many_facts, reads_origin, set_facts
from pacsgate.policy.origin import origin_facts
from pacsgate.policy.policy import Policy

SR = "1.2.840.10008.5.1.4.1.1.88.11"
PDF = "1.2.840.10008.5.1.4.1.1.104.1"
KEY_OBJECTS = "1.2.840.10008.5.1.4.1.1.88.59"
DOSE = "1.2.840.10008.5.1.4.1.1.88.67"
CT = "1.2.840.10008.5.1.4.1.1.2"


def policy(condition: str, more: str = "") -> Policy:
    return load_policy({"p": f'version: 1\n{more}rules: [{{id: a, effect: forbid, when: "{condition}"}}]\n'})


def header(**elements: Any) -> dict[str, Any]:
    tags = {
        "sop_class": "00080016",
        "study_date": "00080020",
        "content_date": "00080023",
        "modality": "00080060",
        "title": "00081030",
        "referring": "00080090",
        "department": "00081040",
    }
    return {tags[name]: {"vr": "XX", "Value": [value]} for name, value in elements.items()}


def identified(name: str, code: str | None) -> dict[str, Any]:
    person = {"00401101": {"vr": "SQ", "Value": [{"00080100": {"vr": "SH", "Value": [code]}}]}}
    found = header(referring={"Alphabetic": name})
    return found | ({"00080096": {"vr": "SQ", "Value": [person]}} if code else {})


def test_only_what_some_rule_names_is_a_fact() -> None:
    declared = "attributes: {study.title: {type: string, from: StudyDescription}}\n"
    full = header(modality="CT", title="A", study_date="20260101")
    assert declared_facts(policy("study.title == 'A'", declared), full) == ({"title": {"A"}}, {})
    assert declared_facts(policy("series.modality == 'CT'", declared), full) == ({}, {"modality": {"CT"}})
    assert declared_facts(policy("env.network == 'internal'", declared), full) == ({}, {})


def test_the_department_is_a_fact_once_it_is_declared_because_grants_may_name_it() -> None:
    declared = "attributes: {study.department: {type: string, from: InstitutionalDepartmentName}}\n"
    full = header(modality="CT", department="A")
    assert declared_facts(policy("env.network == 'internal'", declared), full) == ({"department": {"A"}}, {})
    assert declared_facts(policy("env.network == 'internal'"), full) == ({}, {})


def test_the_date_and_the_age_of_a_study_are_one_fact_of_many_values() -> None:
    for condition in ("study.date < '20260101'", "study.age > 30"):
        named = policy(condition)
        assert declared_facts(named, header(study_date="20260101"))[0] == {"date": {"20260101"}}
        assert many_facts(named) == {"date"}


def test_an_attribute_is_of_many_values_if_it_is_declared_so() -> None:
    declared = "attributes: {study.referring: {type: string, from: ReferringPhysicianName, values: many}}\n"
    assert many_facts(policy("study.referring == 'A'", declared)) == {"referring"}
    assert many_facts(policy("'A' in study.labels", declared)) == frozenset()


@pytest.mark.parametrize(
    ("sop_class", "expected"), [(SR, True), (PDF, True), (KEY_OBJECTS, True), (DOSE, False), (CT, False)]
)
def test_reports_are_documents_about_images(sop_class: str, expected: bool) -> None:
    _, series = declared_facts(policy("series.is_report"), header(sop_class=sop_class))
    assert series == {"is_report": {expected}}


def test_whether_an_object_without_a_class_is_a_report_is_unknown() -> None:
    assert declared_facts(policy("series.is_report"), {}) == ({}, {"is_report": frozenset()})


def test_a_study_was_read_when_its_report_was_written() -> None:
    named = policy("has(study.read_at)")
    assert declared_facts(named, header(sop_class=SR, content_date="20260302", study_date="20260301"))[0] == {
        "read_at": {"20260302"}
    }
    assert declared_facts(named, header(sop_class=SR, study_date="20260301"))[0] == {"read_at": {"20260301"}}
    for unread in (CT, KEY_OBJECTS, DOSE):
        assert declared_facts(named, header(sop_class=unread, content_date="20260302"))[0] == {
            "read_at": frozenset()
        }


LABELS = "labels: [{label: NEURO, from: StudyDescription, like: ['*brain*', 'HEAD*']}, {label: CHEST, from: StudyDescription, like: ['*THORAX*']}]\n"


@pytest.mark.parametrize(
    ("title", "expected"),
    [("MR BRAIN w/o", {"NEURO"}), ("Head & Thorax", {"NEURO", "CHEST"}), ("Forehead", set()), ("", set())],
)
def test_labels_are_derived_from_what_is_written_and_case_does_not_count(
    title: str, expected: set[str]
) -> None:
    named = policy("'NEURO' in study.labels", LABELS)
    study, _ = declared_facts(named, header(title=title))
    assert study == {"derived_labels": expected}
    assert set_facts(named) == {"derived_labels"}


def test_what_was_left_out_as_bulk_data_leaves_labels_unknown() -> None:
    bulk = {"00081030": {"vr": "UT", "BulkDataURI": "x"}}
    assert declared_facts(policy("'NEURO' in study.labels", LABELS), bulk) == ({}, {})


def test_labels_that_no_pattern_gives_are_not_looked_for() -> None:
    assert declared_facts(policy("'VIP' in study.labels", LABELS), header(title="BRAIN")) == ({}, {})


REFERRING = """attributes:
  study.referring:
    type: string
    values: many
    from:
      - ReferringPhysicianIdentificationSequence.PersonIdentificationCodeSequence.CodeValue
      - {attribute: ReferringPhysicianName, map: {REF^ONE: '111', "ref one": '111'}}
"""
BY_CODE = "ReferringPhysicianIdentificationSequence.PersonIdentificationCodeSequence.CodeValue"


@pytest.mark.parametrize(
    ("name", "code", "expected", "evidence"),
    [
        ("REF^ONE", "222", {"222"}, {BY_CODE}),  # the identifier counts, whatever the name says
        ("REF^ONE", None, {"111"}, {"ReferringPhysicianName"}),
        ("ref one", None, {"111"}, {"ReferringPhysicianName"}),  # a curated alias
        ("REF^ONE^JR", None, set(), {"ReferringPhysicianName"}),  # near is not enough
        ("", None, set(), set()),
    ],
)
def test_identifiers_come_before_names_and_the_evidence_is_kept(
    name: str, code: str | None, expected: set[str], evidence: set[str]
) -> None:
    study, _ = declared_facts(policy("study.referring == '111'", REFERRING), identified(name, code))
    assert study == {"referring": expected, "referring_source": evidence}


def test_a_rule_may_ask_for_the_evidence() -> None:
    named = policy(f"study.referring == '111' && study.referring_source == '{BY_CODE}'", REFERRING)
    assert declared_facts(named, identified("REF^ONE", "111"))[0]["referring_source"] == {BY_CODE}


SITES = """attributes:
  study.site:
    type: string
    from:
      - {attribute: study.ingest_principal, map: {CT1: A, MR1: A, CT9: B}}
      - {attribute: StationName, map: {STATION7: B}}
"""


@pytest.mark.parametrize(
    ("principal", "station", "expected"),
    [
        ("CT1", "STATION7", {"A"}),
        ("CT9", None, {"B"}),
        ("", "STATION7", {"B"}),
        ("unknown", "STATION7", set()),
        ("", None, set()),
    ],
)
def test_who_stored_an_object_says_where_it_comes_from_before_what_is_written_in_it(
    principal: str, station: str | None, expected: set[str]
) -> None:
    written = {"00081010": {"vr": "SH", "Value": [station]}} if station else {}
    named = policy("study.site == 'A'", SITES)
    study, _ = declared_facts(named, written, origin_facts(principal))
    assert study["site"] == expected
    assert reads_origin(named)


@pytest.mark.parametrize("origin", [origin_facts("nobody"), {}, None])
def test_an_object_cannot_say_who_stored_it(origin: Any) -> None:
    forged = {"study.ingest_principal": {"vr": "LO", "Value": ["CT1"]}}
    assert declared_facts(policy("study.site == 'A'", SITES), forged, origin)[0]["site"] == frozenset()


TITLE = "attributes: {study.title: {type: string, from: StudyDescription}}\n"


@pytest.mark.parametrize(
    ("condition", "more", "same"),
    [
        ("study.title != 'B'", TITLE, True),
        ("has(study.title) && env.network == 'internal'", TITLE, True),
        ("study.title == 'A' && 'VIP' in study.labels", TITLE, True),
        ("'A' in study.title", TITLE.replace("string", "set"), False),
        ("study.title == 'A'", TITLE.replace("StudyDescription", "StudyID"), False),
        ("study.title == 'A'", TITLE.replace("Description}", "Description, map: {x: A}}"), False),
        ("study.title == 'A'", TITLE.replace("Description}", "Description, values: many}"), False),
        ("study.title == 'A' && has(study.read_at)", TITLE, False),
        ("'NEURO' in study.labels", TITLE + LABELS, False),
        ("env.network == 'internal'", TITLE, False),
    ],
)
def test_rows_are_filled_anew_if_and_only_if_facts_are_made_otherwise(
    condition: str, more: str, same: bool
) -> None:
    before = fact_basis(policy("study.title == 'A'", TITLE))
    assert (fact_basis(policy(condition, more)) == before) is same
