"""SAML 2.0 assertions, verified: signed by a configured issuer, meant for us, valid now, good for once.

What is signed is what is read.  The signature must be a child of the assertion at the root of the
document and cover exactly that assertion; everything after that is read from what the verifier
returns, which was parsed anew from the bytes that were signed.  So it makes no difference what else
somebody has wrapped around it, or where a second assertion was put.

Called by `pacsgate.identity.associations.by_assertion` as `ports.assertions.AssertionVerifier`, and by
`pacsgate.identity.saml.responses` for the assertion of a browser's sign-in.

Invariants:
- no DTD, no entity, nothing fetched, and no key or certificate taken from the assertion itself;
- an assertion without an end, an audience or an identifier is refused.

Standard: SAML 2.0 Core 2.3 to 2.7, 5.4; SAML 2.0 Profiles 4.1.4.2; XML Signature.
"""

from collections.abc import Iterable
from datetime import datetime

from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from pacsgate.identity.assertions.issuers import SamlIssuer
from pacsgate.identity.assertions.saml_person import SAML, instant_of, person_of, text_of
from pacsgate.ports.assertions import AssertionFault, Claims

CLOCK_AHEAD_SECONDS = 60
"""By how much an issuer's clock may be ahead of ours; nothing lives longer than it says."""

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
        root = parsed(assertion)
        if root is None or root.tag != f"{SAML}Assertion":
            return AssertionFault.UNREADABLE
        issuer = self._issuers.get(text_of(root, "Issuer"))
        return AssertionFault.UNKNOWN_ISSUER if issuer is None else _verified(root, issuer, now, None)


def verify_assertion(
    assertion: bytes, issuer: SamlIssuer, now: datetime, *, in_response_to: str
) -> Claims | AssertionFault:
    """What an assertion of this issuer says, if it is genuine, for us, for now, and answers a request."""
    root = parsed(assertion)
    if root is None or root.tag != f"{SAML}Assertion":
        return AssertionFault.UNREADABLE
    if text_of(root, "Issuer") != issuer.issuer:
        return AssertionFault.UNKNOWN_ISSUER
    return _verified(root, issuer, now, in_response_to)


def parsed(document: bytes) -> etree._Element | None:
    """A document without a DTD, without its comments; `None` for anything else."""
    try:
        root = etree.fromstring(document, parser=_parser())
    except (etree.XMLSyntaxError, ValueError):
        return None
    return None if root.getroottree().docinfo.internalDTD is not None else root


def _verified(
    root: etree._Element, issuer: SamlIssuer, now: datetime, in_response_to: str | None
) -> Claims | AssertionFault:
    signed = _signed(root, issuer, now)
    return AssertionFault.BAD_SIGNATURE if signed is None else _claims(signed, issuer, now, in_response_to)


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )


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


def _claims(
    signed: etree._Element, issuer: SamlIssuer, now: datetime, in_response_to: str | None
) -> Claims | AssertionFault:
    if signed.get("Version") != "2.0" or text_of(signed, "Issuer") != issuer.issuer:
        return AssertionFault.UNREADABLE
    conditions = signed.findall(f"{SAML}Conditions")
    data = _bearer_data(signed)
    assertion_id = signed.get("ID")
    if len(conditions) != 1 or data is None or not assertion_id:
        return AssertionFault.UNREADABLE
    answers = in_response_to is None or data.get("InResponseTo") == in_response_to
    if not answers or not _is_for_us(conditions[0], data, issuer):
        return AssertionFault.NOT_FOR_US
    ends = [instant_of(of.get("NotOnOrAfter")) for of in (conditions[0], data)]
    known = [end for end in ends if end is not None]
    if len(known) < len(ends):
        return AssertionFault.UNREADABLE
    if now >= min(known):
        return AssertionFault.EXPIRED
    for of in (conditions[0], data):
        begins = instant_of(of.get("NotBefore"))
        if of.get("NotBefore") is not None and (
            begins is None or (begins - now).total_seconds() > CLOCK_AHEAD_SECONDS
        ):
            return AssertionFault.NOT_YET_VALID
    return person_of(signed, issuer, min(known), assertion_id)


def _is_for_us(conditions: etree._Element, data: etree._Element, issuer: SamlIssuer) -> bool:
    restrictions = conditions.findall(f"{SAML}AudienceRestriction")
    for restriction in restrictions:
        audiences = {(one.text or "").strip() for one in restriction.iterfind(f"{SAML}Audience")}
        if issuer.audience not in audiences:
            return False
    return bool(restrictions) and issuer.recipient in {None, data.get("Recipient")}


def _bearer_data(signed: etree._Element) -> etree._Element | None:
    """Under which conditions whoever brings the assertion is its subject."""
    for confirmation in signed.iterfind(f"{SAML}Subject/{SAML}SubjectConfirmation"):
        if confirmation.get("Method") == _BEARER:
            return confirmation.find(f"{SAML}SubjectConfirmationData")
    return None
