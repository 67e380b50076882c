"""What the claims of a token say of somebody, by the names that the issuer uses for them.

The same claims come in tokens that are signed and in answers to introspection.  What is said by
reference only (groups of Entra ID that are too many for a token) is not said: a person of whom it is
not known which groups they are in is refused, since a rule may forbid by group.

Called by `json_web_tokens` and by `pacsgate.identity.oidc.introspection`.

Standard: RFC 7519 4.1; OpenID Connect Core 2 and 5.1; 5.6.2 (distributed claims); RFC 9068 2.2.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pacsgate.identity.assertions.issuers import ClaimNames
from pacsgate.model.subject import Attributes, Scalar, SubjectKind, Values
from pacsgate.ports.assertions import AssertionFault, Claims

_EMAIL = "email"
_LAUNCH_PATIENT = "patient"
_KEYCLOAK_SERVICE = "service-account-"


def read_claims(
    payload: Mapping[str, Any], names: ClaimNames, *, issuer: str, source: str, expires_at: datetime
) -> Claims | AssertionFault:
    """What a payload that is genuine and valid says."""
    if not _has_what_is_required(payload, names):
        return AssertionFault.UNWANTED
    if _leaves_out(payload, names):
        return AssertionFault.INCOMPLETE
    kind = SubjectKind.SERVICE if _is_service(payload) else SubjectKind.USER
    name = _name(payload, names, kind)
    external_id = claim(payload, names.external_id)
    if not name or not isinstance(external_id, str | None):
        return AssertionFault.NAMELESS
    if not external_id and kind is SubjectKind.USER:
        # A name in its place would be taken for the id of whoever else has that for an id.
        return AssertionFault.NAMELESS
    display_name = claim(payload, names.display_name)
    patient = payload.get(_LAUNCH_PATIENT)
    acr = payload.get("acr")
    session_id = payload.get("sid")
    return Claims(
        issuer=issuer,
        name=name,
        expires_at=expires_at,
        source=source,
        external_id=external_id or "",
        kind=kind,
        display_name=display_name if isinstance(display_name, str) and display_name.isprintable() else "",
        groups=None if names.groups is None else _strings(claim(payload, names.groups)),
        attributes=_attributes(payload, names),
        methods=_strings(payload.get("amr")),
        acr=acr if isinstance(acr, str) else None,
        authenticated_at=instant(payload.get("auth_time")),
        scopes=_scopes(payload),
        context={"patient": frozenset({patient})} if isinstance(patient, str) else {},
        session_id=session_id if isinstance(session_id, str) else None,
    )


def claim(payload: Mapping[str, Any], path: str) -> Any:
    """A claim by its name, or one inside others: `realm_access.roles`."""
    if path in payload:
        return payload[path]
    found: Any = payload
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def instant(value: object) -> datetime | None:
    """A NumericDate; `None` for what is none, or is beyond what a calendar holds."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _name(payload: Mapping[str, Any], names: ClaimNames, kind: SubjectKind) -> str:
    """What the account is called.  An address counts only if its issuer has verified it."""
    name = claim(payload, names.name)
    if names.name == _EMAIL and payload.get("email_verified") is not True:
        return ""
    if kind is SubjectKind.SERVICE and name is None:
        name = _client(payload)
    return name if isinstance(name, str) else ""


def _client(payload: Mapping[str, Any]) -> object:
    """The client that a token was issued to: RFC 9068, OpenID Connect, Entra ID."""
    return next((payload[name] for name in ("client_id", "azp", "appid") if name in payload), None)


def _is_service(payload: Mapping[str, Any]) -> bool:
    """Whether a program acts for itself (client credentials), and nobody through it."""
    name, client = payload.get("preferred_username"), _client(payload)
    person = payload.get("sub", client if name is None else name)
    return (
        (client is not None and person == client)
        or payload.get("idtyp") == "app"
        or (isinstance(name, str) and name.startswith(_KEYCLOAK_SERVICE))
    )


def _has_what_is_required(payload: Mapping[str, Any], names: ClaimNames) -> bool:
    return all(_values(claim(payload, path)) & wanted for path, wanted in names.required.items())


def _leaves_out(payload: Mapping[str, Any], names: ClaimNames) -> bool:
    """Whether something that is wanted is elsewhere."""
    wanted = {path.split(".")[0] for path in (names.groups, *names.attributes.values()) if path is not None}
    elsewhere = payload.get("_claim_names")
    listed = set(elsewhere) if isinstance(elsewhere, Mapping) else set()
    if payload.get("hasgroups") in (True, "true"):
        listed.add("groups")
    return not wanted.isdisjoint(listed)


def _scopes(payload: Mapping[str, Any]) -> frozenset[str] | None:
    """`scope` as RFC 9068 and RFC 7662 have it, or Entra ID's `scp`, or a list."""
    for name in ("scope", "scp"):
        value = payload.get(name)
        if isinstance(value, str):
            return frozenset(value.split())
        if isinstance(value, list):
            return _strings(value)
    return None


def _attributes(payload: Mapping[str, Any], names: ClaimNames) -> Attributes:
    found = {attribute: _values(claim(payload, path)) for attribute, path in names.attributes.items()}
    return {attribute: values for attribute, values in found.items() if values}


def _strings(value: Any) -> frozenset[str]:
    return frozenset(one for one in _values(value) if isinstance(one, str))


def _values(value: Any) -> Values:
    listed = value if isinstance(value, list) else [value]
    return frozenset(one for one in listed if isinstance(one, Scalar))
