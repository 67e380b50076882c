"""What every `ports.StudyIndex` promises, whatever is underneath."""

from datetime import timedelta

import pytest

from pacsgate.dicom.attributes import tag_of
from pacsgate.dicom.query import MatchKey, Query, Range, SingleValue, UidList, Wildcard
from pacsgate.model.errors import NotFoundError, RequestError
from pacsgate.model.resource import ArchiveName, Level, ResourceKey, TenantName, TenantScope
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import (
    FALSE,
    INGEST_PRINCIPAL,
    LABELS,
    PATIENT_ID,
    SERIES_MODALITY,
    STUDY_UID,
    Attribute,
    Compare,
    Comparison,
    Contains,
    Formula,
    Has,
    Not,
    OneOf,
    Scope,
    ValueType,
)
from pacsgate.ports import Match, StudyEntry, StudyIndex, UnfinishedSync
from pacsgate.stores import dialects
from pacsgate.stores.stores import Stores
from tests.support.events import READ
from tests.support.indexing import CT_IMAGE, EVERYTHING, MAIN, SCOPE, SEEN, instance, within

DEPARTMENT = Attribute(Scope.STUDY, "department", ValueType.STRING)
OTHER_TENANT = TenantScope(TenantName("other"))
STUDIES = Query(Level.STUDY)


@pytest.fixture
def index(stores: Stores) -> StudyIndex:
    return stores.index


def is_(attribute: Attribute, value: str) -> Formula:
    return Compare(attribute, Comparison.EQ, value)


def found(index: StudyIndex, formula: Formula, query: Query = STUDIES) -> list[str]:
    return [str(match.key) for match in index.search(SCOPE, MAIN, query, within(formula)).matches]


def all_found(index: StudyIndex, query: Query) -> list[str]:
    return [str(match.key) for match in index.search(SCOPE, MAIN, query, EVERYTHING).matches]


def the_study(index: StudyIndex, uid: str = "1.2.1") -> StudyEntry:
    (study,) = index.studies(SCOPE, MAIN, uid)
    return study


def value(match: Match, keyword: str) -> object:
    return match.attributes[tag_of(keyword)].get("Value")


def department(*values: str) -> dict[str, frozenset[str]]:
    return {"department": frozenset(values)}


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


# ------------------------------------------------------------------ searching


def test_nothing_is_found_within_nothing(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance()], SEEN)
    assert not found(index, FALSE)


def test_a_study_is_shown_as_its_admitted_series_make_it(index: StudyIndex) -> None:
    def of(modality: str, series: str, sop: str) -> object:
        return instance(
            series=series,
            sop=sop,
            of_series={"Modality": modality},
            series_facts={"modality": frozenset({modality})},
        )

    items = [
        of("CT", "1.2.1.1", "1.2.1.1.1"),
        of("CT", "1.2.1.1", "1.2.1.1.2"),
        of("SR", "1.2.1.2", "1.2.1.2.1"),
    ]
    index.ingest(SCOPE, MAIN, items, SEEN)
    page = index.search(SCOPE, MAIN, STUDIES, within(is_(SERIES_MODALITY, "CT")))
    (match,) = page.matches
    assert value(match, "ModalitiesInStudy") == ["CT"]
    assert value(match, "NumberOfStudyRelatedSeries") == [1]
    assert value(match, "NumberOfStudyRelatedInstances") == [2]
    assert [facts.series and facts.series["uid"] for facts in match.facts] == [frozenset({"1.2.1.1"})]
    modality = MatchKey(("ModalitiesInStudy",), SingleValue("SR"))
    assert not found(index, is_(SERIES_MODALITY, "CT"), Query(Level.STUDY, (modality,)))
    assert found(index, is_(SERIES_MODALITY, "SR"), Query(Level.STUDY, (modality,))) == ["1.2.1"]
    number = MatchKey(("NumberOfStudyRelatedSeries",), SingleValue("2"))
    assert not found(index, is_(SERIES_MODALITY, "CT"), Query(Level.STUDY, (number,)))
    (series,) = index.search(SCOPE, MAIN, Query(Level.SERIES), within(is_(SERIES_MODALITY, "CT"))).matches
    assert value(series, "NumberOfSeriesRelatedInstances") == [2]
    assert value(series, "NumberOfStudyRelatedSeries") == [1]


