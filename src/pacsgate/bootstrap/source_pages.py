"""Wires sign-in with identity sources to which a browser is sent.

Called by `gate`.
"""

from starlette.routing import Route

from pacsgate.admin.console.oidc_pages import OpenIdPages, openid_routes
from pacsgate.admin.console.signed_in import Visitors
from pacsgate.bootstrap.console import sign_in
from pacsgate.bootstrap.identity_sources import federated_accounts, source_scopes
from pacsgate.bootstrap.installation import Installation
from pacsgate.bootstrap.openid import openid_providers
from pacsgate.gateway.http.wiring import Gate
from pacsgate.identity.federation.returning_browsers import DoorParts
from pacsgate.identity.lockout import Attempts
from pacsgate.identity.oidc.door import OpenIdDoor
from pacsgate.identity.oidc.logout_tokens import LogoutTokens
from pacsgate.identity.oidc.provider import OpenIdProvider
from pacsgate.identity.sign_in_record import SignInRecord
from pacsgate.services.administer_sessions import SessionAdministration
from pacsgate.services.sign_in_with_source import SignInWithSource


def source_routes(installation: Installation, gate: Gate, seen: Visitors) -> list[Route]:
    """The pages of sign-in with OpenID providers; none where there are none."""
    if not installation.settings.identity.openid:
        return []
    stores, scopes = installation.stores, source_scopes(installation.settings)
    accounts = federated_accounts(installation)

    def door(provider: OpenIdProvider) -> OpenIdDoor:
        scope = scopes[provider.client.name]
        parts = DoorParts(
            scope=scope,
            accounts=accounts,
            challenges=stores.challenges,
            attempts=Attempts(stores.directory),
            record=SignInRecord(installation.trail),
        )
        logouts = LogoutTokens(provider, scope, stores.identity_links, stores.used_assertions)
        return OpenIdDoor(provider, parts, logouts)

    doors = list(map(door, openid_providers(installation.settings, installation.clock).values()))
    sources = SignInWithSource(
        doors,
        sign_in(installation, gate, seen.sessions),
        lambda: SessionAdministration(installation.office),
    )
    return openid_routes(OpenIdPages(seen, sources))
