"""What an archive makes of stored objects is decided like a store, with the labels that it will inherit."""

from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any, cast

from pacsgate.dicom.summarise import read_summary
from pacsgate.dicom.summary import InstanceSummary
from pacsgate.model.context import Context
from pacsgate.model.decision import Allow
from pacsgate.model.mask import NO_MASK
from pacsgate.model.resource import DEFAULT_TENANT, TenantScope
from pacsgate.model.subject import Subject
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import bind
from pacsgate.ports import SeriesEntry, StudyEntry
from pacsgate.services.freshness import Fresh
from pacsgate.services.judge_export import judge_export
from pacsgate.services.judge_made import MadeJudge, renamed
from pacsgate.services.resolve import Part
from tests.support.objects import variant
from tests.unit.policy.hospital import MAIN, NOON

SCOPE = TenantScope(DEFAULT_TENANT)
POLICY = load_policy(
    {
        "policy.yaml": """\
version: 1
attributes: {study.title: {type: string, from: StudyDescription}}
roles: {curator: {may: [search, store, append, retrieve, export], owner: o}}
rules:
  - {id: mine, effect: permit, roles: [curator], when: study.title == 'MINE'}
  - {id: not-held, effect: forbid, when: "'HOLD' in study.labels"}
assignments: [{users: [cora], roles: [curator]}]
"""
    }
)
BOUND = bind(POLICY, Subject(tenant=DEFAULT_TENANT, name="cora"), Context(now=NOON, request_id="r"), MAIN, ())


def study(uid: str = "1.2.3", title: str = "MINE", labels: frozenset[str] = frozenset()) -> StudyEntry:
    facts = {
        "uid": frozenset({uid}),
        "patient_id": frozenset({"P1"}),
        "title": frozenset({title}),
        "labels": labels,
        "collections": frozenset[str](),
    }
    return StudyEntry(
        MAIN, uid, "P1", "", {}, facts, (SeriesEntry("1.5", {}, {"uid": frozenset({"1.5"})}, ()),), NOON
    )


@dataclass(frozen=True)
class Held:
    held: tuple[StudyEntry, ...] = ()

    def studies(self, _scope: object, _archive: object, uid: str) -> Fresh:
        return Fresh(tuple(one for one in self.held if one.study_instance_uid == uid), asked=False)


def judge(*held: StudyEntry) -> MadeJudge:
    return MadeJudge(cast("Any", Held(held)), SCOPE, MAIN, BOUND)


def made(title: str = "MINE") -> InstanceSummary:
    data = variant("CT_small.dcm", StudyDescription=title, StudyInstanceUID="9.9").data
    return renamed(read_summary(BytesIO(data)), "1.2.3", "1.2.3.4")


def test_a_summary_is_of_the_study_and_series_in_which_the_object_will_be() -> None:
    summary = made()
    assert (summary.study_instance_uid, summary.series_instance_uid) == ("1.2.3", "1.2.3.4")
    assert summary.header["0020000D"]["Value"] == ["1.2.3"]


def test_a_new_study_is_decided_with_the_labels_of_its_source() -> None:
    assert judge().rule(made(), study("7")).action is not None
    assert judge().rule(made(), study("7", labels=frozenset({"HOLD"}))).action is None
    assert judge().rule(made("OTHERS"), study("7")).action is None


def test_what_joins_a_held_study_needs_what_an_upload_into_it_needs() -> None:
    assert judge(study()).rule(made(), study("7")).action is not None
    assert judge(study(title="OTHERS")).rule(made(), study("7")).action is None


def test_merged_parts_are_decided_as_part_of_their_target() -> None:
    source = study("7", title="OTHERS")
    parts = (Part(source, source.series[0], (), NO_MASK),)
    assert judge().may_join(parts, study()).action is not None
    assert judge().may_join(parts, study(title="OTHERS")).action is None


def test_what_turned_out_otherwise_may_not_stay() -> None:
    assert judge().may_stay([study()])
    assert not judge().may_stay([study(), study("8", title="OTHERS")])


def test_an_object_brought_along_is_exported_by_what_it_says_and_by_what_is_known_of_its_study() -> None:
    def allowed(summary: InstanceSummary, *held: StudyEntry) -> bool:
        return isinstance(judge_export(cast("Any", Held(held)), SCOPE, MAIN, summary, BOUND), Allow)

    assert allowed(made())
    assert not allowed(made("OTHERS"))
    assert allowed(made(), study())
    assert not allowed(made(), study(title="OTHERS"))
    assert not allowed(made(), study(labels=frozenset({"HOLD"})))
    assert not allowed(
        made(), replace(study(), study_instance_uid="1.2.3", facts=study(title="OTHERS").facts)
    )
