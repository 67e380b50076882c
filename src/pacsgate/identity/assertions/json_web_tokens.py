"""JSON Web Tokens, verified: signed by a configured issuer, meant for us, valid now.

The issuer is read before anything is verified, only to know whose keys to ask; which algorithms are
believed is the configuration's, never the token's.

Called by `pacsgate.identity.associations.by_assertion` as `ports.assertions.AssertionVerifier`.

Standard: RFC 7519; RFC 8725 (best current practices) 3.1, 3.8, 3.9, 3.10.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from pacsgate.identity.assertions.issuers import ClaimNames, JwtIssuer
from pacsgate.model.subject import Attributes, Scalar, Values
from pacsgate.ports.assertions import AssertionFault, Claims


class _Registry(jws.JWSRegistry):
    """Takes headers with certificates and private names in them, which providers send and nobody believes."""

    max_header_length = 16 * 1024


CLOCK_AHEAD_SECONDS = 60
"""By how much an issuer's clock may be ahead of ours; nothing lives longer than it says."""


class JsonWebTokens:
    """The tokens of some issuers."""

    def __init__(self, issuers: Iterable[JwtIssuer]) -> None:
        self._issuers = {issuer.issuer: issuer for issuer in issuers}

    def verify(self, assertion: bytes, now: datetime) -> Claims | AssertionFault:
        """What it says, if it is genuine, for us, and valid at `now`."""
        try:
            unverified = jws.extract_compact(assertion, registry=_Registry(strict_check_header=False))
            header, stated = unverified.headers(), _object(unverified.payload)
        except (JoseError, ValueError, TypeError, RecursionError):
            return AssertionFault.UNREADABLE
        named = None if stated is None else stated.get("iss")
        issuer = self._issuers.get(named) if isinstance(named, str) else None
        if issuer is None:
            return AssertionFault.UNKNOWN_ISSUER
        key_id = header.get("kid")
        keys = issuer.keys.keys(key_id if isinstance(key_id, str) else None)
        if keys is None:
            return AssertionFault.KEYS_UNAVAILABLE
        payload = _verified(assertion, keys, header, issuer)
        return AssertionFault.BAD_SIGNATURE if payload is None else _claims(payload, issuer, now)


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


def _claims(payload: Mapping[str, Any], issuer: JwtIssuer, now: datetime) -> Claims | AssertionFault:
    audience = payload.get("aud")
    if issuer.audience not in (audience if isinstance(audience, list) else [audience]):
        return AssertionFault.NOT_FOR_US
    expires = _instant(payload.get("exp"))
    if expires is None:
        return AssertionFault.UNREADABLE
    if now >= expires:
        return AssertionFault.EXPIRED
    for name in ("nbf", "iat"):
        begins = _instant(payload[name]) if name in payload else None
        if name in payload and (begins is None or (begins - now).total_seconds() > CLOCK_AHEAD_SECONDS):
            return AssertionFault.NOT_YET_VALID
    name = claim(payload, issuer.names.name)
    if not isinstance(name, str) or not name:
        return AssertionFault.NAMELESS
    return Claims(
        issuer=issuer.issuer,
        name=name,
        expires_at=expires,
        makes_accounts=issuer.makes_accounts,
        groups=_groups(payload, issuer.names),
        attributes=_attributes(payload, issuer.names),
    )


def claim(payload: Mapping[str, Any], path: str) -> Any:
    """A claim by its name, or one inside others: `realm_access.roles`."""
    if path in payload:
        return payload[path]
    found: Any = payload
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _groups(payload: Mapping[str, Any], names: ClaimNames) -> frozenset[str]:
    return frozenset(value for value in _values(claim(payload, names.groups or "")) if isinstance(value, str))


def _attributes(payload: Mapping[str, Any], names: ClaimNames) -> Attributes:
    found = {attribute: _values(claim(payload, path)) for attribute, path in names.attributes.items()}
    return {attribute: values for attribute, values in found.items() if values}


def _values(value: Any) -> Values:
    listed = value if isinstance(value, list) else [value]
    return frozenset(one for one in listed if isinstance(one, Scalar))


def _instant(value: object) -> datetime | None:
    """A NumericDate; `None` for what is none, or is beyond what a calendar holds."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _object(payload: bytes | None) -> Mapping[str, Any] | None:
    found = json.loads(payload or b"")
    return found if isinstance(found, dict) else None
