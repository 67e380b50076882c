"""What goes into an index comes out: studies, their facts, their labels."""

from datetime import timedelta

import pytest

from pacsgate.dicom.attributes import tag_of
from pacsgate.dicom.query import MatchKey, Query, Wildcard
from pacsgate.model.errors import NotFoundError
from pacsgate.model.resource import ArchiveName, Level, ResourceKey
from pacsgate.policy.ir import (
    INGEST_PRINCIPAL,
    LABELS,
    PATIENT_ID,
    STUDY_UID,
    Contains,
    Has,
    Not,
)
from pacsgate.ports import StudyIndex
from pacsgate.stores.stores import Stores
from tests.contracts.asking import (
    DEPARTMENT,
    OTHER_TENANT,
    STUDIES,
    all_found,
    department,
    found,
    is_,
    the_study,
)
from tests.support.events import READ
from tests.support.indexing import CT_IMAGE, MAIN, SCOPE, SEEN, instance

# ------------------------------------------------------------------ what goes in comes out


def test_a_study_comes_back_with_its_facts_and_attributes(index: StudyIndex) -> None:
    index.ingest(
        SCOPE,
        MAIN,
        [
            instance(
                of_study={"StudyDescription": "Head"},
                of_series={"Modality": "CT"},
                of_instance={"InstanceNumber": 7},
                study_facts={**department("CT-A"), "weight": frozenset({70.5}), "burned": frozenset({True})},
                series_facts={"modality": frozenset({"CT"})},
                issuer="site",
                size=1024,
                digest="ab" * 32,
                ingest_principal="CT1",
            )
        ],
        SEEN,
    )
    study = the_study(index)
    (series,) = study.series
    (held,) = series.instances
    assert (study.archive, study.patient_id, study.issuer_of_patient_id) == (MAIN, "P1", "site")
    assert study.observed_at == SEEN
    assert study.attributes[tag_of("StudyDescription")]["Value"] == ["Head"]
    assert study.facts == {
        **department("CT-A"),
        "weight": frozenset({70.5}),
        "burned": frozenset({True}),
        "uid": frozenset({"1.2.1"}),
        "patient_id": frozenset({"site|P1"}),
        "labels": frozenset(),
        "collections": frozenset(),
        "ingest_principal": frozenset({"CT1"}),
        "calling_ae_title": frozenset(),
        "called_ae_title": frozenset(),
    }
    assert series.facts == {"modality": frozenset({"CT"}), "uid": frozenset({"1.2.1.1"})}
    assert (held.sop_instance_uid, held.sop_class_uid, held.size, held.digest) == (
        "1.2.1.1.1",
        CT_IMAGE,
        1024,
        "ab" * 32,
    )
    assert held.attributes[tag_of("InstanceNumber")]["Value"] == [7]


def test_a_study_uid_differs_from_its_look_alikes(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance("1.2.10")], SEEN)
    assert index.studies(SCOPE, MAIN, "1.2.1") == ()


def test_one_study_uid_under_two_patients_is_two_rows(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance(patient="P1"), instance(patient="P2", sop="1.2.1.1.2")], SEEN)
    assert {study.patient_id for study in index.studies(SCOPE, MAIN, "1.2.1")} == {"P1", "P2"}
    assert found(index, is_(PATIENT_ID, "P2")) == ["1.2.1"]
    assert len(all_found(index, STUDIES)) == 2


def test_padding_makes_no_other_patient(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance(patient="P1")], SEEN)
    index.ingest(SCOPE, MAIN, [instance(patient="P1 ", sop="1.2.1.1.2")], SEEN)
    assert len(the_study(index).series[0].instances) == 2


def test_an_issuer_makes_another_patient(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance(patient="P1", issuer="site"), instance(patient="site|P1")], SEEN)
    keys = {only for study in index.studies(SCOPE, MAIN, "1.2.1") for only in study.facts["patient_id"]}
    assert keys == {"site|P1", "|site|P1"}


