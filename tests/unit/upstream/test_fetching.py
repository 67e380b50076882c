"""GETs to an origin over kept connections, against a server that answers exactly what a test says."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.model.errors import ArchiveError
from pacsgate.protocols.dicomweb.multipart import PART_TAIL, closing, part_head
from pacsgate.upstream.dicomweb.retrieval import _unwrapping
from pacsgate.upstream.http.fetching import Fetcher
from pacsgate.upstream.http.wire import WireError

BODY = bytes(range(256)) * 4096
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]]


class Origin:
    """Serves each connection with `serve`, which is told how many came before it."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self.connections = 0

    async def __aenter__(self) -> Fetcher:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return Fetcher(f"http://127.0.0.1:{port}/root", ssl.create_default_context(), 0.5)

    async def __aexit__(self, *_raised: object) -> None:
        self._server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._serve(reader, writer, self.connections)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def every_time(answer: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(answer)
            await writer.drain()

    return serve


def once(answer: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    return serve


async def fetched(fetcher: Fetcher) -> bytes:
    body = b""
    async with fetcher.get("/one", {"Accept": "*/*"}) as answer:
        while (chunk := await answer.next()) is not None:
            body += chunk
    return body


def fetch_from(serve: Serve, times: int = 1) -> tuple[list[bytes], int]:
    async def run() -> tuple[list[bytes], int]:
        origin = Origin(serve)
        async with AsyncExitStack() as stack:
            fetcher = await stack.enter_async_context(origin)
            stack.callback(fetcher.close)
            return [await fetched(fetcher) for _ in range(times)], origin.connections

    return asyncio.run(run())


def test_a_connection_is_kept_for_the_next_request() -> None:
    assert fetch_from(every_time(WHOLE), times=3) == ([BODY] * 3, 1)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + WHOLE,
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + BODY,
    ],
    ids=["chunked", "after an interim answer", "until the connection ends"],
)
def test_a_body_arrives_whole_however_it_is_framed(answer: bytes) -> None:
    assert fetch_from(once(answer))[0] == [BODY]


def test_a_kept_connection_that_the_origin_has_left_is_replaced() -> None:
    assert fetch_from(once(WHOLE), times=2) == ([BODY] * 2, 2)


@pytest.mark.parametrize(
    "answer",
    [WHOLE[:-1], WHOLE + b"more", b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, b""],
    ids=["too short", "too long", "not HTTP", "a head without an end", "nothing"],
)
def test_an_answer_that_is_not_what_it_says_is_an_error(answer: bytes) -> None:
    with pytest.raises((WireError, TimeoutError)):
        fetch_from(once(answer), times=2)


def test_an_origin_that_falls_silent_is_not_waited_for() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(WHOLE[:1000])
        await reader.read()

    with pytest.raises(TimeoutError):
        fetch_from(serve)


def test_a_slow_reader_makes_the_origin_wait() -> None:
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (64 * len(BODY)))
        for _ in range(64):
            writer.write(BODY)
            await writer.drain()
            sent += 1

    async def run() -> int:
        async with Origin(serve) as fetcher, fetcher.get("/one", {}) as answer:
            assert await answer.next()
            await asyncio.sleep(0.3)
            return sent

    assert asyncio.run(run()) < 32


# ------------------------------------------------------------------ what is around the object

BOUNDARY = "a-boundary"
objects = st.binary(max_size=300).filter(lambda data: b"a-boundary" not in data)


def answer_with(data: bytes, *, sized: bool) -> tuple[dict[str, str], bytes]:
    head = part_head(BOUNDARY, "application/dicom")
    if sized:
        head = head[:-2] + b"Content-Length: %d\r\nMIME-Version: 1.0\r\n\r\n" % len(data)
    body = head + data + PART_TAIL + closing(BOUNDARY)
    kind = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
    return {"content-type": kind, "content-length": str(len(body))}, body


@given(data=objects, sized=st.booleans(), cuts=st.sets(st.integers(1, 400), max_size=5))
def test_the_object_is_the_same_however_its_answer_is_cut_and_measured(
    data: bytes, sized: bool, cuts: set[int]
) -> None:
    headers, body = answer_with(data, sized=sized)
    edges = [0, *sorted(cut for cut in cuts if cut < len(body)), len(body)]
    chunks = [body[start:end] for start, end in pairwise(edges)]
    unwrapping, size = _unwrapping(headers, chunks[0])
    assert b"".join(bytes(piece) for chunk in chunks for piece in unwrapping.feed(chunk)) == data
    unwrapping.close()
    assert size in ({None, len(data)} if sized else {None})


@pytest.mark.parametrize("at", [-1, -10])
def test_an_object_whose_end_is_another_than_announced_is_refused(at: int) -> None:
    headers, body = answer_with(b"x" * 100, sized=True)
    damaged = body[:at] + b"?" + body[at:][1:]
    unwrapping, size = _unwrapping(headers, damaged)
    assert size == 100
    with pytest.raises(ArchiveError):
        list(unwrapping.feed(damaged))


def test_an_object_that_ends_early_is_refused() -> None:
    headers, body = answer_with(b"x" * 100, sized=True)
    unwrapping, _ = _unwrapping(headers, body[:-50])
    list(unwrapping.feed(body[:-50]))
    with pytest.raises(ArchiveError):
        unwrapping.close()