TOLD = {
    "StudyDescription": ("Head", "Secret finding"),
    "PatientName": ({"Alphabetic": "Doe^Jane"}, {"Alphabetic": "Hidden^Name"}),
    "AccessionNumber": ("A1", "A2"),
    "StudyDate": ("20260101", "20260202"),
    "InstitutionName": ("Site", "Elsewhere"),
}
ASKED = {keyword: values for keyword, values in TOLD.items() if keyword != "PatientName"} | {
    "PatientName": ("Doe^Jane", "Hidden^Name")
}
CT_ONLY = is_(SERIES_MODALITY, "CT")


def _told_twice(index: StudyIndex, *order: str, study: str = "1.2.1") -> None:
    """A CT that says one thing of its study and a report that says another, stored in this order."""
    for modality in order:
        number = ("CT", "SR").index(modality)
        item = instance(
            study,
            f"{study}.{number + 1}",
            of_study={keyword: values[number] for keyword, values in TOLD.items()},
            of_series={"Modality": modality},
            series_facts={"modality": frozenset({modality})},
        )
        index.ingest(SCOPE, MAIN, [item], SEEN)


@pytest.mark.parametrize("order", [("CT", "SR"), ("SR", "CT")])
@pytest.mark.parametrize("level", [Level.STUDY, Level.SERIES, Level.INSTANCE])
def test_what_only_a_hidden_series_says_of_its_study_is_neither_shown_nor_matched(
    index: StudyIndex, level: Level, order: tuple[str, str]
) -> None:
    _told_twice(index, *order)
    bound = MatchKey(("PatientID",), SingleValue("P1"))
    for number, formula in enumerate((CT_ONLY, is_(SERIES_MODALITY, "SR"))):
        (match,) = index.search(SCOPE, MAIN, Query(level, (bound,)), within(formula)).matches
        assert {keyword: value(match, keyword) for keyword in TOLD} == {
            keyword: [values[number]] for keyword, values in TOLD.items()
        }
        assert value(match, "PatientID") == ["P1"]
        for keyword, values in ASKED.items():
            for asked, text in enumerate(values):
                query = Query(level, (bound, MatchKey((keyword,), SingleValue(text))))
                assert len(found(index, formula, query)) == (asked == number), (keyword, text)


@pytest.mark.parametrize("order", [("CT", "SR"), ("SR", "CT")])
def test_what_a_removed_series_said_of_its_study_goes_with_it(
    index: StudyIndex, order: tuple[str, str]
) -> None:
    _told_twice(index, *order)
    assert index.remove(SCOPE, MAIN, ResourceKey("1.2.1", "1.2.1.2")) == 1
    (match,) = index.search(SCOPE, MAIN, STUDIES, within(CT_ONLY)).matches
    assert {keyword: value(match, keyword) for keyword in TOLD} == {
        keyword: [said] for keyword, (said, _) in TOLD.items()
    }
    for keyword, (said, gone) in ASKED.items():
        for text, count in ((said, 1), (gone, 0)):
            query = Query(Level.STUDY, (MatchKey((keyword,), SingleValue(text)),))
            assert len(found(index, CT_ONLY, query)) == count, (keyword, text)


def test_a_hidden_series_does_not_decide_by_a_list_or_a_range_either(index: StudyIndex) -> None:
    _told_twice(index, "CT", "SR")
    for keyword, matching in (
        ("AccessionNumber", UidList(("A1", "no such"))),
        ("AccessionNumber", UidList(("A1", "A2"))),
        ("StudyDate", Range("20260101", "20260101")),
        ("StudyDate", Range("20260101", "20261231")),
    ):
        assert found(index, CT_ONLY, Query(Level.STUDY, (MatchKey((keyword,), matching),))) == ["1.2.1"]
    for keyword, matching in (("AccessionNumber", Wildcard("*2")), ("StudyDate", Range("20260102", None))):
        assert not found(index, CT_ONLY, Query(Level.STUDY, (MatchKey((keyword,), matching),)))


