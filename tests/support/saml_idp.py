"""A SAML identity provider of our own making: responses for browsers, genuine ones and wrapped ones.

`assertions.SamlProvider` signs by hand; here is what stands around an assertion, and the eight ways to wrap a
signature that Somorovsky and others described ("On Breaking SAML: Be Whoever You Want to Be", 2012), by the
numbers of SAML Raider.
"""

import base64
import copy
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import xmlsec
from cryptography.hazmat.primitives import serialization
from lxml import etree
from onelogin.saml2.constants import OneLogin_Saml2_Constants
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from pacsgate.identity.assertions.issuers import ClaimNames
from pacsgate.identity.saml.provider import OwnKey, SamlDescription, SamlProvider
from tests.support.assertions import SamlProvider as Signer
from tests.support.assertions import zulu

ENTITY = "https://idp.example/saml"
SIGN_IN = "https://idp.example/saml/sign-in"
SIGN_OUT = "https://idp.example/saml/sign-out"
GATE = "https://gate.example"
NAMES = ClaimNames("", "groups", {"department": "department"})
PASSWORD_CONTEXT = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
MFA_CONTEXT = "https://refeds.org/profile/mfa"

SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
PROTOCOL = "{urn:oasis:names:tc:SAML:2.0:protocol}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"
_SAML_NS = "urn:oasis:names:tc:SAML:2.0:assertion"
_PROTOCOL_NS = "urn:oasis:names:tc:SAML:2.0:protocol"


def now() -> datetime:
    """The real time, to a second: python3-saml compares with no other clock."""
    return datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - likewise


SIGNER, STRANGER = Signer(now()), Signer(now())


def pem(signer: Signer) -> str:
    return signer.certificate.public_bytes(serialization.Encoding.PEM).decode()


def metadata(
    signer: Signer = SIGNER,
    entity: str = ENTITY,
    *,
    sign_in: str = SIGN_IN,
    sign_out: str = SIGN_OUT,
    wants_signed: str = "false",
) -> bytes:
    """What the provider publishes."""
    certificate = "".join(pem(signer).splitlines()[1:-1])
    redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
    return (
        f'<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity}">'
        f'<IDPSSODescriptor WantAuthnRequestsSigned="{wants_signed}" protocolSupportEnumeration="{_PROTOCOL_NS}">'
        '<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#">'
        f"<X509Data><X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
        f'<SingleLogoutService Binding="{redirect}" Location="{sign_out}"/>'
        f'<SingleSignOnService Binding="{redirect}" Location="{sign_in}"/>'
        "</IDPSSODescriptor></EntityDescriptor>"
    ).encode()


def provider(
    name: str = "clinic", own_key: OwnKey | None = None, names: ClaimNames = NAMES, **changed: Any
) -> SamlProvider:
    """The provider, as the gate is configured with it."""
    described: dict[str, Any] = {"metadata": metadata(), **changed}
    return SamlProvider(
        SamlDescription(name=name, title=name, base_url=GATE, names=names, own_key=own_key, **described)
    )


