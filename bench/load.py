"""The client: so many connections, each asking its next question as soon as it has its answer.

Run: `python -m bench.load PLAN.json` prints one JSON line.  It is a process of its own, on uvloop and
httptools, so that as little as possible of the two cores goes into asking.

A plan names `host`, `port`, the client's own `address`, `connections`, `seconds`, `warm_up_seconds`,
`seed`, `tls` (none, or the authorities to trust and the certificate and key to show), the `requests`
(method, path, headers and body), the `expected` statuses, and by name the processes to `watch`: their
CPU time is read when the measured part begins and when it ends.
"""

import asyncio
import json
import random
import ssl
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httptools
import psutil
import uvloop


class Tally:
    """What all connections saw during the measured part."""

    def __init__(self, begin: float, end: float, expected: frozenset[int]) -> None:
        self.begin = begin
        self.end = end
        self.expected = expected
        self.latencies: list[float] = []
        self.bytes = 0
        self.statuses: dict[int, int] = {}

    def count(self, status: int, asked: float, answered: float, size: int) -> None:
        """Count an answer that came within the measured part."""
        if status not in self.expected:
            raise SystemExit(f"an answer has status {status}; expected one of {sorted(self.expected)}")
        if self.begin <= answered < self.end:
            self.statuses[status] = self.statuses.get(status, 0) + 1
            self.latencies.append(answered - asked)
            self.bytes += size


class Connection(asyncio.Protocol):
    """One connection, kept as long as the server keeps it."""

    def __init__(self, questions: Iterator[bytes], tally: Tally, finished: "asyncio.Future[None]") -> None:
        self._questions = questions
        self._tally = tally
        self._finished = finished
        self._transport: asyncio.Transport | None = None
        self._asked = 0.0
        self._size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask the first question."""
        self._transport = transport  # type: ignore[assignment]
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """Say so to whoever waits."""
        if not self._finished.done():
            self._finished.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """Count; nothing is kept."""
        self._size += len(body)

    def on_message_complete(self) -> None:
        """Count the answer and ask the next question."""
        now = time.perf_counter()
        self._tally.count(self._parser.get_status_code(), self._asked, now, self._size)
        if now >= self._tally.end or not self._parser.should_keep_alive():
            self._transport.close()
        else:
            self._ask()

    def _ask(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._size = 0
        self._asked = time.perf_counter()
        self._transport.write(next(self._questions))


async def run(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out a plan."""
    questions = _in_random_order([_question(plan, request) for request in plan["requests"]], plan["seed"])
    begin = time.perf_counter() + plan["warm_up_seconds"]
    tally = Tally(begin, begin + plan["seconds"], frozenset(plan["expected"]))
    watched = {name: [psutil.Process(pid) for pid in pids] for name, pids in plan["watch"].items()}
    watched["client"] = [psutil.Process()]
    tls = _tls(plan["tls"])
    connections = [
        asyncio.create_task(_keep_asking(plan, questions, tally, tls)) for _ in range(plan["connections"])
    ]
    await asyncio.sleep(tally.begin - time.perf_counter())
    before = _cpu_seconds(watched)
    await asyncio.sleep(tally.end - time.perf_counter())
    after = _cpu_seconds(watched)
    await asyncio.gather(*connections)
    return {
        "requests": len(tally.latencies),
        "bytes": tally.bytes,
        "seconds": plan["seconds"],
        "began": tally.begin,
        "ended": tally.end,
        "latencies_ms": [round(latency * 1e3, 3) for latency in tally.latencies],
        "statuses": tally.statuses,
        "cpu_seconds": {name: round(after[name] - before[name], 2) for name in before},
    }


def _tls(plan: Mapping[str, Any] | None) -> ssl.SSLContext | None:
    if plan is None:
        return None
    context = ssl.create_default_context(cafile=plan["ca_file"])
    if plan["shown"]:
        context.load_cert_chain(*plan["shown"])
    return context


async def _keep_asking(
    plan: Mapping[str, Any], questions: Iterator[bytes], tally: Tally, tls: ssl.SSLContext | None
) -> None:
    loop = asyncio.get_running_loop()
    while time.perf_counter() < tally.end:
        finished = loop.create_future()
        await loop.create_connection(
            lambda finished=finished: Connection(questions, tally, finished),
            plan["host"],
            plan["port"],
            local_addr=(plan["address"], 0),
            ssl=tls,
        )
        await finished


def _question(plan: Mapping[str, Any], request: Mapping[str, Any]) -> bytes:
    fields = {"Host": f"{plan['host']}:{plan['port']}", **request["headers"]}
    if request["body"]:
        fields["Content-Length"] = str(len(request["body"]))
    head = [
        f"{request['method']} {request['path']} HTTP/1.1",
        *(f"{name}: {value}" for name, value in fields.items()),
    ]
    return ("\r\n".join(head) + "\r\n\r\n" + request["body"]).encode("ascii")


def _in_random_order(questions: Sequence[bytes], seed: int) -> Iterator[bytes]:
    chance = random.Random(seed)
    while True:
        yield from chance.sample(questions, len(questions))


def _cpu_seconds(watched: Mapping[str, Sequence[psutil.Process]]) -> dict[str, float]:
    return {
        name: sum(times.user + times.system for times in (process.cpu_times() for process in processes))
        for name, processes in watched.items()
    }


if __name__ == "__main__":
    uvloop.install()
    print(json.dumps(asyncio.run(run(json.loads(Path(sys.argv[1]).read_text("utf-8"))))))
