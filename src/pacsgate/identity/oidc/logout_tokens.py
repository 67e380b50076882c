"""Logout tokens: a provider tells that a session there is over, and so are those that it began here.

Called by `door`.

Invariants:
- a token counts once, and only as a logout token: neither an ID token nor an access token ends anything.

Standard: OpenID Connect Back-Channel Logout 1.0 2.4 (the token), 2.6 (validation).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from pacsgate.identity.assertions.issuers import LOGOUT_TOKEN, PLAIN_TOKEN
from pacsgate.identity.assertions.json_web_tokens import GenuineToken, JsonWebTokens
from pacsgate.identity.assertions.reading_claims import claim
from pacsgate.identity.oidc.id_tokens import id_token_issuers
from pacsgate.identity.oidc.provider import OpenIdProvider
from pacsgate.model.resource import TenantScope
from pacsgate.ports.assertions import AssertionFault, UsedAssertions
from pacsgate.ports.browser_sources import SignedOut
from pacsgate.ports.identity_sources import IdentityLinks

_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_REPLAY = "logout:"


class LogoutTokens:
    """Verifies the logout tokens of one provider."""

    def __init__(
        self, provider: OpenIdProvider, scope: TenantScope, links: IdentityLinks, used: UsedAssertions
    ) -> None:
        self._name = provider.client.name
        self._scope = scope
        self._links = links
        self._used = used
        types = frozenset({LOGOUT_TOKEN, PLAIN_TOKEN})
        self._tokens = JsonWebTokens(replace(issuer, types=types) for issuer in id_token_issuers(provider))

    def verify(self, text: str, now: datetime) -> SignedOut | AssertionFault:
        """Whose sessions are over."""
        if not text.isascii():
            return AssertionFault.UNREADABLE
        found = self._tokens.genuine(text.encode("ascii"), now)
        if isinstance(found, AssertionFault):
            return found
        payload = found.payload
        session_id, token_id = payload.get("sid"), payload.get("jti")
        if not _is_logout(payload) or not isinstance(token_id, str) or not token_id:
            return AssertionFault.WRONG_TYPE
        if not self._used.use(
            self._scope, _REPLAY + self._name, token_id, expires_at=found.expires_at, now=now
        ):
            return AssertionFault.WITHDRAWN
        if isinstance(session_id, str) and session_id:
            return SignedOut(self._name, source_session=session_id)
        return self._everything_of(found)

    def _everything_of(self, token: GenuineToken) -> SignedOut | AssertionFault:
        """All that a person has by this source; whoever has never been here has nothing."""
        external_id = claim(token.payload, token.issuer.names.external_id)
        external_id = external_id if external_id is not None else token.payload.get("sub")
        if not isinstance(external_id, str) or not external_id:
            return AssertionFault.NAMELESS
        link = self._links.linked(self._scope, self._name, external_id)
        return SignedOut(self._name, user="" if link is None else link.user)


def _is_logout(payload: Mapping[str, Any]) -> bool:
    events = payload.get("events")
    return isinstance(events, Mapping) and isinstance(events.get(_EVENT), Mapping) and "nonce" not in payload
