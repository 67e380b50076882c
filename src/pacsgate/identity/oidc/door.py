"""Signing in with an OpenID provider: a browser is sent there with a question and comes back with a code.

The question is kept under its `state`, for one answer in the browser that was sent
(`federation.sent_browsers`).

Used as `ports.browser_sources.BrowserSource`; one for each provider, wired by `bootstrap`.

Invariants:
- a state, a code and a nonce are each good for once, in one browser, at one provider;
- every refusal is on record before it is answered, and answered like any other.

Standard: OpenID Connect Core 3.1; RFC 6749 10.12; RFC 7636; RFC 9207; RFC 9700 2.1, 4.4, 4.7.
"""

import secrets
from collections.abc import Mapping
from functools import partial

from pacsgate.identity.federation.returning_browsers import DoorParts, ReturningBrowsers
from pacsgate.identity.federation.sent_browsers import SentBrowsers
from pacsgate.identity.oidc.id_tokens import IdTokens
from pacsgate.identity.oidc.logout_tokens import LogoutTokens
from pacsgate.identity.oidc.provider import OpenIdProvider
from pacsgate.identity.refusals import Cause, Refusal
from pacsgate.model.claimed_names import recordable
from pacsgate.model.context import Context
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Credential
from pacsgate.ports import AuthenticationFailed
from pacsgate.ports.assertions import AssertionFault
from pacsgate.ports.browser_sources import CameBack, SentAway, SignedOut

_RANDOM_BYTES = 32
_LONGEST_ERROR = 64


class OpenIdDoor:
    """Signs people in with one provider."""

    def __init__(self, provider: OpenIdProvider, parts: DoorParts, logouts: LogoutTokens) -> None:
        self._provider = provider
        self._parts = parts
        self._id_tokens = IdTokens(provider)
        self._logouts = logouts
        self._returning = ReturningBrowsers(parts, provider.client.name)
        self._browsers = SentBrowsers(parts.challenges, parts.scope, f"openid:{provider.client.name}")

    @property
    def name(self) -> str:
        """What the configuration calls the provider."""
        return self._provider.client.name

    @property
    def title(self) -> str:
        """What people call it."""
        return self._provider.client.title

    @property
    def scope(self) -> TenantScope:
        """Whose people it signs in."""
        return self._parts.scope

    def send(
        self, return_to: str, browser_secret: str | None, context: Context
    ) -> SentAway | AuthenticationFailed:
        """Begin a sign-in."""
        if self._provider.metadata() is None:
            return self._unavailable(context)
        nonce, verifier = (secrets.token_urlsafe(_RANDOM_BYTES) for _ in range(2))
        state, secret = self._browsers.ask(return_to, browser_secret, context, nonce=nonce, verifier=verifier)
        url = self._provider.authorization_url(state=state, nonce=nonce, verifier=verifier)
        return self._unavailable(context) if url is None else SentAway(url, secret)

    def receive(
        self, answer: Mapping[str, str], browser_secret: str | None, context: Context
    ) -> CameBack | AuthenticationFailed:
        """Verify what a browser came back with."""
        verified = partial(self._verified, answer, browser_secret, context)
        return self._returning.receive(verified, context, **_told(answer))

    def sign_out_url(self) -> str | None:
        """Where a browser ends its session at the provider too."""
        return self._provider.sign_out_url()

    def signed_out(self, answer: Mapping[str, str], context: Context) -> SignedOut | None:
        """Whose sessions a logout token ends."""
        found = self._logouts.verify(answer.get("logout_token", ""), context.now)
        if isinstance(found, AssertionFault):
            self._returning.refused(self._returning.refusal(Cause.of_assertion(found)), context)
            return None
        return found

    def _verified(
        self, answer: Mapping[str, str], browser_secret: str | None, context: Context
    ) -> CameBack | Refusal:
        refusal = self._returning.refusal
        asked = self._browsers.answered(answer.get("state", ""), browser_secret, context)
        if asked is None:
            return refusal(Cause.UNKNOWN_SIGN_IN)
        if not self._is_from_provider(answer):
            return refusal(Cause.UNKNOWN_ISSUER)
        if "code" not in answer:
            return refusal(Cause.DENIED_AT_SOURCE)
        tokens = self._provider.exchange(answer["code"], asked.kept["verifier"])
        if tokens is None:
            return refusal(Cause.CODE_NOT_TAKEN)
        claims = self._id_tokens.claims(tokens, asked.kept["nonce"], context.now)
        if isinstance(claims, AssertionFault):
            return refusal(Cause.of_assertion(claims))
        accounts = self._parts.accounts
        source = accounts.source(self.name)
        if source is None:
            return refusal(Cause.UNKNOWN_SOURCE)
        subject = accounts.admit(source, claims, Credential.ASSERTION, context)
        if isinstance(subject, Cause):
            return refusal(subject, recordable(claims.name), claims.issuer)
        return CameBack(subject, asked.return_to, claims.session_id)

    def _is_from_provider(self, answer: Mapping[str, str]) -> bool:
        metadata = self._provider.metadata()
        stated = answer.get("iss")
        if stated is None:
            return metadata is None or not metadata.names_itself
        return stated in self._provider.client.issuers

    def _unavailable(self, context: Context) -> AuthenticationFailed:
        return self._returning.refused(self._returning.refusal(Cause.SOURCE_UNAVAILABLE), context)


def _told(answer: Mapping[str, str]) -> dict[str, str]:
    """What a provider says went wrong, as far as it is one of its words."""
    error = answer.get("error", "")
    is_word = error.isascii() and error.replace("_", "").isalnum() and len(error) <= _LONGEST_ERROR
    return {"error": error} if is_word else {}
