"""Questions are read as AuthZEN writes them; what is not one is refused with its place."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.model.errors import RequestError
from pacsgate.model.resource import ArchiveName, Level, ResourceKey
from pacsgate.protocols.authzen.answers import page, resource
from pacsgate.protocols.authzen.entities import (
    Batch,
    Claims,
    PageRequest,
    Question,
    Resource,
    Semantic,
    SubjectName,
    Unanswerable,
)
from pacsgate.protocols.authzen.requests import (
    MAX_EVALUATIONS,
    MAX_PAGE_LIMIT,
    question_of,
    read_action_search,
    read_evaluation,
    read_evaluations,
    read_resource_search,
    read_subject_search,
)

ALICE = {"type": "user", "id": "alice"}
VIEW = {"name": "view"}
STUDY = {"type": "study", "id": "1.2.3"}
QUESTION = {"subject": ALICE, "action": VIEW, "resource": STUDY}


def body(*parts: dict[str, Any], **more: Any) -> bytes:
    merged: dict[str, Any] = {}
    for part in parts:
        merged |= part
    return json.dumps(merged | more).encode()


def refusal(read: Any, content: bytes) -> str:
    with pytest.raises(RequestError) as raised:
        read(content)
    return raised.value.public


def test_a_question_has_four_parts() -> None:
    asked = read_evaluation(body(QUESTION, context={"purpose": "ETREAT", "time": "2026-01-01T00:00Z"}))
    study = Resource("study", "1.2.3", Level.STUDY, ResourceKey("1.2.3"))
    assert asked == Question(SubjectName("user", "alice"), "view", study, Claims("ETREAT"))


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_a_reason_of_blanks_is_none(blank: str) -> None:
    assert read_evaluation(body(QUESTION, context={"reason": blank})).claims.reason is None


def test_a_reason_is_one_line_of_text() -> None:
    said = refusal(read_evaluation, body(QUESTION, context={"reason": "audit\ndecision: allow"}))
    assert said == "`context.reason` holds what is not text"


def test_of_properties_only_those_count_that_the_gate_can_hold_against_what_it_knows() -> None:
    subject = ALICE | {"properties": {"ip_address": "10.0.0.7", "clearance": 99}}
    about = {"type": "series", "id": "1.2.3.4", "properties": {"StudyInstanceUID": "1.2.3", "labels": []}}
    asked = read_evaluation(body(QUESTION, subject=subject, resource=about))
    assert asked.subject == SubjectName("user", "alice", "10.0.0.7")
    assert asked.resource == Resource("series", "1.2.3.4", Level.SERIES, ResourceKey("1.2.3", "1.2.3.4"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the body cannot be read: input data was truncated"),
        (b"[]", "the body cannot be read: expected `object`, got `array`"),
        (b'{"subject": "\xff"}', "the body cannot be read"),
        (b'{"x":' + b"[" * 100_000, "nested too deeply"),
        (body(QUESTION, subject={"type": "user"}), "missing required field `id` - at `$.subject`"),
        (body(QUESTION, subject={"type": "user", "id": 7}), "got `int` - at `$.subject.id`"),
        (body(QUESTION, action={"name": "x" * 257}), "length <= 256 - at `$.action.name`"),
        (body({"subject": ALICE, "resource": STUDY}), "`action` is missing"),
        (
            body(QUESTION, resource={"type": "study", "id": "1.2/../3"}),
            "is not a valid UID for StudyInstanceUID",
        ),
        (
            body(QUESTION, resource={"type": "series", "id": "1.2.3"}),
            "`resource.properties.StudyInstanceUID` is missing",
        ),
        (
            body(QUESTION, resource={"type": "instance", "id": "1", "properties": {"StudyInstanceUID": "2"}}),
            "`resource.properties.SeriesInstanceUID` is missing",
        ),
    ],
)
def test_what_is_not_a_question_is_refused_with_its_place(content: bytes, said: str) -> None:
    assert said in refusal(read_evaluation, content)


def test_a_type_that_the_gate_does_not_guard_is_a_question_all_the_same() -> None:
    asked = read_evaluation(body(QUESTION, resource={"type": "account", "id": "123"}))
    assert asked.resource == Resource("account", "123")


def test_a_batch_takes_what_its_questions_lack_from_the_top() -> None:
    other = {"type": "study", "id": "4.5.6", "properties": {"archive": "old"}}
    batch = read_evaluations(
        body(
            {"subject": ALICE, "action": VIEW, "context": {"purpose": "BTG"}},
            evaluations=[
                {"resource": STUDY},
                {"resource": other, "action": {"name": "export"}, "context": {}},
            ],
            options={"evaluations_semantic": "deny_on_first_deny"},
        )
    )
    assert isinstance(batch, Batch)
    assert batch.semantic is Semantic.DENY_ON_FIRST_DENY
    one, two = batch.questions
    assert one == read_evaluation(body(QUESTION, context={"purpose": "BTG"}))
    assert two == read_evaluation(body(QUESTION, action={"name": "export"}, resource=other))


@pytest.mark.parametrize("evaluations", [{}, {"evaluations": []}])
def test_a_batch_without_questions_is_the_question_at_its_top(evaluations: dict[str, Any]) -> None:
    assert read_evaluations(body(QUESTION, evaluations)) == read_evaluation(body(QUESTION))


def test_a_question_of_a_batch_that_names_nothing_is_answered_by_itself() -> None:
    batch = read_evaluations(body(QUESTION, evaluations=[{}, {"resource": {"type": "study", "id": "x"}}]))
    assert isinstance(batch, Batch)
    assert isinstance(batch.questions[0], Question)
    assert isinstance(batch.questions[1], Unanswerable)


def test_what_a_question_of_a_batch_lacks_is_named_with_its_number() -> None:
    batch = read_evaluations(body(evaluations=[QUESTION, {"subject": ALICE, "action": VIEW}]))
    assert isinstance(batch, Batch)
    assert batch.questions[1] == Unanswerable("`evaluations[1].resource` is missing")


def test_a_batch_has_a_limit() -> None:
    assert str(MAX_EVALUATIONS) in refusal(
        read_evaluations, body(QUESTION, evaluations=[{}] * (MAX_EVALUATIONS + 1))
    )


def test_a_semantic_that_nobody_defined_is_refused() -> None:
    said = refusal(
        read_evaluations, body(QUESTION, evaluations=[{}], options={"evaluations_semantic": "any"})
    )
    assert "invalid enum value 'any'" in said


def test_what_is_searched_for_needs_no_id_and_has_none() -> None:
    by_type = read_subject_search(body(QUESTION, subject={"type": "user"}))
    assert by_type == read_subject_search(body(QUESTION, subject=ALICE))
    of_study = {"type": "series", "properties": {"StudyInstanceUID": "1.2.3"}}
    kind = read_resource_search(body(QUESTION, resource=of_study)).kind
    assert kind == read_resource_search(body(QUESTION, resource=of_study | {"id": "9"})).kind
    assert (kind.level, kind.study_instance_uid) == (Level.SERIES, "1.2.3")


def test_only_what_the_gate_guards_can_be_searched_for() -> None:
    assert "patient, study, series, instance" in refusal(
        read_resource_search, body(QUESTION, resource={"type": "account"})
    )


def test_a_page_has_a_limit_and_no_negative_one() -> None:
    asked = read_action_search(body({"subject": ALICE, "resource": STUDY}, page={"limit": 10**6}))
    assert asked.page == PageRequest(MAX_PAGE_LIMIT)
    assert "`page.limit` is negative" in refusal(
        read_action_search, body({"subject": ALICE, "resource": STUDY}, page={"limit": -1})
    )


@given(position=st.text(st.characters(codec="utf-8")))
def test_a_token_leads_to_where_the_page_ended(position: str) -> None:
    first = read_resource_search(body(QUESTION))
    token = page([], question_of(first), position)["page"]["next_token"]
    assert token
    following = read_resource_search(body(QUESTION, page={"token": token, "limit": 7}))
    assert following.page == PageRequest(7, position)


def test_a_token_of_another_question_is_refused() -> None:
    token = page([], question_of(read_resource_search(body(QUESTION))), "100")["page"]["next_token"]
    said = refusal(read_resource_search, body(QUESTION, action={"name": "retrieve"}, page={"token": token}))
    assert "belongs to another question" in said


@pytest.mark.parametrize("token", ["x", "AAAA", "\u20ac", "=", "A" * 40])
def test_a_made_up_token_is_refused(token: str) -> None:
    assert "`page.token`" in refusal(read_resource_search, body(QUESTION, page={"token": token}))


@pytest.mark.parametrize("archive", [None, ArchiveName("old")])
@pytest.mark.parametrize(
    "key", [ResourceKey("1.2"), ResourceKey("1.2", "1.2.3"), ResourceKey("1.2", "1.2.3", "1.2.3.4")]
)
def test_a_resource_is_written_so_that_it_can_be_asked_about(
    key: ResourceKey, archive: ArchiveName | None
) -> None:
    written = resource(Resource(key.level.value, str(key), key.level, key, archive))
    asked = read_evaluation(body(QUESTION, resource=written))
    assert (asked.resource.key, asked.resource.archive) == (key, archive)


def test_a_patient_is_written_so_that_it_can_be_asked_about() -> None:
    patient = Resource("patient", "HOSP|P1", Level.PATIENT)
    assert read_evaluation(body(QUESTION, resource=resource(patient))).resource == patient