def test_tenants_and_archives_do_not_see_each_other(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance(study_facts=department("A"))], SEEN)
    index.ingest(OTHER_TENANT, MAIN, [instance(study_facts=department("B"))], SEEN)
    index.ingest(SCOPE, ArchiveName("research"), [instance(study_facts=department("C"))], SEEN)
    assert the_study(index).facts["department"] == frozenset({"A"})
    assert not found(index, is_(DEPARTMENT, "B"))
    assert not found(index, is_(DEPARTMENT, "C"))
    assert index.remove(OTHER_TENANT, MAIN, ResourceKey("1.2.1")) == 1
    assert index.counts(SCOPE, MAIN) == (1, 1, 1)


def test_the_same_instance_again_replaces_itself(index: StudyIndex) -> None:
    index.ingest(
        SCOPE, MAIN, [instance(study_facts=department("A"), of_study={"StudyDescription": "old"})], SEEN
    )
    later = SEEN + timedelta(hours=1)
    index.ingest(
        SCOPE, MAIN, [instance(study_facts=department("B"), of_study={"StudyDescription": "new"})], later
    )
    study = the_study(index)
    assert study.facts["department"] == frozenset({"B"})
    assert study.attributes[tag_of("StudyDescription")]["Value"] == ["new"]
    assert study.observed_at == later
    assert index.counts(SCOPE, MAIN) == (1, 1, 1)


def test_text_that_no_database_takes_is_repaired_on_the_way_in(index: StudyIndex) -> None:
    hostile = "a\0b\ud800c"
    index.ingest(
        SCOPE,
        MAIN,
        [
            instance(
                patient=hostile,
                of_study={"AccessionNumber": hostile},
                study_facts=department(hostile, "x" * 5000),
            )
        ],
        SEEN,
    )
    assert len(found(index, Has(DEPARTMENT))) == 1
    assert all_found(index, Query(Level.STUDY, (MatchKey(("AccessionNumber",), Wildcard("a*c")),)))
    assert "\0" not in the_study(index).patient_id


def test_a_batch_that_fails_leaves_nothing(index: StudyIndex) -> None:
    broken = instance("1.2.2", of_study={"StudyDescription": object()})
    with pytest.raises(TypeError):
        index.ingest(SCOPE, MAIN, [instance(), broken], SEEN)
    assert index.counts(SCOPE, MAIN) == (0, 0, 0)


# ------------------------------------------------------------------ facts of many instances


def test_instances_that_disagree_leave_all_values_and_are_reported_once(index: StudyIndex) -> None:
    assert index.ingest(SCOPE, MAIN, [instance(study_facts=department("A"))], SEEN) == ()
    other = instance(sop="1.2.1.1.2", study_facts=department("B"))
    assert index.ingest(SCOPE, MAIN, [other], SEEN) == ("1.2.1",)
    assert index.ingest(SCOPE, MAIN, [other], SEEN) == ()
    assert the_study(index).facts["department"] == frozenset({"A", "B"})
    assert not found(index, is_(DEPARTMENT, "A"))
    assert not found(index, Not(is_(DEPARTMENT, "A")))


def test_series_that_disagree_about_their_study_are_reported_too(index: StudyIndex) -> None:
    items = [
        instance(series="1.2.1.1", study_facts=department("A")),
        instance(series="1.2.1.2", study_facts=department("B")),
    ]
    assert index.ingest(SCOPE, MAIN, items, SEEN) == ("1.2.1",)


def test_a_set_that_grows_is_no_disagreement(index: StudyIndex) -> None:
    def of(modality: str, series: str) -> object:
        return instance(series=series, study_facts={"modalities": frozenset({modality})})

    assert index.ingest(SCOPE, MAIN, [of("CT", "1.2.1.1"), of("PT", "1.2.1.2")], SEEN) == ()
    assert the_study(index).facts["modalities"] == frozenset({"CT", "PT"})


