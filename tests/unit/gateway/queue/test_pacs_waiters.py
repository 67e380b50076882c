"""Who is woken, and who need not look."""

import asyncio
from collections.abc import Awaitable, Callable

from pacsgate.gateway.http.pacs_waiters import Waiter, Waiters
from pacsgate.model.resource import ArchiveName, TenantName
from pacsgate.ports.pacs_queue import Look

HERE = TenantName("north"), ArchiveName("doors")
THERE = TenantName("north"), ArchiveName("gates")
SOMETHING_HERE = Look(frozenset({HERE}), frozenset(), None)


def on_a_loop(work: Callable[[Waiters], Awaitable[None]]) -> None:
    async def running() -> None:
        await work(Waiters(most=10))

    asyncio.run(running())


async def is_woken(waiter: Waiter) -> bool:
    return await waiter.wait(asyncio.get_running_loop().create_future(), 0)


def looks_in_vain(waiters: Waiters, waiter: Waiter) -> None:
    waiters.in_vain(HERE, waiter, waiters.looks(HERE, waiter))


def test_one_message_wakes_one_of_those_who_wait_there_first_come_first() -> None:
    async def work(waiters: Waiters) -> None:
        with (
            waiters.waiting_for(HERE) as first,
            waiters.waiting_for(HERE) as second,
            waiters.waiting_for(THERE) as elsewhere,
        ):
            waiters.wake(SOMETHING_HERE)
            assert [await is_woken(each) for each in (first, second, elsewhere)] == [True, False, False]
            waiters.wake(SOMETHING_HERE)
            waiters.wake(SOMETHING_HERE)
            assert [await is_woken(each) for each in (first, second, elsewhere)] == [True, True, False]

    on_a_loop(work)


def test_whoever_was_woken_and_leaves_wakes_the_next() -> None:
    async def work(waiters: Waiters) -> None:
        with waiters.waiting_for(HERE) as stays:
            with waiters.waiting_for(HERE) as leaves:
                leaves.wake()
                assert await is_woken(leaves)
            assert await is_woken(stays), "what it did not look for is there still"
            looks_in_vain(waiters, stays)
            with waiters.waiting_for(HERE) as leaves:
                waiters.looks(HERE, leaves)
            assert await is_woken(stays), "who gets something leaves, and there may be more"
            with waiters.waiting_for(HERE) as leaves:
                looks_in_vain(waiters, leaves)
            assert not await is_woken(stays)

    on_a_loop(work)


def test_where_somebody_has_looked_in_vain_nobody_need_look_until_something_is_told() -> None:
    async def work(waiters: Waiters) -> None:
        with waiters.waiting_for(HERE) as waiter:
            assert not waiters.has_nothing(HERE)
            looks_in_vain(waiters, waiter)
            assert waiters.has_nothing(HERE)
        with waiters.waiting_for(HERE):
            assert waiters.has_nothing(HERE), "it is remembered while nobody waits"
        waiters.wake(SOMETHING_HERE)
        with waiters.waiting_for(HERE):
            assert not waiters.has_nothing(HERE)

    on_a_loop(work)


def test_what_is_told_while_somebody_looks_is_not_forgotten() -> None:
    async def work(waiters: Waiters) -> None:
        with waiters.waiting_for(HERE) as waiter:
            before = waiters.looks(HERE, waiter)
            waiters.wake(SOMETHING_HERE)
            waiters.in_vain(HERE, waiter, before)
            assert not waiters.has_nothing(HERE)
            assert await is_woken(waiter)

    on_a_loop(work)


def test_a_result_wakes_everybody_who_waits_for_it() -> None:
    async def work(waiters: Waiters) -> None:
        with waiters.waiting_for("m1") as first, waiters.waiting_for("m1") as second:
            waiters.wake(Look(frozenset(), frozenset({"m1", "m2"}), None))
            assert [await is_woken(each) for each in (first, second)] == [True, True]
            assert waiters.results() == ("m1",)
            assert waiters.places() == ()
        assert waiters.results() == ()

    on_a_loop(work)
