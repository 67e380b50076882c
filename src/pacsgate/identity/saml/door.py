"""Where a browser signs in by SAML: it is sent to the provider, and what it brings back is believed or not.

A sign-in is asked for before it is answered.  What was asked stands under a random number
(`federation.sent_browsers`), which the provider hands back as RelayState.  So a response that somebody else
was given signs nobody in (login CSRF), a response comes in once, and where to go afterwards is nothing that
travels.  What nobody asked for is refused, sign-ins that a provider begins among it.

Used as `ports.browser_sources.BrowserSource`; one for each provider, wired by `bootstrap`.

Invariants:
- every outcome is on record before it is answered, and refusals are told alike;
- a response, its assertion and its request are each good for one sign-in.

Standard: SAML 2.0 Profiles 4.1 (web browser SSO), 4.4 (single logout); SAML 2.0 Bindings 3.4.3, 3.5.3
(RelayState); OWASP ASVS 5.0 6.8.3.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

from pacsgate.identity.federation.returning_browsers import DoorParts, ReturningBrowsers
from pacsgate.identity.federation.sent_browsers import SentBrowsers
from pacsgate.identity.federation.typed_attributes import with_numbers
from pacsgate.identity.refusals import Cause, Refusal
from pacsgate.identity.saml.logout import logout_answer_url, read_logout
from pacsgate.identity.saml.provider import SamlProvider
from pacsgate.identity.saml.requests import authn_request
from pacsgate.identity.saml.responses import verify_response
from pacsgate.model.claimed_names import recordable
from pacsgate.model.context import Context
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports import AuthenticationFailed
from pacsgate.ports.assertions import AssertionFault, Claims, UsedAssertions
from pacsgate.ports.browser_sources import CameBack, SentAway, SignedOut
from pacsgate.ports.identity_sources import IdentityLinks

HOLDS_FOR = timedelta(days=1)
"""An assertion lives for minutes, and is good for beginning a session; the session has limits of its own."""


class SamlDoor:
    """Signs people in with one provider."""

    def __init__(
        self, provider: SamlProvider, parts: DoorParts, links: IdentityLinks, used: UsedAssertions
    ) -> None:
        self._provider = provider
        self._parts = parts
        self._links = links
        self._used = used
        self._returning = ReturningBrowsers(parts, provider.name)
        self._browsers = SentBrowsers(parts.challenges, parts.scope, f"saml:{provider.name}")

    @property
    def name(self) -> str:
        """What the configuration calls the provider."""
        return self._provider.name

    @property
    def title(self) -> str:
        """What people call it."""
        return self._provider.title

    @property
    def scope(self) -> TenantScope:
        """Whose people it signs in."""
        return self._parts.scope

    def metadata(self) -> bytes:
        """What the gate publishes about itself, for this provider."""
        return self._provider.metadata()

    def send(self, return_to: str, browser_secret: str | None, context: Context) -> SentAway:
        """Begin a sign-in."""
        request = authn_request(self._provider)
        number, secret = self._browsers.ask(return_to, browser_secret, context, request_id=request.request_id)
        return SentAway(request.url(number), secret)

    def receive(
        self, answer: Mapping[str, str], browser_secret: str | None, context: Context
    ) -> CameBack | AuthenticationFailed:
        """Verify what a browser brought back from the provider."""
        return self._returning.receive(partial(self._verified, answer, browser_secret, context), context)

    def sign_out_url(self) -> str | None:
        """Nowhere: a session at the provider is the provider's."""
        return None

    def signed_out(self, answer: Mapping[str, str], context: Context) -> SignedOut | None:
        """Whose sessions a logout request of the provider ends."""
        returning = self._returning
        logout = read_logout(self._provider, answer, context.now)
        if logout is None:
            returning.refused(returning.refusal(Cause.WRONG_SIGNATURE), context)
            return None
        link = self._links.linked(self._parts.scope, self.name, logout.name_id)
        user = None if link is None else link.user
        if user is None and logout.session_index is None:
            returning.refused(returning.refusal(Cause.UNKNOWN_USER), context)
            return None
        return SignedOut(self.name, logout.session_index, user)

    def logout_answer_url(self, answer: Mapping[str, str], context: Context) -> str | None:
        """Where the browser goes after a logout request, to tell the provider that it is done."""
        return logout_answer_url(self._provider, answer, context.now)

    def _verified(
        self, answer: Mapping[str, str], browser_secret: str | None, context: Context
    ) -> CameBack | Refusal:
        asked = self._browsers.answered(answer.get("RelayState", ""), browser_secret, context)
        if asked is None:
            return self._returning.refusal(Cause.UNKNOWN_SIGN_IN)
        claims = verify_response(
            self._provider, answer.get("SAMLResponse", ""), asked.kept["request_id"], context.now
        )
        if isinstance(claims, AssertionFault):
            return self._returning.refusal(Cause.of_assertion(claims))
        subject = self._admitted(claims, context)
        if isinstance(subject, Cause):
            return self._returning.refusal(subject, recordable(claims.name))
        return CameBack(subject, asked.return_to, claims.session_id, claims.session_ends_at)

    def _admitted(self, claims: Claims, context: Context) -> Subject | Cause:
        parts = self._parts
        policy = parts.accounts.source(self.name)
        if policy is None:
            return Cause.UNKNOWN_SOURCE
        first = self._used.use(
            parts.scope,
            claims.issuer,
            claims.assertion_id or "",
            expires_at=claims.expires_at,
            now=context.now,
        )
        if not first:
            return Cause.USED_ASSERTION
        lasting = replace(
            claims,
            expires_at=context.now + HOLDS_FOR,
            attributes=with_numbers(claims.attributes, self._provider.numbers),
        )
        return parts.accounts.admit(policy, lasting, Credential.ASSERTION, context)
