"""Whose word counts besides the gate's own accounts: issuers of JSON Web Tokens and SAML assertions.

Called by `settings`.

Standard: RFC 7519; SAML 2.0; PS3.7 D.3.3.7 (User Identity types 4 and 5).
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from pacsgate.config.base import Section
from pacsgate.config.certificates import CertificateSourceSettings
from pacsgate.config.ldap import LdapSettings
from pacsgate.config.oidc import OpenIdSettings, refuse_unsafe
from pacsgate.config.saml import SamlSettings
from pacsgate.config.scim import ScimSettings
from pacsgate.config.sessions import PasswordSettings, SessionSettings
from pacsgate.config.sources import ClaimSettings, SourceSettings
from pacsgate.model.subject import EMERGENCY

_TAKEN = frozenset({"local", EMERGENCY})


class JwtIssuerSettings(SourceSettings):
    """An issuer of JSON Web Tokens with which nobody signs in."""

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
    types: tuple[Literal["at+jwt", "jwt"], ...] = Field(default=("at+jwt", "jwt"), min_length=1)
    """Values of `typ` that are believed."""
    scopes_bound: bool = False
    """Whether its SMART or IUA scopes bound what a token may do; then one without any does nothing."""

    @field_validator("algorithms")
    @classmethod
    def _algorithms_are_safe(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return refuse_unsafe(value)

    @model_validator(mode="after")
    def _keys_come_from_one_place(self) -> "JwtIssuerSettings":
        if (self.keys_file is None) == (self.keys_url is None):
            raise ValueError("an issuer of tokens needs `keys_file` or `keys_url`, and not both")
        return self


class SamlIssuerSettings(SourceSettings):
    """An issuer of SAML 2.0 assertions with which nobody signs in: associations carry them."""

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


IssuerSettings = Annotated[JwtIssuerSettings | SamlIssuerSettings, Field(discriminator="kind")]


class IdentitySettings(Section):
    """Where identities come from besides the gate's own accounts."""

    openid: tuple[OpenIdSettings, ...] = ()
    """OpenID providers, with which people sign in; docs/identity.md."""
    ldap: tuple[LdapSettings, ...] = ()
    """Directories that verify names and passwords, asked in this order; docs/identity.md."""
    passwords: PasswordSettings = PasswordSettings()
    saml: tuple[SamlSettings, ...] = ()
    """SAML providers, with which people sign in; docs/identity.md."""
    sessions: SessionSettings = SessionSettings()
    """How long browser sessions and API tokens may last."""
    issuers: tuple[IssuerSettings, ...] = ()
    """Issuers of tokens and assertions that requests and associations carry, and nothing else."""
    scim: tuple[ScimSettings, ...] = ()
    """Sources that push their people and groups to `/scim/v2`; docs/identity.md."""
    certificates: tuple[CertificateSourceSettings, ...] = ()
    """Authorities whose client certificates say who somebody is; docs/tls.md."""

    @field_validator("issuers")
    @classmethod
    def _issuers_differ(cls, value: tuple[IssuerSettings, ...]) -> tuple[IssuerSettings, ...]:
        named = [(issuer.kind, issuer.issuer) for issuer in value]
        for kind, issuer in named:
            if named.count((kind, issuer)) > 1:
                raise ValueError(f"`{issuer}` is named twice as an issuer of kind `{kind}`")
        return value

    @field_validator("openid")
    @classmethod
    def _one_provider_is_asked(cls, value: tuple[OpenIdSettings, ...]) -> tuple[OpenIdSettings, ...]:
        if sum(source.bearer is not None and source.bearer.introspection for source in value) > 1:
            raise ValueError(
                "only one provider can have `introspection`: a token that says nothing of its issuer would "
                "be shown to the others"
            )
        return value

    @model_validator(mode="after")
    def _sources_have_names_of_their_own(self) -> "IdentitySettings":
        named = [
            source.name
            for field in type(self).model_fields
            for source in (getattr(self, field) if isinstance(getattr(self, field), tuple) else ())
        ]
        for name in named:
            if name in _TAKEN:
                raise ValueError(f"no identity source can be called `{name}`: the gate itself is")
            if named.count(name) > 1:
                raise ValueError(
                    f"two identity sources are called `{name}`: accounts could not tell them apart"
                )
        return self
