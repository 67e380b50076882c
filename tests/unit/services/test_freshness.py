"""Which rows are recent enough to decide on, with and without a feed."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from pacsgate.ports import Arrival
from pacsgate.ports.feeds import FeedState
from pacsgate.services.feed_currency import FeedCurrency
from pacsgate.services.freshness import Freshness, FreshnessRule
from pacsgate.stores.stores import Stores, stores_on
from tests.support.clocks import HandClock
from tests.support.databases import opened, sqlite_url
from tests.support.indexing import MAIN, SCOPE, instance

MINUTE = timedelta(minutes=1)
FED, CRAWLED, OWN = (
    FreshnessRule(MINUTE, fed=True),
    FreshnessRule(MINUTE),
    FreshnessRule(None),
)


@dataclass
class Questions:
    """An archive that has nothing, and writes down for which studies it was asked."""

    asked: list[str] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    def study(self, uid: str) -> Iterator[Arrival]:
        self.asked.append(uid)
        self.meanwhile()
        return iter(())


class NoIndexer:
    def add(self, *_: object) -> None:
        return


@dataclass
class Site:
    """A freshness with its clock, its stores and its archive."""

    freshness: Freshness
    clock: HandClock
    stores: Stores
    archive: Questions

    def hear(self, *, crawled: bool = True) -> None:
        """The feed says that it is current now."""
        self.stores.feeds.save(SCOPE, MAIN, FeedState(1, (), crawled, self.clock.now()))

    def asks(self, uid: str = "1.2.1") -> list[str]:
        """For which studies the archive is asked before this one is decided on."""
        self.archive.asked.clear()
        self.freshness.studies(SCOPE, MAIN, uid)
        return list(self.archive.asked)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    with opened(sqlite_url(tmp_path)) as database:
        yield stores_on(database)


def site(stores: Stores, rule: FreshnessRule) -> Site:
    clock, archive = HandClock(), Questions()
    stores.index.ingest(SCOPE, MAIN, [instance()], clock.now())
    freshness = Freshness(
        stores.index,
        {MAIN: cast("Any", archive)},
        {MAIN: rule},
        cast("Any", NoIndexer()),
        clock,
        stores.epochs,
        FeedCurrency(stores.feeds, clock),
    )
    return Site(freshness, clock, stores, archive)


def test_rows_of_an_archive_that_only_the_gate_writes_to_are_always_true(stores: Stores) -> None:
    own = site(stores, OWN)
    own.clock.advance(minutes=1000)
    assert own.asks() == []
    assert not own.freshness.is_behind(SCOPE, MAIN)


def test_an_old_row_of_a_crawled_archive_is_read_again(stores: Stores) -> None:
    crawled = site(stores, CRAWLED)
    assert crawled.asks() == []
    crawled.clock.advance(seconds=61)
    assert crawled.asks() == ["1.2.1"]


def test_rows_of_a_fed_archive_are_true_as_long_as_the_feed_is_current(stores: Stores) -> None:
    fed = site(stores, FED)
    fed.clock.advance(minutes=10)
    fed.hear()
    assert fed.asks() == []
    assert not fed.freshness.is_behind(SCOPE, MAIN)
    fed.clock.advance(minutes=1)
    assert fed.asks() == []
    fed.clock.advance(seconds=1)
    assert fed.freshness.is_behind(SCOPE, MAIN)
    assert fed.asks() == ["1.2.1"]


def test_a_feed_whose_crawl_is_not_over_says_nothing_about_rows(stores: Stores) -> None:
    fed = site(stores, FED)
    fed.clock.advance(minutes=10)
    fed.hear(crawled=False)
    assert fed.freshness.is_behind(SCOPE, MAIN)
    assert fed.asks() == ["1.2.1"]


def test_what_a_feed_says_is_heard_within_a_second(stores: Stores) -> None:
    fed = site(stores, FED)
    assert fed.freshness.is_behind(SCOPE, MAIN)
    fed.hear()
    fed.clock.advance(seconds=1.001)
    assert not fed.freshness.is_behind(SCOPE, MAIN)


def test_a_clock_that_was_set_back_makes_no_feed_current(stores: Stores) -> None:
    fed = site(stores, FED)
    fed.hear()
    fed.clock.set_back(minutes=10)
    assert fed.freshness.is_behind(SCOPE, MAIN)


def test_memory_answers_for_a_fed_archive_only_while_the_feed_is_known_to_be_current(stores: Stores) -> None:
    fed = site(stores, FED)
    fed.freshness.studies(SCOPE, MAIN, "1.2.1")
    fed.clock.advance(minutes=10)
    fed.hear()
    assert fed.freshness.recall(SCOPE, MAIN, "1.2.1") is None
    fed.freshness.studies(SCOPE, MAIN, "1.2.1")
    assert fed.freshness.recall(SCOPE, MAIN, "1.2.1") is not None
    fed.clock.advance(minutes=2)
    assert fed.freshness.recall(SCOPE, MAIN, "1.2.1") is None


@pytest.mark.parametrize("rule", [FED, CRAWLED])
def test_a_hidden_study_costs_a_question_about_one_that_nobody_has(
    stores: Stores, rule: FreshnessRule
) -> None:
    others = site(stores, rule)
    others.freshness.ask_anyway(SCOPE, MAIN, asked=True)
    assert others.archive.asked == []
    others.freshness.ask_anyway(SCOPE, MAIN, asked=False)
    others.freshness.ask_anyway(SCOPE, MAIN, asked=False)
    first, second = others.archive.asked
    assert first != second
    assert "1.2.1" not in {first, second}


def test_an_old_row_that_many_ask_for_at_once_is_read_once(stores: Stores) -> None:
    crawled = site(stores, CRAWLED)
    crawled.clock.advance(minutes=10)

    def read_slowly() -> None:
        time.sleep(0.2)
        stores.index.ingest(SCOPE, MAIN, [instance()], crawled.clock.now())

    crawled.archive.meanwhile = read_slowly
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: crawled.freshness.studies(SCOPE, MAIN, "1.2.1"), range(8)))
    assert crawled.archive.asked == ["1.2.1"]
    assert all(answer.studies for answer in answers)
