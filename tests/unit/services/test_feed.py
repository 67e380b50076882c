"""What others do to a real Orthanc, and what the gate's index says a moment later."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pacsgate.audit.events import AuditEvent, EventKind
from pacsgate.cli.demo.hospital import part10
from pacsgate.dicom.summarise import read_summary
from pacsgate.dicom.uids import deterministic_uid
from pacsgate.model.resource import Level
from pacsgate.policy.ir import INGEST_PRINCIPAL
from pacsgate.ports import Arrival
from pacsgate.protocols.orthanc.identifiers import orthanc_id
from pacsgate.services.orthanc_names import names_in
from pacsgate.services.reconcile_orthanc import Doubt
from pacsgate.services.resolve import Answer, Refusal
from tests.personas import new_hospital
from tests.support.fed import Fed, fed
from tests.support.installed import save
from tests.support.objects import Part10, small_hospital, variant
from tests.support.orthanc import Orthanc

pytestmark = pytest.mark.server("orthanc")

POLICY = """
version: 1
roles: {reader: {may: [search, view, delete], owner: tests}}
rules:
  - {id: readers-read, effect: permit, roles: [reader]}
  - {id: nobody-sees-secrets, effect: forbid, when: "'SECRET' in study.labels"}
assignments: [{users: [anybody], roles: [reader]}]
"""


@pytest.fixture
def gate(tmp_path: Path, orthanc: Orthanc) -> Iterator[Fed]:
    """A gate whose index has read an Orthanc with two studies of two series of two instances."""
    orthanc.clear()
    upload(orthanc, *small_hospital(studies=2))
    with fed(tmp_path / "gate", orthanc, policy=POLICY) as made:
        made.feed.poll()
        yield made


def upload(orthanc: Orthanc, *objects: Part10) -> None:
    for one in objects:
        orthanc.upload(one.data)


def another(number: int = 1, **changes: str) -> Part10:
    uid = deterministic_uid("another", str(number))
    made = {"StudyInstanceUID": uid, "SeriesInstanceUID": f"{uid}.1", "SOPInstanceUID": f"{uid}.1.1"}
    return variant(**{**made, "PatientID": "NEW", **changes})


def same_as_orthanc(gate: Fed, orthanc: Orthanc) -> None:
    """Every study, series, instance and patient has the name that Orthanc gives it, and none is missing."""
    studies = gate.studies()
    named = [named for study in studies for named in names_in(study)]
    held = {level: {one.orthanc_id for one in named if one.level is level} for level in Level}
    held[Level.PATIENT] = {orthanc_id(study.patient_id) for study in studies}
    for level, path in (
        (Level.PATIENT, "/patients"),
        (Level.STUDY, "/studies"),
        (Level.SERIES, "/series"),
        (Level.INSTANCE, "/instances"),
    ):
        assert held[level] == set(orthanc.request("GET", path).json())


def test_a_first_poll_reads_all_that_is_there_and_says_how_far_it_is(gate: Fed, orthanc: Orthanc) -> None:
    same_as_orthanc(gate, orthanc)
    assert gate.crawled[-1].done == gate.crawled[-1].total == 8
    state = gate.state
    assert state is not None
    assert state.crawled
    assert state.current_at is not None


def test_what_others_bring_shows_within_a_poll(gate: Fed, orthanc: Orthanc) -> None:
    new = another()
    upload(orthanc, new)
    gate.feed.poll()
    assert new.key.study_instance_uid in gate.listed()
    crawls = len(gate.crawled)
    upload(orthanc, another(SOPInstanceUID="1.2.3.4.5"))
    gate.feed.poll()
    assert "1.2.3.4.5" in gate.instances()
    assert len(gate.crawled) == crawls
    same_as_orthanc(gate, orthanc)


def test_what_others_delete_disappears_at_every_level(gate: Fed, orthanc: Orthanc) -> None:
    for path in ("/instances", "/series", "/studies"):
        orthanc.request("DELETE", f"{path}/{orthanc.request('GET', path).json()[0]}")
        gate.settle()
        same_as_orthanc(gate, orthanc)


@pytest.mark.long
def test_a_deletion_that_is_made_up_for_by_something_new_is_noticed_too(gate: Fed, orthanc: Orthanc) -> None:
    orthanc.request("DELETE", f"/studies/{orthanc.request('GET', '/studies').json()[0]}")
    upload(orthanc, *small_hospital(studies=3)[-4:])
    gate.settle()
    same_as_orthanc(gate, orthanc)


@pytest.mark.long
def test_a_difference_is_looked_into_once(gate: Fed, orthanc: Orthanc) -> None:
    gate.settle()
    assert len(gate.said) == 1
    orthanc.request("DELETE", f"/studies/{orthanc.request('GET', '/studies').json()[0]}")
    gate.settle()
    gate.settle()
    gate.settle()
    assert len(gate.said) == 2


def test_what_is_replaced_is_read_again(gate: Fed, orthanc: Orthanc) -> None:
    old, new = another(PatientName="Old"), another(PatientName="New")
    crawls = len(gate.crawled)
    upload(orthanc, old)
    gate.feed.poll()
    orthanc.request("DELETE", f"/patients/{orthanc_id('NEW')}")
    upload(orthanc, new)
    gate.feed.poll()
    (study,) = (one for one in gate.studies() if one.patient_id == "NEW")
    assert len(gate.crawled) == crawls
    assert study.attributes["00100010"]["Value"] == [{"Alphabetic": "New"}]


def test_a_feed_that_was_stopped_goes_on_where_it_was(gate: Fed, orthanc: Orthanc) -> None:
    crawls = len(gate.crawled)
    upload(orthanc, another())
    gate.new_feed().poll()
    same_as_orthanc(gate, orthanc)
    assert len(gate.crawled) == crawls


def test_another_database_is_noticed_and_read_anew(gate: Fed, orthanc: Orthanc) -> None:
    """As if the one before had reached as far, with something else in these places."""
    state = gate.state
    assert state is not None
    orthanc.request("DELETE", f"/studies/{orthanc.request('GET', '/studies').json()[0]}")
    elsewhere = tuple(replace(anchor, fingerprint="something else") for anchor in state.anchors)
    gate.opened.stores.feeds.save(gate.scope, gate.archive, replace(state, anchors=elsewhere))
    gate.feed.poll()
    between = gate.state
    assert between is not None
    assert between.current_at is None
    gate.feed.poll()
    same_as_orthanc(gate, orthanc)
    assert len(gate.said) == 2


@pytest.mark.long
def test_a_log_that_was_cleared_is_no_reason_to_miss_anything(gate: Fed, orthanc: Orthanc) -> None:
    orthanc.request("DELETE", "/changes")
    upload(orthanc, another())
    gate.feed.poll()
    gate.feed.poll()
    same_as_orthanc(gate, orthanc)


def test_one_study_uid_under_two_patients_is_two_studies(gate: Fed, orthanc: Orthanc) -> None:
    one, two = another(PatientID="ONE"), another(PatientID="TWO")
    upload(orthanc, one, two)
    gate.feed.poll()
    same_as_orthanc(gate, orthanc)
    assert {
        study.patient_id for study in gate.studies() if study.study_instance_uid == one.key.study_instance_uid
    } == {"ONE", "TWO"}
    orthanc.request("DELETE", f"/patients/{orthanc_id('ONE')}")
    gate.settle()
    same_as_orthanc(gate, orthanc)


def label(gate: Fed, study_uid: str, *labels: str) -> None:
    event = AuditEvent(EventKind.OBJECT_ACCESS_CHANGED, gate.opened.clock.now(), gate.opened.actor())
    gate.opened.stores.index.set_labels(
        gate.scope,
        gate.archive,
        study_uid,
        labels=frozenset(labels),
        collections=frozenset({"TEACH"}),
        event=event,
    )


def secret_study(gate: Fed, orthanc: Orthanc) -> str:
    """A study that a label keeps from everybody; its identifier."""
    new = another()
    upload(orthanc, new)
    gate.feed.poll()
    label(gate, new.key.study_instance_uid, "SECRET")
    return orthanc_id("NEW", new.key.study_instance_uid)


@pytest.mark.parametrize(
    ("way", "found_by"),
    [
        ("anonymize", "the feed"),
        ("modify", "its name"),
        pytest.param("anonymize", "its name", marks=pytest.mark.long),
        pytest.param("modify", "the feed", marks=pytest.mark.long),
    ],
)
def test_a_copy_made_behind_the_gate_has_the_labels_before_anybody_sees_it(
    gate: Fed, orthanc: Orthanc, way: str, found_by: str
) -> None:
    secret = secret_study(gate, orthanc)
    body = {"Replace": {"StudyDescription": "copy"}} if way == "modify" else {}
    copy = orthanc.request("POST", f"/studies/{secret}/{way}", json=body).json()["ID"]
    assert copy != secret
    if found_by == "the feed":
        gate.feed.poll()
    found = gate.reached(Level.STUDY, copy)
    assert isinstance(found, Refusal)
    assert found.answer is Answer.NOT_FOUND
    (study,) = (one for one in gate.studies() if orthanc_id(one.patient_id, one.study_instance_uid) == copy)
    assert (study.facts["labels"], study.facts["collections"]) == ({"SECRET"}, {"TEACH"})


@pytest.mark.long
def test_a_copy_of_a_copy_whose_source_is_gone_has_them_too(gate: Fed, orthanc: Orthanc) -> None:
    secret = secret_study(gate, orthanc)
    first = orthanc.request("POST", f"/studies/{secret}/anonymize", json={"KeepSource": False}).json()["ID"]
    gate.feed.poll()
    second = orthanc.request("POST", f"/studies/{first}/anonymize", json={"KeepSource": False}).json()["ID"]
    gate.settle()
    assert orthanc.request("GET", "/studies").json().count(second) == 1
    same_as_orthanc(gate, orthanc)
    assert isinstance(gate.reached(Level.STUDY, second), Refusal)


@pytest.mark.long
def test_labels_that_a_study_has_of_its_own_stay(gate: Fed, orthanc: Orthanc) -> None:
    secret_study(gate, orthanc)
    target = min(gate.listed() - {another().key.study_instance_uid})
    label(gate, target, "OWN")
    for _ in range(2):
        gate.opened.labels.inherit(gate.scope, gate.archive, {another().key.study_instance_uid}, target)
    (study,) = gate.opened.stores.index.studies(gate.scope, gate.archive, target)
    assert study.facts["labels"] == {"OWN", "SECRET"}


def test_a_difference_that_never_stays_the_same_is_looked_into_in_the_end() -> None:
    doubt = Doubt((0, 0, 0))
    assert [doubt.grows((-each, 0, 0), 0.0) for each in range(1, 61)].index(True) == 59


def test_a_difference_that_comes_and_goes_is_not_looked_into() -> None:
    doubt = Doubt((0, 0, 0))
    for _ in range(100):
        assert not doubt.grows((1, 0, 0), 0.0)
        assert not doubt.grows((0, 0, 0), 0.0)


def test_what_is_left_after_all_was_looked_into_is_no_difference_until_it_changes() -> None:
    doubt = Doubt((0, 0, 0))
    doubt.settle((2, 0, 0), began=0.0, ended=5.0)
    assert not any(doubt.grows((2, 0, 0), 100.0) for _ in range(10))
    assert [doubt.grows((1, 0, 0), 100.0) for _ in range(3)] == [False, False, True]
    assert not doubt.grows((1, 0, 0), 54.0), "fifty seconds of rest after five of work"


SITES = """attributes:
  study.site: {type: string, from: [{attribute: study.ingest_principal, map: {CT1: north, CT9: south}}]}
