"""Work that goes on later is decided again, and as a whole."""

from dataclasses import dataclass, replace
from typing import Any, cast

from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.resource import DEFAULT_TENANT, ResourceKey, TenantScope
from pacsgate.model.subject import Subject
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import Bound, bind
from pacsgate.ports import InstanceEntry, SeriesEntry, StudyEntry
from pacsgate.ports.handles import HandleKind, OwnedHandle
from pacsgate.services.freshness import Fresh
from pacsgate.services.owned_work import reach_again
from pacsgate.services.resolve import Answer, Reach, Refusal, Resolver
from tests.unit.policy.hospital import MAIN, NOON

SCOPE = TenantScope(DEFAULT_TENANT)
POLICY = """\
version: 1
roles: {keeper: {may: [search, retrieve, export], owner: o}}
rules:
  - {id: keepers, effect: permit, roles: [keeper]}
  - {id: not-that, effect: forbid, when: "'R' in study.labels"}
  - {id: nor-the-second, effect: forbid, users: [some], actions: [export], when: series.uid == '1.2.2'}
assignments: [{users: [all, some], roles: [keeper]}]
"""
ALL = (ResourceKey("1.2", "1.2.1", "1.2.1.1", "P1"), ResourceKey("1.2", "1.2.2", "1.2.2.1", "P1"))
JOB = OwnedHandle(MAIN, HandleKind.JOB, "job", "all", Action.EXPORT, ALL, NOON)


@dataclass(frozen=True)
class Held:
    labels: frozenset[str] = frozenset()
    series: tuple[str, ...] = ("1.2.1", "1.2.2")

    def studies(self, _scope: object, _archive: object, uid: str) -> Fresh:
        facts = {"uid": frozenset({"1.2"}), "patient_id": frozenset({"P1"}), "labels": self.labels}
        parts = tuple(
            SeriesEntry(
                series,
                {},
                {"uid": frozenset({series})},
                tuple(InstanceEntry(f"{series}.{n}", "1.2", "1.2", 1, 9, None, {}) for n in (1, 2)),
            )
            for series in self.series
        )
        study = StudyEntry(MAIN, "1.2", "P1", "", {}, facts, parts, NOON)
        return Fresh((study,) if uid == "1.2" else (), asked=False)

    def ask_anyway(self, *_: object, **__: object) -> None:
        return


def bound(name: str = "all") -> Bound:
    context = Context(now=NOON, request_id="r")
    return bind(
        load_policy({"policy.yaml": POLICY}), Subject(tenant=DEFAULT_TENANT, name=name), context, MAIN, ()
    )


def again(held: Held, owned: OwnedHandle = JOB, name: str = "all") -> Reach | Refusal:
    return reach_again(Resolver(cast("Any", held)), SCOPE, owned, bound(name))


def test_what_was_decided_is_reached_again_and_nothing_beside_it() -> None:
    found = again(Held())
    assert isinstance(found, Reach)
    assert {part.key_of(one) for part in found.parts for one in part.instances} == set(ALL)


def test_a_study_hidden_meanwhile_is_missing() -> None:
    found = again(Held(labels=frozenset({"R"})))
    assert isinstance(found, Refusal)
    assert found.answer is Answer.NOT_FOUND


def test_one_part_that_is_not_allowed_any_more_refuses_the_whole() -> None:
    assert isinstance(again(Held(), name="some"), Refusal)
    assert isinstance(again(Held(), replace(JOB, keys=ALL[:1]), "some"), Reach)


def test_one_part_that_is_gone_refuses_the_whole() -> None:
    assert isinstance(again(Held(series=("1.2.1",))), Refusal)
    assert isinstance(again(Held(), replace(JOB, keys=(*ALL, ResourceKey("1.9", "1", "2", "P1")))), Refusal)


def test_work_about_no_image_reaches_none() -> None:
    assert isinstance(again(Held(), replace(JOB, action=None)), Refusal)
    assert isinstance(again(Held(), replace(JOB, keys=())), Refusal)
