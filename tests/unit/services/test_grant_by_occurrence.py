"""What happens gives permissions by the policy's rules, in the name of who stored or sent it."""

from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from pacsgate.audit.events import Actor, EventKind, Outcome
from pacsgate.bootstrap.listeners import Listeners
from pacsgate.identity.latest_time import LatestTime
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Allow
from pacsgate.model.grant import GranteeKind, GrantTarget
from pacsgate.model.occurrence import OccurrenceKind
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName, TenantScope
from pacsgate.model.role import Assignment
from pacsgate.model.subject import Subject, SubjectKind
from pacsgate.ports.occurrences import Occurrence
from pacsgate.services.administration import Office
from pacsgate.services.grant_by_occurrence import GrantByOccurrence
from pacsgate.services.live_policy import LivePolicy
from pacsgate.services.publish_policy import PublishPolicy
from pacsgate.services.study_permissions import StudyPermissionAdministration
from pacsgate.stores.database import open_database
from pacsgate.stores.stores import stores_on
from tests.support.clocks import HandClock
from tests.support.databases import sqlite_url
from tests.support.indexing import SEEN, instance
from tests.support.trails import ListTrail

SCOPE = TenantScope(DEFAULT_TENANT)
MAIN = ArchiveName("main")
POLICY = """
version: 1
attributes:
  study.department: {type: string, from: InstitutionalDepartmentName}
roles:
  doctor: {may: [search, view]}
  modality: {may: [store, append]}
  ordering: {permissions: [GrantByOrder]}
grant_rules:
  - id: of-ct
    on: [study-arrived]
    when: "study.department == 'CT' && 'modality' in user.roles"
    grant: {roles: [doctor], actions: [search, view]}
  - {id: whole-patient, on: [series-stored], to: patient, when: env.calling_ae_title == 'ALL',
     grant: {roles: [doctor], actions: [search]}}
  - {id: a-month, on: [series-stored], to: patient, for: 30d, when: env.calling_ae_title == 'MONTH',
     grant: {groups: [ward], actions: [search]}}
  - {id: ordered, on: [message-received], when: message.type == 'ORM^O01',
     grant: {roles: [doctor], actions: [search]}}
  - {id: discharged, on: [message-received], when: message.type == 'ADT^A03', to: patient,
     revoke: {roles: [doctor], actions: [search, view]}}
  - {id: of-ct1, on: [message-received], when: message.type == 'ORU^R01' && study.ingest_principal == 'ct1',
     grant: {roles: [doctor], actions: [view]}}
  - {id: of-nobody, on: [procedure-step-created], grant: {users: [nobody], actions: [search]}}
"""
CT1 = Subject(DEFAULT_TENANT, "ct1", SubjectKind.DEVICE, assignments=(Assignment("modality"),))
HIS = Subject(DEFAULT_TENANT, "his", SubjectKind.DEVICE, assignments=(Assignment("ordering"),))
DOCTOR = Subject(DEFAULT_TENANT, "ann", assignments=(Assignment("doctor"),))


class House:
    def __init__(self, directory: Path) -> None:
        stores = self.stores = stores_on(open_database(sqlite_url(directory)))
        self.trail, self.clock = ListTrail(), HandClock()
        PublishPolicy(stores.directory, stores.revisions, stores.outbox, self.trail, self.clock).publish(
            SCOPE, {"policy.yaml": POLICY}, Actor("op", verified=True)
        )
        self.live = LivePolicy(
            stores.epochs, stores.revisions, stores.directory, LatestTime(self.clock.now()).at
        )
        self.trail.events.clear()
        self.rules = GrantByOccurrence(self.administration, self.live, stores.index, self.trail)

    def administration(self) -> StudyPermissionAdministration:
        stores, policy = self.stores, self.live.current(SCOPE)
        return StudyPermissionAdministration(
            Office(stores.directory, stores.outbox, self.trail, lambda _: policy, stores.permissions)
        )

    def happened(self, kind: OccurrenceKind, subject: Subject = CT1, **known: object) -> None:
        self.rules.happened(
            Occurrence(kind, SCOPE, MAIN, self.clock.now(), str(known.pop("source", "s1")), subject, **known)
        )

    def arrived(self, uid: str, calling_ae_title: str = "CT1", department: str = "CT", **known) -> None:
        data_set = Dataset()
        data_set.PatientID, data_set.IssuerOfPatientID = "P1", "HOSP"
        data_set.StudyInstanceUID, data_set.InstitutionalDepartmentName = uid, department
        self.happened(
            known.pop("kind", OccurrenceKind.STUDY_ARRIVED),
            study_instance_uid=uid,
            data_set=data_set,
            calling_ae_title=calling_ae_title,
            **known,
        )

    def held(self, uid: str) -> set[str]:
        return {str(each.holding) for each in self.stores.permissions.of_study(SCOPE, uid)}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_an_arriving_study_is_seen_by_whom_the_rule_names_and_by_nobody_before(house: House) -> None:
    facts = instance("1.2.1", patient="P1", issuer="HOSP")
    context = Context(house.clock.now(), "r")
    assert house.live.bind(SCOPE, DOCTOR, context, MAIN).could(Action.VIEW) is not None
    house.arrived("1.2.1")
    house.stores.index.ingest(SCOPE, MAIN, [facts, instance("1.2.2")], SEEN)
    bound = house.live.bind(SCOPE, DOCTOR, context, MAIN)
    allowed = [
        study.study_instance_uid
        for study in house.stores.index.every_study(SCOPE, MAIN)
        if isinstance(bound.decide(Action.VIEW, study.facts_of(study.series[0])), Allow)
    ]
    assert allowed == ["1.2.1"]
    (event,) = house.trail.events
    assert (event.actor.name, event.kind) == ("ct1", EventKind.OBJECT_ACCESS_CHANGED)
    assert event.details["origin"] == "rule of-ct: study-arrived s1"


