"""The newest 100 studies that a subject may see, and how many it may see in all, by who asks.

A list is what the door gets from `Search` over `StudyIndex`: the rows with what masks leave of
them, and why they may be shown.  Subjects take turns, so that whatever else the machine does it does
to all of them, and before each turn a study is written, so that nobody lives on what is
remembered alone.  A subject's first list and total, before anything is remembered for it, are told
apart, and so is the very first of a process.

Called by `bench.__main__`.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from sqlalchemy import make_url, text

from bench.figures import Row, percentile
from bench.lists.arrivals import newest_kinds, write_one
from bench.lists.databases import postgresql_database, sqlite_database
from bench.lists.loading import ARCHIVE, SCOPE
from bench.lists.subjects import Seer, seers
from pacsgate.bootstrap.collector import spare_the_collector
from pacsgate.dicom.query import Query
from pacsgate.model.resource import Level
from pacsgate.services.resolve import Refusal
from pacsgate.services.search import Search
from pacsgate.stores.database import Database, open_database
from pacsgate.stores.dialects import Flavour
from pacsgate.stores.stores import stores_on
from pacsgate.stores.tenant_wall import ANY_TENANT

PAGE = 100
ROUNDS = 200
GOAL_MS = (2.0, 5.0)
TOTAL_GOAL_MS = 1.0
_QUERY = Query(Level.STUDY, limit=PAGE)

Told = Callable[[str], None]
Opened = Callable[[int, Told], AbstractContextManager[str]]
DATABASES: dict[str, Opened] = {"SQLite": sqlite_database, "PostgreSQL": postgresql_database}


def measure(studies: int, told: Told) -> list[Row]:
    """Every subject's list and total on both databases."""
    rows = []
    for name, opened in DATABASES.items():
        with opened(studies, lambda line, name=name: told(f"{name}: {line}")) as url:
            database = open_database(url)
            try:
                rows += _measure_on(database, name, studies)
            finally:
                database.close()
    return rows


def _measure_on(database: Database, name: str, studies: int) -> Iterator[Row]:
    index = stores_on(database).index
    asking = list(seers(index, studies))
    # A new one, which remembers nothing yet.
    index = stores_on(database).index
    search = Search(index)
    started = time.perf_counter()
    _visible(search, asking[-1])
    very_first = (time.perf_counter() - started) * 1e3
    lists = {seer.name: _Times(lambda seer=seer: _visible(search, seer)) for seer in asking}
    totals = {
        seer.name: _Times(lambda seer=seer: index.count(SCOPE, ARCHIVE, seer.constraint)) for seer in asking
    }
    for times in (*lists.values(), *totals.values()):
        times.once()
    spare_the_collector()  # as every worker does
    kinds = newest_kinds(database)
    in_turn = deque([*lists.values(), *totals.values()])
    for turn in range(ROUNDS):
        write_one(database, kinds[turn % len(kinds)])
        in_turn.rotate(1)  # whoever is first after a write learns of it for all
        for times in in_turn:
            times.once()
    size = _bytes(database) / studies
    command = f"python -m bench --only lists --studies {studies}"
    for seer in asking:
        page, total = lists[seer.name], totals[seer.name]
        if page.answer != total.answer:
            raise RuntimeError(f"{seer.name}: the list says {page.answer} studies, the total {total.answer}")
        yield _row(
            f"{name}, {studies:,} studies, newest {PAGE}: {seer.name}",
            "lists",
            page,
            command,
            goal=GOAL_MS,
            notes={"sees": total.answer, "its first ms": round(page.first_ms, 2)},
        )
    slowest = max(totals.items(), key=lambda each: percentile(each[1].took_ms, 0.99))
    yield _row(
        f"{name}, {studies:,} studies, exact total, slowest: {slowest[0]}",
        "totals",
        slowest[1],
        command,
        goal=(TOTAL_GOAL_MS, TOTAL_GOAL_MS),
        notes={
            "first list of the process ms": round(very_first, 1),
            "bytes per study": round(size),
        },
    )


class _Times:
    """What one question took, each time it was asked."""

    def __init__(self, ask: Callable[[], int]) -> None:
        self._ask = ask
        self.answer = -1
        self.first_ms = -1.0
        self.took_ms: list[float] = []
        self.cpu_ms: list[float] = []

    def once(self) -> None:
        """Ask."""
        cpu, started = time.thread_time(), time.perf_counter()
        self.answer = self._ask()
        took = (time.perf_counter() - started) * 1e3
        if self.first_ms < 0:
            self.first_ms = took
            return
        self.took_ms.append(took)
        self.cpu_ms.append((time.thread_time() - cpu) * 1e3)


def _visible(search: Search, seer: Seer) -> int:
    found = search.find(SCOPE, ARCHIVE, _QUERY, seer.bound)
    if isinstance(found, Refusal):
        raise TypeError(f"`{seer.name}` may not search")
    return len(found.rows) + found.remaining


def _row(
    work: str,
    unit: str,
    times: _Times,
    command: str,
    *,
    goal: tuple[float, float],
    notes: dict[str, float | str],
) -> Row:
    p50, p99 = percentile(times.took_ms, 0.5), percentile(times.took_ms, 0.99)
    return Row(
        work=work,
        rate=round(len(times.took_ms) / (sum(times.took_ms) / 1e3)),
        unit=unit,
        p50_ms=round(p50, 3),
        p99_ms=round(p99, 3),
        cpu_seconds={"bench": round(sum(times.cpu_ms) / 1e3, 2)},
        command=command,
        goal=f"p50 {goal[0]:g} ms, p99 {goal[1]:g} ms",
        reached=p50 <= goal[0] and p99 <= goal[1],
        notes={**notes, "CPU p50 ms": round(percentile(times.cpu_ms, 0.5), 3)},
    )


def _bytes(database: Database) -> int:
    match database.flavour:
        case Flavour.SQLITE:
            return Path(make_url(database.engine.url).database or "").stat().st_size
        case Flavour.POSTGRESQL:
            with database.reading(ANY_TENANT) as connection:
                return int(connection.execute(text("SELECT pg_database_size('postgres')")).scalar_one())
