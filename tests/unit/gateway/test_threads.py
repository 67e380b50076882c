import asyncio
import threading
import time
from concurrent.futures import Future

import pytest

from pacsgate.gateway.http.threads import Threads, completed


def test_work_runs_in_another_thread_and_its_result_comes_back() -> None:
    async def ask() -> int:
        return await Threads(2).run(threading.get_ident)

    assert asyncio.run(ask()) != threading.get_ident()


def test_what_work_raises_belongs_to_who_waits_for_it() -> None:
    async def ask() -> None:
        threads = Threads(1)
        with pytest.raises(ZeroDivisionError):
            await threads.run(lambda: 1 // 0)
        assert await threads.run(lambda: "and the thread goes on") == "and the thread goes on"

    asyncio.run(ask())


def test_no_more_runs_at_a_time_than_was_allowed() -> None:
    running: list[int] = []
    most: list[int] = []

    def work() -> None:
        running.append(1)
        most.append(len(running))
        time.sleep(0.01)
        running.pop()

    async def ask() -> None:
        threads = Threads(3)
        await asyncio.gather(*(threads.run(work) for _ in range(20)))

    asyncio.run(ask())
    assert len(most) == 20
    assert 1 < max(most) <= 3


def test_a_result_waits_for_what_its_work_has_started() -> None:
    durable: Future[None] = Future()

    async def ask() -> bool:
        answer = asyncio.ensure_future(Threads(1).run_until(lambda: ("answer", durable)))
        await asyncio.sleep(0.05)
        early = answer.done()
        durable.set_result(None)
        assert await answer == "answer"
        return early

    assert asyncio.run(ask()) is False


def test_without_what_was_started_there_is_no_result() -> None:
    refused: Future[None] = Future()
    refused.set_exception(OSError("the disk is full"))

    async def ask() -> None:
        with pytest.raises(OSError, match="full"):
            await Threads(1).run_until(lambda: ("answer", refused))
        with pytest.raises(OSError, match="full"):
            await completed(refused)

    asyncio.run(ask())


def test_work_that_was_begun_goes_on_when_nobody_waits_any_more() -> None:
    done = threading.Event()

    async def ask() -> None:
        threads = Threads(1)
        waiting = asyncio.ensure_future(threads.run(lambda: (time.sleep(0.05), done.set())))
        await asyncio.sleep(0.01)
        waiting.cancel()
        assert await threads.run(done.is_set), "what comes next waits its turn"

    asyncio.run(ask())
