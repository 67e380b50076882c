"""Whatever is killed, and whenever: what was accepted is done once, in order, and its result is there.

Here processes that are nothing but the queue are killed within milliseconds; `test_queue_gate_kills` kills a real
gate.  `make soak` kills a thousand times.
"""

import multiprocessing
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pacsgate.ports.pacs_queue import MessageState
from tests.support.databases import Cluster, cluster, opened, sqlite_url
from tests.support.queue_actors import PEOPLE, RULES, Diary, carry_out_forever, submit_forever
from tests.support.queue_desk import DOORS, Desk

_processes = multiprocessing.get_context("forkserver")


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Cluster]:
    with cluster() as started:
        yield started


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.server("postgresql"), pytest.mark.long])]
)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    server: Cluster = request.getfixturevalue("postgresql")
    return server.url()


@pytest.mark.timeout(7200)
def test_nothing_is_lost_or_doubled_or_out_of_order_whoever_is_killed(
    url: str, tmp_path: Path, kills: int
) -> None:
    told, done = Diary(tmp_path / "told"), Diary(tmp_path / "done")
    with opened(url) as database:
        _processes.set_forkserver_preload(["tests.support.queue_actors"])
        roles = [(submit_forever, told), (carry_out_forever, done)]

        def begun(role: int) -> Any:
            work, diary = roles[role]
            process = _processes.Process(target=work, args=(url, diary.path), daemon=True)
            process.start()
            return process

        running = [begun(0), begun(1)]
        _await(lambda: len(done.read()) > 3)
        for _ in range(kills):
            victim = random.randrange(2)  # noqa: S311 - nobody guesses here
            # In the middle of its work: something of it is in its diary.
            written = len(roles[victim][1].read())
            _await(lambda: len(roles[victim][1].read()) > written)  # noqa: B023 - awaited in this very round
            time.sleep(random.uniform(0, 0.02))  # noqa: S311 - nobody guesses here
            running[victim].kill()
            running[victim].join()
            running[victim] = begun(victim)
        running[0].kill()
        running[0].join()
        accepted = dict(line.split() for line in told.read())
        desk = Desk(database, rules=RULES)
        _await(lambda: not desk.queue.pending(desk.scope, DOORS))
        running[1].kill()
        running[1].join()

        assert len(set(accepted.values())) == len(accepted) > kills
        again = 0
        for message_id in accepted.values():
            message = desk.message(message_id)
            again += message.command.attempt > 1
            assert message.state is MessageState.ANSWERED
            assert message.outcome is not None
            assert message.outcome.body == message.command.body
    lines = [line.split() for line in done.read()]
    # The last submission may have been accepted without anybody having heard of it.
    assert set(accepted.values()) <= {message for message, _, _ in lines}
    assert len(lines) - len(accepted) in {0, 1}
    assert len({message for message, _, _ in lines}) == len({number for _, _, number in lines}) == len(lines)
    of_people: dict[str, list[int]] = defaultdict(list)
    for _, person, number in lines:
        of_people[person].append(int(number))
    assert len(of_people) == PEOPLE
    assert all(numbers == sorted(numbers) for numbers in of_people.values())
    print(f"{kills} kills: {len(accepted)} operations accepted, each done once; {again} handed over again")


def _await(is_so: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)
