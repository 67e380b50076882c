"""What the User Identity sub-item of an association request says, read and not yet believed.

A passcode may be an API token instead of a password, and the field for a JSON Web Token may
hold one, so that what can be narrowed and revoked also serves clients that know only names
and passcodes.

Called by `door`.

Standard: PS3.7 D.3.3.7.
"""

from dataclasses import dataclass, field

from pacsgate.identity.credentials import PasswordCredential
from pacsgate.identity.refusals import Cause
from pacsgate.identity.tokens import TokenText
from pacsgate.ports.associations import UserIdentity, UserIdentityType

SECRET_TYPES = frozenset(
    {UserIdentityType.USERNAME_AND_PASSCODE, UserIdentityType.SAML, UserIdentityType.JWT}
)
"""Types whose fields let whoever overhears them in."""


@dataclass(frozen=True, slots=True)
class NamedPerson:
    """A name, and nothing that proves it."""

    name: str


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """An API token; `name` is whose it should be, where the request says so."""

    token: TokenText
    name: str | None = None


@dataclass(frozen=True, slots=True)
class PresentedAssertion:
    """A SAML assertion or a JSON Web Token."""

    kind: UserIdentityType
    assertion: bytes = field(repr=False)


StatedIdentity = NamedPerson | PasswordCredential | PresentedToken | PresentedAssertion


def read_user_identity(identity: UserIdentity) -> StatedIdentity | Cause:
    """Read the sub-item, or say why it cannot be."""
    match identity.kind:
        case UserIdentityType.USERNAME:
            name = _text(identity.primary)
            return Cause.UNREADABLE_IDENTITY if name is None else NamedPerson(name)
        case UserIdentityType.USERNAME_AND_PASSCODE:
            return _name_and_passcode(_text(identity.primary), _text(identity.secondary))
        case UserIdentityType.SAML:
            return PresentedAssertion(UserIdentityType.SAML, identity.primary)
        case UserIdentityType.JWT:
            token = TokenText.parse(_text(identity.primary) or "")
            if token is not None:
                return PresentedToken(token)
            return PresentedAssertion(UserIdentityType.JWT, identity.primary)
        case _:  # Kerberos, and whatever the standard will think of
            return Cause.UNSUPPORTED_IDENTITY


def _name_and_passcode(name: str | None, passcode: str | None) -> PasswordCredential | PresentedToken | Cause:
    if not name or passcode is None:
        return Cause.UNREADABLE_IDENTITY
    token = TokenText.parse(passcode)
    return PasswordCredential(name, passcode) if token is None else PresentedToken(token, name)


def _text(value: bytes) -> str | None:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return None
