"""Every case of the corpus, asked of everybody who can answer it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from pacsgate.dicom.query import Query
from pacsgate.model.decision import Allow, Deny
from pacsgate.model.resource import Level, ResourceKey
from pacsgate.model.subject import Attributes
from pacsgate.policy.cedar import export_cedar
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import FILTERS, INSTANCE_FACTS, ORIGIN, ValueType
from pacsgate.stores.study_index import SqlStudyIndex
from tests.corpus.reading import Question, questions, topics
from tests.oracles.cedar import Cedar
from tests.properties.agreement import bound_policy, disagreements, reference_decision
from tests.support.databases import opened, sqlite_url
from tests.support.events import READ
from tests.support.indexing import SCOPE, SEEN, instance

WITNESSED = {attribute.name for attribute in ORIGIN}
QUESTIONS = tuple(questions())
every_case = pytest.mark.parametrize(
    "question", QUESTIONS, ids=lambda question: f"{question.file}: {question.case.case}"
)


@every_case
def test_the_engine_answers_as_expected(question: Question) -> None:
    world, case = question.world, question.case
    bound = bound_policy(world)
    decisions = [bound.decide(world.action, facts) for facts in world.resources]
    assert tuple(isinstance(decision, Allow) for decision in decisions) == question.allowed, decisions
    for decision in decisions if case.because else ():
        assert {str(reason) for reason in decision.reasons} == set(case.because)
    for decision in decisions:
        if isinstance(decision, Allow):
            assert all(decision.mask.hides(keyword) for keyword in case.hides)
            assert not any(decision.mask.hides(keyword) for keyword in case.shows)
        else:
            assert decision.message == case.message
    if case.listed is not None:
        constraint = bound.constraint(world.action, world.keys)
        listed = not isinstance(constraint, Deny) and any(map(constraint.admits, world.resources))
        assert listed is case.listed
    if case.hopeless is not None:
        assert isinstance(bound.could(world.action), Deny) is case.hopeless


@every_case
def test_the_reference_and_the_constraint_agree_with_the_engine(question: Question) -> None:
    assert list(disagreements(question.world)) == []


@every_case
def test_cedar_agrees_with_the_engine(question: Question) -> None:
    world = question.world
    cedar = Cedar(world.policy, export_cedar(world.policy))
    for facts, allowed in zip(world.resources, question.allowed, strict=True):
        assert cedar.allows(world, facts) is allowed


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStudyIndex]:
    with opened(sqlite_url(tmp_path_factory.mktemp("corpus"))) as database:
        yield SqlStudyIndex(database)


@every_case
def test_a_list_in_sql_holds_what_the_reference_allows(question: Question, index: SqlStudyIndex) -> None:
    world = question.world
    (study,) = world.studies
    (uid,), (patient,) = study.facts["uid"], study.facts["patient_id"]
    issuer, _, number = str(patient).rpartition("|")
    names = {each.name for each in world.policy.named if each.type is ValueType.SET}
    items = [
        replace(
            instance(
                str(uid),
                str(only(series["uid"])),
                f"1.2.1.0.{place}",
                patient=number,
                issuer=issuer,
                study_facts=without(study.facts, {"uid", "patient_id"} | WITNESSED),
                series_facts=without(series, {"uid", *(each.name for each in INSTANCE_FACTS)}),
                instance_facts={
                    each.name: series[each.name] for each in INSTANCE_FACTS if each.name in series
                },
                sets=frozenset(names),
            ),
            origin={name: held for name, held in study.facts.items() if name in WITNESSED},
        )
        for place, series in enumerate(study.series)
    ]
    index.ingest(SCOPE, world.archive, items, SEEN)
    try:
        labels, collections = study.facts.get("labels"), study.facts.get("collections")
        index.set_labels(SCOPE, world.archive, str(uid), labels=labels, collections=collections, event=READ)
        (entry,) = index.studies(SCOPE, world.archive, str(uid))
        kept = [entry.facts_of(series) for series in entry.series]
        expected = {part_of(facts) for facts in kept if isinstance(decided(world, facts), Allow)}
        constraint = bound_policy(world).constraint(world.action, world.keys)
        if isinstance(constraint, Deny):
            assert not expected
            return
        page = index.search(SCOPE, world.archive, Query(Level.STUDY, limit=10), constraint)
        assert {part_of(facts) for match in page.matches for facts in match.facts} == expected
        assert index.count(SCOPE, world.archive, constraint) == bool(expected)
    finally:
        index.remove(SCOPE, world.archive, ResourceKey(str(uid)))


def without(facts: Attributes, names: set[str]) -> Attributes:
    return {name: held for name, held in facts.items() if name not in names}


def decided(world, facts: ResourceFacts):
    return reference_decision(world, facts, world.keys)


def part_of(facts: ResourceFacts) -> tuple[object, object]:
    """A series, or the part of one whose instances match these filters."""
    assert facts.series is not None
    return facts.series["uid"], facts.series.get(FILTERS.name)


def only(values):
    (value,) = values
    return value


def test_cases_of_one_topic_have_names_of_their_own() -> None:
    for file, topic in topics():
        names = [case.case for case in topic.cases]
        assert len(set(names)) == len(names), file


def test_every_topic_is_answered_with_yes_and_with_no() -> None:
    for file, topic in topics():
        allowed = {each for q in QUESTIONS if q.file == file for each in q.allowed}
        assert allowed == {True, False}, f"{file}: {topic.topic}"
