"""What a proxy may fetch by itself is what the gate would send without leaving out or changing anything."""

from typing import Any, cast

import pytest

from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName, Level, ResourceKey, TenantScope
from pacsgate.model.subject import Attributes, Subject
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import Bound, bind
from pacsgate.ports import InstanceEntry, SeriesEntry, StudyEntry
from pacsgate.services.freshness import Fresh
from pacsgate.services.resolve import Resolver
from pacsgate.services.safe_unseen import SafeUnseen, anything, everything
from tests.unit.policy.hospital import MAIN, NOON

SCOPE = TenantScope(DEFAULT_TENANT)
STUDY, SERIES, INSTANCE = (
    ResourceKey("1.2"),
    ResourceKey("1.2", "1.2.1"),
    ResourceKey("1.2", "1.2.1", "1.2.1.1"),
)
REPORT = ResourceKey("1.2", "1.2.2", "1.2.2.1")
READING = frozenset({Action.VIEW, Action.RETRIEVE})


class Studies:
    """What `Freshness` answers."""

    def __init__(self, *studies: StudyEntry) -> None:
        self._studies = studies

    def studies(self, *_: object) -> Fresh:
        return Fresh(self._studies, asked=False)

    def ask_anyway(self, *_: object, **__: object) -> None:
        return


def series(uid: str, modality: str) -> SeriesEntry:
    facts: Attributes = {"uid": frozenset({uid}), "modality": frozenset({modality})}
    instance = InstanceEntry(f"{uid}.1", "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1", 1, 9, None, {})
    return SeriesEntry(uid, {}, facts, [instance])


def study(patient: str = "P1", **facts: str) -> StudyEntry:
    known: Attributes = {
        "uid": frozenset({"1.2"}),
        "patient_id": frozenset({patient}),
        "labels": frozenset(),
        **{name: frozenset({value}) for name, value in facts.items()},
    }
    parts = (series("1.2.1", "CT"), series("1.2.2", "SR"))
    return StudyEntry(ArchiveName("main"), "1.2", patient, "", {}, known, parts, NOON)


def safe(*studies: StudyEntry) -> SafeUnseen:
    return SafeUnseen(Resolver(cast("Any", Studies(*(studies or (study(),))))), cast("Any", None))


def bound(*rules: str, name: str = "ann") -> Bound:
    text = "version: 1\nroles: {r: {may: [search, view, retrieve, export], owner: o}}\nrules:\n"
    text += "".join(f"  - {rule}\n" for rule in rules) + "assignments: [{users: [ann], roles: [r]}]\n"
    subject = Subject(tenant=DEFAULT_TENANT, name=name)
    return bind(load_policy({"policy.yaml": text}), subject, Context(now=NOON, request_id="r"), MAIN, ())


ALL = "{id: all, effect: permit, roles: [r]}"
NO_REPORTS = "{id: no-reports, effect: forbid, roles: [r], when: series.modality == 'SR'}"
MASKED = "{id: all, effect: permit, roles: [r], obligations: {mask: [PatientName]}}"
ONE_PATIENT = "{id: one, effect: permit, roles: [r], when: study.patient_id == 'P1'}"
NOT_LABELLED = "{id: not, effect: forbid, roles: [r], when: \"'VIP' in study.labels\"}"


def is_safe(key: ResourceKey, *rules: str, studies: tuple[StudyEntry, ...] = ()) -> bool:
    return safe(*studies).key(SCOPE, MAIN, key, READING, bound(*rules)) is not None


def test_what_somebody_may_have_whole_is_safe_at_every_level() -> None:
    for rules in ((ALL,), (ONE_PATIENT,), (ALL, NOT_LABELLED)):
        assert all(is_safe(key, *rules) for key in (STUDY, SERIES, INSTANCE)), rules


def test_of_a_study_with_a_hidden_part_only_instances_are_safe() -> None:
    assert not is_safe(STUDY, ALL, NO_REPORTS)
    assert not is_safe(REPORT, ALL, NO_REPORTS)
    assert is_safe(INSTANCE, ALL, NO_REPORTS)


def test_a_series_that_is_whole_now_is_not_safe_if_what_may_still_arrive_could_be_hidden() -> None:
    """The archive answers with all that it has, and the index may be behind."""
    assert not is_safe(SERIES, ALL, NO_REPORTS)


def test_what_is_masked_is_not_safe() -> None:
    assert not any(is_safe(key, MASKED) for key in (STUDY, SERIES, INSTANCE))


def test_one_uid_under_two_patients_is_safe_only_if_each_is() -> None:
    both = (study("P1"), study("P2"))
    assert is_safe(INSTANCE, ALL, studies=both)
    assert not is_safe(INSTANCE, ONE_PATIENT, studies=both)


@pytest.mark.parametrize(
    "key", [ResourceKey("1.9"), ResourceKey("1.2", "1.9"), ResourceKey("1.2", "1.2.2", "1.2.1.1")]
)
def test_what_does_not_exist_or_has_another_parent_is_not_safe(key: ResourceKey) -> None:
    studies = () if key.study_instance_uid == "1.2" else (cast("Any", None),)
    if studies:
        assert (
            SafeUnseen(Resolver(cast("Any", Studies())), cast("Any", None)).key(
                SCOPE, MAIN, key, READING, bound(ALL)
            )
            is None
        )
    else:
        assert not is_safe(key, ALL)


def test_every_action_of_a_row_must_be_allowed() -> None:
    no_export = "{id: all, effect: permit, roles: [r], actions: [search, view, retrieve]}"
    found = safe().key(SCOPE, MAIN, INSTANCE, READING | {Action.EXPORT}, bound(no_export))
    assert found is None
    assert is_safe(INSTANCE, no_export)


def test_the_most_telling_action_goes_on_record() -> None:
    found = safe().key(SCOPE, MAIN, INSTANCE, READING, bound(ALL))
    assert found is not None
    assert found.reach.action is Action.RETRIEVE


def test_a_patient_is_never_safe() -> None:
    assert safe().named(SCOPE, MAIN, Level.PATIENT, "x", READING, bound(ALL)) is None


def test_everything_is_everything_with_nothing_kept_back() -> None:
    assert everything(bound(ALL), READING)
    assert everything(bound(ALL, "{id: nobody, effect: forbid, users: [bob]}"), READING)
    for rules in ((MASKED,), (ONE_PATIENT,), (ALL, NO_REPORTS), (ALL, NOT_LABELLED)):
        assert not everything(bound(*rules), READING), rules
    assert not everything(bound(ALL, name="bob"), READING)
    assert not everything(bound(ALL), frozenset({Action.SEARCH, Action.DELETE}))
    assert not everything(bound(ALL), frozenset())


def test_a_mask_of_all_but_some_attributes_is_a_mask() -> None:
    all_but = "{id: all, effect: permit, roles: [r], obligations: {mask: {all_but: [PatientID]}}}"
    assert not everything(bound(all_but), READING)
    assert everything(bound(all_but, "{id: more, effect: permit, roles: [r]}"), READING)


def test_whoever_may_do_nothing_may_not_even_have_what_tells_nothing() -> None:
    assert anything(bound(ONE_PATIENT))
    assert not anything(bound(ONE_PATIENT, name="bob"))