@pytest.mark.parametrize("level", [Level.STUDY, Level.SERIES])
@pytest.mark.parametrize("keyword", ["AccessionNumber", "StudyDescription"])
@pytest.mark.parametrize("many", [dialects.MANY, 1])
def test_pages_are_exact_where_a_hidden_series_says_otherwise(
    index: StudyIndex, level: Level, keyword: str, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialects, "MANY", many)
    for number in range(7):
        _told_twice(index, *(("CT", "SR"), ("SR", "CT"), ("CT",))[number % 3], study=f"1.2.{number}")
    key = (MatchKey((keyword,), SingleValue(TOLD[keyword][0])),)
    whole = found(index, CT_ONLY, Query(level, key))
    assert len(whole) == len(set(whole)) == 7
    hidden = (MatchKey((keyword,), SingleValue(TOLD[keyword][1])),)
    assert not found(index, CT_ONLY, Query(level, hidden))
    pages = [
        index.search(SCOPE, MAIN, Query(level, key, limit=3, offset=at), within(CT_ONLY)) for at in (0, 3, 6)
    ]
    assert [str(match.key) for page in pages for match in page.matches] == whole
    assert [page.remaining for page in pages] == [4, 1, 0]


def test_a_study_is_found_by_what_any_admitted_series_says_of_it(index: StudyIndex) -> None:
    _told_twice(index, "CT", "SR")
    third = instance(
        series="1.2.1.3",
        of_study={"AccessionNumber": "A3", "StudyDescription": "Neck"},
        series_facts={"modality": frozenset({"CT"})},
    )
    index.ingest(SCOPE, MAIN, [third], SEEN)
    (match,) = index.search(SCOPE, MAIN, STUDIES, within(CT_ONLY)).matches
    assert value(match, "AccessionNumber") == ["A1"]
    for keyword, values in {"AccessionNumber": "A1 A3", "StudyDescription": "Head Neck"}.items():
        for text in values.split():
            key = MatchKey((keyword,), SingleValue(text))
            assert found(index, CT_ONLY, Query(Level.STUDY, (key,))) == ["1.2.1"]


def test_studies_come_newest_first_and_pages_neither_overlap_nor_miss(index: StudyIndex) -> None:
    dates = ("20260102", "20260101", None, "20260102", "20251231", "20260102", "20260101")
    times = ("0900", "1000", "1200", "1000", "2300", "1000", "0800")
    index.ingest(
        SCOPE,
        MAIN,
        [
            instance(f"1.2.{number}", of_study={"StudyDate": date, "StudyTime": time})
            for number, (date, time) in enumerate(zip(dates, times, strict=True))
        ],
        SEEN,
    )
    whole = all_found(index, STUDIES)
    assert whole == ["1.2.3", "1.2.5", "1.2.0", "1.2.1", "1.2.6", "1.2.4", "1.2.2"]
    for key in (
        (),
        (MatchKey(("StudyDescription",), Wildcard("*")),),
        (MatchKey(("InstanceAvailability",), SingleValue("ONLINE")),),
    ):
        pages = [
            index.search(SCOPE, MAIN, Query(Level.STUDY, key, limit=3, offset=at), EVERYTHING)
            for at in (0, 3, 6, 9)
        ]
        assert [str(match.key) for page in pages for match in page.matches] == whole
        assert [page.remaining for page in pages] == [4, 1, 0, 0]


@pytest.mark.parametrize("level", [Level.SERIES, Level.INSTANCE])
@pytest.mark.parametrize("in_python", [False, True])
def test_pages_of_series_and_instances_are_exact_too(
    index: StudyIndex, level: Level, in_python: bool
) -> None:
    items = [
        instance(
            series=f"1.2.1.{series}",
            sop=f"1.2.1.{series}.{number}",
            series_facts={"modality": frozenset({"CT"})},
        )
        for series in range(3)
        for number in range(4)
    ]
    index.ingest(SCOPE, MAIN, items, SEEN)
    key = (MatchKey(("InstanceAvailability",), SingleValue("ONLINE")),) if in_python else ()
    whole = all_found(index, Query(level, key, study_instance_uid="1.2.1"))
    assert whole == sorted(whole)
    assert len(whole) == (3 if level is Level.SERIES else 12)
    pages = [
        index.search(
            SCOPE, MAIN, Query(level, key, study_instance_uid="1.2.1", limit=5, offset=at), EVERYTHING
        )
        for at in range(0, 15, 5)
    ]
    assert [str(match.key) for page in pages for match in page.matches] == whole
    assert [page.remaining for page in pages] == [max(0, len(whole) - end) for end in (5, 10, 15)]


