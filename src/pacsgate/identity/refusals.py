"""Why a credential was not accepted: one sentence for the record, next to nothing for the caller.

Called by the doors of `pacsgate.identity`, which return a `Refusal` where they
cannot return a subject; `pacsgate.identity.sign_in_record` writes it down.

Invariants:
- every cause that could tell whether a user, token or session exists has the
  same `FailureKind`.

Standard: OWASP ASVS 5.0 6.3.8.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Self

from pacsgate.model.resource import TenantName
from pacsgate.model.subject import Credential
from pacsgate.ports import AuthenticationFailed, FailureKind, UserRecord
from pacsgate.ports.assertions import AssertionFault

BUSY_RETRY_SECONDS = 1


class Cause(Enum):
    """What was wrong, as the administrator reads it in the trail, and what the caller is told."""

    UNREADABLE = ("unreadable-header", FailureKind.REFUSED)
    UNKNOWN_USER = ("unknown-user", FailureKind.REFUSED)
    WRONG_PASSWORD = ("wrong-password", FailureKind.REFUSED)
    DISABLED = ("disabled-user", FailureKind.REFUSED)
    LOCKED_USER = ("locked-user", FailureKind.REFUSED)
    OUTSIDE_VALIDITY = ("account-not-valid-now", FailureKind.REFUSED)
    NEVER_HERE = ("emergency-credential-at-another-door", FailureKind.REFUSED)
    UNKNOWN_TOKEN = ("unknown-token", FailureKind.REFUSED)
    EXPIRED_TOKEN = ("expired-token", FailureKind.REFUSED)
    REVOKED_TOKEN = ("revoked-token", FailureKind.REFUSED)
    CLIENT_SECRET = ("client-secret-used-as-token", FailureKind.REFUSED)
    NO_CLIENT_SECRET = ("no-client-secret-of-this-client", FailureKind.REFUSED)
    UNKNOWN_SESSION = ("unknown-session", FailureKind.REFUSED)
    ENDED_SESSION = ("ended-session", FailureKind.REFUSED)
    LOCKED = ("locked-out", FailureKind.LOCKED_OUT)
    BUSY = ("too-many-checks", FailureKind.BUSY)
    SOURCE_UNAVAILABLE = (AssertionFault.UNAVAILABLE.value, FailureKind.UNAVAILABLE)
    UNKNOWN_DEVICE = ("unknown-device", FailureKind.REFUSED)
    ENDED_DEVICE = ("disabled-or-expired-device", FailureKind.REFUSED)
    WRONG_NETWORK = ("wrong-network", FailureKind.REFUSED)
    WRONG_CERTIFICATE = ("wrong-certificate", FailureKind.REFUSED)
    UNREADABLE_CERTIFICATE = ("unreadable-certificate", FailureKind.REFUSED)
    UNTRUSTED_CERTIFICATE = ("untrusted-certificate", FailureKind.REFUSED)
    CERTIFICATE_NOT_YET_VALID = ("certificate-not-yet-valid", FailureKind.REFUSED)
    EXPIRED_CERTIFICATE = ("expired-certificate", FailureKind.REFUSED)
    REVOKED_CERTIFICATE = ("revoked-certificate", FailureKind.REFUSED)
    REVOCATION_UNKNOWN = ("certificate-revocation-unknown", FailureKind.REFUSED)
    NAMELESS_CERTIFICATE = ("certificate-names-nobody", FailureKind.REFUSED)
    CLEAR_TEXT = ("identity-in-clear-text", FailureKind.REFUSED)
    UNSUPPORTED_IDENTITY = ("unsupported-identity-type", FailureKind.REFUSED)
    UNREADABLE_IDENTITY = ("unreadable-identity", FailureKind.REFUSED)
    NAME_ALONE = ("name-without-passcode", FailureKind.REFUSED)
    NAMED_OTHERWISE = ("token-of-somebody-else", FailureKind.REFUSED)
    NAME_OF_ANOTHER = ("name-of-another-source", FailureKind.REFUSED)
    UNKNOWN_SIGN_IN = ("answer-to-no-question-of-this-browser", FailureKind.REFUSED)
    DENIED_AT_SOURCE = ("denied-at-source", FailureKind.REFUSED)
    CODE_NOT_TAKEN = ("code-not-taken-by-source", FailureKind.REFUSED)
    UNKNOWN_SOURCE = ("unknown-source", FailureKind.REFUSED)
    USED_ASSERTION = ("assertion-used-before", FailureKind.REFUSED)
    UNREADABLE_ASSERTION = (AssertionFault.UNREADABLE.value, FailureKind.REFUSED)
    UNKNOWN_ISSUER = (AssertionFault.UNKNOWN_ISSUER.value, FailureKind.REFUSED)
    ISSUER_KEYS_UNAVAILABLE = (AssertionFault.KEYS_UNAVAILABLE.value, FailureKind.REFUSED)
    WRONG_SIGNATURE = (AssertionFault.BAD_SIGNATURE.value, FailureKind.REFUSED)
    ASSERTION_NOT_FOR_US = (AssertionFault.NOT_FOR_US.value, FailureKind.REFUSED)
    ASSERTION_NOT_YET_VALID = (AssertionFault.NOT_YET_VALID.value, FailureKind.REFUSED)
    EXPIRED_ASSERTION = (AssertionFault.EXPIRED.value, FailureKind.REFUSED)
    NAMELESS_ASSERTION = (AssertionFault.NAMELESS.value, FailureKind.REFUSED)
    WRONG_ASSERTION_TYPE = (AssertionFault.WRONG_TYPE.value, FailureKind.REFUSED)
    WITHDRAWN_ASSERTION = (AssertionFault.WITHDRAWN.value, FailureKind.REFUSED)
    INCOMPLETE_ASSERTION = (AssertionFault.INCOMPLETE.value, FailureKind.REFUSED)
    UNWANTED_ASSERTION = (AssertionFault.UNWANTED.value, FailureKind.REFUSED)

    @classmethod
    def of_assertion(cls, fault: AssertionFault) -> Self:
        """What is wrong with an assertion, as a cause."""
        return next(cause for cause in cls if cause.word == fault.value)

    @property
    def word(self) -> str:
        """The cause as the trail spells it."""
        return self.value[0]

    @property
    def kind(self) -> FailureKind:
        """What the caller may know."""
        return self.value[1]


def what_bars(user: UserRecord | None, now: datetime) -> Cause | None:
    """Why nobody may come in as this account at `now`; `None` if somebody may."""
    if user is None:
        return Cause.UNKNOWN_USER
    if user.is_live(now):
        return None
    if user.disabled:
        return Cause.DISABLED
    in_time = replace(user, is_locked=False).is_live(now)
    return Cause.LOCKED_USER if in_time else Cause.OUTSIDE_VALIDITY


@dataclass(frozen=True, slots=True)
class Refusal:
    """A credential that was presented and not accepted.

    `name` is the claimed name, or the owner's where a token or session named
    one; `None` where nobody was named.
    """

    cause: Cause
    credential: Credential | None = None
    name: str | None = None
    credential_id: str | None = None
    tenant: TenantName | None = None
    retry_after_seconds: int | None = None

    @property
    def failure(self) -> AuthenticationFailed:
        """What the caller is told."""
        return AuthenticationFailed(self.cause.kind, self.retry_after_seconds)
