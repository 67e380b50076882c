"""The token endpoint of OAuth 2.0 for clients that are programs: its request, its answers, its metadata.

Called by the gateway.

Invariants:
- a client says who it is in one way at a time, and each parameter once.

Standard: RFC 6749 2.3.1, 4.4, 5.1, 5.2; RFC 8414.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote_plus

TOKEN_ENDPOINT = "/oauth2/token"  # noqa: S105 - an address
METADATA = "/.well-known/oauth-authorization-server"

_GRANT = "client_credentials"
_MOST_PARAMETERS = 20
_LONGEST_CLIENT_ID = 200


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """Who a client says it is."""

    client_id: str
    secret: str = field(repr=False)


class OAuthError(Exception):
    """What is wrong with a request, in the standard's word."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


def read_token_request(authorization: str | None, body: bytes) -> ClientCredentials:
    """Read a request for an access token.  Raises `OAuthError`."""
    form = _form(body)
    if form.get("grant_type") != _GRANT:
        if "grant_type" not in form:
            raise OAuthError("invalid_request", "`grant_type` is missing")
        raise OAuthError("unsupported_grant_type", f"`grant_type` must be `{_GRANT}`")
    in_header = None if authorization is None else _basic(authorization)
    in_body = "client_id" in form or "client_secret" in form
    if in_header is not None and "client_secret" in form:
        raise OAuthError("invalid_request", "the client says who it is twice")
    if in_header is not None:
        found = in_header
    elif in_body:
        found = ClientCredentials(form.get("client_id", ""), form.get("client_secret", ""))
    else:
        raise OAuthError("invalid_client", "the client does not say who it is")
    if not found.client_id or len(found.client_id) > _LONGEST_CLIENT_ID or not found.client_id.isprintable():
        raise OAuthError("invalid_client", "the client does not say who it is")
    return found


def token_answer(token: str, seconds: int) -> Mapping[str, object]:
    """A token, as it is told."""
    return {"access_token": token, "token_type": "Bearer", "expires_in": seconds}


def oauth_metadata(root: str) -> Mapping[str, object]:
    """What the gate can do for OAuth clients, by its root URL."""
    return {
        "issuer": root,
        "token_endpoint": root + TOKEN_ENDPOINT,
        "grant_types_supported": [_GRANT],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    }


def _form(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("utf-8"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )
    except ValueError:
        raise OAuthError("invalid_request", "the body must be a form") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise OAuthError("invalid_request", "a parameter comes twice")
    return form


def _basic(header: str) -> ClientCredentials:
    scheme, _, value = header.partition(" ")
    try:
        text = base64.b64decode(value.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        text = ""
    client_id, colon, secret = text.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise OAuthError("invalid_client", "`Authorization` must be `Basic` with client id and secret")
    return ClientCredentials(unquote_plus(client_id), unquote_plus(secret))