def test_a_series_is_found_only_under_its_own_study(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance("1.2.1"), instance("1.2.2")], SEEN)
    for level in (Level.SERIES, Level.INSTANCE):
        assert not all_found(index, Query(level, study_instance_uid="1.2.1", series_instance_uid="1.2.2.1"))
        assert (
            len(all_found(index, Query(level, study_instance_uid="1.2.2", series_instance_uid="1.2.2.1")))
            == 1
        )


def test_hidden_series_have_no_instances(index: StudyIndex) -> None:
    def of(modality: str, series: str) -> object:
        return instance(series=series, series_facts={"modality": frozenset({modality})})

    index.ingest(SCOPE, MAIN, [of("CT", "1.2.1.1"), of("SR", "1.2.1.2")], SEEN)
    query = Query(Level.INSTANCE, study_instance_uid="1.2.1")
    assert found(index, is_(SERIES_MODALITY, "CT"), query) == ["1.2.1/1.2.1.1/1.2.1.1.1"]


def test_a_search_for_instances_that_no_index_bounds_is_refused(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance()], SEEN)
    with pytest.raises(RequestError) as refused:
        index.search(
            SCOPE, MAIN, Query(Level.INSTANCE, (MatchKey(("InstanceNumber",), SingleValue("1")),)), EVERYTHING
        )
    assert refused.value.status == 413
    with pytest.raises(RequestError):
        index.search(
            SCOPE, MAIN, Query(Level.INSTANCE, (MatchKey(("PatientID",), Wildcard("*1")),)), EVERYTHING
        )
    patient = MatchKey(("PatientID",), SingleValue("P1"))
    assert len(all_found(index, Query(Level.INSTANCE, (patient,)))) == 1


def test_five_thousand_names_in_a_constraint_are_no_trouble(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance(f"1.2.{number}") for number in range(3)], SEEN)
    names = frozenset(f"1.2.{number}" for number in range(1, 5000))
    assert sorted(found(index, OneOf(STUDY_UID, names))) == ["1.2.1", "1.2.2"]


# ------------------------------------------------------------------ taking away


def test_removing_a_study_removes_what_was_known_of_it(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance(), instance(series="1.2.1.2"), instance("1.2.2")], SEEN)
    assert index.remove(SCOPE, MAIN, ResourceKey("1.2.1")) == 2
    assert index.remove(SCOPE, MAIN, ResourceKey("1.2.1")) == 0
    assert index.studies(SCOPE, MAIN, "1.2.1") == ()
    assert index.counts(SCOPE, MAIN) == (1, 1, 1)


def test_the_last_instance_takes_its_parents_along(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance(), instance(series="1.2.1.2")], SEEN)
    assert index.remove(SCOPE, MAIN, ResourceKey("1.2.1", "1.2.1.2", "1.2.1.2.1")) == 1
    assert index.counts(SCOPE, MAIN) == (1, 1, 1)
    assert index.remove(SCOPE, MAIN, ResourceKey("1.2.1", "1.2.1.1", "1.2.1.1.1")) == 1
    assert index.counts(SCOPE, MAIN) == (0, 0, 0)


def test_nothing_is_removed_under_a_wrong_parent(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance("1.2.1"), instance("1.2.2")], SEEN)
    assert index.remove(SCOPE, MAIN, ResourceKey("1.2.1", "1.2.2.1")) == 0
    assert index.remove(SCOPE, MAIN, ResourceKey("1.2.1", "1.2.1.1", "1.2.2.1.1")) == 0
    assert index.counts(SCOPE, MAIN) == (2, 2, 2)


