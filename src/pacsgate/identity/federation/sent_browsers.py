"""Browsers that were sent to a source: what each was sent with, kept for the one answer that it brings back.

With the question stands the hash of a secret that only the browser has that was sent.  An answer that
somebody else has got is worth nothing in another browser, so nobody is signed in as somebody else without
knowing it.

Called by the doors of OpenID Connect and of SAML.

Invariants:
- a question is answered once, by the browser that was sent with it, within ten minutes.

Standard: RFC 6749 10.12 (cross-site request forgery); RFC 9700 4.7; SAML 2.0 Bindings 3.4.3 (RelayState).
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from pacsgate.model.context import Context
from pacsgate.model.resource import TenantScope
from pacsgate.ports.factors import Challenges

ANSWERED_WITHIN = timedelta(minutes=10)
"""For somebody to sign in at the source."""
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Question:
    """What a browser was sent with."""

    return_to: str
    kept: Mapping[str, str] = field(repr=False)
    """What the answer is held against: a nonce, the id of a request."""


class SentBrowsers:
    """The browsers that are at one source at this moment."""

    def __init__(self, challenges: Challenges, scope: TenantScope, purpose: str) -> None:
        self._challenges = challenges
        self._scope = scope
        self._purpose = purpose

    def ask(
        self, return_to: str, browser_secret: str | None, context: Context, **kept: str
    ) -> tuple[str, str]:
        """Keep a question; returns the number that goes with it, and the secret that the browser keeps."""
        secret = browser_secret or secrets.token_urlsafe(_SECRET_BYTES)
        question = json.dumps([return_to, _hash(secret), kept]).encode()
        number = self._challenges.ask(
            self._scope, self._purpose, question, expires_at=context.now + ANSWERED_WITHIN
        )
        return number, secret

    def answered(self, number: str, browser_secret: str | None, context: Context) -> Question | None:
        """The question that this number is of, if this browser was sent with it and has not answered yet."""
        found = self._challenges.take(self._scope, self._purpose, number, context.now)
        if found is None:
            return None
        return_to, browser, kept = json.loads(found)
        if not hmac.compare_digest(_hash(browser_secret or ""), browser):
            return None
        return Question(return_to, kept)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
