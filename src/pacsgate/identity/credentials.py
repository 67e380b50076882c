"""What a request carries to say who it comes from, read and not yet believed.

Three kinds: a name with a password (HTTP Basic), an API token (HTTP Bearer) and
the value of the session cookie.  An `Authorization` header that is there but
cannot be read is a fourth, so that nobody is let in as somebody else by a header
that was meant to say otherwise.

Called by the doors; believed by `pacsgate.identity.authenticate`.

Standard: RFC 7617 (Basic, UTF-8), RFC 6750 section 2.1 (Bearer).
"""

import base64
import binascii
from dataclasses import dataclass, field

from pacsgate.identity.tokens import TokenText


@dataclass(frozen=True, slots=True)
class PasswordCredential:
    """A claimed name and a password, exactly as received."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenCredential:
    """An API token."""

    token: TokenText


@dataclass(frozen=True, slots=True)
class SessionCredential:
    """The value of the session cookie."""

    cookie: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UnreadableCredential:
    """An `Authorization` header of a scheme or form that is not spoken here."""


Credentials = PasswordCredential | TokenCredential | SessionCredential | UnreadableCredential


def read_credentials(authorization: str | None, session_cookie: str | None) -> Credentials | None:
    """Read the credential of a request from its `Authorization` header and its session cookie.

    The header wins: whoever sends one means it.
    """
    if authorization is not None:
        return _read_authorization(authorization)
    if session_cookie:
        return SessionCredential(session_cookie)
    return None


def _read_authorization(header: str) -> Credentials:
    scheme, _, value = header.partition(" ")
    match scheme.lower():
        case "bearer":
            token = TokenText.parse(value.strip())
            return UnreadableCredential() if token is None else TokenCredential(token)
        case "basic":
            return _read_basic(value.strip())
        case _:
            return UnreadableCredential()


def _read_basic(value: str) -> PasswordCredential | UnreadableCredential:
    try:
        text = base64.b64decode(value, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return UnreadableCredential()
    name, colon, password = text.partition(":")
    return PasswordCredential(name, password) if colon and name else UnreadableCredential()
