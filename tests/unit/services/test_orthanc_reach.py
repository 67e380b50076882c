"""What Orthanc identifiers lead to for somebody who may see some of it, and what the questions cost."""

from collections.abc import Iterator
from typing import Any

import pytest

from pacsgate.model.actions import Action
from pacsgate.model.resource import Level
from pacsgate.protocols.orthanc.identifiers import orthanc_id
from pacsgate.services.orthanc_names import OrthancNames
from pacsgate.services.orthanc_reach import OrthancReach
from pacsgate.services.resolve import Answer, Reach, Refusal, Resolver
from tests.support.fed import Fed, fed, key_of, sop_uids
from tests.support.objects import Part10, small_hospital, variant
from tests.support.orthanc import Orthanc

pytestmark = pytest.mark.server("orthanc")

POLICY = """
version: 1
attributes:
  study.department: {type: string, from: InstitutionalDepartmentName}
roles: {reader: {may: [search, view, delete], owner: tests}, clerk: {may: [search], owner: tests}}
rules:
  - {id: readers-read, effect: permit, roles: [reader]}
  - {id: clerks-find, effect: permit, roles: [clerk]}
  - {id: secrets-are-secret, effect: forbid, when: has(study.department) && study.department == 'SECRET'}
  - {id: structured-reports-are-hidden, effect: forbid, when: series.modality == 'SR'}
  - {id: some-are-kept, effect: forbid, actions: [delete], when: has(study.department) && study.department == 'KEPT'}
assignments: [{users: [anybody], roles: [reader]}, {users: [clerk], roles: [clerk]}]
"""
P, OPEN, SECRET, PART, KEPT = "PATIENT", "1.2.10", "1.2.20", "1.2.30", "1.2.40"


def made(study: str, series: str = "1", department: str = "", patient: str = P, **changes: str) -> Part10:
    uid = f"{study}.{series}"
    uids = {"StudyInstanceUID": study, "SeriesInstanceUID": uid, "SOPInstanceUID": f"{uid}.1"}
    return variant(**{**uids, "InstitutionalDepartmentName": department, "PatientID": patient, **changes})


OBJECTS = (
    made(OPEN),
    made(SECRET, department="SECRET"),
    made(PART),
    made(PART, "2", Modality="SR"),
    made(KEPT, department="KEPT", patient="OTHER"),
    made(OPEN, department="SECRET", patient="TWIN"),
)


class Recording:
    """Hands questions on and writes them down."""

    def __init__(self, asked: list[str], real: Any) -> None:
        self._asked = asked
        self._real = real

    def __getattr__(self, name: str) -> Any:
        def ask(*arguments: object) -> Any:
            self._asked.append(" ".join([name, *(str(one) for one in arguments if isinstance(one, Level))]))
            return getattr(self._real, name)(*arguments)

        return ask


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory, orthanc: Orthanc) -> Iterator[Fed]:
    orthanc.clear()
    for one in OBJECTS:
        orthanc.upload(one.data)
    with fed(tmp_path_factory.mktemp("site") / "gate", orthanc, policy=POLICY) as opened:
        opened.feed.poll()
        yield opened


def refused(found: Reach | Refusal) -> Answer:
    assert isinstance(found, Refusal), found
    return found.answer


def test_each_level_is_reached_by_its_identifier_and_no_other(gate: Fed) -> None:
    names = {
        Level.PATIENT: orthanc_id("OTHER"),
        Level.STUDY: orthanc_id("OTHER", KEPT),
        Level.SERIES: orthanc_id("OTHER", KEPT, f"{KEPT}.1"),
        Level.INSTANCE: orthanc_id("OTHER", KEPT, f"{KEPT}.1", f"{KEPT}.1.1"),
    }
    for level, named in names.items():
        assert sop_uids(gate.reached(level, named)) == {f"{KEPT}.1.1"}
        assert sop_uids(gate.reached(None, named)) == {f"{KEPT}.1.1"}
        for other in set(Level) - {level}:
            assert refused(gate.reached(other, named)) is Answer.NOT_FOUND