roles:"""


def test_reading_again_what_was_stored_through_the_gate_forgets_nothing_that_the_gate_witnessed(
    gate: Fed, orthanc: Orthanc
) -> None:
    policy = POLICY.replace("'SECRET' in study.labels", "study.site == 'south'").replace("roles:", SITES, 1)
    save(gate.opened, {"policy.yaml": policy})
    new = another()
    upload(orthanc, new)
    arrival = Arrival(read_summary(new.data), None, None, "")
    origin = {INGEST_PRINCIPAL.name: frozenset({"CT1"})}
    gate.opened.indexer.add(gate.scope, gate.archive, [arrival], origin)
    for _ in range(2):
        (study,) = gate.opened.stores.index.studies(gate.scope, gate.archive, new.key.study_instance_uid)
        assert study.facts["site"] == {"north"}
        gate.feed.poll()


@pytest.mark.long
def test_all_of_the_demo_has_the_names_that_orthanc_gives_it(gate: Fed, orthanc: Orthanc) -> None:
    orthanc.clear()
    for instances in new_hospital().objects.values():
        for one in instances:
            orthanc.upload(part10(one))
    gate.feed.poll()
    gate.settle()
    same_as_orthanc(gate, orthanc)


@pytest.mark.long
@pytest.mark.parametrize(
    ("patient_id", "character_set"),
    [
        ("", "ISO_IR 6"),
        ("A|B^C/D", "ISO_IR 6"),
        ("TRAILING  ", "ISO_IR 6"),
        ("MÜLLER-1", "ISO_IR 100"),
        ("ŁÓDŹ", "ISO_IR 101"),
        ("山田-7", "ISO_IR 192"),
        ("0" * 64, "ISO_IR 6"),
    ],
)
def test_unusual_patients_have_the_names_that_orthanc_gives_them(
    gate: Fed, orthanc: Orthanc, patient_id: str, character_set: str
) -> None:
    upload(orthanc, another(PatientID=patient_id, SpecificCharacterSet=character_set))
    gate.feed.poll()
    same_as_orthanc(gate, orthanc)


@pytest.mark.long
def test_a_patient_id_that_orthanc_spells_otherwise_stays_out_and_is_no_lasting_difference(
    gate: Fed, orthanc: Orthanc
) -> None:
    upload(orthanc, another(PatientID="  LEADING"))
    gate.settle()
    gate.settle()
    assert another().key.study_instance_uid not in gate.listed()
    assert len(gate.said) == 2, "the difference was looked into once"
    gate.feed = gate.new_feed()
    gate.settle()
    assert len(gate.said) == 2, "and not again by the next process"
    upload(orthanc, another(2))
    gate.settle()
    assert another(2).key.study_instance_uid in gate.listed()
    assert len(gate.said) == 2
