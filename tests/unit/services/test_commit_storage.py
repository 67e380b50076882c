"""What is promised is what the archive really has at that moment, and only to who may search it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydicom.uid import CTImageStorage, MRImageStorage

from pacsgate.model.errors import ArchiveError
from pacsgate.services.commit_storage import CommitStorage, Keeping
from pacsgate.services.resolve import Resolver
from tests.support.installed import main_archive
from tests.support.objects import Part10, small_hospital
from tests.support.storing import Storing, storing


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Storing]:
    with storing(tmp_path) as made:
        yield made


@pytest.fixture
def kept(stores: Storing) -> Part10:
    (one,) = small_hospital(studies=1, series=1, instances=1)
    stores.store("CT1", one)
    return one


def use_case(stores: Storing) -> CommitStorage:
    installation = stores.installation
    return CommitStorage(installation.archives.by_name, Resolver(installation.freshness))


def asked(
    stores: Storing,
    name: str,
    one: Part10,
    sop_class: str = MRImageStorage,
    commits: CommitStorage | None = None,
) -> Keeping:
    _, bound = stores.bound(name)
    installation = stores.installation
    return (commits or use_case(stores)).keeping(
        installation.scope, main_archive(installation), sop_class, one.key.sop_instance_uid or "", bound
    )


def test_what_is_there_is_promised_to_who_may_search_it(stores: Storing, kept: Part10) -> None:
    assert asked(stores, "CT1", kept) is Keeping.KEPT


def test_to_all_others_it_is_unknown_whatever_its_class(stores: Storing, kept: Part10) -> None:
    for sop_class in (MRImageStorage, CTImageStorage):
        assert asked(stores, "CT2", kept, sop_class) is Keeping.UNKNOWN


def test_what_has_another_class_is_not_promised(stores: Storing, kept: Part10) -> None:
    assert asked(stores, "CT1", kept, CTImageStorage) is Keeping.OTHER_CLASS


def test_what_the_index_knows_and_the_archive_has_lost_is_not_promised(stores: Storing, kept: Part10) -> None:
    archive = stores.installation.archives.by_name[main_archive(stores.installation)]
    archive.delete(kept.key)
    assert asked(stores, "CT1", kept) is Keeping.UNKNOWN


def test_an_archive_that_does_not_answer_promises_nothing(stores: Storing, kept: Part10) -> None:
    def silent(_: str) -> None:
        raise ArchiveError("silent")

    commits = use_case(stores)
    archives = {main_archive(stores.installation): SimpleNamespace(existing=silent)}
    commits = replace(commits, archives=archives)
    assert asked(stores, "CT1", kept, commits=commits) is Keeping.UNDECIDED
