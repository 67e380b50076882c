"""Whose word counts besides the gate's own accounts: issuers of JSON Web Tokens and SAML assertions.

Called by `settings`.

Standard: RFC 7519; SAML 2.0; PS3.7 D.3.3.7 (User Identity types 4 and 5).
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from pacsgate.config.base import Section
from pacsgate.identity.assertions.algorithms import ALGORITHMS


class ClaimSettings(Section):
    """Where an issuer puts what is wanted of a person."""

    name: str | None = None
    """Claim or attribute with the name of the account: `preferred_username` of a token and the NameID of an
    assertion when absent.  A dot leads into a claim."""
    groups: str | None = None
    attributes: dict[str, str] = Field(default_factory=dict)
    """Attribute of policies (`user.…`) to claim or attribute of the issuer."""


class JwtIssuerSettings(Section):
    """An issuer of JSON Web Tokens."""

    kind: Literal["jwt"]
    issuer: str = Field(min_length=1)
    audience: str = Field(min_length=1)
    """What the issuer calls this gate (`aud`)."""
    algorithms: tuple[str, ...] = Field(default=("RS256",), min_length=1)
    keys_file: Path | None = None
    """A JWK Set."""
    keys_url: str | None = Field(default=None, pattern=r"^https://[!-~]+$")
    """Where the issuer publishes its JWK Set."""
    ca_file: Path | None = None
    """The certificate authorities to trust for `keys_url` instead of the system's."""
    claims: ClaimSettings = ClaimSettings()
    accounts: Literal["local", "claims"] = "local"
    """`local`: only people with an account here.  `claims`: others too, with what the token says of them."""

    @field_validator("algorithms")
    @classmethod
    def _algorithms_are_safe(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in ALGORITHMS:
                raise ValueError(f"`{name}` is not among {', '.join(sorted(ALGORITHMS))}")
        return value

    @model_validator(mode="after")
    def _keys_come_from_one_place(self) -> "JwtIssuerSettings":
        if (self.keys_file is None) == (self.keys_url is None):
            raise ValueError("an issuer of tokens needs `keys_file` or `keys_url`, and not both")
        return self


class SamlIssuerSettings(Section):
    """An issuer of SAML 2.0 assertions."""

    kind: Literal["saml"]
    issuer: str = Field(min_length=1)
    """Its entity id."""
    audience: str = Field(min_length=1)
    """The entity id of this gate."""
    recipient: str | None = None
    """What a bearer's confirmation must name as recipient; not compared when absent."""
    certificates_file: Path
    """PEM: the certificates that it signs with."""
    claims: ClaimSettings = ClaimSettings()
    accounts: Literal["local", "claims"] = "local"
    """`local`: only people with an account here.  `claims`: others too, with what it says of them."""


IssuerSettings = Annotated[JwtIssuerSettings | SamlIssuerSettings, Field(discriminator="kind")]


class IdentitySettings(Section):
    """Where identities come from besides the gate's own accounts."""

    issuers: tuple[IssuerSettings, ...] = ()

    @field_validator("issuers")
    @classmethod
    def _issuers_differ(cls, value: tuple[IssuerSettings, ...]) -> tuple[IssuerSettings, ...]:
        named = [(issuer.kind, issuer.issuer) for issuer in value]
        for kind, issuer in named:
            if named.count((kind, issuer)) > 1:
                raise ValueError(f"`{issuer}` is named twice as an issuer of kind `{kind}`")
        return value
