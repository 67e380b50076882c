"""A series of which only some instances are visible, as the resolver sees it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import pytest

from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import ReasonCode
from pacsgate.model.resource import DEFAULT_TENANT, ResourceKey, TenantScope
from pacsgate.model.subject import Subject
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import Bound, bind
from pacsgate.policy.instance_query.reading import read_query
from pacsgate.policy.instance_query.tree import query_id
from pacsgate.policy.ir import FILTERS
from pacsgate.ports import InstanceEntry, SeriesEntry, StudyEntry
from pacsgate.services.freshness import Fresh
from pacsgate.services.resolve import Answer, Reach, Refusal, Resolver
from tests.unit.policy.hospital import MAIN, NOON

SCOPE = TenantScope(DEFAULT_TENANT)
AXIAL = "ImageType StrEquals AXIAL"
BOTH = f"{AXIAL} OR ImageType StrEquals LOCALIZER"
IS_AXIAL, IS_EITHER = (query_id(read_query(text)) for text in (AXIAL, BOTH))
POLICY = f"""\
Profiles:
  Axial: {{Description: d, DICOMQueryFilter: {AXIAL}}}
  Both: {{Description: d, DICOMQueryFilter: {BOTH}}}
Permissions:
  - {{Users: axial, Profiles: Axial}}
  - {{Users: both, Profiles: Both}}
"""
KEEPER = """\
version: 1
roles: {keeper: {may: [search, delete], owner: o}}
rules:
  - {id: keepers, effect: permit, roles: [keeper]}
  - {id: not-the-second, effect: forbid, users: [some], actions: [delete], when: series.uid == '1.2.3.2'}
assignments: [{users: [all, some], roles: [keeper]}]
"""


def bound(name: str, native: str | None = None) -> Bound:
    policy = load_policy(
        {"research-pacs:p.yaml": POLICY} | ({} if native is None else {"policy.yaml": native})
    )
    return bind(
        policy, Subject(tenant=DEFAULT_TENANT, name=name), Context(now=NOON, request_id="r"), MAIN, ()
    )


def part(uids: Iterable[str], filters: frozenset[str], series: str = "1.2.3.1") -> SeriesEntry:
    instances = [
        InstanceEntry(uid, "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1", 1, 9, None, {}) for uid in uids
    ]
    return SeriesEntry(series, {}, {"uid": frozenset({series}), FILTERS.name: filters}, instances)


@dataclass(frozen=True)
class OneStudy:
    """What `Freshness` answers, of one study."""

    study: StudyEntry

    def studies(self, *_: object) -> Fresh:
        return Fresh((self.study,), asked=False)

    def ask_anyway(self, *_: object, **__: object) -> None:
        return


def resolver() -> Resolver:
    parts = (
        part(["1.2.3.1.1"], frozenset({IS_EITHER})),
        part(["1.2.3.1.2", "1.2.3.1.3"], frozenset({IS_AXIAL, IS_EITHER})),
        part(["1.2.3.2.1"], frozenset(), "1.2.3.2"),
    )
    facts = {"uid": frozenset({"1.2.3"}), "patient_id": frozenset({"P1"}), "labels": frozenset[str]()}
    study = StudyEntry(MAIN, "1.2.3", "P1", "", {}, facts, parts, NOON)
    return Resolver(cast("Any", OneStudy(study)))


def reach(asker: Bound, *key: str, action: Action = Action.VIEW) -> Reach | Refusal:
    return resolver().reach(SCOPE, MAIN, ResourceKey(*key), action, asker)


def uids(found: Reach | Refusal) -> list[str]:
    assert isinstance(found, Reach)
    return [instance.sop_instance_uid for one in found.parts for instance in one.instances]


def test_of_a_series_only_the_visible_instances_are_reached() -> None:
    for key in (("1.2.3",), ("1.2.3", "1.2.3.1")):
        found = reach(bound("axial"), *key)
        assert uids(found) == ["1.2.3.1.2", "1.2.3.1.3"]
        assert isinstance(found, Reach)
        assert found.instance_count == 2


def test_parts_that_are_both_visible_are_one_whole_series() -> None:
    found = reach(bound("both"), "1.2.3")
    assert uids(found) == ["1.2.3.1.1", "1.2.3.1.2", "1.2.3.1.3"]
    assert isinstance(found, Reach)
    (series,) = found.by_series
    assert (series.key, series.is_whole) == (ResourceKey("1.2.3", "1.2.3.1", patient_id="P1"), True)


def test_a_partly_visible_series_is_never_whole() -> None:
    for key in (("1.2.3",), ("1.2.3", "1.2.3.1"), ("1.2.3", "1.2.3.1", "1.2.3.1.2")):
        found = reach(bound("axial"), *key)
        assert isinstance(found, Reach)
        assert [series.is_whole for series in found.by_series] == [False]
    named = reach(bound("both"), "1.2.3", "1.2.3.1", "1.2.3.1.2")
    assert isinstance(named, Reach)
    assert not named.by_series[0].is_whole, "one instance was named, not the series"


@pytest.mark.parametrize(
    "key",
    [
        ("1.2.3", "1.2.3.1", "1.2.3.1.1"),
        ("1.2.3", "1.2.3.1", "9.9"),
        ("1.2.3", "1.2.3.2"),
        ("1.2.3", "1.2.3.2", "1.2.3.1.2"),
        ("1.2.3", "9.9"),
    ],
)
def test_an_instance_of_a_hidden_part_is_not_found_like_one_that_does_not_exist(key: tuple[str, ...]) -> None:
    found = reach(bound("axial"), *key)
    assert isinstance(found, Refusal)
    assert found.answer is Answer.NOT_FOUND


def test_what_needs_every_part_of_a_series_needs_them_all() -> None:
    assert len(uids(reach(bound("all", KEEPER), "1.2.3", action=Action.DELETE))) == 4
    assert len(uids(reach(bound("some", KEEPER), "1.2.3", "1.2.3.1", action=Action.DELETE))) == 3
    refused = reach(bound("some", KEEPER), "1.2.3", action=Action.DELETE)
    assert isinstance(refused, Refusal)
    assert (refused.answer, refused.reasons[0].code) == (Answer.FORBIDDEN, ReasonCode.PARTLY_VISIBLE)
