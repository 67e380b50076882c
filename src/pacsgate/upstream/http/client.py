"""Requests to one origin: authorized, verified, bounded in time, with errors that say whose mistake it was.

A session belongs to the event loop in which it was made, so there is one for
each loop that asks: the gateway's, and the background loop of synchronous
callers.

Called by the archives over HTTP and their parts.

Invariants:
- redirects are not followed: credentials go nowhere but to the configured origin;
- certificates are verified, unless the operator has told the gate twice not to;
- answers are asked for unencoded, and an encoded one is refused, never inflated;
- no error names a UID, a secret or a query, nor does what it is chained to.

Standard: PS3.18 8.5 (status codes).
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp

from pacsgate.model.errors import ArchiveError, GoneError, SettingsError
from pacsgate.ports import Chunk, Clock
from pacsgate.upstream.http.answers import unreadable
from pacsgate.upstream.http.authorization import Authorization
from pacsgate.upstream.http.background import BackgroundLoop
from pacsgate.upstream.http.fetching import KEEP_ALIVE_SECONDS, Answer, Fetcher
from pacsgate.upstream.http.posting import Poster
from pacsgate.upstream.http.settings import OriginSettings
from pacsgate.upstream.http.wire import WireError

_READ_BUFFER_BYTES = 256 * 1024
"""aiohttp's 64 KiB cost a quarter of the throughput on a loopback; each stream may hold twice this."""
_SUCCESS = frozenset({200, 204})
_GONE = frozenset({404, 410})
_MISTRUSTED = frozenset({401, 403})
_FULL = 507

Body = Callable[[], AsyncIterator[Chunk]]
"""Makes the body of a request, each time it is sent."""


class OriginClient:
    """The way to one origin."""

    def __init__(self, settings: OriginSettings, clock: Clock) -> None:
        self._settings = settings
        self._authorization = Authorization(settings.credentials, clock)
        self._ssl = _trust(settings)
        self._fetcher = Fetcher(settings.root, self._ssl, settings.timeout_seconds)
        self._sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, aiohttp.ClientSession] = (
            WeakKeyDictionary()
        )

    @asynccontextmanager
    async def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        parameters: Mapping[str, str] | None = None,
        body: Body | None = None,
        expected: frozenset[int] = _SUCCESS,
        patience_seconds: float | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request and lend its response.

        An origin that works before it answers may be silent for `patience_seconds`, others as configured.
        Raises `GoneError` for an object that is not there and `ArchiveError`
        for everything else that is not `expected`, also while the body is read.
        What is `expected` is an answer, whatever its status.
        """
        with archive_errors():
            async with await self._send(
                method, path, headers, parameters, body, patience_seconds
            ) as response:
                require_expected(response.status, response.headers, expected)
                yield response

    @asynccontextmanager
    async def fetch(
        self, path: str, *, headers: Mapping[str, str], expected: frozenset[int] = _SUCCESS
    ) -> AsyncIterator[Answer]:
        """Ask for an object and lend the answer, whose body is to be handed on.  Raises like `request`."""
        with archive_errors():
            async with self._fetched(path, headers, expected) as answer:
                yield answer

    @asynccontextmanager
    async def _fetched(
        self, path: str, headers: Mapping[str, str], expected: frozenset[int]
    ) -> AsyncIterator[Answer]:
        for is_last in (False, True):
            authorization = await self._authorization.headers(self._session)
            async with self._fetcher.get(path, {**headers, **authorization}) as answer:
                if answer.status == 401 and not is_last and self._authorization.renew():
                    continue
                require_expected(answer.status, answer.headers, expected)
                yield answer
                return

    def poster(self, background: BackgroundLoop) -> Poster:
        """What threads post with; a token that it needs is fetched on `background`."""

        def authorize() -> Mapping[str, str]:
            held = self._authorization.at_once()
            return background.run(self._authorization.headers(self._session)) if held is None else held

        return Poster(self._settings, self._ssl, authorize, self._authorization.renew)

    async def aclose(self) -> None:
        """Close the session of the running loop."""
        self._fetcher.close()
        session = self._sessions.pop(asyncio.get_running_loop(), None)
        if session is not None:
            await session.close()

    async def _send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        parameters: Mapping[str, str] | None,
        body: Body | None,
        patience_seconds: float | None,
    ) -> aiohttp.ClientResponse:
        async def once() -> aiohttp.ClientResponse:
            authorization = await self._authorization.headers(self._session)
            options: dict[str, Any] = {} if body is None else {"data": body()}
            if patience_seconds is not None:
                options["timeout"] = aiohttp.ClientTimeout(
                    total=None, sock_connect=self._settings.timeout_seconds, sock_read=patience_seconds
                )
            return await self._session().request(
                method,
                self._settings.root + path,
                params=parameters,
                headers={"Accept-Encoding": "identity", **headers, **authorization},
                allow_redirects=False,
                **options,
            )

        response = await once()
        if response.status == 401 and self._authorization.renew():
            response.release()
            response = await once()
        return response

    def _session(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is None:
            seconds = self._settings.timeout_seconds
            session = self._sessions[loop] = aiohttp.ClientSession(
                # The doors bound how much runs at once; a second bound here could only deadlock slow readers.
                connector=aiohttp.TCPConnector(limit=0, ssl=self._ssl, keepalive_timeout=KEEP_ALIVE_SECONDS),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=seconds, sock_read=seconds),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                read_bufsize=_READ_BUFFER_BYTES,
            )
        return session


@contextmanager
def archive_errors() -> Iterator[None]:
    """What goes wrong on the way to an origin, and while its answer is read, as the archive's mistake.

    aiohttp's errors quote the request, URL and credentials and all: none is chained to ours.
    """
    try:
        yield
    except TimeoutError:
        raise ArchiveError("the archive did not answer in time", timed_out=True) from None
    except aiohttp.ClientConnectorCertificateError as mistrust:
        raise _mistrusted(getattr(mistrust.certificate_error, "verify_message", "")) from None
    except ssl.SSLCertVerificationError as mistrust:
        raise _mistrusted(mistrust.verify_message) from None
    except (OSError, WireError, aiohttp.ClientError) as failure:
        raise _unreachable(type(failure).__name__) from None


def _trust(settings: OriginSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as failure:
        raise SettingsError(f"`ca_file` `{settings.ca_file}` cannot be read as certificates") from failure
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if settings.identity is not None:
        certificate, key = settings.identity
        try:
            context.load_cert_chain(certificate, key)
        except (OSError, ssl.SSLError) as failure:
            raise SettingsError(f"certificate `{certificate}` and key `{key}` cannot be used") from failure
    return context


def _mistrusted(reason: str) -> ArchiveError:
    return ArchiveError("the archive's certificate is not trusted", detail=f"certificate: {reason}")


def _unreachable(detail: str) -> ArchiveError:
    return ArchiveError("the archive could not be reached", detail=detail)


def require_expected(status: int, headers: Mapping[str, str], expected: frozenset[int]) -> None:
    """Raise `GoneError` or `ArchiveError` for an answer that is none."""
    if status not in expected:
        raise _refusal(status)
    encoding = headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise unreadable("encoded, although `identity` was asked for")


def _refusal(status: int) -> ArchiveError | GoneError:
    if status in _GONE:
        return GoneError()
    if status in _MISTRUSTED:
        return ArchiveError(
            "the archive refused the gate", detail=f"status {status}: are the credentials right?"
        )
    if status == _FULL:
        return ArchiveError("the archive is full", detail=f"status {status}")
    return ArchiveError("the archive refused the request", detail=f"status {status}")
