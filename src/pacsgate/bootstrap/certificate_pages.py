"""Wires sign-in with a certificate.

Called by `gate`.
"""

from functools import partial

from starlette.routing import Route

from pacsgate.admin.console.certificate_pages import CertificatePages, certificate_routes
from pacsgate.admin.console.signed_in import Visitors
from pacsgate.bootstrap.console import sign_in
from pacsgate.bootstrap.installation import Installation
from pacsgate.gateway.http.client_certificate import client_certificate
from pacsgate.gateway.http.wiring import Gate


def certificate_pages(installation: Installation, gate: Gate, seen: Visitors) -> list[Route]:
    """The pages, where certificates are believed."""
    if not installation.settings.identity.certificates:
        return []
    shown = partial(client_certificate, settings=gate.settings)
    return certificate_routes(CertificatePages(seen, shown, sign_in(installation, gate, seen.sessions)))
