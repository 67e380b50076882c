"""SAML 2.0 assertions, verified: signed by a configured issuer, meant for us, valid now, good for once.

What is signed is what is read.  The signature must be a child of the assertion at the root of the
document and cover exactly that assertion; everything after that is read from what the verifier
returns, which was parsed anew from the bytes that were signed.  So it makes no difference what else
somebody has wrapped around it, or where a second assertion was put.

Called by `pacsgate.identity.associations.by_assertion` as `ports.assertions.AssertionVerifier`.

Invariants:
- no DTD, no entity, nothing fetched, and no key or certificate taken from the assertion itself;
- an assertion without an end, an audience or an identifier is refused.

Standard: SAML 2.0 Core 2.3 to 2.7, 5.4; SAML 2.0 Profiles 4.1.4.2; XML Signature.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from pacsgate.identity.assertions.issuers import ClaimNames, SamlIssuer
from pacsgate.ports.assertions import AssertionFault, Claims

CLOCK_AHEAD_SECONDS = 60
"""By how much an issuer's clock may be ahead of ours; nothing lives longer than it says."""

_SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"

_SIGNATURES = frozenset(
    {
        SignatureMethod.RSA_SHA256,
        SignatureMethod.RSA_SHA384,
        SignatureMethod.RSA_SHA512,
        SignatureMethod.ECDSA_SHA256,
        SignatureMethod.ECDSA_SHA384,
        SignatureMethod.ECDSA_SHA512,
    }
)
_DIGESTS = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})


class SamlAssertions:
    """The assertions of some issuers."""

    def __init__(self, issuers: Iterable[SamlIssuer]) -> None:
        self._issuers = {issuer.issuer: issuer for issuer in issuers}

    def verify(self, assertion: bytes, now: datetime) -> Claims | AssertionFault:
        """What it says, if it is genuine, for us, and valid at `now`."""
        root = _parsed(assertion)
        if root is None or root.tag != f"{_SAML}Assertion":
            return AssertionFault.UNREADABLE
        issuer = self._issuers.get(_text(root, "Issuer"))
        if issuer is None:
            return AssertionFault.UNKNOWN_ISSUER
        signed = _signed(root, issuer, now)
        return AssertionFault.BAD_SIGNATURE if signed is None else _claims(signed, issuer, now)


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )


def _parsed(assertion: bytes) -> etree._Element | None:
    try:
        root = etree.fromstring(assertion, parser=_parser())
    except (etree.XMLSyntaxError, ValueError):
        return None
    return None if root.getroottree().docinfo.internalDTD is not None else root


def _signed(root: etree._Element, issuer: SamlIssuer, now: datetime) -> etree._Element | None:
    """The assertion as it was signed, if it is what was signed, with one of the issuer's certificates."""
    expected = SignatureConfiguration(
        location="./",
        expect_references=1,
        signature_methods=_SIGNATURES,
        digest_algorithms=_DIGESTS,
        ignore_ambiguous_key_info=True,  # the key is the configured certificate's, whatever is written there
        verification_time=now,
    )
    for certificate in issuer.certificates:
        try:
            found = XMLVerifier().verify(
                root, x509_cert=certificate, expect_config=expected, parser=_parser(), id_attribute="ID"
            )
        except (SignXMLException, etree.LxmlError, ValueError, TypeError, KeyError):
            continue
        signed = found.signed_xml if not isinstance(found, list) else None
        if signed is not None and signed.tag == root.tag and signed.get("ID") == root.get("ID"):
            return signed
    return None


def _claims(signed: etree._Element, issuer: SamlIssuer, now: datetime) -> Claims | AssertionFault:
    if signed.get("Version") != "2.0" or _text(signed, "Issuer") != issuer.issuer:
        return AssertionFault.UNREADABLE
    conditions = signed.findall(f"{_SAML}Conditions")
    data = _bearer_data(signed)
    assertion_id = signed.get("ID")
    if len(conditions) != 1 or data is None or not assertion_id:
        return AssertionFault.UNREADABLE
    if not _is_for_us(conditions[0], data, issuer):
        return AssertionFault.NOT_FOR_US
    ends = [_instant(of.get("NotOnOrAfter")) for of in (conditions[0], data)]
    known = [end for end in ends if end is not None]
    if len(known) < len(ends):
        return AssertionFault.UNREADABLE
    if now >= min(known):
        return AssertionFault.EXPIRED
    for of in (conditions[0], data):
        begins = _instant(of.get("NotBefore"))
        if of.get("NotBefore") is not None and (
            begins is None or (begins - now).total_seconds() > CLOCK_AHEAD_SECONDS
        ):
            return AssertionFault.NOT_YET_VALID
    return _person(signed, issuer, min(known), assertion_id)


def _person(
    signed: etree._Element, issuer: SamlIssuer, expires: datetime, assertion_id: str
) -> Claims | AssertionFault:
    names = issuer.names
    name = _name(signed, names)
    if not name:
        return AssertionFault.NAMELESS
    found = {attribute: frozenset(_values(signed, at)) for attribute, at in names.attributes.items()}
    return Claims(
        issuer=issuer.issuer,
        name=name,
        expires_at=expires,
        makes_accounts=issuer.makes_accounts,
        groups=frozenset(_values(signed, names.groups) if names.groups else ()),
        attributes={attribute: frozenset(values) for attribute, values in found.items() if values},
        assertion_id=assertion_id,
    )


def _name(signed: etree._Element, names: ClaimNames) -> str:
    """The NameID, or the one value of the attribute that is configured."""
    if not names.name:
        subject = signed.find(f"{_SAML}Subject")
        return "" if subject is None else _text(subject, "NameID")
    values = list(_values(signed, names.name))
    return values[0] if len(values) == 1 else ""


def _is_for_us(conditions: etree._Element, data: etree._Element, issuer: SamlIssuer) -> bool:
    restrictions = conditions.findall(f"{_SAML}AudienceRestriction")
    for restriction in restrictions:
        audiences = {(one.text or "").strip() for one in restriction.iterfind(f"{_SAML}Audience")}
        if issuer.audience not in audiences:
            return False
    return bool(restrictions) and issuer.recipient in {None, data.get("Recipient")}


def _bearer_data(signed: etree._Element) -> etree._Element | None:
    """Under which conditions whoever brings the assertion is its subject."""
    for confirmation in signed.iterfind(f"{_SAML}Subject/{_SAML}SubjectConfirmation"):
        if confirmation.get("Method") == _BEARER:
            return confirmation.find(f"{_SAML}SubjectConfirmationData")
    return None


def _values(signed: etree._Element, name: str) -> Iterator[str]:
    for attribute in signed.iterfind(f"{_SAML}AttributeStatement/{_SAML}Attribute"):
        if attribute.get("Name") == name:
            for value in attribute.iterfind(f"{_SAML}AttributeValue"):
                if text := _whole_text(value):
                    yield text


def _text(parent: etree._Element, child: str) -> str:
    """The text of the one child of this name; empty if there is none, or more than one."""
    found = parent.findall(f"{_SAML}{child}")
    return _whole_text(found[0]) if len(found) == 1 else ""


def _whole_text(element: etree._Element) -> str:
    """The text of an element that holds nothing but text: a name must not end at a comment."""
    return "" if len(element) else (element.text or "").strip()


def _instant(value: str | None) -> datetime | None:
    """An xs:dateTime in UTC."""
    if value is None or not value.endswith("Z"):
        return None
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
