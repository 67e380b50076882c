"""Opaque tokens, asked about at the provider that issued them.

Called by `pacsgate.identity.federation.bearer_door`, which remembers answers for half a minute.

Invariants:
- a token that the provider does not call active, or not for us, is refused; so is every token while it
  does not answer;
- whoever makes tokens up keeps few threads waiting for the provider, however slow it is.

Standard: RFC 7662 2.2; RFC 9700 2.3 (audience).
"""

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pacsgate.identity.assertions.reading_claims import instant, read_claims
from pacsgate.identity.oidc.provider import OpenIdProvider
from pacsgate.ports.assertions import AssertionFault, Claims

UNTIL_ASKED_AGAIN = timedelta(minutes=1)
"""How long a token counts of which its provider does not say when it ends."""
ASKED_AT_ONCE = 3
"""Questions of one process; fewer than any door has threads, since anybody can make up a token."""
PATIENCE_SECONDS = 0.5
"""For the questions before: a viewer sends a dozen requests at once when its answer is due again."""


class ProviderIntrospection:
    """Asks one provider."""

    def __init__(self, provider: OpenIdProvider) -> None:
        self._provider = provider
        self._asking = threading.BoundedSemaphore(ASKED_AT_ONCE)

    def introspect(self, token: str, now: datetime) -> Claims | AssertionFault:
        """What the token says, if it is active and for us."""
        told = self._told(token)
        if told is None:
            return AssertionFault.UNAVAILABLE
        if told.get("active") is not True:
            return AssertionFault.WITHDRAWN
        client = self._provider.client
        if told.get("iss", client.issuer) not in (client.issuer, *client.issuers):
            return AssertionFault.UNKNOWN_ISSUER
        if client.bearer_audience not in _listed(told.get("aud")):
            return AssertionFault.NOT_FOR_US
        if told.get("token_type") in ("refresh_token", "id_token"):
            return AssertionFault.WRONG_TYPE
        expires = instant(told["exp"]) if "exp" in told else now + UNTIL_ASKED_AGAIN
        if expires is None:
            return AssertionFault.UNREADABLE
        if now >= expires:
            return AssertionFault.EXPIRED
        return read_claims(
            _named(told), client.names, issuer=client.issuer, source=client.name, expires_at=expires
        )

    def _told(self, token: str) -> Mapping[str, Any] | None:
        """The answer of the provider; `None` if there is none, or too many wait for one."""
        if not self._asking.acquire(timeout=PATIENCE_SECONDS):
            return None
        try:
            return self._provider.introspect(token)
        finally:
            self._asking.release()


def _named(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answer with the name where tokens have it: RFC 7662 calls it `username`."""
    username = told.get("username")
    return told if username is None else {"preferred_username": username, **told}


def _listed(audience: object) -> list[object]:
    return audience if isinstance(audience, list) else [audience]