def test_nothing_is_given_where_the_rule_does_not_apply(house: House) -> None:
    house.arrived("1.2.1", department="MR")
    house.arrived("1.2.2", subject=HIS)
    assert not house.held("1.2.1")
    assert not house.held("1.2.2")
    assert not house.trail.events


def test_a_whole_patient_is_what_it_has_and_the_study_that_arrives(house: House) -> None:
    house.stores.index.ingest(SCOPE, MAIN, [instance("1.2.7", patient="P1", issuer="HOSP")], SEEN)
    house.arrived("1.2.8", "ALL", kind=OccurrenceKind.SERIES_STORED)
    assert house.held("1.2.7") == house.held("1.2.8") == {"search:role:doctor"}


def test_what_lasts_a_while_is_a_grant_on_the_patient(house: House) -> None:
    house.arrived("1.2.8", "MONTH", kind=OccurrenceKind.SERIES_STORED)
    (grant,) = house.stores.directory.grants(SCOPE)
    assert (grant.grantee_kind, grant.target, grant.target_id) == (
        GranteeKind.GROUP,
        GrantTarget.PATIENT,
        "HOSP|P1",
    )
    assert (grant.expires - house.clock.now()).days == 30
    assert not house.held("1.2.8")


def message(kind: str, *segments: str) -> bytes:
    head = f"MSH|^~\\&|HIS|HOSP|GATE|HOSP|20260310||{kind}|M1|P|2.5"
    return "\r".join((head, "PID|1||P1^^^HOSP", *segments, "")).encode()


def test_an_order_gives_before_the_study_is_there_and_a_discharge_takes_back(house: House) -> None:
    order = message("ORM^O01", "ORC|NW|1", "OBR|1|1|1|CT", "ZDS|1.2.1^HIS^Application^DICOM")
    house.happened(OccurrenceKind.MESSAGE_RECEIVED, HIS, message=order)
    assert house.held("1.2.1") == {"search:role:doctor"}
    house.stores.index.ingest(SCOPE, MAIN, [instance("1.2.1", patient="P1", issuer="HOSP")], SEEN)
    house.happened(OccurrenceKind.MESSAGE_RECEIVED, HIS, message=message("ADT^A03"))
    assert not house.held("1.2.1")


def test_who_stored_a_study_is_not_who_orders_about_it(house: House) -> None:
    stored = instance("1.2.1", patient="P1", issuer="HOSP", ingest_principal="ct1")
    house.stores.index.ingest(SCOPE, MAIN, [stored], SEEN)
    house.happened(
        OccurrenceKind.MESSAGE_RECEIVED, HIS, message=message("ORU^R01"), study_instance_uid="1.2.1"
    )
    assert house.held("1.2.1") == {"view:role:doctor"}


def test_who_may_not_order_permissions_gives_none(house: House) -> None:
    order = message("ORM^O01", "ZDS|1.2.1^HIS^Application^DICOM")
    house.happened(OccurrenceKind.MESSAGE_RECEIVED, CT1, message=order)
    assert not house.held("1.2.1")
    (event,) = house.trail.events
    assert event.kind is EventKind.DENIED
    assert event.details["permission"] == "GrantByOrder"


@pytest.mark.parametrize(
    "known",
    [
        {"message": message("ORM^O01")},
        {"message": message("ORM^O01", "ZDS|not-a-uid^HIS^Application^DICOM")},
        {"message": b"no message at all"},
    ],
)
def test_what_names_no_study_gives_nothing_and_says_so(house: House, known: dict[str, object]) -> None:
    house.happened(OccurrenceKind.MESSAGE_RECEIVED, HIS, **known)
    assert not list(house.stores.permissions.every(SCOPE))
    (event,) = house.trail.events
    assert (event.outcome, event.details["change"]) == (Outcome.SERIOUS, "nothing granted")


def test_a_rule_for_somebody_who_does_not_exist_fails_aloud(house: House) -> None:
    house.happened(OccurrenceKind.PROCEDURE_STEP_CREATED, HIS, study_instance_uid="1.2.1")
    (event,) = house.trail.events
    assert "no user is called `nobody`" in event.details["why"]


def test_a_listener_that_breaks_keeps_no_other_from_hearing(house: House) -> None:
    class Broken:
        def happened(self, occurrence: Occurrence) -> None:
            raise ZeroDivisionError(occurrence.source)

    heard: list[Occurrence] = []

    class Ear:
        def happened(self, occurrence: Occurrence) -> None:
            heard.append(occurrence)

    occurrence = Occurrence(OccurrenceKind.STUDY_ARRIVED, SCOPE, MAIN, house.clock.now(), "s1", CT1)
    Listeners((Broken(), Ear()), house.trail).happened(occurrence)
    assert heard == [occurrence]
    assert house.trail.events[-1].outcome is Outcome.SERIOUS
