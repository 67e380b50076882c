"""A SAML assertion or a JSON Web Token of a configured issuer.

Called by `door`.

Standard: PS3.15 B.7 (Generic SAML); RFC 7519.
"""

from collections.abc import Mapping
from dataclasses import replace

from pacsgate.identity.associations.user_identity import PresentedAssertion
from pacsgate.identity.associations.ways import Asking, Holding
from pacsgate.identity.federation.federated_accounts import FederatedAccounts
from pacsgate.identity.refusals import Cause, Refusal
from pacsgate.identity.sign_in_record import SignInRecord
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports.assertions import AssertionFault, AssertionVerifier, Claims, UsedAssertions
from pacsgate.ports.associations import Admitted, UserIdentityType


class ByAssertion:
    """Believes what issuers have signed."""

    def __init__(
        self,
        accounts: FederatedAccounts,
        verifiers: Mapping[UserIdentityType, AssertionVerifier],
        used: UsedAssertions,
        record: SignInRecord,
    ) -> None:
        self._accounts = accounts
        self._verifiers = verifiers
        self._used = used
        self._record = record

    def admit(self, asking: Asking, evidence: PresentedAssertion) -> Admitted | Refusal:
        """Let the person in whom a genuine assertion names, the first time if it is good for one only."""
        verifier = self._verifiers.get(evidence.kind)
        if verifier is None:
            return asking.refusal(Cause.UNKNOWN_ISSUER, Credential.ASSERTION)
        claims = verifier.verify(evidence.assertion, asking.now)
        if isinstance(claims, AssertionFault):
            return asking.refusal(Cause.of_assertion(claims), Credential.ASSERTION)
        subject = self._subject(asking, claims)
        if isinstance(subject, Cause):
            return asking.refusal(subject, Credential.ASSERTION, claims.name, claims.issuer)
        self._record.succeeded(subject, asking.context)
        return Admitted(subject, asking.remote, claims=claims)

    def again(self, asking: Asking, evidence: PresentedAssertion, before: Admitted) -> Holding | None:  # noqa: ARG002 - it was verified once
        """The same person, until the assertion expires."""
        claims = before.claims
        if claims is None or asking.now >= claims.expires_at:
            return None
        source = self._accounts.source(claims.source)
        if source is None or source.tenant != asking.scope.tenant:
            return None
        subject = self._accounts.known(source, claims, Credential.ASSERTION, asking.now)
        return None if subject is None else Holding(subject, subject.valid_until)

    def _subject(self, asking: Asking, claims: Claims) -> Subject | Cause:
        source = self._accounts.source(claims.source)
        if source is None:
            return Cause.UNKNOWN_SOURCE
        if source.tenant != asking.scope.tenant:
            return Cause.ASSERTION_NOT_FOR_US
        subject = self._accounts.admit(
            source,
            claims,
            Credential.ASSERTION,
            replace(asking.context, now=asking.now),
            signs_in=False,
        )
        cause = None if isinstance(subject, Cause) else self._used_before(asking, claims)
        return cause or subject

    def _used_before(self, asking: Asking, claims: Claims) -> Cause | None:
        if claims.assertion_id is None:
            return None
        first = self._used.use(
            asking.scope,
            claims.issuer,
            claims.assertion_id,
            expires_at=claims.expires_at,
            now=asking.now,
        )
        return None if first else Cause.USED_ASSERTION
