"""Wires the pages for people: who looks at them, and the use cases behind them.

Called by `gate`.
"""

from starlette.routing import Route

from pacsgate.admin.console.access_pages import AccessPages
from pacsgate.admin.console.certificate_pages import SIGN_IN_PATH
from pacsgate.admin.console.entry_pages import Entry, SourceLink
from pacsgate.admin.console.home_page import Home
from pacsgate.admin.console.kept_search import KeptSearches
from pacsgate.admin.console.routes import Console, console_routes
from pacsgate.admin.console.security_pages import SecurityPages
from pacsgate.admin.console.signed_in import Visitors
from pacsgate.admin.console.studies_pages import StudiesPages
from pacsgate.admin.console.study_page import StudyPage
from pacsgate.bootstrap import people, tenancy
from pacsgate.bootstrap.factors import proofs
from pacsgate.bootstrap.installation import Installation
from pacsgate.bootstrap.openid import source_links
from pacsgate.bootstrap.saml import saml_links
from pacsgate.config import Settings
from pacsgate.gateway.http.request_context import RequestContexts
from pacsgate.gateway.http.wiring import Gate
from pacsgate.identity.sessions import ServerSessions
from pacsgate.model.context import Context
from pacsgate.model.permission import Permission
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Subject
from pacsgate.policy.engine import Bound
from pacsgate.services.browse_studies import BrowseStudies
from pacsgate.services.callers import Caller
from pacsgate.services.live_policy import NoPolicyError
from pacsgate.services.sign_in import RolesOf, SignIn


def visitors(installation: Installation, gate: Gate, contexts: RequestContexts) -> Visitors:
    """Who looks at a page; every module of pages is given this."""
    warrants = tenancy.warrants(installation)

    def permissions(subject: Subject, context: Context) -> frozenset[Permission]:
        try:
            held = _bound(gate, subject, context).permissions_held
            # Whoever looks after one PACS only finds it among all.
            looks_after = warrants.holds(Caller(subject, context), Permission.TENANT_GET)
        except NoPolicyError:
            return frozenset()
        return held | {Permission.TENANT_GET} if looks_after else held

    demands = proofs(installation)
    return Visitors(
        contexts=contexts.of,
        authenticator=gate.authenticator,
        sessions=ServerSessions(installation.stores.directory),
        permissions=permissions,
        owes=lambda subject, context: demands.owed(subject, context) is not None,
    )


def console_pages(installation: Installation, gate: Gate, seen: Visitors) -> list[Route]:
    """The console's own pages."""
    entry = Entry(
        visitors=seen,
        sign_in=sign_in(installation, gate, seen.sessions),
        setup=lambda: people.setup(installation),
        reset=lambda: people.password_reset(installation),
        scope=installation.scope,
        sources=(
            *source_links(installation.settings),
            *saml_links(installation.settings),
            *_certificate_links(installation.settings),
        ),
    )
    has_viewer = installation.settings.viewer is not None
    browse = BrowseStudies(
        policies=gate.policies,
        search=gate.search,
        search_instances=gate.search_instances,
        resolver=gate.resolver,
        freshness=gate.freshness,
        trail=gate.trail,
        archives=gate.tenant_archives,
    )
    searches = KeptSearches(installation.sealer)
    return console_routes(
        Console(
            entry=entry,
            home=Home(seen, browse, people.changes_by_others(installation), has_viewer=has_viewer),
            studies=StudiesPages(seen, browse, searches, has_viewer=has_viewer),
            study=StudyPage(seen, browse, has_viewer=has_viewer),
            access=AccessPages(seen, browse),
            security=SecurityPages(
                seen,
                sessions=lambda: people.own_sessions(installation),
                keys=lambda: people.own_tokens(installation),
                password=lambda: people.own_password(installation, gate.authenticator.password_door),
                proofs=proofs(installation),
                account=installation.stores.directory.user,
            ),
        )
    )


def roles_of(gate: Gate) -> RolesOf:
    """The roles in effect, whoever gave them: for people to read, and for the limits of sessions."""

    def roles(subject: Subject, context: Context) -> frozenset[str]:
        held = _bound(gate, subject, context).standing
        return held.roles.union(held.collections_of)

    return roles


def sign_in(installation: Installation, gate: Gate, sessions: ServerSessions) -> SignIn:
    """Where every sign-in of a browser ends; without a policy nobody has a role that limits a session."""
    roles = roles_of(gate)

    def roles_if_any(subject: Subject, context: Context) -> frozenset[str]:
        try:
            return roles(subject, context)
        except NoPolicyError:
            return frozenset(assignment.role for assignment in subject.assignments)

    rules = installation.settings.identity.sessions.rules
    return SignIn(gate.authenticator.password_door, sessions, installation.trail, rules, roles_if_any)


def _certificate_links(settings: Settings) -> tuple[SourceLink, ...]:
    return (SourceLink(SIGN_IN_PATH, "a certificate"),) if settings.identity.certificates else ()


def _bound(gate: Gate, subject: Subject, context: Context) -> Bound:
    scope = TenantScope(subject.tenant)
    return gate.policies.bind(scope, subject, context, gate.tenant_archives.main(scope))
