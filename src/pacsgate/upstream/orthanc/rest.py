"""Orthanc's REST API, asked with the gate's own account.

GETs go over the kept connections of `upstream.http.fetching`, because what they
bring is often large and handed on; whatever has a body goes over the general client.

Called by `archive` and its parts, and through `pacsgate.ports.Orthanc` by whoever has the archive.

Invariants:
- a path is quoted here and nowhere else; one with a segment that leads elsewhere is never sent;
- a header that would be two headers is never sent, nor credentials that are not the gate's.

Standard: RFC 3986 3.3 (path), 3.4 (query).
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp

from pacsgate.model.errors import ArchiveError, RequestError
from pacsgate.ports import Chunk
from pacsgate.ports.orthanc import OrthancRequest, OrthancResponse
from pacsgate.upstream.http.answers import unreadable
from pacsgate.upstream.http.client import Body, OriginClient, archive_errors
from pacsgate.upstream.http.fetching import Answer
from pacsgate.upstream.local_file import LocalFile

_MAX_JSON_BYTES = 256 * 1024 * 1024
"""What `ask_json` holds at once: the tags of a large study are some tens of megabytes."""
_SAFE_IN_PATH = "/:@!$&'()*+,;=~"
_NEVER_HANDED_ON = frozenset(
    {"authorization", "connection", "content-length", "cookie", "host", "transfer-encoding"}
)


class RestClient:
    """Asks one Orthanc."""

    def __init__(self, client: OriginClient) -> None:
        self._client = client

    @asynccontextmanager
    async def ask(self, request: OrthancRequest) -> AsyncIterator[OrthancResponse]:
        """Ask and lend the answer.

        Raises `ArchiveError`, `GoneError`, and `RequestError` for what cannot be sent.
        """
        target, headers = _target(request), _headers(request.headers)
        if request.method == "GET" and request.body is None:
            async with self._client.fetch(target, headers=headers, expected=request.expected) as answer:
                yield _Fetched(answer)
            return
        body: Body | None = None
        if request.body is not None:
            body, headers["Content-Length"] = _body(request.body)
        async with self._client.request(
            request.method,
            target,
            headers=headers,
            body=body,
            expected=request.expected,
            patience_seconds=request.patience_seconds,
        ) as response:
            yield _Requested(response)

    def fetch(self, path: str) -> AbstractAsyncContextManager[Answer]:
        """Ask for what is at a path of the gate's own making, with little between reader and connection.

        Raises like `ask`.
        """
        return self._client.fetch(path, headers={})

    async def ask_json(self, request: OrthancRequest) -> Any:
        """Ask and decode the answer; an empty one is `None`."""
        async with self.ask(request) as response:
            answer = await response.read(_MAX_JSON_BYTES)
        return decoded(answer)


def decoded(answer: bytes) -> Any:
    """What an answer in JSON says; an empty one is `None`.  Raises `ArchiveError`."""
    if not answer.strip():
        return None
    try:
        return json.loads(answer)
    except (ValueError, RecursionError):
        raise unreadable("not JSON") from None


class _Fetched:
    """An answer over a kept connection."""

    def __init__(self, answer: Answer) -> None:
        self.status = answer.status
        self.headers: Mapping[str, str] = answer.headers
        self.size = length_of(answer.headers)
        self._answer = answer

    async def stream(self) -> AsyncGenerator[Chunk, None]:
        """The body as it comes."""
        with archive_errors():
            while (chunk := await self._answer.next()) is not None:
                yield chunk

    async def read(self, at_most: int) -> bytes:
        """The whole body."""
        return await _whole(self.stream(), at_most)


class _Requested:
    """An answer of the general client."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self.size = length_of(self.headers)
        self._response = response

    async def stream(self) -> AsyncGenerator[Chunk, None]:
        """The body as it comes."""
        with archive_errors():
            async for chunk in self._response.content.iter_any():
                yield chunk

    async def read(self, at_most: int) -> bytes:
        """The whole body."""
        return await _whole(self.stream(), at_most)


async def _whole(stream: AsyncGenerator[Chunk, None], at_most: int) -> bytes:
    body = bytearray()
    async for chunk in stream:
        body += chunk
        if len(body) > at_most:
            raise ArchiveError("the archive's answer is too large", detail=f"more than {at_most} bytes")
    return bytes(body)


def length_of(headers: Mapping[str, str]) -> int | None:
    """The length of an answer's body, where it says one."""
    written = headers.get("content-length", "")
    return int(written) if written.isdecimal() else None


def _target(request: OrthancRequest) -> str:
    if not request.path.startswith("/") or {".", ".."} & set(request.path.split("/")):
        raise RequestError("not a path of Orthanc's API", status=404)
    path = quote(request.path, safe=_SAFE_IN_PATH)
    return f"{path}?{urlencode(request.query, quote_via=quote)}" if request.query else path


def _headers(given: Mapping[str, str]) -> dict[str, str]:
    for name, value in given.items():
        if name.lower() in _NEVER_HANDED_ON:
            raise RequestError(f"`{name}` is not a header to hand on")
        if not value.isprintable():
            raise RequestError(f"the header `{name}` cannot be handed on")
    return dict(given)


def _body(given: bytes | Path) -> tuple[Body, str]:
    """What makes the body, and its length."""
    if isinstance(given, Path):
        file = LocalFile(given, given.stat().st_size)
        return file.stream, str(file.size)

    async def in_hand() -> AsyncIterator[Chunk]:
        yield given

    return in_hand, str(len(given))
