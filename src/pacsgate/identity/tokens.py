"""API tokens: `pgt_<public id>_<secret>`, shown once and kept as a hash.

The public id names the token in lists, events and support calls and is worth
nothing by itself; the secret is 256 random bits, so that a plain SHA-256 of it
is enough: there is nothing to guess.

Called by `pacsgate.identity.credentials` and `.authenticate`; minted for
`pacsgate.services.administer_tokens`.

Invariants:
- the secret leaves this module only in `MintedToken.text`.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Self

from pacsgate.ports import MintedToken

_TOKEN_ID_BYTES = 8
_SECRET_BYTES = 32
_TOKEN = re.compile(r"pgt_([0-9a-f]{16})_([0-9a-f]{64})")
"""Hexadecimal: a double click selects all of it, and secret scanners find it."""


@dataclass(frozen=True, slots=True)
class TokenText:
    """A well-formed token as somebody presented it, not yet verified."""

    token_id: str
    secret: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read a token, or `None` if it is not one of ours."""
        found = _TOKEN.fullmatch(text)
        return None if found is None else cls(found[1], found[2])

    def is_secret_of(self, secret_sha256: bytes) -> bool:
        """Whether the kept hash is that of this token's secret, in time that does not tell how nearly."""
        return hmac.compare_digest(_sha256(self.secret), secret_sha256)


class RandomTokens:
    """Mints tokens from the operating system's randomness."""

    def mint(self) -> MintedToken:
        """Make a new token."""
        token_id = secrets.token_hex(_TOKEN_ID_BYTES)
        secret = secrets.token_hex(_SECRET_BYTES)
        return MintedToken(text=f"pgt_{token_id}_{secret}", token_id=token_id, secret_sha256=_sha256(secret))


def _sha256(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("ascii")).digest()
