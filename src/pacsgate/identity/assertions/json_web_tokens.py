"""JSON Web Tokens, verified: signed by a configured issuer, meant for us, valid now.

The issuer is read before anything is verified, only to know whose keys to ask; which algorithms are
believed is the configuration's, never the token's.

Called by `pacsgate.identity.associations.by_assertion` as `ports.assertions.AssertionVerifier`, by the
door of bearer tokens and by `pacsgate.identity.oidc`, each with issuers of its own.

Invariants:
- a token for another purpose (an ID token, a logout token) is none for this one.

Standard: RFC 7519; RFC 8725 (best current practices) 3.1, 3.8 to 3.12; RFC 9068 4.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from pacsgate.identity.assertions.issuers import PLAIN_TOKEN, JwtIssuer
from pacsgate.identity.assertions.reading_claims import instant, read_claims
from pacsgate.ports.assertions import AssertionFault, Claims


class _Registry(jws.JWSRegistry):
    """Takes headers with certificates and private names in them, which providers send and nobody believes."""

    max_header_length = 16 * 1024


LONGEST_TOKEN = 64 * 1024
CLOCK_AHEAD_SECONDS = 60
"""By how much an issuer's clock may be ahead of ours; nothing lives longer than it says."""


_OF_OTHER_PURPOSES = frozenset({"nonce", "at_hash", "c_hash", "s_hash", "events"})
"""Claims of ID tokens and logout tokens, which no access token has."""


@dataclass(frozen=True, slots=True)
class GenuineToken:
    """A token that its issuer has signed for us and that is valid now."""

    issuer: JwtIssuer
    payload: Mapping[str, Any]

    @property
    def expires_at(self) -> datetime:
        """When it ends; it was looked at before."""
        return instant(self.payload["exp"]) or datetime.min.replace(tzinfo=UTC)

    def claims(self) -> Claims | AssertionFault:
        """What it says of somebody."""
        issuer = self.issuer
        return read_claims(
            self.payload,
            issuer.names,
            issuer=str(self.payload["iss"]),
            source=issuer.source,
            expires_at=self.expires_at,
        )


class JsonWebTokens:
    """The tokens of some issuers."""

    def __init__(self, issuers: Iterable[JwtIssuer]) -> None:
        """Several with one name are tokens of different purposes, or sources with different rules."""
        self._issuers: dict[str, list[JwtIssuer]] = {}
        for issuer in issuers:
            self._issuers.setdefault(issuer.issuer, []).append(issuer)

    def verify(self, assertion: bytes, now: datetime) -> Claims | AssertionFault:
        """What it says, if it is genuine, for us, and valid at `now`."""
        found = self.genuine(assertion, now)
        return found if isinstance(found, AssertionFault) else found.claims()

    def genuine(self, assertion: bytes, now: datetime) -> GenuineToken | AssertionFault:
        """The token, if it is genuine, for us, and valid at `now`."""
        if len(assertion) > LONGEST_TOKEN:
            return AssertionFault.UNREADABLE
        try:
            unverified = jws.extract_compact(assertion, registry=_Registry(strict_check_header=False))
            header, stated = unverified.headers(), _object(unverified.payload)
        except (JoseError, ValueError, TypeError, RecursionError):
            return AssertionFault.UNREADABLE
        named = None if stated is None else stated.get("iss")
        candidates = self._issuers.get(named, []) if isinstance(named, str) else []
        found: GenuineToken | AssertionFault = AssertionFault.UNKNOWN_ISSUER
        for issuer in candidates:
            found = _genuine(assertion, header, issuer, now)
            if isinstance(found, GenuineToken):
                break
        return found


def _genuine(
    assertion: bytes, header: Mapping[str, Any], issuer: JwtIssuer, now: datetime
) -> GenuineToken | AssertionFault:
    key_id = header.get("kid")
    keys = issuer.keys.keys(key_id if isinstance(key_id, str) else None)
    if keys is None:
        return AssertionFault.KEYS_UNAVAILABLE
    payload = _verified(assertion, keys, header, issuer)
    if payload is None:
        return AssertionFault.BAD_SIGNATURE
    if not _is_of_type(header, payload, issuer):
        return AssertionFault.WRONG_TYPE
    return _what_is_wrong(payload, issuer, now) or GenuineToken(issuer, payload)


def _is_of_type(header: Mapping[str, Any], payload: Mapping[str, Any], issuer: JwtIssuer) -> bool:
    """Whether the token is of a type that is believed here.

    Many issuers call all of their tokens `JWT`; what is one for another purpose is known by its claims then.
    """
    stated = header.get("typ", PLAIN_TOKEN)
    if not isinstance(stated, str):
        return False
    kind = stated.lower().removeprefix("application/")
    if kind not in issuer.types:
        return False
    return kind != PLAIN_TOKEN or issuer.is_for_sign_in or not _is_for_another_purpose(payload)


def _is_for_another_purpose(payload: Mapping[str, Any]) -> bool:
    return not _OF_OTHER_PURPOSES.isdisjoint(payload) or payload.get("typ") in ("ID", "Logout", "Refresh")


def _verified(
    assertion: bytes, keys: KeySet, header: Mapping[str, Any], issuer: JwtIssuer
) -> Mapping[str, Any] | None:
    """The payload, if one of the issuer's keys has signed it in a way that the issuer may use."""
    key_id = header.get("kid")
    registry = _Registry(algorithms=issuer.algorithms, strict_check_header=False)
    for key in keys:
        if key_id is not None and key.kid != key_id:
            continue
        try:
            return _object(jws.deserialize_compact(assertion, key, registry=registry).payload)
        except (JoseError, ValueError, TypeError):
            continue
    return None


def _what_is_wrong(payload: Mapping[str, Any], issuer: JwtIssuer, now: datetime) -> AssertionFault | None:
    audience = payload.get("aud")
    if issuer.audience not in (audience if isinstance(audience, list) else [audience]):
        return AssertionFault.NOT_FOR_US
    expires = instant(payload.get("exp"))
    if expires is None:
        return AssertionFault.UNREADABLE
    if now >= expires:
        return AssertionFault.EXPIRED
    for name in ("nbf", "iat"):
        begins = instant(payload[name]) if name in payload else None
        if name in payload and (begins is None or (begins - now).total_seconds() > CLOCK_AHEAD_SECONDS):
            return AssertionFault.NOT_YET_VALID
    return None


def _object(payload: bytes | None) -> Mapping[str, Any] | None:
    found = json.loads(payload or b"")
    return found if isinstance(found, dict) else None
