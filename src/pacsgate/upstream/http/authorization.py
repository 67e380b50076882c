"""The `Authorization` header towards an origin.

A token from an OAuth 2.0 token endpoint is kept until shortly before it
expires, and thrown away when the origin answers 401.

Called by `client`.

Invariants:
- neither secrets nor tokens are in any message of an error.

Standard: RFC 6749 sections 2.3.1 and 4.4; RFC 6750 section 2.1; RFC 7617.
"""

import base64
import json
from collections.abc import Callable
from typing import assert_never
from urllib.parse import quote_plus

import aiohttp

from pacsgate.model.errors import ArchiveError
from pacsgate.ports import Clock
from pacsgate.upstream.http.answers import read_bounded
from pacsgate.upstream.http.settings import (
    BasicCredentials,
    BearerCredentials,
    ClientCredentials,
    OriginCredentials,
)

_MARGIN_SECONDS = 30.0
"""A token is not used in its last seconds: the request has to arrive with it."""
_DEFAULT_LIFETIME_SECONDS = 60.0
"""RFC 6749 only recommends `expires_in`; without it a token is asked for again soon."""
_MAX_TOKEN_ANSWER_BYTES = 64 * 1024


class Authorization:
    """Makes the header for one origin."""

    def __init__(self, credentials: OriginCredentials | None, clock: Clock) -> None:
        self._credentials = credentials
        self._clock = clock
        self._token: str | None = None
        self._usable_until = 0.0

    async def headers(self, session: Callable[[], aiohttp.ClientSession]) -> dict[str, str]:
        """The headers that authorize one request; `session` makes what a token is fetched with."""
        if isinstance(self._credentials, ClientCredentials):
            return _bearer(await self._current_token(self._credentials, session()))
        return self.at_once() or {}

    def at_once(self) -> dict[str, str] | None:
        """The same, unless a token would have to be fetched."""
        match self._credentials:
            case None:
                return {}
            case BasicCredentials(user, password):
                return {"Authorization": _basic(user, password)}
            case BearerCredentials(token):
                return _bearer(token)
            case ClientCredentials():
                held = self._held()
                return None if held is None else _bearer(held)
            case _ as never:
                assert_never(never)

    def renew(self) -> bool:
        """Forget the token; whether the next `headers` may differ, so that trying again makes sense."""
        self._token = None
        return isinstance(self._credentials, ClientCredentials)

    async def _current_token(self, client: ClientCredentials, session: aiohttp.ClientSession) -> str:
        held = self._held()
        if held is None:
            asked_at = self._clock.monotonic()
            held, lifetime = await _fetch_token(client, session)
            self._token, self._usable_until = held, asked_at + max(0.0, lifetime - _MARGIN_SECONDS)
        return held

    def _held(self) -> str | None:
        """The token, while it may be used."""
        return self._token if self._clock.monotonic() < self._usable_until else None


async def _fetch_token(client: ClientCredentials, session: aiohttp.ClientSession) -> tuple[str, float]:
    form = {"grant_type": "client_credentials"}
    if client.scope is not None:
        form["scope"] = client.scope
    # RFC 6749 section 2.3.1: both halves are form-encoded before they are joined.
    header = _basic(quote_plus(client.client_id), quote_plus(client.client_secret))
    async with session.post(
        client.token_url,
        data=form,
        headers={"Authorization": header, "Accept": "application/json"},
        allow_redirects=False,
    ) as response:
        if response.status != 200:
            raise _refused(f"status {response.status}")
        answer = await read_bounded(response, _MAX_TOKEN_ANSWER_BYTES)
    try:
        fields = json.loads(answer)
        lifetime = float(fields.get("expires_in", _DEFAULT_LIFETIME_SECONDS))
        return str(fields["access_token"]), lifetime
    except (ValueError, TypeError, KeyError, AttributeError):
        raise _refused("unreadable answer") from None


def _refused(detail: str) -> ArchiveError:
    return ArchiveError("the gate got no token for the archive", detail=f"token endpoint: {detail}")


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
