"""What is stored is told to whoever derives permissions from it: at the right moment, once, and with its header."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.uid import ComprehensiveSRStorage, generate_uid

from pacsgate.audit.events import EventKind
from pacsgate.model.actions import Action
from pacsgate.ports.occurrences import OccurrenceKind
from pacsgate.services.store_instances import StoreResult
from tests.support.installed import main_archive
from tests.support.objects import small_hospital, variant
from tests.support.storing import Storing, storing


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Storing]:
    with storing(tmp_path) as made:
        yield made


def told(stores: Storing) -> list[tuple[str, str]]:
    return [(each.kind.value, each.source) for each in stores.heard.occurrences]


def test_the_first_object_of_a_study_is_its_arrival_and_later_ones_are_not(stores: Storing) -> None:
    first, second = small_hospital(studies=1, series=1, instances=2)
    for one in (first, second):
        (outcome,) = stores.store("CT1", one)
        assert outcome.result is StoreResult.STORED
    assert told(stores) == [("study-arrived", first.key.study_instance_uid)]


def test_a_request_with_several_studies_tells_of_each_once(stores: Storing) -> None:
    objects = small_hospital(studies=2, series=2, instances=2)
    stores.store("CT1", *objects)
    studies = list(dict.fromkeys(one.key.study_instance_uid for one in objects))
    assert told(stores) == [("study-arrived", uid) for uid in studies]


def test_an_arrival_is_told_when_the_object_is_durable_and_before_anybody_can_see_it(stores: Storing) -> None:
    (one,) = small_hospital(studies=1, series=1, instances=1)
    archive = stores.installation.archives.by_name[main_archive(stores.installation)]
    index = stores.installation.stores.index

    def look() -> tuple[bool, int, bool]:
        return (
            archive.existing(one.key.sop_instance_uid or "") is not None,
            len(
                index.studies(
                    stores.installation.scope, main_archive(stores.installation), one.key.study_instance_uid
                )
            ),
            bool(stores.trail.of(EventKind.STORE_BEGUN)),
        )

    stores.heard.look = look
    stores.store("CT1", one)
    assert stores.heard.seen == [(True, 0, True)]


def test_an_arrival_says_who_stored_it_from_where_and_what_the_study_is(stores: Storing) -> None:
    one = variant("CT_small.dcm", InstitutionalDepartmentName="CT-A")
    stores.store("CT1", one)
    (arrived,) = stores.heard.occurrences
    assert arrived.subject.name == "CT1"
    assert arrived.calling_ae_title == "SCANNER"
    assert arrived.study_instance_uid == one.key.study_instance_uid
    assert arrived.data_set is not None
    assert arrived.data_set.InstitutionalDepartmentName == "CT-A"
    assert arrived.data_set.PatientID
    assert arrived.data_set.Modality == "CT"
    for of_the_instance in ("SOPInstanceUID", "InstanceNumber", "PixelData", "Rows"):
        assert of_the_instance not in arrived.data_set


def test_what_is_refused_or_fails_is_no_arrival(stores: Storing) -> None:
    first, second = small_hospital(studies=1, series=1, instances=2)
    (refused,) = stores.store("onc1", first)
    assert refused.result is StoreResult.REFUSED
    assert told(stores) == []
    stores.store("CT1", first)
    (refused,) = stores.store("CT2", second)
    assert refused.result is StoreResult.REFUSED
    assert told(stores) == [("study-arrived", first.key.study_instance_uid)]


def test_the_end_of_series_is_told_once_for_each_of_which_something_was_stored(stores: Storing) -> None:
    objects = small_hospital(studies=1, series=2, instances=2)
    stored = stores.store("CT1", *objects)
    stores.heard.occurrences.clear()
    stores.end_series("CT1", *stored)
    kinds = {each.kind for each in stores.heard.occurrences}
    series = [str(each.data_set.SeriesInstanceUID) for each in stores.heard.occurrences if each.data_set]
    assert kinds == {OccurrenceKind.SERIES_STORED}
    assert sorted(series) == sorted({one.key.series_instance_uid for one in objects})


def test_a_series_of_which_nothing_was_stored_does_not_end(stores: Storing) -> None:
    (one,) = small_hospital(studies=1, series=1, instances=1)
    stores.end_series("onc1", *stores.store("onc1", one))
    assert told(stores) == []


ANNOTATING = """\
version: 1
roles:
  scanner: {may: [search, store, append], owner: o}
  reader: {may: [search, view, annotate], owner: o}
rules:
  - {id: scanners-store, effect: permit, roles: [scanner]}
  - {id: readers-read, effect: permit, roles: [reader]}
assignments:
  - {users: [CT1], roles: [scanner]}
  - {users: [ann], roles: [reader]}
"""


def test_an_annotation_is_no_series_from_which_permissions_follow(tmp_path: Path) -> None:
    """Who may only annotate says in it what no policy has looked at, and a grant rule might believe it."""
    (image,) = small_hospital(studies=1, series=1, instances=1)
    with storing(tmp_path, policy=ANNOTATING) as stores:
        stores.store("CT1", image)
        stores.heard.occurrences.clear()
        report = variant(
            SOPClassUID=ComprehensiveSRStorage,
            PatientID="P0",
            PatientName="Test^Patient0",
            StudyInstanceUID=image.key.study_instance_uid,
            SeriesInstanceUID=generate_uid(),
            SOPInstanceUID=generate_uid(),
        )
        (outcome,) = stores.store("ann", report)
        assert (outcome.result, outcome.action) == (StoreResult.STORED, Action.ANNOTATE)
        stores.end_series("ann", outcome)
        assert told(stores) == []
