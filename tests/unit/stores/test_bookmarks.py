"""A mark says where a page of one list ended, at one version of the index."""

import pytest

from pacsgate.dicom.query import Query
from pacsgate.model.resource import Level, ResourceKey
from pacsgate.stores import search
from pacsgate.stores.bookmarks import Bookmarks
from pacsgate.stores.database import Database
from pacsgate.stores.plans import Walk
from pacsgate.stores.study_index import SqlStudyIndex
from tests.support.indexing import EVERYTHING, MAIN, SCOPE, SEEN, instance


def test_a_mark_is_of_one_list_and_one_version() -> None:
    marks = Bookmarks()
    marks.put("all", 7, 100, (-5, 1))
    assert marks.find("all", 7, 100) == (-5, 1)
    assert marks.find("all", 7, 200) is None
    assert marks.find("all", 8, 100) is None
    assert marks.find("some", 7, 100) is None
    marks.put("all", 8, 200, (-4, 2))
    assert marks.find("all", 8, 100) is None, "what came before is not what comes before now"


def pages(index: SqlStudyIndex, limit: int) -> list[str]:
    found: list[str] = []
    while True:
        page = index.search(SCOPE, MAIN, Query(Level.STUDY, limit=limit, offset=len(found)), EVERYTHING)
        found += [str(match.key) for match in page.matches]
        if not page.remaining:
            return found


@pytest.fixture
def index(database: Database, monkeypatch: pytest.MonkeyPatch) -> SqlStudyIndex:
    monkeypatch.setattr(search, "_FAR", 1)
    index = SqlStudyIndex(database)
    # Three studies at each moment, so that pages end between equals.
    items = [instance(f"1.2.{n}", of_study={"StudyDate": f"202601{n // 3 + 1:02}"}) for n in range(30)]
    index.ingest(SCOPE, MAIN, items, SEEN)
    return index


@pytest.mark.parametrize("limit", [1, 4, 7])
def test_pages_that_begin_at_marks_are_the_list_in_pieces(index: SqlStudyIndex, limit: int) -> None:
    assert pages(index, limit) == pages(index, 100)


def test_what_came_meanwhile_is_on_the_next_page(index: SqlStudyIndex) -> None:
    first = index.search(SCOPE, MAIN, Query(Level.STUDY, limit=5), EVERYTHING)
    index.ingest(SCOPE, MAIN, [instance("1.2.99", of_study={"StudyDate": "20260201"})], SEEN)
    index.remove(SCOPE, MAIN, ResourceKey("1.2.0"))
    second = index.search(SCOPE, MAIN, Query(Level.STUDY, limit=5, offset=5), EVERYTHING)
    assert second.matches[0].key == first.matches[-1].key


def test_a_page_far_behind_reads_no_more_than_itself(
    index: SqlStudyIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    newest = Walk.newest
    monkeypatch.setattr(Walk, "newest", lambda self, count: asked.append(count) or newest(self, count))
    pages(index, 5)
    assert asked == [5] * 6
