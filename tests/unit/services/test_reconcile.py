"""What a crash left between an object and its index row is finished, and a study that arrived so is told of."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pacsgate.audit.events import AuditEvent, EventKind
from pacsgate.dicom.summary import InstanceSummary
from pacsgate.model.resource import ArchiveName
from pacsgate.services.reconcile import reconcile
from tests.support.installed import main_archive
from tests.support.objects import Part10, small_hospital
from tests.support.storing import Storing, storing


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Storing]:
    with storing(tmp_path) as made:
        yield made


class CrashError(Exception):
    """Something ends in the middle."""


def crashed(stores: Storing, monkeypatch: pytest.MonkeyPatch, one: Part10) -> None:
    """A store that ends between the object and its index row."""

    def crash(*_: object) -> None:
        raise CrashError

    with monkeypatch.context() as patched:
        patched.setattr("pacsgate.services.index_objects.ObjectIndexer.ingest", crash)
        with pytest.raises(CrashError):
            stores.store("CT1", one)


def finished(stores: Storing) -> list[tuple[str, str]]:
    """Who brought which study, of those of which a new start tells."""
    told: list[tuple[str, str]] = []

    def arrived(begun: AuditEvent, _: ArchiveName, summary: InstanceSummary) -> None:
        told.append((begun.actor.name, summary.study_instance_uid))

    installation = stores.installation
    index, indexer = installation.stores.index, installation.indexer
    archives = installation.archives.by_name
    reconcile(installation.tenant_archives.scope_of, stores.trail.events, archives, index, indexer, arrived)
    return told


def instances(stores: Storing, one: Part10) -> set[str]:
    installation = stores.installation
    held = installation.stores.index.studies(
        installation.scope, main_archive(installation), one.key.study_instance_uid
    )
    return {each.sop_instance_uid for study in held for series in study.series for each in series.instances}


def test_an_object_without_a_row_gets_one_and_its_study_is_told_of(
    stores: Storing, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = small_hospital(studies=1, series=1, instances=1)
    crashed(stores, monkeypatch, one)
    assert instances(stores, one) == set()
    assert finished(stores) == [("CT1", one.key.study_instance_uid)]
    assert instances(stores, one) == {one.key.sop_instance_uid}
    assert finished(stores) == []


def test_more_of_a_study_that_is_known_is_no_arrival(
    stores: Storing, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = small_hospital(studies=1, series=1, instances=2)
    stores.store("CT1", first)
    crashed(stores, monkeypatch, second)
    assert finished(stores) == []
    assert instances(stores, first) == {first.key.sop_instance_uid, second.key.sop_instance_uid}


def test_a_store_that_ended_in_order_is_left_alone(stores: Storing) -> None:
    (one,) = small_hospital(studies=1, series=1, instances=1)
    stores.store("CT1", one)
    assert stores.trail.of(EventKind.INSTANCES_STORED)
    assert finished(stores) == []
