"""Codes that somebody writes down and types in again: signs in groups, none of which is taken for another.

Called by `recovery_codes` and `emergency`.
"""

import secrets


def paper_code(signs: str, *, groups: int, length: int) -> str:
    """A random code of so many groups of so many signs."""
    return "-".join("".join(secrets.choice(signs) for _ in range(length)) for _ in range(groups))
