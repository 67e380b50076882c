"""Passwords: which are accepted, how they are kept, how one is checked.

Length is what makes a password strong, so there are no rules of composition and
no upper limit worth mentioning; what everybody else uses, and the user's own
name and that of the place is refused.  A password is kept and compared exactly as received.

Called by `pacsgate.identity.password_checks`; given to
`pacsgate.services.administer_users` and `.setup` as `ports.Passwords`.

Invariants:
- checking against no hash at all costs as much as against a real one.

Standard: OWASP ASVS 5.0 6.2.1, 6.2.4, 6.2.5, 6.2.8, 6.2.9, 6.2.12; RFC 9106 section 4 (argon2id).
"""

import base64
import secrets
from collections.abc import Iterable
from functools import cache

from argon2 import Parameters, PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from pacsgate.model.errors import RequestError

PARAMETERS: Parameters = RFC_9106_LOW_MEMORY
"""argon2id, 3 passes over 64 MiB in 4 lanes: RFC 9106's second recommendation, about 120 ms here."""

MIN_CHARACTERS = 8
"""ASVS 6.2.1."""
MAX_BYTES = 1024
"""ASVS 6.2.9 wants at least 64 characters, of up to four bytes; this keeps a request body from becoming a
password."""
_PRODUCT = "pacsgate"

_GENERATED_BYTES = 15
"""120 bits, 20 characters of the URL-safe alphabet."""


class Argon2Passwords:
    """Hashes and checks passwords with argon2id."""

    def __init__(self, parameters: Parameters = PARAMETERS, context_words: Iterable[str] = ()) -> None:
        """`context_words` are those that come to mind here first: what the hospital is called."""
        self._context_words = {_PRODUCT, *(word.casefold() for word in context_words)}
        self._hasher = PasswordHasher.from_parameters(parameters)
        self._nobodys = _hash_of_nothing(parameters)

    def refuse_weak(self, password: str, user: str) -> None:
        """Raise `RequestError`, with a sentence for whoever chose it, if the password is easy to guess."""
        if len(_as_bytes(password)) > MAX_BYTES:
            raise RequestError(f"a password has at most {MAX_BYTES} bytes")
        if len(password) < MIN_CHARACTERS:
            raise RequestError(f"a password needs at least {MIN_CHARACTERS} characters; 15 are better")
        folded = password.casefold()
        if folded in _common_passwords():
            raise RequestError("this password is among the 30,000 most common ones; choose another")
        rest = folded
        for word in sorted({user.casefold(), *self._context_words}, key=len, reverse=True):
            rest = rest.replace(word, "") if word else rest
        if rest != folded and len(rest) < MIN_CHARACTERS:
            raise RequestError(
                "apart from the user's own name and what this place is called a password needs at least "
                f"{MIN_CHARACTERS} characters"
            )

    def hash(self, password: str) -> str:
        """Encode the password for keeping."""
        return self._hasher.hash(_as_bytes(password))

    def generate(self) -> str:
        """Make a random password that is never weak."""
        return secrets.token_urlsafe(_GENERATED_BYTES)

    def matches(self, encoded: str | None, password: str) -> bool:
        """Whether the password is the one that was kept; with `None` kept, never, after the same work."""
        try:
            return self._hasher.verify(encoded or self._nobodys, _as_bytes(password))
        except (VerificationError, InvalidHashError):
            return False


def _as_bytes(password: str) -> bytes:
    # A form field may carry a lone surrogate, which strict UTF-8 would raise on.
    return password.encode("utf-8", "surrogatepass")


def _hash_of_nothing(parameters: Parameters) -> str:
    """Encode random bytes as if they were the hash of a password that nobody knows."""
    salt = secrets.token_bytes(parameters.salt_len)
    digest = secrets.token_bytes(parameters.hash_len)
    salt_text, digest_text = (base64.b64encode(part).decode("ascii").rstrip("=") for part in (salt, digest))
    costs = f"m={parameters.memory_cost},t={parameters.time_cost},p={parameters.parallelism}"
    return f"$argon2id$v={parameters.version}${costs}${salt_text}${digest_text}"


@cache
def _common_passwords() -> frozenset[str]:
    return frozenset(FREQUENCY_LISTS["passwords"])
