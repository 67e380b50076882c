"""What becomes of a browser that comes back from a source: it is let in, refused or told to wait.

How an answer is verified is the business of the door; what a failure counts, and what goes on record, is
the same at every one.

Called by the doors of OpenID Connect and of SAML.

Invariants:
- every outcome is on record before it is answered, and refusals are told alike;
- an address that has failed too often is told to wait before its answer is looked at.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pacsgate.identity.federation.federated_accounts import FederatedAccounts
from pacsgate.identity.refusals import Cause, Refusal
from pacsgate.identity.sign_in_record import SignInRecord
from pacsgate.model.context import Context
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Credential
from pacsgate.ports import AuthenticationFailed
from pacsgate.ports.browser_sources import CameBack
from pacsgate.ports.factors import Challenges
from pacsgate.ports.identity import AttemptLimit, Guessed


@dataclass(frozen=True, slots=True)
class DoorParts:
    """What every door for browsers works with."""

    scope: TenantScope
    accounts: FederatedAccounts
    challenges: Challenges
    attempts: AttemptLimit
    record: SignInRecord


class ReturningBrowsers:
    """The browsers that come back from one source."""

    def __init__(self, parts: DoorParts, source: str) -> None:
        self._parts = parts
        self._source = source

    def receive(
        self, verified: Callable[[], CameBack | Refusal], context: Context, **told: str
    ) -> CameBack | AuthenticationFailed:
        """Whom an answer signs in; `told` is what the source said of it, for the record of a refusal."""
        parts, address = self._parts, context.client_address
        lock = parts.attempts.lock_on(parts.scope, Guessed.SOURCE, None, address, context.now)
        if lock is not None:
            return self.refused(self.refusal(Cause.LOCKED, seconds=lock.seconds_left), context)
        found = verified()
        if isinstance(found, CameBack):
            parts.record.succeeded(found.subject, context)
            return found
        parts.attempts.note_failure(parts.scope, Guessed.SOURCE, None, address, context.now)
        return self.refused(found, context, **told)

    def refusal(
        self, cause: Cause, name: str | None = None, issuer: str | None = None, seconds: int | None = None
    ) -> Refusal:
        """Why somebody is not let in; `name` and `issuer` as far as the answer has told them."""
        return Refusal(cause, Credential.ASSERTION, name, issuer, self._parts.scope.tenant, seconds)

    def refused(self, refusal: Refusal, context: Context, **told: str) -> AuthenticationFailed:
        """Record a refusal, and say what the browser is told."""
        self._parts.record.refused(refusal, context, source=self._source, **told)
        return refusal.failure
