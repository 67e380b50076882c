"""Operations on PACSes through the queue: how many a second, how long each, and what agents that wait cost.

An operation is asked for over HTTP, handed to its agent, answered, and its result read by who asked: four
requests, two of which wait, four events on disk, three transactions.  Agents that wait ask again every 25 s.

Called by `__main__`.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psutil

from bench.figures import Row, percentile
from bench.queue_stage import Line, QueueStage, database, set_up

SECONDS, QUICK_SECONDS = 9.0, 3.0
REQUESTERS = 16
PACSES = 8
IDLE, QUICK_IDLE = 10_000, 1_000
IDLE_PACSES = 20
IDLE_SECONDS, QUICK_IDLE_SECONDS = 30.0, 5.0
_AT_ONCE = 50
"""Connections that are opened at a time."""
_PROBES = 20
_WARM_UP_SECONDS = 1.0
_AT_REST = 0.1
"""Of a processor: so much at most is used once everybody waits, before they are counted."""
_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def measure(directory: Path, *, quick: bool) -> list[Row]:
    """A row for each database, with one requester and with several, and one for agents that wait."""
    rows: list[Row] = []
    seconds = QUICK_SECONDS if quick else SECONDS
    for flavour in _NAMES:
        place = directory / flavour
        with database(flavour, place) as url, set_up(place, url, PACSES) as stage:
            rows += [_commands(flavour, stage, requesters, seconds) for requesters in (1, REQUESTERS)]
    with set_up(directory / "idle", None, IDLE_PACSES) as stage:
        waiting = QUICK_IDLE if quick else IDLE
        rows.append(asyncio.run(_idle(stage, waiting, QUICK_IDLE_SECONDS if quick else IDLE_SECONDS)))
    return rows


@dataclass
class _Seen:
    """How long each operation took."""

    milliseconds: list[float] = field(default_factory=list)
    numbers: "count[int]" = field(default_factory=count)


def _commands(flavour: str, stage: QueueStage, requesters: int, seconds: float) -> Row:
    before = _cpu(stage)
    seen, elapsed = asyncio.run(_asked(stage, requesters, seconds))
    return Row(
        work=f"queue: operations asked, carried out, answered; {requesters} at a time ({_NAMES[flavour]})",
        rate=round(len(seen.milliseconds) / elapsed, 1),
        unit="operations",
        p50_ms=round(percentile(seen.milliseconds, 0.5), 2),
        p99_ms=round(percentile(seen.milliseconds, 0.99), 2),
        cpu_seconds={"gate": round(_cpu(stage) - before, 2)},
        command="python -m bench --only queue",
        notes={"agents": PACSES, "workers": 1, "latency": "from asking to having the result"},
    )


async def _asked(stage: QueueStage, requesters: int, seconds: float) -> tuple[_Seen, float]:
    agents = [asyncio.ensure_future(_agent(stage, number)) for number in range(PACSES)]
    await _ask_for(stage, requesters, _WARM_UP_SECONDS, _Seen())
    seen, begun = _Seen(numbers=count(1_000_000)), time.perf_counter()
    await _ask_for(stage, requesters, seconds, seen)
    elapsed = time.perf_counter() - begun
    for agent in agents:
        agent.cancel()
    await asyncio.gather(*agents, return_exceptions=True)
    return seen, elapsed


async def _ask_for(stage: QueueStage, requesters: int, seconds: float, seen: _Seen) -> None:
    until = time.perf_counter() + seconds
    await asyncio.gather(*(_requester(stage, number, until, seen) for number in range(requesters)))


async def _requester(stage: QueueStage, number: int, until: float, seen: _Seen) -> None:
    line = await Line.opened(stage.port, stage.clerk)
    place = stage.place(number % PACSES)
    while time.perf_counter() < until:
        begun = time.perf_counter()
        status, headers, told = await line.ask("GET", f"{place}/identities/person-{next(seen.numbers)}")
        if status != 202:
            raise RuntimeError(f"not accepted: {status} {told}")
        status, told = await line.wait(headers["location"])
        if status != 200:
            raise RuntimeError(f"no result: {status} {told}")
        seen.milliseconds.append((time.perf_counter() - begun) * 1e3)
    line.close()


async def _agent(stage: QueueStage, number: int) -> None:
    line = await Line.opened(stage.port, stage.agents[number])
    messages = f"{stage.place(number)}/agent/messages"
    while True:
        status, message = await line.wait(messages)
        if status != 200:
            raise RuntimeError(f"no message: {status} {message}")
        said = {"lease": message["lease"], "status": 200, "body": {"name": "somebody"}}
        await line.ask("POST", f"{messages}/{message['messageId']}/response", said)


async def _idle(stage: QueueStage, waiting: int, seconds: float) -> Row:
    before = _memory(stage)
    turns = asyncio.Semaphore(_AT_ONCE)
    lines: list[Line] = []

    async def wait(number: int) -> None:
        place = number % IDLE_PACSES
        async with turns:
            line = await Line.opened(stage.port, stage.agents[place])
        lines.append(line)
        status, told = await line.wait(f"{stage.place(place)}/agent/messages")
        raise RuntimeError(f"there is nothing to do, and an agent was told {status} {told}")

    # The first PACS has one agent, who is seen to be woken among all the others.
    agents = [asyncio.ensure_future(wait(number)) for number in range(waiting) if number % IDLE_PACSES]
    while len(lines) < len(agents):
        await _still_waiting(agents, 0.1)
    while await _busy(stage) > _AT_REST:
        await _still_waiting(agents, 0)
    after, cpu, begun = _memory(stage), _cpu(stage), time.perf_counter()
    await _still_waiting(agents, seconds)
    spent, elapsed = _cpu(stage) - cpu, time.perf_counter() - begun
    held = _connections(stage)
    if held < len(agents):
        raise RuntimeError(f"{len(agents)} agents wait, and the gate holds {held} connections")
    probe = asyncio.ensure_future(_agent(stage, 0))
    seen = _Seen()
    clerk = await Line.opened(stage.port, stage.clerk)
    for number in range(_PROBES + 1):
        at = time.perf_counter()
        _, headers, _ = await clerk.ask("GET", f"{stage.place(0)}/identities/person-{number}")
        await clerk.wait(headers["location"])
        seen.milliseconds.append((time.perf_counter() - at) * 1e3)
    del seen.milliseconds[0]  # both have come in for the first time
    for agent in (probe, *agents):
        agent.cancel()
    await asyncio.gather(probe, *agents, return_exceptions=True)
    return Row(
        work=f"queue: {len(agents):,} agents wait at one worker, and an operation among them (SQLite)",
        rate=round(_PROBES / sum(seen.milliseconds) * 1e3, 1),
        unit="operations",
        p50_ms=round(percentile(seen.milliseconds, 0.5), 2),
        p99_ms=round(percentile(seen.milliseconds, 0.99), 2),
        cpu_seconds={f"gate in {round(elapsed)} s of waiting": round(spent, 2)},
        command="python -m bench --only queue",
        notes={
            "KiB for each agent": round((after - before) / len(agents) / 1024, 1),
            "MiB of the gate with all of them": round(after / 1024**2),
            "PACSes": IDLE_PACSES,
        },
    )


async def _still_waiting(agents: "Sequence[asyncio.Future[None]]", seconds: float) -> None:
    """Let time pass; raises what any of them has met with."""
    await asyncio.sleep(seconds)
    for agent in agents:
        if agent.done():
            agent.result()


async def _busy(stage: QueueStage) -> float:
    """How much of a processor the gate has used within a second."""
    before = _cpu(stage)
    await asyncio.sleep(1)
    return _cpu(stage) - before


def _connections(stage: QueueStage) -> int:
    return sum(
        each.laddr.port == stage.port and each.status == psutil.CONN_ESTABLISHED
        for process in _processes(stage)
        for each in process.net_connections("tcp4")
    )


def _processes(stage: QueueStage) -> list[psutil.Process]:
    return [psutil.Process(pid) for pid in stage.family]


def _memory(stage: QueueStage) -> int:
    """Bytes that no other process shares."""
    return sum(process.memory_full_info().uss for process in _processes(stage))


def _cpu(stage: QueueStage) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in _processes(stage))
