"""Who may say who somebody is, and in which words.

Made by `bootstrap` from the configuration; read by `json_web_tokens` and `saml`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.x509 import Certificate

from pacsgate.identity.assertions.issuer_keys import IssuerKeys


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """Where an issuer puts what is wanted of a person."""

    name: str
    """Claim or attribute that holds the name of the account; for SAML, empty means the NameID."""
    groups: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Attribute of policies (`user.…`) to claim or attribute of the issuer."""


@dataclass(frozen=True, slots=True)
class JwtIssuer:
    """An issuer of JSON Web Tokens."""

    issuer: str
    audience: str
    algorithms: frozenset[str]
    keys: IssuerKeys
    names: ClaimNames
    makes_accounts: bool = False


@dataclass(frozen=True, slots=True)
class SamlIssuer:
    """An issuer of SAML assertions."""

    issuer: str
    audience: str
    recipient: str | None
    certificates: tuple[Certificate, ...]
    names: ClaimNames
    makes_accounts: bool = False
