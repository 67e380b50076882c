"""Codes of authenticator apps: six digits, a new one every thirty seconds.

A code of the step before or after the present one counts too, for clocks disagree and people type
slowly; never one of a step that was used already, or of an earlier one.

Used as `ports.factor_proofs.OneTimeCodes`; made by `bootstrap`.

Standard: RFC 6238 with SHA-1 as apps know it; RFC 4226 4 (seeds of 160 bits); OWASP ASVS 5.0 6.5.1, 6.5.5.
"""

import base64
import hmac
import secrets
from datetime import datetime

import pyotp

STEP_SECONDS = 30
_NEIGHBOURS = 1
_DIGITS = 6
_SEED_BYTES = 20
_ISSUER = "pacsgate"


class Totp:
    """Makes seeds, and tells which step a code is of."""

    def __init__(self, issuer: str = _ISSUER) -> None:
        """`issuer` is what an app shows above the code."""
        self._issuer = issuer

    def new_seed(self) -> bytes:
        """A random seed."""
        return secrets.token_bytes(_SEED_BYTES)

    def typed(self, seed: bytes) -> str:
        """Base32, in groups of four."""
        text = _base32(seed)
        return " ".join(text[at : at + 4] for at in range(0, len(text), 4))

    def uri(self, seed: bytes, user: str) -> str:
        """An `otpauth:` URI."""
        return pyotp.TOTP(_base32(seed), digits=_DIGITS, interval=STEP_SECONDS).provisioning_uri(
            name=user, issuer_name=self._issuer
        )

    def step_of(self, seed: bytes, code: str, now: datetime, *, after: int) -> int | None:
        """The latest acceptable step whose code this is."""
        written = "".join(code.split())
        if len(written) != _DIGITS or not (written.isascii() and written.isdigit()):
            return None
        codes = pyotp.HOTP(_base32(seed), digits=_DIGITS)
        present = int(now.timestamp()) // STEP_SECONDS
        found = None
        for step in range(present - _NEIGHBOURS, present + _NEIGHBOURS + 1):
            # All are compared, so that how long it takes says nothing of which it was.
            if hmac.compare_digest(codes.at(step), written) and step > after:
                found = step
        return found


def _base32(seed: bytes) -> str:
    return base64.b32encode(seed).decode("ascii")