def test_when_the_instance_that_disagreed_is_gone_so_is_its_value(index: StudyIndex) -> None:
    index.ingest(
        SCOPE,
        MAIN,
        [instance(study_facts=department("A")), instance(sop="1.2.1.1.2", study_facts=department("B"))],
        SEEN,
    )
    index.remove(SCOPE, MAIN, ResourceKey("1.2.1", "1.2.1.1", "1.2.1.1.2"))
    assert the_study(index).facts["department"] == frozenset({"A"})
    assert found(index, is_(DEPARTMENT, "A")) == ["1.2.1"]


def test_what_one_series_was_never_asked_is_not_known_of_the_study(index: StudyIndex) -> None:
    index.ingest(
        SCOPE,
        MAIN,
        [instance(series="1.2.1.1"), instance(series="1.2.1.2", study_facts=department("A"))],
        SEEN,
    )
    assert "department" not in the_study(index).facts
    assert not found(index, is_(DEPARTMENT, "A"))


def test_who_stored_a_study_is_who_stored_its_first_instance(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance(ingest_principal="CT1")], SEEN)
    index.ingest(SCOPE, MAIN, [instance(sop="1.2.1.1.2", ingest_principal="mallory")], SEEN)
    index.ingest(SCOPE, MAIN, [instance("1.2.2")], SEEN)
    index.ingest(SCOPE, MAIN, [instance("1.2.2", sop="1.2.2.1.2", ingest_principal="mallory")], SEEN)
    assert found(index, is_(INGEST_PRINCIPAL, "CT1")) == ["1.2.1"]
    assert not found(index, is_(INGEST_PRINCIPAL, "mallory"))


def test_an_object_cannot_name_its_own_labels(index: StudyIndex) -> None:
    forged = {"labels": frozenset({"FREE"}), "uid": frozenset({"9.9"}), "patient_id": frozenset({"P9"})}
    index.ingest(SCOPE, MAIN, [instance(study_facts=forged, series_facts=forged)], SEEN)
    study = the_study(index)
    assert study.facts["labels"] == frozenset()
    assert study.facts["uid"] == frozenset({"1.2.1"})
    assert not found(index, Contains(LABELS, "FREE"))
    assert found(index, is_(STUDY_UID, "1.2.1")) == ["1.2.1"]


# ------------------------------------------------------------------ labels


def test_labels_and_collections_are_replaced_each_for_itself(stores: Stores) -> None:
    stores.index.ingest(SCOPE, MAIN, [instance()], SEEN)
    stores.index.set_labels(SCOPE, MAIN, "1.2.1", labels=frozenset({"VIP"}), event=READ)
    stores.index.set_labels(SCOPE, MAIN, "1.2.1", collections=frozenset({"TEACH"}), event=READ)
    facts = the_study(stores.index).facts
    assert (facts["labels"], facts["collections"]) == (frozenset({"VIP"}), frozenset({"TEACH"}))
    assert found(stores.index, Contains(LABELS, "VIP")) == ["1.2.1"]
    assert not found(stores.index, Not(Contains(LABELS, "VIP")))


def test_a_label_moves_the_epoch_and_leaves_an_event(stores: Stores) -> None:
    stores.index.ingest(SCOPE, MAIN, [instance()], SEEN)
    before = stores.epochs.current().labels
    stores.index.set_labels(SCOPE, MAIN, "1.2.1", labels=frozenset({"VIP"}), event=READ)
    assert stores.epochs.current().labels == before + 1
    assert len(stores.outbox.pending()) == 1


def test_a_label_on_nothing_is_refused_and_leaves_no_event(stores: Stores) -> None:
    with pytest.raises(NotFoundError):
        stores.index.set_labels(SCOPE, MAIN, "1.2.9", labels=frozenset({"VIP"}), event=READ)
    assert stores.outbox.pending() == ()


def test_a_study_that_is_lost_and_found_again_keeps_its_labels(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance()], SEEN)
    index.set_labels(SCOPE, MAIN, "1.2.1", labels=frozenset({"VIP"}), event=READ)
    index.remove(SCOPE, MAIN, ResourceKey("1.2.1"))
    index.ingest(SCOPE, MAIN, [instance()], SEEN)
    assert the_study(index).facts["labels"] == frozenset({"VIP"})
