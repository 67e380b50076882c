"""Which certificate a client has shown: to the gate in the TLS handshake, or to a trusted proxy.

A proxy hands the certificate on in a header.  The header counts only from `trusted_proxies` and only if
the configuration names it; from anybody else it is as if it were not there.  What a proxy shows for
itself is never its client's.

Called by `edge` and by the page that signs in with a certificate.

Invariants:
- who can reach the gate without a trusted proxy cannot make it see any certificate but the one whose key
  they hold;
- what a proxy wrote and nobody can read is a credential that is refused, not none.

Standard: RFC 9440 (Client-Cert: a byte sequence of RFC 8941); nginx `$ssl_client_escaped_cert`.
"""

import base64
import binascii
import ssl
from collections.abc import Callable, Mapping
from urllib.parse import unquote_to_bytes

from starlette.requests import HTTPConnection

from pacsgate.gateway.http.bounded_head import PEER_CERTIFICATE
from pacsgate.gateway.http.client_address import is_from_proxy
from pacsgate.gateway.http.settings import HttpSettings
from pacsgate.identity.credentials import CertificateCredential, UnreadableCredential

_NONE = frozenset({"", "(null)", "-"})
"""What proxies write for clients that have shown none."""


def client_certificate(
    request: HTTPConnection, settings: HttpSettings
) -> CertificateCredential | UnreadableCredential | None:
    """The certificate, verified by nobody yet but whoever ended TLS."""
    if not is_from_proxy(request, settings.trusted_proxies):
        shown = request.scope.get(PEER_CERTIFICATE)
        return None if shown is None else CertificateCredential(shown)
    header = settings.certificate_header
    if header is None:
        return None
    values = request.headers.getlist(header[0])
    if not values or (len(values) == 1 and values[0].strip() in _NONE):
        return None
    if len(values) > 1:
        return UnreadableCredential()
    try:
        return CertificateCredential(_DECODERS[header[1]](values[0].strip()))
    except (ValueError, binascii.Error):
        return UnreadableCredential()


def _byte_sequence(value: str) -> bytes:
    if len(value) < 2 or not (value.startswith(":") and value.endswith(":")):
        raise ValueError("no byte sequence")
    return base64.b64decode(value[1:-1], validate=True)


def _escaped_pem(value: str) -> bytes:
    return ssl.PEM_cert_to_DER_cert(unquote_to_bytes(value).decode("ascii"))


_DECODERS: Mapping[str, Callable[[str], bytes]] = {"rfc9440": _byte_sequence, "escaped-pem": _escaped_pem}
