"""Stores at the same time share a transaction of the index, and none suffers from another."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock

import pytest

from pacsgate.model.resource import ArchiveName, TenantName, TenantScope
from pacsgate.model.subject import Attributes
from pacsgate.ports import Arrival, Ingested
from pacsgate.services.index_together import IndexTogether
from tests.support.indexing import MAIN, SCOPE, instance
from tests.support.waiting import wait_until

MANY = 8


@dataclass
class Indexer:
    """Takes its time over the first transaction, and refuses what a test names."""

    refused: frozenset[str] = frozenset()
    may_go_on: Event = field(default_factory=Event)
    transactions: list[tuple[TenantScope, ArchiveName, tuple[str, ...]]] = field(default_factory=list)
    running: Lock = field(default_factory=Lock)

    def prepared(
        self, _scope: TenantScope, _archive: ArchiveName, arrivals: tuple[Arrival, ...], _origin: Attributes
    ) -> list[Ingested]:
        return [instance("1.2", sop=arrival.summary.sop_instance_uid) for arrival in arrivals]

    def ingest(self, scope: TenantScope, archive: ArchiveName, items: list[Ingested]) -> None:
        assert self.running.acquire(blocking=False), "two transactions at once"
        try:
            names = tuple(item.summary.sop_instance_uid for item in items)
            self.transactions.append((scope, archive, names))
            self.may_go_on.wait(10)
            if self.refused & set(names):
                raise ValueError(f"refused: {self.refused & set(names)}")
        finally:
            self.running.release()


def brought(name: str) -> tuple[Arrival, ...]:
    return (Arrival(instance("1.2", sop=name).summary, 1, "", cursor=""),)


def stored_at_once(
    indexer: Indexer, *names: str, archives: tuple[ArchiveName, ...] = (MAIN,)
) -> list[object]:
    """What became of each, all stored while the first is being indexed."""
    together = IndexTogether(indexer)  # type: ignore[arg-type]  # the part of it that is called

    def store(number: int, name: str) -> object:
        try:
            together.add(SCOPE, archives[number % len(archives)], brought(name), {})
        except ValueError as error:
            return error
        return None

    with ThreadPoolExecutor(MANY + 1) as pool:
        first = pool.submit(store, 0, "1.2.0")
        wait_until(lambda: bool(indexer.transactions))
        rest = [pool.submit(store, number, name) for number, name in enumerate(names)]
        wait_until(lambda: len(together._waiting) == len(names))
        indexer.may_go_on.set()
        assert first.result(10) is None
        return [each.result(10) for each in rest]


NAMES = tuple(f"1.2.{number}" for number in range(1, MANY + 1))


def test_who_comes_while_a_transaction_runs_shares_the_next_one() -> None:
    indexer = Indexer()
    assert stored_at_once(indexer, *NAMES) == [None] * MANY
    assert [sorted(names) for _, _, names in indexer.transactions] == [["1.2.0"], sorted(NAMES)]


def test_a_transaction_that_fails_fails_for_who_made_it_and_for_what_it_was_about() -> None:
    refused = NAMES[3]
    indexer = Indexer(refused=frozenset({refused}))
    outcomes = dict(zip(NAMES, stored_at_once(indexer, *NAMES), strict=True))
    failed = {name for name, outcome in outcomes.items() if isinstance(outcome, ValueError)}
    assert refused in failed
    assert len(failed - {refused}) <= 1
    alone = {names for _, _, names in indexer.transactions[2:]}
    assert all(len(names) == 1 for names in alone)
    assert len(indexer.transactions[1][2]) == MANY
    assert {name for name, outcome in outcomes.items() if outcome is None} == {
        name for (name,) in alone if name != refused
    }


def test_two_archives_never_share_a_transaction() -> None:
    other = ArchiveName("other")
    indexer = Indexer()
    stored_at_once(indexer, *NAMES, archives=(MAIN, other))
    by_archive = {archive: set(names) for _, archive, names in indexer.transactions[1:]}
    assert by_archive == {MAIN: set(NAMES[::2]), other: set(NAMES[1::2])}


@pytest.mark.parametrize("tenants", [("default", "elsewhere")])
def test_two_tenants_never_share_a_transaction(tenants: tuple[str, str]) -> None:
    indexer = Indexer()
    indexer.may_go_on.set()
    together = IndexTogether(indexer)  # type: ignore[arg-type]  # the part of it that is called
    for tenant in tenants:
        together.add(TenantScope(TenantName(tenant)), MAIN, brought("1.2.1"), {})
    assert [scope.tenant for scope, _, _ in indexer.transactions] == list(tenants)
