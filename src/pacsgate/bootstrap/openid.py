"""Wires OpenID providers: what each is asked, and which of its tokens count.

Called by `issuers` (tokens in requests and associations), `source_pages` and `console` (browsers).
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pacsgate.admin.console.entry_pages import SourceLink
from pacsgate.admin.console.oidc_pages import CALLBACK_PATH, SIGN_IN_PATH
from pacsgate.bootstrap.identity_sources import claim_names
from pacsgate.bootstrap.secret_files import read_secret
from pacsgate.config import OpenIdSettings, Settings
from pacsgate.identity.assertions.issuers import JwtIssuer
from pacsgate.identity.assertions.outside import Outside
from pacsgate.identity.federation.bearer_door import NoIntrospection, TokenIntrospection
from pacsgate.identity.oidc.id_tokens import id_token_issuers
from pacsgate.identity.oidc.introspection import ProviderIntrospection
from pacsgate.identity.oidc.provider import OpenIdClient, OpenIdProvider
from pacsgate.model.errors import SettingsError
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.ports import Clock

USUAL_NAME = "preferred_username"
SIGNED_OUT_PATH = "/sign-in?said=out"


def openid_providers(settings: Settings, clock: Clock) -> dict[str, OpenIdProvider]:
    """The providers of the configuration, by name.  Raises `SettingsError`."""
    return {
        source.name: OpenIdProvider(_client(settings, source), Outside(source.ca_file), clock)
        for source in settings.identity.openid
    }


def bearer_issuers(settings: Settings, providers: Mapping[str, OpenIdProvider]) -> Iterator[JwtIssuer]:
    """The providers as issuers of tokens that requests and associations may carry."""
    for source in settings.identity.openid:
        provider, bearer = providers[source.name], source.bearer
        if bearer is None:
            continue
        for issuer in provider.client.issuers:
            yield JwtIssuer(
                issuer=issuer,
                audience=bearer.audience,
                algorithms=provider.client.algorithms,
                keys=provider.keys,
                names=provider.client.names,
                name=source.name,
                types=frozenset(bearer.types),
            )
        if bearer.id_tokens:
            yield from id_token_issuers(provider)


def introspection(settings: Settings, providers: Mapping[str, OpenIdProvider]) -> TokenIntrospection:
    """The provider that is asked about opaque tokens, if any."""
    for source in settings.identity.openid:
        if source.bearer is not None and source.bearer.introspection:
            return ProviderIntrospection(providers[source.name])
    return NoIntrospection()


def source_links(settings: Settings) -> tuple[SourceLink, ...]:
    """The buttons of the sign-in page; people of another tenant than `default` know their address."""
    return tuple(
        SourceLink(
            SIGN_IN_PATH.format(name=source.name),
            source.title or source.name,
            source.name,
            f"/sign-out/openid/{source.name}",
        )
        for source in settings.identity.openid
        if source.tenant == DEFAULT_TENANT
    )


def _client(settings: Settings, source: OpenIdSettings) -> OpenIdClient:
    root = (settings.public_url or "").rstrip("/")
    return OpenIdClient(
        name=source.name,
        title=source.title or source.name,
        issuer=source.issuer,
        client_id=source.client_id,
        client_secret=None if source.client_secret_file is None else _secret(source.client_secret_file),
        redirect_uri=root + CALLBACK_PATH.format(name=source.name),
        after_sign_out_uri=root + SIGNED_OUT_PATH,
        names=claim_names(source.claims, USUAL_NAME),
        algorithms=frozenset(source.algorithms),
        tenants=source.tenants,
        scopes=source.scopes,
        ask_acr=source.ask_acr,
        bearer_audience=None if source.bearer is None else source.bearer.audience,
    )


def _secret(path: Path) -> str:
    secret = read_secret(path, "client secret").strip()
    if not secret.isascii() or not secret.isprintable() or not secret:
        raise SettingsError(f"the client secret `{path}` must be one line of ASCII")
    return secret