# ------------------------------------------------------------------ newly declared attributes


def refill(index: StudyIndex, *values: str) -> None:
    for study_uid, series_uid, _ in list(index.headers(SCOPE, MAIN)):
        index.refill(SCOPE, MAIN, study_uid, series_uid, department(*values), {})


def test_every_kept_header_is_offered_once(index: StudyIndex) -> None:
    items = [instance(f"1.2.{number}", header={"InstitutionName": f"H{number}"}) for number in range(250)]
    index.ingest(SCOPE, MAIN, items, SEEN)
    headers = list(index.headers(SCOPE, MAIN))
    assert len({series for _, series, _ in headers}) == len(headers) == 250
    assert {header[tag_of("InstitutionName")]["Value"][0] for *_, header in headers} == {
        f"H{n}" for n in range(250)
    }


def test_a_newly_declared_attribute_permits_once_it_is_filled(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance()], SEEN)
    assert not found(index, is_(DEPARTMENT, "A"))
    assert not found(index, Not(is_(DEPARTMENT, "A")))
    refill(index, "A")
    assert found(index, is_(DEPARTMENT, "A")) == ["1.2.1"]


def test_filling_in_does_not_hide_that_instances_disagree(index: StudyIndex) -> None:
    items = [instance(study_facts=department("A")), instance(sop="1.2.1.1.2", study_facts=department("B"))]
    index.ingest(SCOPE, MAIN, items, SEEN)
    refill(index, "A")
    assert the_study(index).facts["department"] == frozenset({"A", "B"})


def test_what_cannot_be_told_apart_is_not_filled_in(index: StudyIndex) -> None:
    index.ingest(
        SCOPE, MAIN, [instance(patient="P1"), instance(patient="P2", study_facts=department("A"))], SEEN
    )
    refill(index, "A")
    assert not found(index, is_(DEPARTMENT, "A"))


# ------------------------------------------------------------------ the rest


def test_every_study_is_walked_once(stores: Stores) -> None:
    index = stores.index
    index.ingest(SCOPE, MAIN, [instance(f"1.2.{number}") for number in range(401)], SEEN)
    assert len({study.study_instance_uid for study in index.every_study(SCOPE, MAIN)}) == 401


def test_a_sync_cursor_is_remembered_until_the_sync_is_complete(index: StudyIndex) -> None:
    assert index.unfinished_sync(SCOPE, MAIN) is None
    index.save_sync(SCOPE, MAIN, UnfinishedSync("a", SEEN))
    index.save_sync(SCOPE, MAIN, UnfinishedSync("b", SEEN))
    assert index.unfinished_sync(SCOPE, MAIN) == UnfinishedSync("b", SEEN)
    assert index.unfinished_sync(SCOPE, ArchiveName("research")) is None
    index.save_sync(SCOPE, MAIN, None)
    assert index.unfinished_sync(SCOPE, MAIN) is None


def test_rows_that_were_not_confirmed_lately_are_found_and_removed_by_patient(index: StudyIndex) -> None:
    later = SEEN + timedelta(seconds=1)
    index.ingest(SCOPE, MAIN, [instance("1.2.1", patient="OLD"), instance("1.2.2")], SEEN)
    index.ingest(SCOPE, MAIN, [instance("1.2.1", patient="NEW")], later)
    assert set(index.observed_before(SCOPE, MAIN, later)) == {"1.2.1", "1.2.2"}
    assert not set(index.observed_before(SCOPE, MAIN, SEEN))
    index.remove_unobserved(SCOPE, MAIN, "1.2.1", later)
    assert [study.patient_id for study in index.studies(SCOPE, MAIN, "1.2.1")] == ["NEW"]
    assert set(index.observed_before(SCOPE, MAIN, later)) == {"1.2.2"}


def test_a_series_decides_with_its_own_facts(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance(series_facts={"modality": frozenset({"CT"})})], SEEN)
    study = the_study(index)
    assert study.facts_of(study.series[0]) == ResourceFacts(study.facts, study.series[0].facts)
