"""What of a list's rows stays hidden, and why they may be shown: alike rows are decided once."""

from collections.abc import Sequence

import pytest

from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName, ResourceKey
from pacsgate.model.role import Assignment
from pacsgate.model.subject import Subject
from pacsgate.policy.constraint import Constraint
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import Bound, bind
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import Scope
from pacsgate.ports import Match
from pacsgate.services.search import Masks
from tests.support.clocks import START

POLICY = """\
version: 1
attributes:
  study.department: {type: string, from: InstitutionalDepartmentName}
roles:
  reader: {may: [search]}
rules:
  - {id: ct, effect: permit, roles: [reader], when: study.department == 'CT', obligations: {mask: [PatientName]}}
  - {id: mr, effect: permit, roles: [reader], when: study.department == 'MR'}
  - {id: own, effect: permit, roles: [reader], when: study.patient_id == 'P1'}
  - {id: never-reports, effect: forbid, roles: [reader], when: series.modality == 'SR'}
"""


@pytest.fixture
def bound() -> Bound:
    subject = Subject(DEFAULT_TENANT, "ann", assignments=(Assignment("reader"),))
    return bind(load_policy({"p.yaml": POLICY}), subject, Context(START, "r"), ArchiveName("main"), ())


class Counted(Sequence[ResourceFacts]):
    """Facts of one series that count how often somebody looks at them."""

    def __init__(self, department: str) -> None:
        study = {"department": frozenset({department}), "patient_id": frozenset({"P2"})}
        self._facts = (ResourceFacts(study, {"modality": frozenset({"CT"})}),)
        self.looks = 0

    def __getitem__(self, index):
        self.looks += 1
        return self._facts[index]

    def __len__(self) -> int:
        return len(self._facts)


def row(facts: Sequence[ResourceFacts], alike: object) -> Match:
    return Match(ResourceKey("1.2.3"), "P2", {}, facts, alike)


def test_rows_that_are_alike_are_decided_once(bound: Bound) -> None:
    masks, first, second = Masks(bound), Counted("CT"), Counted("CT")
    assert masks.of(row(first, "one")) == masks.of(row(second, "one"))
    assert masks.of(row(first, "one")).hides("PatientName")
    assert first.looks
    assert not second.looks


def test_rows_of_which_nothing_is_known_are_each_decided(bound: Bound) -> None:
    masks, shown, masked = Masks(bound), Counted("MR"), Counted("CT")
    assert not masks.of(row(shown, None)).hides("PatientName")
    assert masks.of(row(masked, None)).hides("PatientName")
    assert [str(reason) for reason in masks.reasons] == ["permitted-by-rule:mr", "permitted-by-rule:ct"]


def test_a_row_that_no_decision_allows_shows_nothing(bound: Bound) -> None:
    masks = Masks(bound)
    assert masks.of(row(Counted("US"), "us")).hides("StudyDescription")
    assert masks.reasons == ()


def test_a_constraint_names_all_that_its_decisions_read(bound: Bound) -> None:
    constraint = bound.constraint(Action.SEARCH)
    assert isinstance(constraint, Constraint)
    assert constraint.reads == {
        (Scope.STUDY, "department"),
        (Scope.STUDY, "patient_id"),
        (Scope.SERIES, "modality"),
    }
