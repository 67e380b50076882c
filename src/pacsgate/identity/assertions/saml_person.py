"""Who a verified SAML assertion is about: names, groups, attributes, and how they signed in.

Called by `saml`, with the assertion as it was signed.

Invariants:
- a text is whole or nothing: a name does not end at a comment or an element inside it.

Standard: SAML 2.0 Core 2.2.2 (NameID), 2.7.2 (AuthnStatement), 2.7.3 (attributes), 8.3 (formats).
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from lxml import etree

from pacsgate.identity.assertions.issuers import ClaimNames, SamlIssuer
from pacsgate.ports.assertions import AssertionFault, Claims

SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
_TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
_SUBJECT = "sub"
_GROUPS_LEFT_OUT = "http://schemas.microsoft.com/claims/groups.link"
"""What Entra ID says instead of the groups of somebody who is in more than 150."""


def person_of(
    signed: etree._Element, issuer: SamlIssuer, expires: datetime, assertion_id: str
) -> Claims | AssertionFault:
    """The claims of an assertion that holds until `expires`."""
    names = issuer.names
    name, external_id = _name(signed, names), _external_id(signed, names)
    if not name or external_id is None:
        return AssertionFault.NAMELESS
    if names.groups and any(_values(signed, _GROUPS_LEFT_OUT)):
        return AssertionFault.INCOMPLETE
    statements = signed.findall(f"{SAML}AuthnStatement")
    stated = statements[0] if len(statements) == 1 else etree.Element("none")
    found = {attribute: frozenset(_values(signed, at)) for attribute, at in names.attributes.items()}
    return Claims(
        issuer=issuer.issuer,
        name=name,
        expires_at=expires,
        source=issuer.source,
        external_id=external_id,
        display_name=next(_values(signed, names.display_name), ""),
        groups=frozenset(_values(signed, names.groups)) if names.groups else None,
        attributes={attribute: frozenset(values) for attribute, values in found.items() if values},
        acr=_context_class(stated),
        authenticated_at=instant_of(stated.get("AuthnInstant")),
        session_id=stated.get("SessionIndex"),
        session_ends_at=instant_of(stated.get("SessionNotOnOrAfter")),
        assertion_id=assertion_id,
    )


def _name(signed: etree._Element, names: ClaimNames) -> str:
    """The NameID, or the one value of the attribute that is configured."""
    if names.name:
        return _single(signed, names.name)
    return "" if _is_transient(signed) else _name_id(signed)


def _external_id(signed: etree._Element, names: ClaimNames) -> str | None:
    """What the issuer knows the person by: the NameID (as `sub`), or an attribute that must be there.

    Empty where the NameID is another one each time: then the name is all there is.
    """
    if names.external_id != _SUBJECT:
        return _single(signed, names.external_id) or None
    return "" if _is_transient(signed) else _name_id(signed)


def _name_id(signed: etree._Element) -> str:
    subject = signed.find(f"{SAML}Subject")
    return "" if subject is None else text_of(subject, "NameID")


def _is_transient(signed: etree._Element) -> bool:
    found = signed.find(f"{SAML}Subject/{SAML}NameID")
    return found is not None and found.get("Format") == _TRANSIENT


def _context_class(stated: etree._Element) -> str | None:
    context = stated.find(f"{SAML}AuthnContext")
    return (text_of(context, "AuthnContextClassRef") or None) if context is not None else None


def _single(signed: etree._Element, attribute: str) -> str:
    values = list(_values(signed, attribute))
    return values[0] if len(values) == 1 else ""


def _values(signed: etree._Element, name: str) -> Iterator[str]:
    for attribute in signed.iterfind(f"{SAML}AttributeStatement/{SAML}Attribute"):
        if attribute.get("Name") == name:
            for value in attribute.iterfind(f"{SAML}AttributeValue"):
                if text := _whole_text(value):
                    yield text


def text_of(parent: etree._Element, child: str) -> str:
    """The text of the one child of this name; empty if there is none, or more than one."""
    found = parent.findall(f"{SAML}{child}")
    return _whole_text(found[0]) if len(found) == 1 else ""


def _whole_text(element: etree._Element) -> str:
    """The text of an element that holds nothing but text: a name must not end at a comment."""
    return "" if len(element) else (element.text or "").strip()


def instant_of(value: str | None) -> datetime | None:
    """An xs:dateTime in UTC."""
    if value is None or not value.endswith("Z"):
        return None
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
