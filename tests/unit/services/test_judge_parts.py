"""What joins a series that is held in parts is judged with every part of it, and with its own facts."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any, cast

import pytest

from pacsgate.dicom.summarise import read_summary
from pacsgate.dicom.summary import InstanceSummary
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.resource import DEFAULT_TENANT, TenantScope
from pacsgate.model.subject import Subject
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import bind
from pacsgate.policy.instance_query.reading import read_query
from pacsgate.policy.instance_query.tree import query_id
from pacsgate.policy.ir import FILTERS
from pacsgate.ports import SeriesEntry, StudyEntry
from pacsgate.services.freshness import Fresh
from pacsgate.services.judge_store import StoreJudge
from tests.support.objects import variant
from tests.unit.policy.hospital import MAIN, NOON

AXIAL = "ImageType StrEquals AXIAL"
POLICY = load_policy(
    {
        "policy.yaml": f"""\
version: 1
roles: {{scanner: {{may: [search, view, store, append], owner: o}}}}
rules:
  - {{id: axial, effect: permit, roles: [scanner], when: "'{AXIAL}' in series.filters"}}
assignments: [{{users: [ct1], roles: [scanner]}}]
"""
    }
)
SUBJECT = Subject(tenant=DEFAULT_TENANT, name="ct1")


@dataclass(frozen=True)
class Held:
    """What the index says of the one study, if it holds it."""

    parts: tuple[SeriesEntry, ...]

    def studies(self, *_: object) -> Fresh:
        facts = {"uid": frozenset({"1.2.3"}), "patient_id": frozenset({"P1"}), "labels": frozenset[str]()}
        study = StudyEntry(MAIN, "1.2.3", "P1", "", {}, facts, self.parts, NOON)
        return Fresh((study,) if self.parts else (), asked=False)


def part(*matching: str, series: str = "1.2.3.1") -> SeriesEntry:
    filters = frozenset(query_id(read_query(text)) for text in matching)
    return SeriesEntry(series, {}, {"uid": frozenset({series}), FILTERS.name: filters}, ())


def arriving(image_type: str) -> InstanceSummary:
    made = variant(
        "CT_small.dcm",
        PatientID="P1",
        StudyInstanceUID="1.2.3",
        SeriesInstanceUID="1.2.3.1",
        SOPInstanceUID="1.2.3.1.9",
        ImageType=["ORIGINAL", "PRIMARY", image_type],
    )
    return read_summary(BytesIO(made.data))


@pytest.mark.parametrize(
    ("held", "image_type", "expected"),
    [
        ((), "AXIAL", Action.STORE),
        ((), "LOCALIZER", None),
        ((part(AXIAL),), "AXIAL", Action.APPEND),
        ((part(AXIAL),), "LOCALIZER", None),
        ((part(),), "AXIAL", None),
        ((part(AXIAL), part()), "AXIAL", None),
        ((part(), part(AXIAL)), "AXIAL", None),
        ((part(AXIAL), part(series="1.2.3.2")), "AXIAL", Action.APPEND),
    ],
)
def test_an_object_joins_only_what_may_be_joined(
    held: tuple[SeriesEntry, ...], image_type: str, expected: Action | None
) -> None:
    bound = bind(POLICY, SUBJECT, Context(now=NOON, request_id="r"), MAIN, ())
    judge = StoreJudge(cast("Any", Held(held)), TenantScope(DEFAULT_TENANT), MAIN, POLICY, {}, bound)
    assert judge.rule(arriving(image_type)).action is expected
