"""How the certificates are that the gate shows: do they fit their keys, for how long, and for which names.

Called by `worker` for `/readyz` and the metrics, and by `pacsgate config check`.

Standard: RFC 6125 (names of servers); RFC 5280.
"""

import ipaddress
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from pacsgate.bootstrap.renewed_tls import RenewedContext
from pacsgate.bootstrap.server_tls import all_tls
from pacsgate.config import Settings
from pacsgate.gateway.http import metrics

WARNED_BEFORE = timedelta(days=30)


class CertificateWatch:
    """The certificates of every listener of an installation, looked at by one process for all."""

    def __init__(self, settings: Settings) -> None:
        self._watched = [RenewedContext(tls, tells=False) for tls in all_tls(settings)]

    def problems(self) -> Sequence[str]:
        """Look again, and tell which listeners show an older certificate than their files hold.

        The metrics learn when each of them ends.
        """
        for watched in self._watched:
            watched.newest()
            metrics.CERTIFICATE_EXPIRY.labels(watched.tls.name).set(watched.not_after.timestamp())
        return [
            f"the new certificate of `{watched.tls.name}` was refused; the last good one is shown"
            for watched in self._watched
            if watched.problem is not None
        ]


def certificate_warnings(settings: Settings, now: datetime) -> Iterator[str]:
    """What somebody should do about certificates soon, or clients will."""
    for path in dict.fromkeys(tls.certificate for tls in all_tls(settings)):
        yield from _about_time(path, _first(path), now)
    for listener in settings.listeners:
        url = listener.public_url or settings.public_url
        host = urlsplit(url).hostname if url is not None else None
        if listener.tls is None or host is None or _names(_first(listener.tls.certificate), host):
            continue
        yield f"certificate `{listener.tls.certificate}` is not for `{host}` of `public_url`"


def clear_text_listeners(settings: Settings) -> Iterator[str]:
    """HTTP listeners that other machines reach without TLS, and without a proxy that has it."""
    for listener in settings.listeners:
        is_plain = listener.tls is None and not listener.redirect
        if is_plain and not settings.trusted_proxies and not _is_loopback(listener.host):
            yield (
                f"listener `{listener.host}:{listener.port}` is plain HTTP and other machines reach it: "
                "anybody on the way reads passwords and images, and browsers do not sign in (docs/tls.md)"
            )


def _first(path: Path) -> x509.Certificate:
    """The certificate that is shown; what follows is its chain."""
    return x509.load_pem_x509_certificates(path.read_bytes())[0]


def _about_time(path: Path, certificate: x509.Certificate, now: datetime) -> Iterator[str]:
    end = certificate.not_valid_after_utc
    if now >= end:
        yield f"certificate `{path}` expired on {end:%Y-%m-%d}: clients refuse it"
    elif now < certificate.not_valid_before_utc:
        yield f"certificate `{path}` is valid from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC only"
    elif now >= end - WARNED_BEFORE:
        yield f"certificate `{path}` expires in {(end - now).days} day(s), on {end:%Y-%m-%d}"


def _names(certificate: x509.Certificate, host: str) -> bool:
    """Whether a client that asks for the host takes the certificate."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    try:
        return ipaddress.ip_address(host) in names.get_values_for_type(x509.IPAddress)
    except ValueError:
        _, _, parent = host.partition(".")
        known = {name.lower() for name in names.get_values_for_type(x509.DNSName)}
        return host.lower() in known or f"*.{parent.lower()}" in known


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
