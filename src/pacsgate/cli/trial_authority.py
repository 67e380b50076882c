"""A certificate authority for trying, and the server certificate that it signs.

Whoever tries the gate wants HTTPS before anybody has ordered a certificate.  The authority can name this
machine and nothing else, so that a browser that trusts it trusts no other site by it, whoever gets its key.

Called by `init` and `new_installation`.

Invariants:
- nothing that exists is overwritten;
- keys are readable by their owner only.

Standard: RFC 5280 4.2.1.10 (name constraints); CA/Browser Forum Baseline Requirements 6.3.2 (397 days).
"""

import ipaddress
import os
import socket
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_NAME = "tls/trial-ca.pem"
CERTIFICATE_NAME = "tls/gate.pem"
KEY_NAME = "tls/gate.key"
_AUTHORITY_KEY_NAME = "tls/trial-ca.key"
_LIFETIME = timedelta(days=397)
_SKEW = timedelta(minutes=5)


def make_trial_certificates(directory: Path, now: datetime) -> None:
    """Write authority and server certificate for this machine below the directory, each with its key."""
    names = tuple(dict.fromkeys(("localhost", socket.gethostname().lower())))
    addresses = ("127.0.0.1", "::1")
    alternatives = [
        *(x509.DNSName(name) for name in names),
        *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses),
    ]
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _name(f"pacsgate on {names[-1]}: for trying, not for patients")
    bounds = [
        *(x509.DNSName(name) for name in names),
        *(x509.IPAddress(ipaddress.ip_network(address)) for address in addresses),
    ]
    authority = (
        _builder(issuer, issuer, authority_key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(bounds, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    certificate = (
        _builder(_name(names[-1]), issuer, key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    (directory / AUTHORITY_NAME).parent.mkdir(mode=0o700, exist_ok=True)
    _write(directory / AUTHORITY_NAME, authority.public_bytes(Encoding.PEM), 0o644)
    _write(directory / _AUTHORITY_KEY_NAME, _pem(authority_key), 0o600)
    _write(directory / CERTIFICATE_NAME, certificate.public_bytes(Encoding.PEM), 0o644)
    _write(directory / KEY_NAME, _pem(key), 0o600)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + _LIFETIME)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, content: bytes, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
