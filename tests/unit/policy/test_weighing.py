import pytest

from pacsgate.model.actions import Action
from pacsgate.policy import weighing
from pacsgate.policy.facts import ResourceFacts
from tests.unit.policy.hospital import allowed, asked, person, study

LEVEL = """version: 1
attributes: {study.level: {type: number, from: StudyID}}
roles: {r: {may: [view]}}
rules: [{id: a, effect: permit, roles: [r], when: study.level == 1}]
"""


def level(value: object) -> ResourceFacts:
    return ResourceFacts({"level": frozenset({value})}, {})


def test_what_is_remembered_of_the_number_one_is_not_told_of_true() -> None:
    bound = asked(person("r"), text=LEVEL)
    assert allowed(bound.decide(Action.VIEW, level(1)))
    assert not allowed(bound.decide(Action.VIEW, level(True)))
    assert allowed(bound.decide(Action.VIEW, level(1.0)))


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weighing, "REMEMBERED", 10)
    bound = asked(person("radiologist", department="5"))
    answers = [allowed(bound.decide(Action.VIEW, study(department=str(n)))) for n in range(95)]
    assert answers == [n == 5 for n in range(95)]
    assert len(bound._weighing(Action.VIEW).ruling.verdicts) <= 10


def test_a_study_as_such_is_not_mistaken_for_a_series_without_a_description() -> None:
    text = "version: 1\nroles: {r: {may: [view]}}\nrules:\n  - {id: a, effect: permit, roles: [r]}\n  - {id: b, effect: forbid, when: has(series.description)}\n"
    bound = asked(person("r"), text=text)
    assert allowed(bound.decide(Action.VIEW, ResourceFacts({}, {"description": frozenset()})))
    assert not allowed(bound.decide(Action.VIEW, ResourceFacts({}, {})))
    assert not allowed(bound.decide(Action.VIEW, ResourceFacts({}, None)))
