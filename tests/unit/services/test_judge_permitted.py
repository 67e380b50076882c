"""A study permission to append lets objects join its study, one by one, and no other."""

from io import BytesIO
from typing import Any, cast

import pytest

from pacsgate.dicom.summarise import read_summary
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.grant import GranteeKind
from pacsgate.model.resource import DEFAULT_TENANT, TenantScope
from pacsgate.model.study_permission import Holding, grant_of
from pacsgate.model.subject import Subject
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import bind
from pacsgate.ports import SeriesEntry, StudyEntry
from pacsgate.services.freshness import Fresh
from pacsgate.services.judge_store import StoreJudge
from pacsgate.stores.study_row import permitted_facts
from tests.support.objects import variant
from tests.unit.policy.hospital import MAIN, NOON

POLICY = load_policy(
    {
        "policy.yaml": """\
version: 1
roles: {scanner: {may: [search, view, store, append]}}
assignments: [{users: [ct1], roles: [scanner]}]
"""
    }
)
SUBJECT = Subject(tenant=DEFAULT_TENANT, name="ct1")
SCANNER = (GranteeKind.ROLE, "scanner")
HERSELF = (GranteeKind.USER, "ct1")


class Held:
    def __init__(self, *holdings: Holding) -> None:
        self.holdings = holdings

    def studies(self, *_: object) -> Fresh:
        facts = {
            "uid": frozenset({"1.2.3"}),
            "patient_id": frozenset({"P1"}),
            **permitted_facts(self.holdings),
        }
        series = SeriesEntry("1.2.3.1", {}, {"uid": frozenset({"1.2.3.1"})}, ())
        return Fresh((StudyEntry(MAIN, "1.2.3", "P1", "", {}, facts, (series,), NOON),), asked=False)


@pytest.mark.parametrize(
    ("given", "series", "expected"),
    [
        (Holding(Action.APPEND, *SCANNER), "1.2.3.1", Action.APPEND),
        (Holding(Action.APPEND, *SCANNER), "1.2.3.2", Action.APPEND),
        (Holding(Action.APPEND, *HERSELF), "1.2.3.1", Action.APPEND),
        (Holding(Action.VIEW, *SCANNER), "1.2.3.1", None),
        (Holding(Action.APPEND, GranteeKind.USER, "ct2"), "1.2.3.1", None),
    ],
)
def test_an_object_joins_a_study_that_one_may_append_to(
    given: Holding, series: str, expected: Action | None
) -> None:
    bound = bind(POLICY, SUBJECT, Context(now=NOON, request_id="r"), MAIN, (grant_of(given),))
    judge = StoreJudge(cast("Any", Held(given)), TenantScope(DEFAULT_TENANT), MAIN, POLICY, {}, bound)
    made = variant(
        "CT_small.dcm",
        PatientID="P1",
        StudyInstanceUID="1.2.3",
        SeriesInstanceUID=series,
        SOPInstanceUID="1.2.3.1.9",
    )
    assert judge.rule(read_summary(BytesIO(made.data))).action is expected
