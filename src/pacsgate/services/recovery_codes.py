"""Codes on paper that stand in for a lost second factor, each once.

Called by `enrol_factor`, which makes them, and `prove_factor`, which takes them.

Standard: OWASP ASVS 5.0 6.5.2 (lookup secrets of 112 bits and more may be kept as a plain hash), 6.5.3.
"""

import hashlib

from pacsgate.services.paper_codes import paper_code

CODES = 10
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""Without letters and digits that look alike; 31 signs are 4.95 bits each."""
_GROUPS, _GROUP = 4, 6


def new_codes() -> tuple[str, ...]:
    """As many codes as an account has, each of 118 random bits."""
    return tuple(paper_code(_ALPHABET, groups=_GROUPS, length=_GROUP) for _ in range(CODES))


def digest_of(code: str) -> bytes | None:
    """What is kept of a code as somebody wrote it; `None` for what can be none."""
    written = "".join(sign for sign in code.lower() if sign not in " -\t")
    if len(written) != _GROUPS * _GROUP or not set(written) <= set(_ALPHABET):
        return None
    return hashlib.sha256(written.encode("ascii")).digest()