def test_a_patient_is_visible_with_the_visible_studies_only(gate: Fed) -> None:
    assert sop_uids(gate.reached(Level.PATIENT, orthanc_id(P))) == {f"{OPEN}.1.1", f"{PART}.1.1"}
    assert refused(gate.reached(Level.PATIENT, orthanc_id("TWIN"))) is Answer.NOT_FOUND


def test_what_is_hidden_is_not_found_at_any_level(gate: Fed) -> None:
    for uids in ((SECRET,), (SECRET, f"{SECRET}.1"), (SECRET, f"{SECRET}.1", f"{SECRET}.1.1")):
        level = list(Level)[len(uids)]
        for action in (Action.VIEW, Action.DELETE):
            assert refused(gate.reached(level, orthanc_id(P, *uids), action)) is Answer.NOT_FOUND
    assert refused(gate.reached(Level.SERIES, orthanc_id(P, PART, f"{PART}.2"))) is Answer.NOT_FOUND


def test_one_uid_under_two_patients_is_decided_for_each_by_itself(gate: Fed) -> None:
    assert sop_uids(gate.reached(Level.STUDY, orthanc_id(P, OPEN))) == {f"{OPEN}.1.1"}
    assert refused(gate.reached(Level.STUDY, orthanc_id("TWIN", OPEN))) is Answer.NOT_FOUND
    found = gate.reached(Level.INSTANCE, orthanc_id(P, OPEN, f"{OPEN}.1", f"{OPEN}.1.1"))
    assert key_of(found).patient_id == P


def test_to_remove_a_patient_needs_every_part_of_every_study(gate: Fed) -> None:
    found = gate.reached(Level.PATIENT, orthanc_id(P), Action.DELETE)
    assert isinstance(found, Refusal)
    assert (found.answer, found.message) == (Answer.FORBIDDEN, None)
    assert isinstance(gate.reached(Level.STUDY, orthanc_id(P, OPEN), Action.DELETE), Reach)
    assert refused(gate.reached(Level.STUDY, orthanc_id(P, PART), Action.DELETE)) is Answer.FORBIDDEN


def test_what_one_could_never_do_is_refused_before_anything_is_looked_up(gate: Fed) -> None:
    asked, reach = recorded(gate)
    for named in (orthanc_id(P, OPEN), orthanc_id(P, SECRET), orthanc_id("nobody")):
        bound = gate.asker("clerk")
        found = reach.reach_named(gate.scope, gate.archive, Level.STUDY, named, Action.VIEW, bound)
        assert refused(found) is Answer.FORBIDDEN
    assert asked == []


def recorded(gate: Fed) -> tuple[list[str], OrthancReach]:
    """A reach whose questions to Orthanc are written down."""
    asked: list[str] = []
    watches = {gate.archive: Recording(asked, gate.opened.watches[gate.archive])}
    names = OrthancNames(gate.opened.stores.index, watches, gate.freshness)
    return asked, OrthancReach(names, Resolver(gate.freshness), gate.freshness)


@pytest.mark.parametrize("level", [*Level, None])
def test_hidden_and_missing_cost_orthanc_the_same_question(gate: Fed, level: Level | None) -> None:
    hidden = {
        None: (P, SECRET),
        Level.PATIENT: ("TWIN",),
        Level.STUDY: (P, SECRET),
        Level.SERIES: (P, SECRET, f"{SECRET}.1"),
        Level.INSTANCE: (P, SECRET, f"{SECRET}.1", f"{SECRET}.1.1"),
    }
    other_level = (P, OPEN, f"{OPEN}.1") if level is not Level.SERIES else (P, OPEN)
    costs = {}
    for action in (Action.VIEW, Action.DELETE):
        names = [(*hidden[level],), ("nobody", "1.2.3")] + ([other_level] if level is not None else [])
        for named in names:
            asked, reach = recorded(gate)
            found = reach.reach_named(
                gate.scope, gate.archive, level, orthanc_id(*named), action, gate.asker()
            )
            assert refused(found) is Answer.NOT_FOUND
            costs[action, named] = asked
    (cost,) = {tuple(asked) for asked in costs.values()}
    assert cost == tuple(f"studies_of {each}" for each in ([level] if level else Level))


