"""Wires one HTTP worker: the use cases behind the door, and the door itself.

Called by `worker`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pacsgate.admin.api.app import PREFIX, api
from pacsgate.admin.console.pages import Console, console_routes, no_page, page_error
from pacsgate.bootstrap.asked import asked_routes
from pacsgate.bootstrap.doors import access_windows, authenticator, store_instances
from pacsgate.bootstrap.installation import Installation
from pacsgate.bootstrap.policy_watch import refusal_note
from pacsgate.config import OrthancArchiveSettings, Settings
from pacsgate.gateway.http.app import HttpDoor, with_cors
from pacsgate.gateway.http.authzen import authzen_routes
from pacsgate.gateway.http.authzen_asking import Ask, asks
from pacsgate.gateway.http.control_plane import control_plane_routes
from pacsgate.gateway.http.health import healthz, readyz
from pacsgate.gateway.http.instance_search import instance_search_routes
from pacsgate.gateway.http.metrics import metrics
from pacsgate.gateway.http.mounts import Listener, Listeners, mount_table
from pacsgate.gateway.http.request_context import RequestContexts
from pacsgate.gateway.http.settings import HttpSettings
from pacsgate.gateway.http.viewer import viewer_routes
from pacsgate.gateway.http.wiring import Gate
from pacsgate.identity.accounts import LocalAccounts
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.identity.sessions import ServerSessions
from pacsgate.model.context import Context
from pacsgate.model.errors import PacsgateError
from pacsgate.model.resource import ArchiveName
from pacsgate.model.subject import Subject
from pacsgate.protocols.authzen.metadata import Endpoint
from pacsgate.services.administer_roles import RoleAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.delete_resource import DeleteResource
from pacsgate.services.evaluate_for_others import EvaluateForOthers
from pacsgate.services.label_study import LabelStudy
from pacsgate.services.orthanc_names import OrthancNames
from pacsgate.services.other_subjects import OtherSubjects
from pacsgate.services.pass_on_permissions import PassOnPermissions
from pacsgate.services.search_for_others import SearchForOthers
from pacsgate.services.setup import Setup
from pacsgate.services.shadow_policy import ShadowPolicy
from pacsgate.services.shadowed import ShadowedOrthancReach, ShadowedResolver, ShadowedSearch
from pacsgate.services.sign_in import SignIn
from pacsgate.services.study_permissions import StudyPermissionAdministration


def build_gate(installation: Installation) -> Gate:
    """Everything that one worker needs."""
    stores, trail, clock = installation.stores, installation.trail, installation.clock
    archives = installation.archives
    freshness = installation.freshness
    shadow = ShadowPolicy(installation.scope, stores.candidates, stores.directory, stores.index)
    resolver = ShadowedResolver(freshness, shadow)
    names = OrthancNames(stores.index, installation.watches, freshness)
    note: Path = refusal_note(installation.settings)
    return Gate(
        settings=_http_settings(installation.settings),
        clock=clock,
        authenticator=authenticator(installation),
        policies=installation.policies,
        index=stores.index,
        archives=archives.by_name,
        orthancs=archives.orthancs,
        names=names,
        orthanc_reach=ShadowedOrthancReach(names, resolver, freshness, shadow),
        resolver=resolver,
        freshness=freshness,
        search=ShadowedSearch(stores.index, shadow),
        search_instances=installation.search_instances,
        store=store_instances(installation, resolver),
        delete=DeleteResource(stores.index, archives.by_name, resolver, trail),
        label=LabelStudy(stores.index, stores.outbox, trail),
        labels=installation.labels,
        handles=stores.handles,
        trail=trail,
        windows=access_windows(installation),
        spools=archives.spools,
        policy_refused=note.exists,
        shadow=shadow,
        policy_pending=lambda: _pending(installation),
    )


def build_app(installation: Installation, gate: Gate, addresses: Sequence[tuple[str, int]]) -> ASGIApp:
    """The ASGI application of one worker; `addresses` are where its listeners are, in configured order."""
    contexts = RequestContexts(gate.settings, gate.clock)
    pages = Starlette(
        exception_handlers={PacsgateError: _as_page, HTTPException: _no_page},
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readyz(gate)),
            Route("/metrics", metrics),
            *authzen_routes(gate, contexts, _questions(installation, gate)),
            *instance_search_routes(gate, contexts),
            *control_plane_routes(gate, contexts, PREFIX, _api(installation, gate)),
            *asked_routes(installation, gate, contexts),
            *viewer_routes(gate),
            *console_routes(_console(installation, gate, contexts)),
        ],
    )
    listeners = _listeners(installation.settings, addresses)
    return with_cors(HttpDoor(gate, pages, contexts, listeners), gate.settings)


def _api(installation: Installation, gate: Gate) -> ASGIApp:
    return api(
        PassOnPermissions(
            lambda: StudyPermissionAdministration(installation.office),
            gate.policies,
            gate.resolver,
            gate.index,
            tuple(gate.archives),
            gate.trail,
        )
    )


def _questions(installation: Installation, gate: Gate) -> Mapping[Endpoint, Ask]:
    others = OtherSubjects(
        policies=gate.policies,
        resolver=gate.resolver,
        index=gate.index,
        accounts=LocalAccounts(installation.stores.directory),
        archives=gate.archives,
        main_archive=gate.settings.main_archive,
        network_of=gate.settings.network_of,
    )
    evaluate = EvaluateForOthers(others, gate.trail)
    return asks(evaluate, SearchForOthers(others, evaluate, gate.trail))


def _without_slash(url: str | None) -> str | None:
    return None if url is None else url.rstrip("/")


def _listeners(settings: Settings, addresses: Sequence[tuple[str, int]]) -> Listeners:
    orthancs = [name for name, archive in settings.archives.items() if archive.kind == "orthanc"]
    found = []
    for listener, (host, port) in zip(settings.listeners, addresses, strict=True):
        table = mount_table(
            [mount.value for mount in listener.mounts],
            archives=map(ArchiveName, settings.archives),
            orthancs=map(ArchiveName, orthancs),
            main=settings.main_archive,
            public_url=_without_slash(listener.public_url or settings.public_url),
        )
        found.append(Listener(host, port, table))
    return Listeners(found)


def _pending(installation: Installation) -> str | None:
    waiting = installation.stores.candidates.pending(installation.scope)
    return None if waiting is None else waiting.revision


def _http_settings(settings: Settings) -> HttpSettings:
    return HttpSettings(
        main_archive=settings.main_archive,
        public_url=_without_slash(settings.public_url),
        networks=settings.networks,
        trusted_proxies=settings.trusted_proxies,
        cors_origins=settings.cors.origins,
        viewer=settings.viewer,
        offloads={
            ArchiveName(name): archive.offload.location
            for name, archive in settings.archives.items()
            if isinstance(archive, OrthancArchiveSettings) and archive.offload is not None
        },
    )


async def _as_page(_request: Request, raised: Exception) -> Response:
    return page_error(raised if isinstance(raised, PacsgateError) else PacsgateError("something broke"))


async def _no_page(_request: Request, raised: Exception) -> Response:
    return no_page(raised.status_code if isinstance(raised, HTTPException) else 404)


def _console(installation: Installation, gate: Gate, contexts: RequestContexts) -> Console:
    directory = installation.stores.directory
    sessions = ServerSessions(directory)

    def roles(subject: Subject, context: Context) -> frozenset[str]:
        held = gate.policies.bind(installation.scope, subject, context, gate.settings.main_archive).standing
        return held.roles.union(held.collections_of)

    def setup() -> Setup:
        office = installation.office
        return Setup(office, UserAdministration(office, Argon2Passwords()), RoleAdministration(office))

    return Console(
        contexts=contexts.of,
        authenticator=gate.authenticator,
        roles=roles,
        sign_in=SignIn(gate.authenticator.password_door, sessions, installation.trail),
        sessions=sessions,
        setup=setup,
        scope=installation.scope,
        has_viewer=installation.settings.viewer is not None,
    )