def assertion(to: SamlProvider, request_id: str, **changed: Any) -> str:
    """An unsigned assertion about `rad1`, as good as it can be."""
    at = now()
    stated: dict[str, Any] = {
        "id": "_a1",
        "issuer": ENTITY,
        "name": "rad1",
        "name_format": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
        "audience": to.entity_id,
        "recipient": to.acs_url,
        "in_response_to": request_id,
        "begins": zulu(at - timedelta(seconds=5)),
        "ends": zulu(at + timedelta(minutes=5)),
        "context": PASSWORD_CONTEXT,
        "session": "s-1",
        "session_ends": zulu(at + timedelta(hours=8)),
        **changed,
    }
    return (
        f'<saml:Assertion xmlns:saml="{_SAML_NS}" ID="{stated["id"]}" Version="2.0" IssueInstant="{zulu(at)}">'
        f"<saml:Issuer>{stated['issuer']}</saml:Issuer><saml:Subject>"
        f'<saml:NameID Format="{stated["name_format"]}">{stated["name"]}</saml:NameID>'
        '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
        f'<saml:SubjectConfirmationData NotOnOrAfter="{stated["ends"]}" Recipient="{stated["recipient"]}" '
        f'InResponseTo="{stated["in_response_to"]}"/></saml:SubjectConfirmation></saml:Subject>'
        f'<saml:Conditions NotBefore="{stated["begins"]}" NotOnOrAfter="{stated["ends"]}"><saml:AudienceRestriction>'
        f"<saml:Audience>{stated['audience']}</saml:Audience></saml:AudienceRestriction></saml:Conditions>"
        f'<saml:AuthnStatement AuthnInstant="{zulu(at)}" SessionIndex="{stated["session"]}" '
        f'SessionNotOnOrAfter="{stated["session_ends"]}"><saml:AuthnContext>'
        f"<saml:AuthnContextClassRef>{stated['context']}</saml:AuthnContextClassRef></saml:AuthnContext>"
        '</saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="groups">'
        "<saml:AttributeValue>radiology</saml:AttributeValue><saml:AttributeValue>night</saml:AttributeValue>"
        '</saml:Attribute><saml:Attribute Name="department"><saml:AttributeValue>CT-A</saml:AttributeValue>'
        "</saml:Attribute></saml:AttributeStatement></saml:Assertion>"
    )


def response(to: SamlProvider, request_id: str, inner: str, **changed: Any) -> str:
    """A response around an assertion."""
    stated = {
        "destination": to.acs_url,
        "status": "urn:oasis:names:tc:SAML:2.0:status:Success",
        "in_response_to": request_id,
        **changed,
    }
    return (
        f'<samlp:Response xmlns:samlp="{_PROTOCOL_NS}" ID="_r1" Version="2.0" IssueInstant="{zulu(now())}" '
        f'Destination="{stated["destination"]}" InResponseTo="{stated["in_response_to"]}">'
        f'<saml:Issuer xmlns:saml="{_SAML_NS}">{ENTITY}</saml:Issuer>'
        f'<samlp:Status><samlp:StatusCode Value="{stated["status"]}"/></samlp:Status>{inner}</samlp:Response>'
    )


def encoded(document: str | bytes) -> str:
    return base64.b64encode(document.encode() if isinstance(document, str) else document).decode()


def genuine(to: SamlProvider, request_id: str, signer: Signer = SIGNER, **changed: Any) -> str:
    """A response with a signed assertion, as a browser posts it."""
    return encoded(response(to, request_id, signer.sign(assertion(to, request_id, **changed))))


Wrapping = Callable[[etree._Element], etree._Element]
"""From a genuine response to one that means somebody else."""


def _evil(original: etree._Element) -> etree._Element:
    """A copy that names somebody else under another id, without a signature of its own."""
    evil = copy.deepcopy(original)
    evil.set("ID", "_evil")
    for signature in evil.findall(f"{DS}Signature"):
        evil.remove(signature)
    for name in evil.iter(f"{SAML}NameID"):
        name.text = "admin"
    return evil


def _parts(document: etree._Element) -> tuple[etree._Element, etree._Element]:
    """The assertion and its signature."""
    found = document.find(f"{SAML}Assertion")
    assert found is not None
    signature = found.find(f"{DS}Signature")
    assert signature is not None
    return found, signature


def _xsw1(document: etree._Element) -> etree._Element:
    signature = document.find(f"{DS}Signature")
    evil = _evil(document)
    assert signature is not None
    document.remove(signature)
    evil.insert(1, signature)
    signature.append(document)
    return evil


def _xsw2(document: etree._Element) -> etree._Element:
    signature = document.find(f"{DS}Signature")
    evil = _evil(document)
    assert signature is not None
    document.remove(signature)
    evil.insert(1, document)
    evil.insert(2, signature)
    return evil


