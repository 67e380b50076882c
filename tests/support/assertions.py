"""Identity providers of our own making: tokens and assertions, signed by hand and wrong in many ways.

Nothing here uses the libraries that verify: a signature is made with `cryptography` over bytes that
this module put together.
"""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID
from lxml import etree

ISSUER = "https://idp.example/realms/hospital"
AUDIENCE = "pacsgate"
RECIPIENT = "dicom://pacsgate.example"

_SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
_DS = "http://www.w3.org/2000/09/xmldsig#"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def number(value: int) -> str:
    return base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def encoded(value: Any) -> str:
    return base64url(json.dumps(value).encode())


class RsaSigner:
    """An RSA key of an issuer of tokens."""

    algorithm = "RS256"

    def __init__(self, key_id: str = "k1") -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.key_id = key_id

    @property
    def jwk(self) -> dict[str, str]:
        public = self.key.public_key().public_numbers()
        return {"kty": "RSA", "kid": self.key_id, "use": "sig", "n": number(public.n), "e": number(public.e)}

    def sign(self, data: bytes) -> bytes:
        return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())


class EcSigner:
    """An elliptic-curve key of an issuer of tokens."""

    algorithm = "ES256"

    def __init__(self, key_id: str = "k2") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.key_id = key_id

    @property
    def jwk(self) -> dict[str, str]:
        public = self.key.public_key().public_numbers()
        x, y = (base64url(value.to_bytes(32, "big")) for value in (public.x, public.y))
        return {"kty": "EC", "kid": self.key_id, "crv": "P-256", "x": x, "y": y}

    def sign(self, data: bytes) -> bytes:
        r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


Signer = RsaSigner | EcSigner


def key_set(*signers: Signer) -> bytes:
    return json.dumps({"keys": [signer.jwk for signer in signers]}).encode()


def claims_at(now: datetime, **changed: Any) -> dict[str, Any]:
    """The claims of `rad1`; a change to `None` leaves a claim out."""
    stated = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "1234",
        "preferred_username": "rad1",
        "groups": ["radiology", "night"],
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(minutes=5)).timestamp()),
        **changed,
    }
    return {name: value for name, value in stated.items() if value is not None}


def web_token(signer: Signer, claims: Any, **header: Any) -> bytes:
    stated = {"typ": "JWT", "alg": signer.algorithm, "kid": signer.key_id, **header}
    signed = (
        f"{encoded({name: value for name, value in stated.items() if value is not None})}.{encoded(claims)}"
    )
    return f"{signed}.{base64url(signer.sign(signed.encode()))}".encode()


class SamlProvider:
    """An identity provider that signs assertions with RSA or, if asked, an elliptic curve."""

    def __init__(self, now: datetime, *, elliptic: bool = False) -> None:
        self._elliptic = elliptic
        self._key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = (
            ec.generate_private_key(ec.SECP256R1())
            if elliptic
            else rsa.generate_private_key(public_exponent=65537, key_size=2048)
        )
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example")])
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=365))
            .not_valid_after(now + timedelta(days=365))
            .sign(self._key, hashes.SHA256())
        )

    def sign(self, assertion: str, *, reference: str | None = None) -> str:
        """The assertion with a signature after its Issuer, over itself or what `reference` names."""
        root = etree.fromstring(assertion.encode())
        uri = f"#{root.get('ID')}" if reference is None else reference
        digest = base64.b64encode(hashlib.sha256(_canonical(root)).digest()).decode()
        method = "2001/04/xmldsig-more#" + ("ecdsa-sha256" if self._elliptic else "rsa-sha256")
        info = (
            f'<ds:SignedInfo xmlns:ds="{_DS}"><ds:CanonicalizationMethod Algorithm="{_EXCLUSIVE}"/>'
            f'<ds:SignatureMethod Algorithm="http://www.w3.org/{method}"/>'
            f'<ds:Reference URI="{uri}"><ds:Transforms>'
            f'<ds:Transform Algorithm="{_DS}enveloped-signature"/><ds:Transform Algorithm="{_EXCLUSIVE}"/>'
            '</ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
            f"<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
        )
        value = base64.b64encode(self._signature(_canonical(etree.fromstring(info)))).decode()
        signature = etree.fromstring(
            f'<ds:Signature xmlns:ds="{_DS}">{info}<ds:SignatureValue>{value}</ds:SignatureValue></ds:Signature>'
        )
        root.insert(1, signature)
        return etree.tostring(root).decode()

    def _signature(self, data: bytes) -> bytes:
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        r, s = decode_dss_signature(self._key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _canonical(element: Any) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


def zulu(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def assertion_at(now: datetime, *, assertion_id: str = "_a1", name: str = "rad1", **changed: Any) -> str:
    """An unsigned assertion about `name`."""
    stated: dict[str, Any] = {
        "issuer": ISSUER,
        "audience": f"<AudienceRestriction><Audience>{AUDIENCE}</Audience></AudienceRestriction>",
        "recipient": RECIPIENT,
        "method": "urn:oasis:names:tc:SAML:2.0:cm:bearer",
        "begins": zulu(now),
        "ends": zulu(now + timedelta(minutes=5)),
        "confirmed_until": zulu(now + timedelta(minutes=5)),
        "version": "2.0",
        **changed,
    }
    return (
        f'<Assertion xmlns="{_SAML}" ID="{assertion_id}" Version="{stated["version"]}" IssueInstant="{zulu(now)}">'
        f"<Issuer>{stated['issuer']}</Issuer>"
        f"<Subject><NameID>{name}</NameID>"
        f'<SubjectConfirmation Method="{stated["method"]}">'
        f'<SubjectConfirmationData NotOnOrAfter="{stated["confirmed_until"]}" Recipient="{stated["recipient"]}"/>'
        "</SubjectConfirmation></Subject>"
        f'<Conditions NotBefore="{stated["begins"]}" NotOnOrAfter="{stated["ends"]}">{stated["audience"]}</Conditions>'
        "<AttributeStatement>"
        '<Attribute Name="groups"><AttributeValue>radiology</AttributeValue><AttributeValue>night</AttributeValue></Attribute>'
        '<Attribute Name="department"><AttributeValue>CT-A</AttributeValue></Attribute>'
        "</AttributeStatement></Assertion>"
    )
