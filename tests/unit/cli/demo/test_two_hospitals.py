"""The policy of the demo's hospital north: who visits sees images in the reading room, and only there."""

from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest

from pacsgate.cli.demo.hospital import policy_text
from pacsgate.cli.demo.two_hospitals import NORTH, SOUTH, VISITOR, make_two, two_tenants
from pacsgate.config import read_settings
from pacsgate.model.actions import Action
from pacsgate.model.built_in_roles import ACCESS_UNIT_HOLDER, UNIT_ACTIONS
from pacsgate.model.context import Context
from pacsgate.model.decision import Allow
from pacsgate.model.grant import Grant, GranteeKind, GrantTarget
from pacsgate.model.resource import TenantScope
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.model.subject import Subject
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import bind
from pacsgate.policy.facts import ResourceFacts

NOW = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)
VISITORS = files("pacsgate.cli.demo").joinpath("visitors.yaml").read_text("utf-8")
POLICY = load_policy({"policy.yaml": policy_text(), "visitors.yaml": VISITORS})
(DEMO, ELSEWHERE) = two_tenants()


@pytest.mark.parametrize(
    ("zones", "is_allowed"),
    [
        (frozenset({"reading-room"}), True),
        (frozenset({"lobby"}), False),
        (frozenset(), False),
        (None, False),
    ],
)
def test_a_visitor_sees_what_is_open_to_him_in_the_reading_room_and_nowhere_else(
    zones: frozenset[str] | None, is_allowed: bool
) -> None:
    visitor = next(person for person in DEMO.staff if person.name == VISITOR)
    subject = Subject(
        tenant=NORTH,
        name=visitor.name,
        kind=visitor.kind,
        assignments=(Assignment(ACCESS_UNIT_HOLDER, AssignmentScope(DEMO.archive)),),
        groups=visitor.groups,
        zones=zones,
    )
    opened = Grant(
        grant_id="g1",
        grantee_kind=GranteeKind.USER,
        grantee=VISITOR,
        target=GrantTarget.COLLECTION,
        target_id="TEACH",
        actions=UNIT_ACTIONS,
        granted_by="desk1",
        granted_at=NOW,
        archive=DEMO.archive,
    )
    study: dict[str, frozenset[str]] = {
        "uid": frozenset({"1.2"}),
        "collections": frozenset({"TEACH"}),
        "labels": frozenset(),
    }
    facts = ResourceFacts(study=study, series={"uid": frozenset({"1.2.3"})})
    bound = bind(POLICY, subject, Context(now=NOW, request_id="r"), DEMO.archive, (opened,))
    assert isinstance(bound.decide(Action.VIEW, facts), Allow) is is_allowed


def test_the_studies_of_one_hospital_are_not_those_of_the_other() -> None:
    uids = [{study.study_instance_uid for study in demo.studies} for demo in (DEMO, ELSEWHERE)]
    assert len(uids[0]) == len(uids[1])
    assert not uids[0] & uids[1]


def test_each_hospital_has_its_own_archive_and_policy(tmp_path: Path) -> None:
    settings = read_settings(make_two(tmp_path / "demo", port=0, dicom_port=0))
    for demo in (DEMO, ELSEWHERE):
        assert settings.tenant_archives.of(TenantScope(demo.tenant)) == (demo.archive,)
    assert {SOUTH, NORTH} == settings.tenants.keys()
    assert settings.dicom is not None
    assert settings.dicom.ae_titles.keys() == {DEMO.title, ELSEWHERE.title}
