"""Which certificate counts as the client's: that of the handshake, or a header of a trusted proxy."""

import base64
import ipaddress
import ssl
from urllib.parse import quote

import pytest
from starlette.requests import Request

from pacsgate.gateway.http.bounded_head import PEER_CERTIFICATE
from pacsgate.gateway.http.client_certificate import client_certificate
from pacsgate.gateway.http.settings import HttpSettings
from pacsgate.identity.credentials import CertificateCredential, UnreadableCredential

CLIENT, PROXY = "203.0.113.9", "10.0.0.1"
DER = b"\x30\x03abc"
STRUCTURED = f":{base64.b64encode(DER).decode('ascii')}:"
ESCAPED = quote(ssl.DER_cert_to_PEM_cert(DER), safe="")


def settings(header: tuple[str, str] | None = ("Client-Cert", "rfc9440")) -> HttpSettings:
    proxies = (ipaddress.ip_network("10.0.0.0/24"),)
    return HttpSettings(trusted_proxies=proxies, certificate_header=header)


def request(peer: str, *values: str, shown: bytes | None = None) -> Request:
    headers = [(b"client-cert", value.encode("ascii")) for value in values]
    scope = {"type": "http", "client": (peer, 4711), "headers": headers}
    if shown is not None:
        scope[PEER_CERTIFICATE] = shown
    return Request(scope)


def test_what_tls_has_verified_is_the_clients() -> None:
    assert client_certificate(request(CLIENT, shown=DER), settings()) == CertificateCredential(DER)
    assert client_certificate(request(CLIENT), settings()) is None


def test_m3_a_forged_header_changes_nothing() -> None:
    """Whoever is no trusted proxy is known by the handshake alone."""
    assert client_certificate(request(CLIENT, STRUCTURED), settings()) is None
    forged = client_certificate(request(CLIENT, STRUCTURED, shown=b"own"), settings())
    assert forged == CertificateCredential(b"own")


def test_a_trusted_proxy_hands_on_the_certificate_of_its_client() -> None:
    assert client_certificate(request(PROXY, STRUCTURED), settings()) == CertificateCredential(DER)
    escaped = settings(("client-cert", "escaped-pem"))
    assert client_certificate(request(PROXY, ESCAPED), escaped) == CertificateCredential(DER)


def test_without_configuration_no_header_is_a_certificate() -> None:
    assert client_certificate(request(PROXY, STRUCTURED), settings(None)) is None


def test_the_certificate_of_a_proxy_is_not_its_clients() -> None:
    for header in (None, ("Client-Cert", "rfc9440")):
        assert client_certificate(request(PROXY, shown=DER), settings(header)) is None


@pytest.mark.parametrize("written", ["", "-", "(null)"])
def test_a_client_without_certificate_has_none(written: str) -> None:
    assert client_certificate(request(PROXY, written), settings()) is None


@pytest.mark.parametrize(
    "written",
    [STRUCTURED[:-1], STRUCTURED[1:], ":", ":no base64!:", "text", ESCAPED, f"{STRUCTURED}, {STRUCTURED}"],
)
def test_what_cannot_be_read_is_no_credential_rather_than_none(written: str) -> None:
    assert isinstance(client_certificate(request(PROXY, written), settings()), UnreadableCredential)


@pytest.mark.parametrize("written", ["x", "%ff", STRUCTURED, ESCAPED[:-9]])
def test_what_is_no_pem_is_no_credential_rather_than_none(written: str) -> None:
    escaped = settings(("Client-Cert", "escaped-pem"))
    assert isinstance(client_certificate(request(PROXY, written), escaped), UnreadableCredential)


def test_two_headers_are_no_certificate() -> None:
    """The proxy appended its own to one that the client had sent: which of them would count?"""
    found = client_certificate(request(PROXY, STRUCTURED, STRUCTURED), settings())
    assert isinstance(found, UnreadableCredential)
