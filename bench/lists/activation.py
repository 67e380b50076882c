"""How long it takes until a changed policy is live, with what it changes counted for everybody.

A thousand people, no two of whom see the same, and every study of the archive.  The change is one
line: who may see very important people.

Called by `bench.__main__`.
"""

import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Row
from bench.lists.loading import ARCHIVE, SCOPE
from bench.lists.measuring import DATABASES, Told
from bench.lists.subjects import POLICY, a_subject
from bench.lists.world import DEPARTMENTS, SITES
from pacsgate.audit.events import Actor
from pacsgate.bootstrap.clock import SystemClock
from pacsgate.model.subject import Subject
from pacsgate.model.tenant_archives import of_one_tenant
from pacsgate.services.compare_policies import ComparePolicies
from pacsgate.services.publish_policy import PublishPolicy, Review
from pacsgate.sinks.segments import SegmentTrail
from pacsgate.stores.database import Database, open_database
from pacsgate.stores.stores import stores_on

PEOPLE = 1_000
_GOAL_SECONDS = 5.0
_LINE = "'vip' in study.flags && user.clearance < 3"
_CHANGED = "'vip' in study.flags && user.clearance < 2"


def measure(studies: int, told: Told) -> Iterator[Row]:
    """One row for each database."""
    for name, opened in DATABASES.items():
        with opened(studies, told) as url, tempfile.TemporaryDirectory(dir=Path.cwd()) as directory:
            database = open_database(url)
            try:
                yield _measure_on(database, name, studies, Path(directory))
            finally:
                database.close()


def _measure_on(database: Database, name: str, studies: int, directory: Path) -> Row:
    stores, clock = stores_on(database), SystemClock()
    people = _people()
    comparison = ComparePolicies(
        stores.directory,
        stores.index,
        lambda _scope, _at: people,
        of_one_tenant(ARCHIVE),
        ("internal", "external"),
    )
    trail = SegmentTrail(directory / "trail", clock, process="bench", host="bench")
    publish = PublishPolicy(
        stores.directory,
        stores.revisions,
        stores.outbox,
        trail,
        clock,
        Review(comparison, stores.candidates, threshold=None),
    )
    actor = Actor("bench", verified=True)
    publish.publish(SCOPE, {"bench.yaml": POLICY}, actor)
    started, cpu = time.perf_counter(), time.process_time()
    published = publish.publish(SCOPE, {"bench.yaml": POLICY.replace(_LINE, _CHANGED)}, actor)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    trail.close()
    changed = published.difference
    if changed is None:
        raise RuntimeError("the change was not counted")
    return Row(
        work=f"{name}, {studies:,} studies: activate a policy with a counted difference, {PEOPLE:,} people",
        rate=round(1 / seconds, 2),
        unit="activations",
        p50_ms=round(seconds * 1e3, 1),
        p99_ms=round(seconds * 1e3, 1),
        cpu_seconds={"bench": round(cpu, 2)},
        command=f"python -m bench --only activation --studies {studies}",
        goal=f"at most {_GOAL_SECONDS:g} s",
        reached=seconds <= _GOAL_SECONDS,
        notes={"gained": str(changed.gained), "lost": str(changed.lost), "distinct": changed.principals},
    )


def _people() -> list[Subject]:
    chance = random.Random(PEOPLE)
    return [
        a_subject(
            f"user{number}",
            ("department",),
            set(chance.sample(SITES, chance.randint(1, 6))),
            set(chance.sample(DEPARTMENTS, chance.randint(1, 6))),
        )
        for number in range(PEOPLE)
    ]
