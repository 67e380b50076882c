"""An order is shown as the study would be that it becomes, and not before the study itself is."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydicom.dataset import Dataset

from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.errors import RequestError
from pacsgate.model.grant import GranteeKind
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.model.role import Assignment
from pacsgate.model.study_permission import Holding, StudyPermission, grant_of
from pacsgate.model.subject import Subject
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import Bound, bind
from pacsgate.services.judge_order import OrderJudge, needed_of_orders
from pacsgate.stores.stores import Stores, stores_on
from tests.support.clocks import START
from tests.support.data_sets import data_set
from tests.support.databases import opened, sqlite_url
from tests.support.indexing import MAIN, SCOPE, SEEN, instance

POLICY = """\
version: 1
attributes:
  study.department: {type: string, from: InstitutionalDepartmentName}
  study.station: {type: string, from: ScheduledProcedureStepSequence.ScheduledStationAETitle}
  study.description: {type: string, from: StudyDescription}
  study.private: {type: string, from: "00091001"}
roles:
  reader: {may: [search]}
  modality: {may: [search]}
  clerk: {may: [search]}
  guest: {may: [search]}
rules:
  - {id: readers, effect: permit, roles: [reader], when: study.department == 'OPEN'}
  - {id: no-reports, effect: forbid, roles: [reader], when: series.modality == 'SR'}
  - {id: own-steps, effect: permit, roles: [modality], when: study.station == env.calling_ae_title}
  - {id: clerks, effect: permit, roles: [clerk], obligations: {mask: [PatientName]}}
"""
POLICIES = load_policy({"p.yaml": POLICY})


@pytest.fixture
def stores(tmp_path) -> Iterator[Stores]:
    with opened(sqlite_url(tmp_path)) as database:
        yield stores_on(database)


def bound(role: str, *holdings: Holding) -> Bound:
    subject = Subject(DEFAULT_TENANT, "ann", assignments=(Assignment(role),))
    context = Context(START, "r", calling_ae_title="CT1")
    return bind(POLICIES, subject, context, MAIN, tuple(map(grant_of, holdings)))


def judge(stores: Stores, who: Bound, *keys: str) -> OrderJudge:
    return OrderJudge(stores.index, stores.permissions, SCOPE, MAIN, who, frozenset(keys))


def order(*modalities: str, **values: Any) -> Dataset:
    steps = [data_set(Modality=one, ScheduledStationAETitle="CT1") for one in modalities or ("CT",)]
    keys = {"StudyInstanceUID": "1.2.3", "PatientID": "P1", **values}
    return data_set(**keys, ScheduledProcedureStepSequence=steps)


def test_an_order_is_shown_to_who_will_see_the_study(stores: Stores) -> None:
    readers = judge(stores, bound("reader"))
    assert readers.rule(order(InstitutionalDepartmentName="OPEN")) is not None
    assert readers.rule(order(InstitutionalDepartmentName="SECRET")) is None
    assert readers.rule(order()) is None


def test_a_device_sees_its_own_steps_where_a_rule_says_so(stores: Stores) -> None:
    own = judge(stores, bound("modality"))
    assert own.rule(order("CT")) is not None
    others = order("CT")
    others.ScheduledProcedureStepSequence[0].ScheduledStationAETitle = "CT9"
    assert own.rule(others) is None


def test_one_forbidden_step_forbids_the_order(stores: Stores) -> None:
    readers = judge(stores, bound("reader"))
    assert readers.rule(order("CT", "SR", InstitutionalDepartmentName="OPEN")) is None


@pytest.mark.parametrize("department", ["OPEN", "SECRET"])
def test_a_study_that_came_already_must_be_visible_as_well(stores: Stores, department: str) -> None:
    stores.index.ingest(
        SCOPE,
        MAIN,
        (instance("1.2.3", study_facts={"department": frozenset({department})}, series_facts={"modality": frozenset({"CT"})}),),
        SEEN,
    )  # fmt: skip
    shown = judge(stores, bound("reader")).rule(order(InstitutionalDepartmentName="OPEN"))
    assert (shown is not None) == (department == "OPEN")


def test_a_permission_that_precedes_the_study_shows_its_order(stores: Stores) -> None:
    holding = Holding(Action.SEARCH, GranteeKind.USER, "ann")
    guest = judge(stores, bound("guest", holding))
    assert guest.rule(order()) is None
    permission = StudyPermission("1.2.3", *holding, origin="test", granted_by="test", granted_at=START)
    stores.permissions.add(SCOPE, [permission], lambda _: ())
    assert guest.rule(order()) is not None
    assert guest.rule(order(StudyInstanceUID="1.2.4")) is None


def test_a_masked_key_finds_nothing(stores: Stores) -> None:
    shown = judge(stores, bound("clerk"), "PatientID").rule(order(PatientName="DOE"))
    assert shown is not None
    assert shown.mask.hides("PatientName")
    assert judge(stores, bound("clerk"), "PatientName").rule(order(PatientName="DOE")) is None


def test_a_worklist_is_asked_for_all_that_rules_read_and_for_nothing_private() -> None:
    needed = set(needed_of_orders(POLICIES))
    assert {("00081040",), ("00400100", "00400001"), ("00400100", "00080060"), ("00321060",)} <= needed
    assert not any("00091001" in path for path in needed)


def test_what_is_nested_beyond_measure_is_no_order(stores: Stores) -> None:
    made = order()
    inner = made
    for _ in range(60):
        inner.RequestAttributesSequence = [Dataset()]
        inner = inner.RequestAttributesSequence[0]
    with pytest.raises(RequestError):
        judge(stores, bound("clerk")).rule(made)