def _xsw3(document: etree._Element) -> etree._Element:
    original, _ = _parts(document)
    original.addprevious(_evil(original))
    return document


def _xsw4(document: etree._Element) -> etree._Element:
    original, _ = _parts(document)
    evil = _evil(original)
    original.addprevious(evil)
    evil.append(original)
    return document


def _xsw5(document: etree._Element) -> etree._Element:
    original, signature = _parts(document)
    evil = _evil(original)
    evil.insert(1, signature)
    original.addprevious(evil)
    return document


def _xsw6(document: etree._Element) -> etree._Element:
    original, signature = _parts(document)
    evil = _evil(original)
    original.addprevious(evil)
    evil.insert(1, signature)
    signature.append(original)
    return document


def _xsw7(document: etree._Element) -> etree._Element:
    original, _ = _parts(document)
    extensions = etree.Element(f"{PROTOCOL}Extensions")
    extensions.append(_evil(original))
    document.insert(1, extensions)
    return document


def _xsw8(document: etree._Element) -> etree._Element:
    original, signature = _parts(document)
    evil = _evil(original)
    original.addprevious(evil)
    evil.insert(1, signature)
    held = etree.SubElement(signature, f"{DS}Object")
    held.append(original)
    return document


WRAPPINGS: Mapping[int, Wrapping] = {
    1: _xsw1,
    2: _xsw2,
    3: _xsw3,
    4: _xsw4,
    5: _xsw5,
    6: _xsw6,
    7: _xsw7,
    8: _xsw8,
}


def wrapped(number: int, to: SamlProvider, request_id: str) -> bytes:
    """A genuine response, wrapped; the first two wrap the signature of the response, the others the assertion's."""
    inner = SIGNER.sign(assertion(to, request_id))
    document = response(to, request_id, inner)
    if number <= 2:
        document = SIGNER.sign(document)
    return etree.tostring(WRAPPINGS[number](etree.fromstring(document)))


def signed_with_sha1(document: str) -> str:
    """A signature that was good once."""
    key = SIGNER._key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    made = OneLogin_Saml2_Utils.add_sign(
        document,
        key.decode(),
        pem(SIGNER),
        sign_algorithm=OneLogin_Saml2_Constants.RSA_SHA1,
        digest_algorithm=OneLogin_Saml2_Constants.SHA1,
    )
    return made.decode() if isinstance(made, bytes) else str(made)


def own_key() -> OwnKey:
    """A key of the gate."""
    made = Signer(now())
    key = made._key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return OwnKey(pem(made), key.decode())


def encrypted(signed: str, key: OwnKey) -> str:
    """A signed assertion that only the gate can read (AES-256-CBC, its key by RSA-OAEP)."""
    data = xmlsec.template.encrypted_data_create(
        etree.fromstring("<x/>"), xmlsec.Transform.AES256, type=xmlsec.EncryptionType.ELEMENT, ns="xenc"
    )
    xmlsec.template.encrypted_data_ensure_cipher_value(data)
    info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="ds")
    wrapped_key = xmlsec.template.add_encrypted_key(info, xmlsec.Transform.RSA_OAEP)
    xmlsec.template.encrypted_data_ensure_cipher_value(wrapped_key)
    keys = xmlsec.KeysManager()
    keys.add_key(xmlsec.Key.from_memory(key.certificate, xmlsec.KeyFormat.CERT_PEM))
    context = xmlsec.EncryptionContext(keys)
    context.key = xmlsec.Key.generate(xmlsec.KeyData.AES, 256, xmlsec.KeyDataType.SESSION)
    holder = etree.Element(f"{SAML}EncryptedAssertion", nsmap={"saml": _SAML_NS})
    holder.append(etree.fromstring(signed))
    sealed = context.encrypt_xml(data, holder[0])
    assert sealed.getparent() is holder
    return etree.tostring(holder).decode()