def test_an_archive_that_only_the_gate_writes_to_is_asked_about_no_name(gate: Fed) -> None:
    asked: list[str] = []
    freshness: Any = Recording(asked, gate.freshness)
    freshness.others_write = lambda _archive: False
    watches = {gate.archive: Recording(asked, gate.opened.watches[gate.archive])}
    names = OrthancNames(gate.opened.stores.index, watches, freshness)
    for level in (*Level, None):
        assert names.resolve(gate.scope, gate.archive, level, orthanc_id("nobody")) is None
        names.ask_anyway(gate.scope, gate.archive, level, asked=False)
    assert asked == []


def test_what_is_known_costs_orthanc_nothing_and_is_then_remembered(gate: Fed) -> None:
    asked, reach = recorded(gate)
    named = orthanc_id(P, OPEN, f"{OPEN}.1", f"{OPEN}.1.1")
    question = (gate.scope, gate.archive, Level.INSTANCE, named, Action.VIEW, gate.asker())
    assert reach.recall_named(*question) is None
    found = reach.reach_named(*question)
    assert isinstance(found, Reach)
    assert reach.recall_named(*question) == found
    assert asked == []


def test_memory_says_nothing_about_what_is_hidden_or_of_another_level(gate: Fed) -> None:
    _, reach = recorded(gate)
    hidden = orthanc_id(P, SECRET, f"{SECRET}.1", f"{SECRET}.1.1")
    seen = orthanc_id(P, OPEN, f"{OPEN}.1", f"{OPEN}.1.1")
    for level, named in ((Level.INSTANCE, hidden), (Level.SERIES, seen)):
        question = (gate.scope, gate.archive, level, named, Action.VIEW, gate.asker())
        reach.reach_named(*question)
        assert reach.recall_named(*question) is None


def test_what_others_brought_a_moment_ago_is_decided_before_the_feed_has_seen_it(
    gate: Fed, orthanc: Orthanc
) -> None:
    for one in (made("1.2.50"), made("1.2.60", department="SECRET")):
        orthanc.upload(one.data)
    assert sop_uids(gate.reached(Level.SERIES, orthanc_id(P, "1.2.50", "1.2.50.1"))) == {"1.2.50.1.1"}
    assert refused(gate.reached(Level.STUDY, orthanc_id(P, "1.2.60"))) is Answer.NOT_FOUND


def test_a_study_that_a_patient_has_got_meanwhile_counts_before_the_patient_is_removed(
    gate: Fed, orthanc: Orthanc
) -> None:
    one, hidden = made("1.2.70", patient="GROWING"), made("1.2.80", patient="GROWING", department="SECRET")
    orthanc.upload(one.data)
    patient = orthanc_id("GROWING")
    assert isinstance(gate.reached(Level.PATIENT, patient, Action.DELETE), Reach)
    orthanc.upload(hidden.data)
    assert refused(gate.reached(Level.PATIENT, patient, Action.DELETE)) is Answer.FORBIDDEN


def test_a_patient_whose_name_imitates_another_s_study_gains_nothing(gate: Fed, orthanc: Orthanc) -> None:
    """His study has the identifier of the hidden series, so that name means neither."""
    imitation = made(f"{SECRET}.1", patient=f"{P}|{SECRET}")
    named = orthanc_id(P, SECRET, f"{SECRET}.1")
    assert orthanc_id(f"{P}|{SECRET}", imitation.key.study_instance_uid) == named
    orthanc.upload(imitation.data)
    gate.feed.poll()
    assert f"{SECRET}.1" in gate.listed()
    for level in (Level.STUDY, Level.SERIES, None):
        for reach in (gate.reach, recorded(gate)[1]):
            found = reach.reach_named(gate.scope, gate.archive, level, named, Action.VIEW, gate.asker())
            assert refused(found) is Answer.NOT_FOUND


def test_orthanc_and_the_gate_know_each_object_by_the_same_name(gate: Fed, orthanc: Orthanc) -> None:
    for one in small_hospital():
        named = orthanc.upload(one.data)
        patient = orthanc.request("GET", f"/instances/{named}/patient").json()["MainDicomTags"]["PatientID"]
        key = key_of(gate.reached(Level.INSTANCE, named))
        assert (key.patient_id, key.sop_instance_uid) == (patient, one.key.sop_instance_uid)
