"""The access token by which an agent is known, fetched with its secret and renewed before it ends.

Called by `gate_client`.

Invariants:
- the secret goes to the token endpoint and nowhere else.

Standard: RFC 6749 4.4 (client credentials), 2.3.1 (client authentication).
"""

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import aiohttp

from pacsgate.agent.errors import GateUnavailableError
from pacsgate.agent.settings import AgentSettings
from pacsgate.model.errors import RequestError
from pacsgate.ports import Clock
from pacsgate.protocols.strict_json import read_strict_json

_LONGEST_ANSWER = 64 * 1024
_LEFT = 0.2
"""Part of its life that a token still has when it is replaced."""
_USUAL_SECONDS = 3600


class AccessToken:
    """One token at a time."""

    def __init__(self, settings: AgentSettings, session: aiohttp.ClientSession, clock: Clock) -> None:
        self._settings = settings
        self._session = session
        self._clock = clock
        self._turn = asyncio.Lock()
        self._held: tuple[str, float] | None = None
        self.fetched = 0
        """How many there have been."""

    async def get(self) -> str:
        """A token that is good for a while.  Raises `GateUnavailableError`."""
        async with self._turn:
            if self._held is None or self._clock.monotonic() >= self._held[1]:
                self._held = await self._fetched()
                self.fetched += 1
            return self._held[0]

    def distrust(self, token: str) -> None:
        """The gate does not take this one any more: fetch another next time."""
        if self._held is not None and self._held[0] == token:
            self._held = None

    async def _fetched(self) -> tuple[str, float]:
        name, secret = (
            quote(text, safe="") for text in (self._settings.client_id, self._settings.client_secret)
        )
        basic = b64encode(f"{name}:{secret}".encode()).decode()
        asked = self._clock.monotonic()
        try:
            async with self._session.post(
                self._settings.token_url,
                data={"grant_type": "client_credentials"},
                headers={"Authorization": f"Basic {basic}"},
                allow_redirects=False,
            ) as response:
                answer = await response.content.read(_LONGEST_ANSWER)
                status = response.status
        except aiohttp.ClientConnectorCertificateError:
            raise GateUnavailableError("the certificate of the token endpoint is not trusted") from None
        except (aiohttp.ClientError, OSError, TimeoutError):
            raise GateUnavailableError("the token endpoint cannot be reached") from None
        if status != 200:
            raise GateUnavailableError(f"no access token: the endpoint answers {status}")
        token, seconds = _read(answer)
        return token, asked + seconds * (1 - _LEFT)


def _read(answer: bytes) -> tuple[str, float]:
    try:
        found: Any = read_strict_json(answer, at_most=_LONGEST_ANSWER)
    except RequestError:
        found = None
    if not isinstance(found, Mapping) or not isinstance(found.get("access_token"), str):
        raise GateUnavailableError("no access token: the endpoint's answer cannot be read")
    seconds = found.get("expires_in", _USUAL_SECONDS)
    return found["access_token"], float(seconds) if isinstance(seconds, int) else _USUAL_SECONDS
