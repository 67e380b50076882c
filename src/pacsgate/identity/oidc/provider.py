"""One OpenID provider as its client sees it: where to send a browser, what to ask, which keys it has.

Made by `bootstrap`; used by `door`, `introspection` and `logout_tokens`.

Standard: OpenID Connect Core 3.1; RFC 7636 (PKCE); RFC 7662; OpenID Connect RP-Initiated Logout 1.0.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote_plus, urlencode

from pacsgate.identity.assertions.issuer_keys import IssuerKeys, PublishedKeys
from pacsgate.identity.assertions.issuers import ClaimNames
from pacsgate.identity.assertions.outside import Outside
from pacsgate.identity.oidc.discovery import Discovery, Metadata
from pacsgate.ports import Clock


@dataclass(frozen=True, slots=True)
class OpenIdClient:
    """The gate as a provider knows it, and what it asks for."""

    name: str
    """What the configuration calls the provider."""
    title: str
    issuer: str
    client_id: str
    client_secret: str | None = field(repr=False)
    redirect_uri: str
    after_sign_out_uri: str
    names: ClaimNames
    algorithms: frozenset[str]
    tenants: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ("openid",)
    ask_acr: tuple[str, ...] = ()
    bearer_audience: str | None = None
    """Whom tokens in requests must be for."""

    @property
    def issuers(self) -> tuple[str, ...]:
        """The issuers that its tokens may name."""
        return tuple(self.issuer.replace("{tenantid}", tenant) for tenant in self.tenants) or (self.issuer,)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a provider gives for a code."""

    id_token: bytes = field(repr=False)
    access_token: str | None = field(repr=False)


class OpenIdProvider:
    """Asks one provider."""

    def __init__(self, client: OpenIdClient, outside: Outside, clock: Clock) -> None:
        self.client = client
        self._outside = outside
        self._discovery = Discovery(outside, client.issuer, clock)
        self.keys: IssuerKeys = PublishedKeys(self._key_set, clock)

    def metadata(self) -> Metadata | None:
        """Its endpoints; `None` while it does not answer."""
        return self._discovery.metadata()

    def authorization_url(self, *, state: str, nonce: str, verifier: str) -> str | None:
        """Where to send a browser that wants to sign in; `None` while the provider does not answer."""
        metadata = self.metadata()
        if metadata is None:
            return None
        client = self.client
        challenge = hashlib.sha256(verifier.encode("ascii")).digest()
        asked = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": client.redirect_uri,
            "scope": " ".join(client.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode("ascii"),
            "code_challenge_method": "S256",
        }
        if client.ask_acr:
            asked["acr_values"] = " ".join(client.ask_acr)
        return _with_query(metadata.authorization_endpoint, asked)

    def sign_out_url(self) -> str | None:
        """Where a browser ends its session at the provider, if it can."""
        metadata = self.metadata()
        if metadata is None or metadata.end_session_endpoint is None:
            return None
        client = self.client
        return _with_query(
            metadata.end_session_endpoint,
            {"client_id": client.client_id, "post_logout_redirect_uri": client.after_sign_out_uri},
        )

    def exchange(self, code: str, verifier: str) -> Tokens | None:
        """The tokens that a code is worth; `None` if the provider gives none."""
        metadata = self.metadata()
        if metadata is None:
            return None
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.client.redirect_uri,
            "code_verifier": verifier,
        }
        found = self._asked(metadata, metadata.token_endpoint, fields)
        id_token = None if found is None else found.get("id_token")
        if found is None or not isinstance(id_token, str) or not id_token.isascii():
            return None
        access_token = found.get("access_token")
        return Tokens(id_token.encode("ascii"), access_token if isinstance(access_token, str) else None)

    def user_info(self, access_token: str) -> Mapping[str, Any] | None:
        """What the provider tells of the person besides the ID token; `None` if it does not answer."""
        metadata = self.metadata()
        if metadata is None or metadata.userinfo_endpoint is None or not _is_token(access_token):
            return None
        answer = self._outside.get(metadata.userinfo_endpoint, Authorization=f"Bearer {access_token}")
        return None if answer is None else answer.object()

    def introspect(self, token: str) -> Mapping[str, Any] | None:
        """What the provider says of a token of its own; `None` if it does not answer."""
        metadata = self.metadata()
        if metadata is None or metadata.introspection_endpoint is None:
            return None
        return self._asked(metadata, metadata.introspection_endpoint, {"token": token})

    def _asked(self, metadata: Metadata, url: str, fields: Mapping[str, str]) -> Mapping[str, Any] | None:
        """A question for which the client says who it is."""
        client, secret = self.client, self.client.client_secret
        headers: dict[str, str] = {}
        if secret is None or not metadata.takes_basic:
            fields = {**fields, "client_id": client.client_id}
            if secret is not None:
                fields["client_secret"] = secret
        else:
            pair = f"{quote_plus(client.client_id)}:{quote_plus(secret)}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii")
        answer = self._outside.post(url, fields, **headers)
        return None if answer is None else answer.object()

    def _key_set(self) -> bytes | None:
        metadata = self.metadata()
        answer = None if metadata is None else self._outside.get(metadata.jwks_uri)
        return answer.body if answer is not None and answer.status == HTTPStatus.OK else None


def _with_query(url: str, fields: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(fields)}"


def _is_token(text: str) -> bool:
    """Whether it can stand in a header."""
    return text.isascii() and text.isprintable() and " " not in text
