"""The way from an agent to its gate: it fetches messages, and hands in what it has to tell.

Called by `agent`.

Invariants:
- redirects are not followed: 307 on the way to a message means to ask again where one asked;
- nothing is sent before the gate's certificate is verified;
- an answer is an answer only if the gate gave it whole.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Self
from urllib.parse import quote

import aiohttp

from pacsgate.agent.access_token import AccessToken
from pacsgate.agent.errors import GateUnavailableError, RefusedError
from pacsgate.agent.report_bodies import entry_form, event_form, features_form, that_fits
from pacsgate.agent.settings import AgentSettings
from pacsgate.model.errors import RequestError, SettingsError
from pacsgate.ports import Clock
from pacsgate.ports.pacs_adapters import Json, PacsEvent, PacsFeatures
from pacsgate.ports.pacs_reports import LogEntry
from pacsgate.ports.site import PendingResponse
from pacsgate.protocols.agent.messages import (
    LONGEST_MESSAGE,
    AgentMessage,
    AgentResponse,
    read_message,
    write_response,
)
from pacsgate.protocols.strict_json import read_strict_json, write_json

_CONNECT_SECONDS = 10
_ANSWER_SECONDS = 30
_POLL_SECONDS = 60
"""The gate interrupts a wait long before; whoever waits longer waits on a broken line."""
_FOR_EVER = frozenset({400, 409, 413, 415, 422})
"""Answers that would be the same the next time."""
_NOBODY_WAITS = frozenset({404, 410})
"""Likewise, to a response."""


class GateClient:
    """One agent's connection.  An async context manager."""

    def __init__(self, settings: AgentSettings, clock: Clock) -> None:
        self._settings = settings
        timeout = aiohttp.ClientTimeout(
            total=None, connect=_CONNECT_SECONDS, sock_connect=_CONNECT_SECONDS, sock_read=_ANSWER_SECONDS
        )
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=_trust(settings)),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=timeout,
        )
        self._token = AccessToken(settings, self._session, clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    @property
    def tokens_fetched(self) -> int:
        """How many access tokens there have been: with a new one the gate may be another."""
        return self._token.fetched

    async def next_message(self) -> AgentMessage | None:
        """Wait for a message; `None` is to ask again at once.  Raises `GateUnavailableError`."""
        async with self._asked("GET", "messages", patience_seconds=_POLL_SECONDS) as response:
            if response.status in (204, 307):
                return None
            if response.status != 200:
                raise GateUnavailableError(f"no message: the gate answers {response.status}")
            try:
                return read_message(await _body(response, LONGEST_MESSAGE))
            except RequestError as problem:
                raise GateUnavailableError(f"a message cannot be read: {problem.public}") from None

    async def respond(self, response: PendingResponse) -> None:
        """Hand in what came of a command.  Raises `RefusedError` if nobody waits for it any more."""
        outcome = response.outcome
        body = write_response(AgentResponse(response.lease, outcome.status, outcome.body))
        path = f"messages/{quote(response.message_id, safe='')}/response"
        await self._hand_in("POST", path, body, _FOR_EVER | _NOBODY_WAITS)

    async def put_features(self, features: PacsFeatures) -> None:
        """Say what the PACS can do."""
        await self._hand_in("PUT", "features", write_json(features_form(features)))

    async def post_events(self, events: Sequence[PacsEvent], *, is_all: bool) -> int:
        """Tell what happened, as much as fits; returns how much that was."""
        forms = that_fits(events, event_form)
        is_last = is_all and len(forms) == len(events)
        await self._hand_in("POST", "events", write_json({"events": forms, "complete": is_last}))
        return len(forms)

    async def post_logs(self, entries: Sequence[LogEntry]) -> int:
        """Hand in lines of the log, as much as fits; returns how much that was."""
        forms = that_fits(entries, entry_form)
        await self._hand_in("POST", "logs", write_json({"entries": forms}))
        return len(forms)

    async def extension_fields(self) -> Json:
        """Which fields the tenant adds.  Raises `GateUnavailableError`."""
        async with self._asked("GET", "extension-fields") as response:
            if response.status != 200:
                raise GateUnavailableError(f"no extension fields: the gate answers {response.status}")
            return read_strict_json(await _body(response, LONGEST_MESSAGE), at_most=LONGEST_MESSAGE)

    async def _hand_in(
        self, method: str, path: str, body: bytes, for_ever: frozenset[int] = _FOR_EVER
    ) -> None:
        async with self._asked(method, path, body=body) as response:
            if response.status in for_ever:
                raise RefusedError(f"the gate refuses `{path.partition('/')[0]}`: {response.status}")
            if not 200 <= response.status < 300:
                raise GateUnavailableError(f"the gate answers {response.status}")

    @asynccontextmanager
    async def _asked(
        self, method: str, path: str, *, body: bytes | None = None, patience_seconds: float = _ANSWER_SECONDS
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        token = await self._token.get()
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            async with (
                asyncio.timeout(patience_seconds),
                self._session.request(
                    method,
                    f"{self._settings.pacs_url}/{path}",
                    data=body,
                    headers=headers,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(sock_connect=_CONNECT_SECONDS, sock_read=patience_seconds),
                ) as response,
            ):
                if response.status == 401:
                    self._token.distrust(token)
                    raise GateUnavailableError("the gate does not take the access token any more")
                yield response
        except aiohttp.ClientConnectorCertificateError:
            raise GateUnavailableError("the gate's certificate is not trusted") from None
        except (aiohttp.ClientError, OSError, TimeoutError):
            raise GateUnavailableError("the gate cannot be reached, or the line was cut") from None


async def _body(response: aiohttp.ClientResponse, at_most: int) -> bytes:
    read = bytearray()
    async for chunk in response.content.iter_any():
        read += chunk
        if len(read) > at_most:
            raise GateUnavailableError("the gate's answer is too long")
    return bytes(read)


def _trust(settings: AgentSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError):
        raise SettingsError(f"`Agent__CaFile` `{settings.ca_file}` cannot be read as certificates") from None
