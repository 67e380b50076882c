"""What a request carries to say who it comes from, read and not yet believed.

Among them: a name with a password (HTTP Basic), an API token or a token of an issuer (HTTP Bearer) and
the value of the session cookie.  An `Authorization` header that is there but
cannot be read is a kind of its own, so that nobody is let in as somebody else by a header
that was meant to say otherwise.

Called by the doors; believed by `pacsgate.identity.authenticate`.

Standard: RFC 7617 (Basic, UTF-8), RFC 6750 section 2.1 (Bearer).
"""

import base64
import binascii
import re
from dataclasses import dataclass, field

from pacsgate.identity.tokens import TokenText

_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]{8,16384}=*")
"""What a Bearer header may hold (RFC 6750 2.1); shorter is no secret, longer no header."""


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
class AssertionCredential:
    """A token that is not ours: an issuer's, to be verified or asked about."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SessionCredential:
    """The value of the session cookie."""

    cookie: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CertificateCredential:
    """A client certificate (DER), shown to the gate itself or to a trusted proxy."""

    certificate: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class UnreadableCredential:
    """An `Authorization` header of a scheme or form that is not spoken here."""


Credentials = (
    PasswordCredential
    | TokenCredential
    | AssertionCredential
    | SessionCredential
    | CertificateCredential
    | UnreadableCredential
)


def read_credentials(
    authorization: str | None,
    session_cookie: str | None,
    certificate: CertificateCredential | UnreadableCredential | None = None,
) -> Credentials | None:
    """Read the credential of a request: its `Authorization` header, its session cookie, its certificate.

    The header wins: whoever sends one means it.  Then the session does, which may have proven more than
    the certificate that a browser shows with every request.
    """
    if authorization is not None:
        return _read_authorization(authorization)
    if session_cookie:
        return SessionCredential(session_cookie)
    return certificate


def _read_authorization(header: str) -> Credentials:
    scheme, _, value = header.partition(" ")
    match scheme.lower():
        case "bearer":
            return _read_bearer(value.strip())
        case "basic":
            return _read_basic(value.strip())
        case _:
            return UnreadableCredential()


def _read_bearer(value: str) -> TokenCredential | AssertionCredential | UnreadableCredential:
    token = TokenText.parse(value)
    if token is not None:
        return TokenCredential(token)
    return AssertionCredential(value) if _TOKEN68.fullmatch(value) else UnreadableCredential()


def _read_basic(value: str) -> PasswordCredential | UnreadableCredential:
    try:
        text = base64.b64decode(value, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return UnreadableCredential()
    name, colon, password = text.partition(":")
    return PasswordCredential(name, password) if colon and name else UnreadableCredential()
