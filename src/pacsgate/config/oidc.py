"""OpenID providers: people sign in with them, and programs and viewers bring their tokens.

Called by `identity`.

Standard: OpenID Connect Core and Discovery 1.0; RFC 9068 (access tokens); RFC 7662 (introspection).
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from pacsgate.config.base import Section
from pacsgate.config.sources import ClaimSettings, SourceSettings
from pacsgate.identity.assertions.algorithms import ALGORITHMS

_TENANT = "{tenantid}"
_HTTPS = r"^https://[!-~]+$"


def refuse_unsafe(names: tuple[str, ...]) -> tuple[str, ...]:
    """The algorithms, if all of them may be believed.  Raises `ValueError`."""
    for name in names:
        if name not in ALGORITHMS:
            raise ValueError(f"`{name}` is not among {', '.join(sorted(ALGORITHMS))}")
    return names


class BearerSettings(Section):
    """Tokens of the provider that requests and associations carry."""

    audience: str = Field(min_length=1)
    """What the provider calls the gate as a resource (`aud`)."""
    types: tuple[Literal["at+jwt", "jwt"], ...] = Field(default=("at+jwt",), min_length=1)
    """Values of `typ`: `at+jwt` (RFC 9068), or `jwt` as Keycloak and Entra ID have it, which then must not
    look like an ID token."""
    id_tokens: bool = False
    """Whether ID tokens for `client_id` are believed as well, as some viewers send them."""
    introspection: bool = False
    """Whether tokens that are no JSON Web Tokens are asked about at the provider."""


class OpenIdSettings(SourceSettings):
    """An OpenID provider."""

    issuer: str = Field(pattern=_HTTPS)
    """Its issuer identifier; discovery starts here.  `{tenantid}` stands for each of `tenants`."""
    tenants: tuple[str, ...] = ()
    """Of an issuer for many tenants (Entra ID): those that are let in."""
    title: str | None = None
    """What the button of the sign-in page says; the name when absent."""
    client_id: str = Field(min_length=1)
    client_secret_file: Path | None = None
    """The secret of the client; a public client has none."""
    scopes: tuple[str, ...] = ("openid", "profile")
    """What is asked for at sign-in."""
    ask_acr: tuple[str, ...] = ()
    """`acr_values` that are asked for at sign-in."""
    algorithms: tuple[str, ...] = Field(default=("RS256",), min_length=1)
    claims: ClaimSettings = ClaimSettings()
    bearer: BearerSettings | None = None
    """Without it no request may carry a token of this provider."""
    scopes_bound: bool = False
    """Whether its SMART or IUA scopes bound what a token may do; then one without any does nothing."""
    ca_file: Path | None = None
    """The certificate authorities to trust for the provider instead of the system's."""

    @field_validator("algorithms")
    @classmethod
    def _algorithms_are_safe(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return refuse_unsafe(value)

    @field_validator("scopes")
    @classmethod
    def _scopes_ask_for_identity(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in value:
            raise ValueError("`scopes` must hold `openid`: without it the provider says nothing about people")
        return value

    @model_validator(mode="after")
    def _parts_fit_together(self) -> "OpenIdSettings":
        if (_TENANT in self.issuer) != bool(self.tenants):
            raise ValueError(f"`tenants` and `{_TENANT}` in `issuer` belong together")
        bearer = self.bearer
        if bearer is None:
            return self
        if bearer.audience == self.client_id:
            raise ValueError(
                "`bearer.audience` must not be `client_id`: that is whom ID tokens are for; give the gate an "
                "audience of its own at the provider"
            )
        if bearer.introspection and self.client_secret_file is None:
            raise ValueError("`bearer.introspection` needs `client_secret_file`: the provider asks who asks")
        return self
