"""What a code is worth, verified: the ID token of this very sign-in, and what the provider tells besides.

Called by `door`.

Invariants:
- an ID token counts for the browser that was sent with its nonce, and for no other;
- what `userinfo` tells is about the same `sub`, and never overrides what is signed.

Standard: OpenID Connect Core 3.1.3.7 (validation), 3.1.3.8 (`at_hash`), 5.3.2 (UserInfo).
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from pacsgate.identity.assertions.issuers import PLAIN_TOKEN, JwtIssuer
from pacsgate.identity.assertions.json_web_tokens import GenuineToken, JsonWebTokens
from pacsgate.identity.oidc.provider import OpenIdClient, OpenIdProvider, Tokens
from pacsgate.ports.assertions import AssertionFault, Claims

_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}
_WHOLE_CLAIMS = ("iat", "sub")


def id_token_issuers(provider: OpenIdProvider) -> tuple[JwtIssuer, ...]:
    """The issuers of its tokens for the client itself: ID tokens and logout tokens."""
    client = provider.client
    return tuple(
        JwtIssuer(
            issuer=issuer,
            audience=client.client_id,
            algorithms=client.algorithms,
            keys=provider.keys,
            names=client.names,
            name=client.name,
            types=frozenset({PLAIN_TOKEN}),
            is_for_sign_in=True,
        )
        for issuer in client.issuers
    )


class IdTokens:
    """Verifies the ID tokens of one provider."""

    def __init__(self, provider: OpenIdProvider) -> None:
        self._provider = provider
        self._tokens = JsonWebTokens(id_token_issuers(provider))

    def claims(self, tokens: Tokens, nonce: str, now: datetime) -> Claims | AssertionFault:
        """Who has signed in."""
        found = self._tokens.genuine(tokens.id_token, now)
        if isinstance(found, AssertionFault):
            return found
        fault = self._what_is_wrong(found.payload, tokens, nonce)
        return fault or self._whole(found, tokens).claims()

    def _what_is_wrong(self, payload: Mapping[str, Any], tokens: Tokens, nonce: str) -> AssertionFault | None:
        if any(payload.get(name) in (None, "") for name in _WHOLE_CLAIMS) or "events" in payload:
            return AssertionFault.WRONG_TYPE
        if not _is_for_client(payload, self._provider.client):
            return AssertionFault.NOT_FOR_US
        stated = payload.get("nonce")
        if not isinstance(stated, str) or not hmac.compare_digest(stated.encode(), nonce.encode()):
            return AssertionFault.NOT_FOR_US
        hashed = payload.get("at_hash")
        if hashed is not None and hashed != _access_token_hash(tokens):
            return AssertionFault.BAD_SIGNATURE
        return None

    def _whole(self, token: GenuineToken, tokens: Tokens) -> GenuineToken:
        """The token with what `userinfo` tells besides, if it lacks something that is wanted."""
        names = token.issuer.names
        wanted = {
            path.split(".")[0] for path in (names.name, names.groups, *names.attributes.values()) if path
        }
        if wanted <= token.payload.keys() or tokens.access_token is None:
            return token
        told = self._provider.user_info(tokens.access_token)
        if told is None or told.get("sub") != token.payload["sub"]:
            return token
        return replace(token, payload={**told, **token.payload})


def _is_for_client(payload: Mapping[str, Any], client: OpenIdClient) -> bool:
    """Whether it was issued to this client and for no other party besides."""
    audience, party = payload.get("aud"), payload.get("azp")
    if isinstance(audience, list) and len(audience) > 1 and party is None:
        return False
    return party is None or party == client.client_id


def _access_token_hash(tokens: Tokens) -> str | None:
    """What `at_hash` must be, by the algorithm of the ID token's signature."""
    try:
        algorithm = jws.extract_compact(tokens.id_token).headers().get("alg")
    except (JoseError, ValueError):
        return None
    hashing = _HASHES.get(str(algorithm)[-3:], hashlib.sha512)
    if tokens.access_token is None:
        return None
    digest = hashing(tokens.access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii")
