"""A SAML response, verified twice: by python3-saml as a whole, and its one assertion by our own verifier.

What python3-saml says yes to is only the first half.  It checks the protocol and the schema, and
decrypts.  Then the assertion itself is taken out and given to `assertions.saml`, which reads nothing but
what was signed, under the conditions of this very sign-in.  Both must agree, so that a mistake in
one of them is not a way in.

Before either of them, the document is bounded: small, no DTD, one assertion anywhere in it.  A second one,
wherever it hides, is a signature-wrapping attack or a message that nobody has a use for.

Called by `door`.

Invariants:
- the assertion itself is signed; a signature around it is not enough;
- it answers the request that it is said to answer, at this address, for this gate, once and now.

Standard: SAML 2.0 Core 3.2.2, 3.4.1.4; SAML 2.0 Profiles 4.1.4.2, 4.1.4.3; OWASP ASVS 5.0 6.8.2, 6.8.3.
"""

import base64
import binascii
from datetime import datetime

from lxml import etree
from onelogin.saml2.response import OneLogin_Saml2_Response

from pacsgate.identity.assertions.saml import parsed, verify_assertion
from pacsgate.identity.assertions.saml_person import SAML
from pacsgate.identity.saml.provider import BROKEN, SamlProvider
from pacsgate.ports.assertions import AssertionFault, Claims

LARGEST_RESPONSE = 256 * 1024
"""Ten times what Active Directory sends for somebody in a thousand groups."""

_PROTOCOL = "{urn:oasis:names:tc:SAML:2.0:protocol}"
_ASSERTIONS = frozenset({f"{SAML}Assertion", f"{SAML}EncryptedAssertion"})
_SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"


def verify_response(
    provider: SamlProvider, response: str, request_id: str, now: datetime
) -> Claims | AssertionFault:
    """What the response says of whoever brings it, if it answers this request."""
    document = _document(response)
    if document is None or document.tag != f"{_PROTOCOL}Response":
        return AssertionFault.UNREADABLE
    if document.get("Destination") != provider.acs_url or document.get("InResponseTo") != request_id:
        return AssertionFault.NOT_FOR_US
    if _status(document) != _SUCCESS:
        return AssertionFault.DENIED
    if sum(element.tag in _ASSERTIONS for element in document.iter(etree.Element)) != 1:
        return AssertionFault.BAD_SIGNATURE
    assertion = _believed_by_the_library(provider, response, request_id)
    if assertion is None:
        return AssertionFault.BAD_SIGNATURE
    return verify_assertion(assertion, provider.issuer, now, in_response_to=request_id)


def _document(response: str) -> etree._Element | None:
    """The response, if it is a small XML document without a DTD."""
    try:
        text = base64.b64decode("".join(response.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return parsed(text) if len(text) <= LARGEST_RESPONSE else None


def _status(document: etree._Element) -> str | None:
    codes = document.findall(f"{_PROTOCOL}Status/{_PROTOCOL}StatusCode")
    return codes[0].get("Value") if len(codes) == 1 else None


def _believed_by_the_library(provider: SamlProvider, response: str, request_id: str) -> bytes | None:
    """The one assertion, decrypted, if python3-saml finds the response valid."""
    try:
        read = OneLogin_Saml2_Response(provider.settings, response)
        if not read.is_valid(provider.request_to(provider.acs_url), request_id):
            return None
        document = read.get_xml_document()
    except BROKEN:
        return None
    found = list(document.iter(f"{SAML}Assertion"))
    if len(found) != 1 or found[0].getparent() is not document:
        return None
    return etree.tostring(found[0], with_tail=False)
