"""What is recalled is what the index would say: after anything that may happen to it."""

from pathlib import Path

from pacsgate.model.resource import ResourceKey
from pacsgate.services.recent_studies import RecentStudies
from pacsgate.stores.stores import Stores, stores_on
from tests.support.databases import opened, sqlite_url
from tests.support.indexing import MAIN, SCOPE, SEEN, instance


def test_a_study_is_recalled_until_the_index_changes(tmp_path: Path) -> None:
    with opened(sqlite_url(tmp_path)) as database:
        stores = stores_on(database)
        recent = RecentStudies(stores.index, stores.epochs)
        assert recent.recall(SCOPE, MAIN, "1.2.1") is None
        put(stores, "1.2.1")
        first = recent.read(SCOPE, MAIN, "1.2.1")
        recalled = recent.recall(SCOPE, MAIN, "1.2.1")
        assert recalled is not None
        assert recalled.entries is first
        assert first == stores.index.studies(SCOPE, MAIN, "1.2.1")
        put(stores, "1.2.2")
        assert recent.recall(SCOPE, MAIN, "1.2.1") is None, "something has come, perhaps to this study"
        stores.index.remove(SCOPE, MAIN, ResourceKey("1.2.1"))
        assert recent.read(SCOPE, MAIN, "1.2.1") == ()


def test_an_instance_is_found_under_its_real_parents_only(tmp_path: Path) -> None:
    with opened(sqlite_url(tmp_path)) as database:
        stores = stores_on(database)
        put(stores, "1.2.1", "1.2.2")
        recent = RecentStudies(stores.index, stores.epochs)
        recent.read(SCOPE, MAIN, "1.2.1")
        recalled = recent.recall(SCOPE, MAIN, "1.2.1")
        assert recalled is not None
        assert len(recalled.places_of(ResourceKey("1.2.1", "1.2.1.1", "1.2.1.1.1"))) == 1
        for stranger in (("1.2.1.2", "1.2.1.1.1"), ("1.2.1.1", "1.2.2.1.1"), ("1.2.2.1", "1.2.2.1.1")):
            assert recalled.places_of(ResourceKey("1.2.1", *stranger)) == ()


def put(stores: Stores, *studies: str) -> None:
    stores.index.ingest(SCOPE, MAIN, [instance(study) for study in studies], SEEN)
