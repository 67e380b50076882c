"""Who may say who somebody is, and in which words.

Made by `bootstrap` from the configuration; read by `json_web_tokens`, `reading_claims` and `saml`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.x509 import Certificate

from pacsgate.identity.assertions.issuer_keys import IssuerKeys
from pacsgate.model.subject import Scalar

ACCESS_TOKEN = "at+jwt"  # noqa: S105 - a media type
PLAIN_TOKEN = "jwt"  # noqa: S105 - likewise
LOGOUT_TOKEN = "logout+jwt"  # noqa: S105 - likewise


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """Where an issuer puts what is wanted of a person."""

    name: str
    """Claim or attribute that holds the name of the account; for SAML, empty means the NameID."""
    groups: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Attribute of policies (`user.…`) to claim or attribute of the issuer."""
    external_id: str = "sub"
    """Claim that holds what the issuer knows the person by, for good."""
    display_name: str = "name"
    required: Mapping[str, frozenset[Scalar]] = field(default_factory=dict)
    """Claims that must be there, with one of these values: `hd`, `tid`."""


@dataclass(frozen=True, slots=True)
class JwtIssuer:
    """An issuer of JSON Web Tokens of one purpose."""

    issuer: str
    audience: str
    algorithms: frozenset[str]
    keys: IssuerKeys
    names: ClaimNames
    name: str = ""
    """What the configuration calls the source; the issuer where empty."""
    types: frozenset[str] = frozenset({ACCESS_TOKEN, PLAIN_TOKEN})
    """The media types (`typ`) that its tokens may have, in small letters."""
    is_for_sign_in: bool = False
    """Whether these are ID tokens or logout tokens, whose claims say so."""

    @property
    def source(self) -> str:
        """The source that speaks through its tokens."""
        return self.name or self.issuer


@dataclass(frozen=True, slots=True)
class SamlIssuer:
    """An issuer of SAML assertions."""

    issuer: str
    audience: str
    recipient: str | None
    certificates: tuple[Certificate, ...]
    names: ClaimNames
    name: str = ""
    """What the configuration calls the source; the issuer where empty."""

    @property
    def source(self) -> str:
        """The source that speaks through its assertions."""
        return self.name or self.issuer
