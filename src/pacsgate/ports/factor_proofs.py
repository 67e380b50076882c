"""What makes and checks the proofs of second factors: one-time codes, and WebAuthn.

Called by `services.enrol_factor` and `services.prove_factor`; implemented in `identity.factors`.

Invariants:
- nothing that a browser sends makes any of them raise.

Standard: RFC 6238; Web Authentication Level 3 (W3C), 7.1 and 7.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


class OneTimeCodes(Protocol):
    """The codes of an authenticator app."""

    def new_seed(self) -> bytes:
        """A random seed."""
        ...

    def typed(self, seed: bytes) -> str:
        """The seed as a person types it into an app."""
        ...

    def uri(self, seed: bytes, user: str) -> str:
        """The seed as an app reads it from a picture."""
        ...

    def step_of(self, seed: bytes, code: str, now: datetime, *, after: int) -> int | None:
        """The time step that a code is of, if it is one of now or its neighbours and later than `after`."""
        ...


@dataclass(frozen=True, slots=True)
class Site:
    """Where a browser is: what passkeys are bound to."""

    rp_id: str
    """The host name alone."""
    origin: str
    """Scheme, host and port."""


@dataclass(frozen=True, slots=True)
class PasskeyQuestion:
    """What a browser is asked: the options as JSON, and the challenge in them."""

    options: str
    challenge: bytes


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A credential that a browser has just made."""

    credential_id: str
    public_key: bytes = field(repr=False)
    counter: int
    verifies_user: bool
    is_synced: bool
    """Whether it may exist on several devices."""


@dataclass(frozen=True, slots=True)
class NamedPasskey:
    """Which credential an answer says it is by, and of whom."""

    credential_id: str
    user_handle: bytes | None
    """What authenticators know the account by; those that hold no account say nothing."""


@dataclass(frozen=True, slots=True)
class ShownPasskey:
    """A credential that a browser has just used."""

    counter: int
    verified_user: bool
    is_synced: bool


class Passkeys(Protocol):
    """WebAuthn, as a relying party."""

    def ask_for_new(self, site: Site, user: str, handle: bytes, known: Sequence[str]) -> PasskeyQuestion:
        """Ask for a new credential, of an authenticator that holds none of those known."""
        ...

    def made(self, site: Site, challenge: bytes, answer: str) -> NewPasskey | None:
        """The credential, if the answer is one to this challenge at this site."""
        ...

    def ask_for_known(self, site: Site, known: Sequence[str], *, verify_user: bool) -> PasskeyQuestion:
        """Ask for one of these credentials; for any at all if none are named."""
        ...

    def named_in(self, answer: str) -> NamedPasskey | None:
        """Which credential an answer says it is by, and of whom; nothing of it is believed yet."""
        ...

    def shown(
        self, site: Site, challenge: bytes, answer: str, public_key: bytes, *, verify_user: bool
    ) -> ShownPasskey | None:
        """What was shown, if the answer is one to this challenge at this site, signed by this key."""
        ...
