"""The demo's policy does what the hand-written oracle says it does, cell by cell."""

from datetime import UTC, datetime

import pytest

from pacsgate.cli.demo.hospital import DemoPerson, DemoStudy, people, policy_text, studies
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Allow
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName
from pacsgate.model.subject import Attributes, Subject
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import Bound, bind
from pacsgate.policy.facts import ResourceFacts
from tests.personas import NEW_STUDY, Expected, hidden_series, oracle

NOW = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)
POLICY = load_policy({"policy.yaml": policy_text()})
STUDIES = {study.name: study for study in studies()}


def bound(somebody: DemoPerson, network: str = "internal") -> Bound:
    subject = Subject(
        tenant=DEFAULT_TENANT,
        name=somebody.name,
        kind=somebody.kind,
        assignments=somebody.assignments(NOW),
        groups=somebody.groups,
        attributes=somebody.attributes,
    )
    return bind(POLICY, subject, Context(now=NOW, request_id="r", network=network), ArchiveName("main"), ())


def facts_about(study: DemoStudy) -> Attributes:
    """What an index would hold, told from the table alone."""
    facts = {
        "uid": frozenset({study.study_instance_uid}),
        "patient_id": frozenset({study.patient.patient_id}),
        "modalities": frozenset(series.modality for series in study.series),
        "labels": study.labels,
        "collections": study.collections,
        "department": frozenset({study.department.value} if study.department else ()),
        "referrer": frozenset({study.referring_physician_name} - {""}),
    }
    return facts | ({"ingest_principal": frozenset({study.stored_by})} if study.stored_by else {})


def facts_of_series(study: DemoStudy) -> dict[int, ResourceFacts]:
    return {
        number: ResourceFacts(
            study=facts_about(study),
            series={
                "uid": frozenset({study.series_instance_uid(number)}),
                "modality": frozenset({series.modality}),
                "description": frozenset({series.description}),
            },
        )
        for number, series in enumerate(study.series, start=1)
    }


NEW = {
    1: ResourceFacts(
        study={"uid": frozenset({"2.25.1"}), "labels": frozenset(), "collections": frozenset()}, series={}
    )
}


def allowed(who: Bound, action: Action, series: dict[int, ResourceFacts]) -> set[int]:
    return {number for number, facts in series.items() if isinstance(who.decide(action, facts), Allow)}


def outcome(who: Bound, action: Action, series: dict[int, ResourceFacts]) -> Expected:
    if who.could(action) is not None:
        return Expected.NEVER
    if allowed(who, action, series):
        return Expected.ALLOW
    return Expected.NEVER if allowed(who, Action.SEARCH, series) else Expected.HIDDEN


@pytest.mark.parametrize("somebody", people(), ids=lambda somebody: somebody.name)
def test_everybody_may_do_exactly_what_the_oracle_says(somebody):
    expected = {key: cell for key, cell in oracle().items() if key[0] == somebody.name}
    who = bound(somebody)
    assert expected == {
        (name, action, study): outcome(
            who, Action(action), NEW if study == NEW_STUDY else facts_of_series(STUDIES[study])
        )
        for name, action, study in expected
    }


def test_the_oracle_asks_about_everybody_every_study_and_every_action():
    asked = oracle()
    assert {person for person, _, _ in asked} == {somebody.name for somebody in people()}
    assert {study for _, _, study in asked} == STUDIES.keys() | {NEW_STUDY}
    assert {action for _, action, _ in asked} == set(Action)


def test_of_partly_visible_studies_everybody_sees_the_right_part():
    hidden = {
        (somebody.name, study.name, number)
        for somebody in people()
        for study in STUDIES.values()
        if (seen := allowed(bound(somebody), Action.SEARCH, facts_of_series(study)))
        for number in facts_of_series(study).keys() - seen
    }
    assert hidden == hidden_series()


def test_a_teleradiologist_reads_the_list_through_the_vpn_until_the_assignment_ends():
    (ext1,) = (somebody for somebody in people() if somebody.name == "ext1")
    assert outcome(bound(ext1, network="vpn"), Action.VIEW, facts_of_series(STUDIES["S12"])) is Expected.ALLOW
    assert (
        outcome(bound(ext1, network="vpn"), Action.VIEW, facts_of_series(STUDIES["S13"])) is Expected.HIDDEN
    )
    (assignment,) = ext1.assignments(NOW)
    assert assignment.until is not None
    assert not assignment.is_live(assignment.until)


def test_roles_that_people_are_said_to_have_are_those_in_effect():
    scoped = {"medical-student"}  # holds in one collection only, and is not among the roles of the archive
    for somebody in people():
        assert bound(somebody).roles == set(somebody.roles) - scoped


def test_who_runs_the_system_sees_no_patient_and_who_reads_the_trail_changes_nothing():
    permissions = {somebody.name: bound(somebody).permissions for somebody in people()}
    assert permissions["comp1"] == {"AuditRead", "RoleGet", "RoleList", "UserList"}
    assert "AuditRead" not in permissions["admin1"]
    assert all(not permissions[name] for name in ("rad1", "chief1", "tech1", "CT1", "clerk1"))
