"""Second factors: what is kept of them, and the challenges that prove them.

Standard: RFC 6238 (TOTP); Web Authentication Level 3 (W3C); OWASP ASVS 5.0 6.5.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pacsgate.audit.events import AuditEvent
from pacsgate.model.resource import TenantName, TenantScope


class FactorKind(StrEnum):
    """What kind of proof a factor gives."""

    TOTP = "totp"
    """Codes of an authenticator app."""
    PASSKEY = "passkey"
    """A WebAuthn credential: a passkey or a security key."""
    RECOVERY_CODE = "recovery-code"
    """One of several codes on paper, each good for once."""


@dataclass(frozen=True, slots=True)
class FactorRecord:
    """One factor of one account."""

    factor_id: str
    """A random public id; of a passkey its credential id (base64url)."""
    user: str
    kind: FactorKind
    label: str
    secret: bytes = field(repr=False)
    """TOTP: the sealed seed.  Passkey: the COSE public key.  Recovery code: the SHA-256 of the code."""
    created_at: datetime
    counter: int = 0
    """TOTP: the last time step accepted; passkey: its signature counter.  Neither ever goes back."""
    last_used_at: datetime | None = None
    details: str = ""
    """JSON: what the kind keeps besides (transports, AAGUID, whether it verifies its user)."""


class Factors(Protocol):
    """The factors of accounts.  Adding and removing moves the users epoch."""

    def factors(self, scope: TenantScope, user: str) -> tuple[FactorRecord, ...]:
        """Those of one account, oldest first."""
        ...

    def factor(self, factor_id: str) -> tuple[TenantName, FactorRecord] | None:
        """One factor and whose tenant it is of: a passkey says who signs in before anybody is named."""
        ...

    def factors_of_kind(self, scope: TenantScope, kind: FactorKind) -> tuple[FactorRecord, ...]:
        """Those of every account, of one kind: what a new sealing key concerns."""
        ...

    def add_factor(self, scope: TenantScope, factor: FactorRecord, event: AuditEvent) -> None:
        """Keep a new factor.  Raises `ConflictError` when its id is taken."""
        ...

    def remove_factor(self, scope: TenantScope, user: str, factor_id: str, event: AuditEvent) -> None:
        """Forget a factor.  Raises `NotFoundError`."""
        ...

    def replace_factors(
        self,
        scope: TenantScope,
        user: str,
        kinds: Collection[FactorKind],
        by: Sequence[FactorRecord],
        event: AuditEvent,
    ) -> None:
        """Forget every factor of these kinds that an account has, and keep these instead."""
        ...

    def advance(self, scope: TenantScope, factor_id: str, *, above: int, to: int, at: datetime) -> bool:
        """Move a counter from `above` or less to `to`, once: whether this call was the one that did.

        Two requests with one code, at two processes, must not both be let in.
        """
        ...

    def spend(self, scope: TenantScope, factor_id: str) -> bool:
        """Use up a recovery code, once: whether this call was the one that did."""
        ...

    def reseal(self, scope: TenantScope, factor_id: str, *, was: bytes, secret: bytes) -> bool:
        """Put the same secret, sealed anew, in the place of what it was; whether it was still that."""
        ...


class Challenges(Protocol):
    """What was asked of a browser and waits for its answer, good for once: WebAuthn challenges, OpenID
    Connect `state`, SAML request ids, reset codes.  Kept for all processes by the SHA-256 of a random number.
    """

    def ask(self, scope: TenantScope, purpose: str, data: bytes, *, expires_at: datetime) -> str:
        """Keep `data` under a new random number (url-safe text), which is returned and never kept."""
        ...

    def take(self, scope: TenantScope, purpose: str, number: str, now: datetime) -> bytes | None:
        """What was kept under the number for this purpose, the first time; `None` otherwise, or too late."""
        ...

    def forget_challenges(self, scope: TenantScope, now: datetime) -> int:
        """Forget those that have expired; returns how many."""
        ...


class Sealer(Protocol):
    """Keeps secrets that must be read again (TOTP seeds, client secrets) under a key outside the database."""

    def seal(self, secret: bytes, purpose: str) -> bytes:
        """Encrypt and authenticate; what is sealed for one purpose opens for no other."""
        ...

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """The secret.  Raises `SealError` when it was changed, or sealed under a key that is gone."""
        ...
