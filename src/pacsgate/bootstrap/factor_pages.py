"""The pages where second factors are proven, added and removed, wired.

Called by `gate`.
"""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.routing import Route

from pacsgate.admin.console.factor_pages import FactorPages, factor_routes
from pacsgate.admin.console.proof_pages import ProofPages, proof_routes
from pacsgate.admin.console.signed_in import Visitors
from pacsgate.bootstrap.factors import enrol_factor, proofs, prove_factor
from pacsgate.bootstrap.installation import Installation
from pacsgate.gateway.http.own_url import own_url
from pacsgate.gateway.http.wiring import Gate
from pacsgate.ports.factor_proofs import Site
from pacsgate.services.sign_in import SignIn


def pages_of_factors(installation: Installation, gate: Gate, seen: Visitors, sign_in: SignIn) -> list[Route]:
    """The pages where factors are proven, added and removed."""

    def site(request: Request) -> Site:
        origin = own_url(request, gate.settings)
        return Site(urlsplit(origin).hostname or "", origin)

    proving = ProofPages(
        visitors=seen,
        prove=prove_factor(installation),
        sign_in=sign_in,
        passwords=gate.authenticator.password_door,
        site=site,
    )
    enrolling = FactorPages(
        visitors=seen,
        enrol=lambda: enrol_factor(installation),
        proofs=proofs(installation),
        sign_in=sign_in,
        site=site,
    )
    return [*proof_routes(proving), *factor_routes(enrolling)]
