"""Wires one HTTP worker: the use cases behind the door, and the door itself.

Called by `worker`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pacsgate.admin.api.locations import PREFIX
from pacsgate.admin.api.trees import AIS_PREFIX
from pacsgate.admin.console.admin.desk import AdminDesk
from pacsgate.admin.console.admin.routes import admin_routes
from pacsgate.admin.console.problem_pages import no_page, page_error
from pacsgate.bootstrap.api import administration_api, managed
from pacsgate.bootstrap.asked import asked_routes
from pacsgate.bootstrap.certificate_health import CertificateWatch
from pacsgate.bootstrap.certificate_pages import certificate_pages
from pacsgate.bootstrap.console import console_pages, sign_in, visitors
from pacsgate.bootstrap.doors import access_windows, authenticator, store_instances
from pacsgate.bootstrap.factor_pages import pages_of_factors
from pacsgate.bootstrap.identity_sources import role_ceilings
from pacsgate.bootstrap.installation import Installation
from pacsgate.bootstrap.pacs_queue import queue_routes
from pacsgate.bootstrap.policy_watch import refusal_note
from pacsgate.bootstrap.saml import saml_pages
from pacsgate.bootstrap.source_pages import source_routes
from pacsgate.bootstrap.tenancy_pages import tenancy_pages
from pacsgate.bootstrap.upstream_security import insecure_upstreams_told_to_strangers
from pacsgate.config import CertificateHeaderSettings, OrthancArchiveSettings, Settings
from pacsgate.gateway.http.agent_sightings import AgentSightings
from pacsgate.gateway.http.app import HttpDoor, with_cors
from pacsgate.gateway.http.authzen import authzen_routes
from pacsgate.gateway.http.authzen_asking import Ask, asks
from pacsgate.gateway.http.control_plane import control_plane_routes
from pacsgate.gateway.http.health import healthz, readyz
from pacsgate.gateway.http.instance_search import instance_search_routes
from pacsgate.gateway.http.metrics import metrics
from pacsgate.gateway.http.mounts import Listener, Listeners, mount_table
from pacsgate.gateway.http.pacs_waiters import Waiters
from pacsgate.gateway.http.request_context import RequestContexts
from pacsgate.gateway.http.settings import HttpSettings
from pacsgate.gateway.http.viewer import viewer_routes
from pacsgate.gateway.http.wiring import Gate
from pacsgate.identity.accounts import LocalAccounts
from pacsgate.model.errors import PacsgateError
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName, TenantName, TenantScope
from pacsgate.protocols.authzen.metadata import Endpoint
from pacsgate.services.delete_resource import DeleteResource
from pacsgate.services.evaluate_for_others import EvaluateForOthers
from pacsgate.services.label_study import LabelStudy
from pacsgate.services.managed import Managed
from pacsgate.services.orthanc_names import OrthancNames
from pacsgate.services.other_subjects import OtherSubjects
from pacsgate.services.search_for_others import SearchForOthers
from pacsgate.services.shadow_policy import ShadowPolicy
from pacsgate.services.shadowed import ShadowedOrthancReach, ShadowedResolver, ShadowedSearch


def build_gate(installation: Installation) -> Gate:
    """Everything that one worker needs."""
    stores, trail, clock = installation.stores, installation.trail, installation.clock
    archives = installation.archives
    freshness = installation.freshness
    shadow = ShadowPolicy(installation.scope, stores.candidates, stores.directory, stores.index)
    resolver = ShadowedResolver(freshness, shadow)
    names = OrthancNames(stores.index, installation.watches, freshness)
    return Gate(
        settings=_http_settings(installation.settings),
        clock=clock,
        authenticator=authenticator(installation),
        policies=installation.policies,
        index=stores.index,
        tenant_archives=installation.tenant_archives,
        tenants_of_file=[
            TenantScope(TenantName(name))
            for name, tenant in installation.settings.tenants.items()
            if tenant.policy is not None
        ],
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
        policy_refused=partial(_refused, installation.settings),
        waiters=Waiters(installation.settings.queue.waiters),
        sightings=AgentSightings(),
        shadow=shadow,
        policy_pending=partial(_pending, installation),
    )


def build_app(
    installation: Installation,
    gate: Gate,
    addresses: Sequence[tuple[str, int]],
    problems: Callable[[], Sequence[str]] = tuple,
) -> ASGIApp:
    """The ASGI application of one worker; `addresses` are where its listeners are, in configured order.

    `problems` are those of the processes beside it.
    """
    contexts = RequestContexts(gate.settings, gate.clock)
    certificates = CertificateWatch(installation.settings)
    warnings = insecure_upstreams_told_to_strangers(installation.settings)
    seen = visitors(installation, gate, contexts)
    desk = managed(installation, gate)
    administration = administration_api(installation, gate, desk)
    pages = Starlette(
        exception_handlers={PacsgateError: _as_page, HTTPException: _no_page, Exception: _as_page},
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readyz(gate, lambda: (*certificates.problems(), *problems()), warnings)),
            Route("/metrics", metrics),
            *authzen_routes(gate, contexts, _questions(installation, gate)),
            *instance_search_routes(gate, contexts),
            *queue_routes(installation, gate, contexts),
            *control_plane_routes(gate, contexts, PREFIX, administration),
            *control_plane_routes(gate, contexts, AIS_PREFIX, administration),
            *_scim(installation, gate, contexts, desk),
            *asked_routes(installation, gate, contexts),
            *viewer_routes(gate),
            *source_routes(installation, gate, seen),
            *certificate_pages(installation, gate, seen),
            *saml_pages(installation, seen, sign_in(installation, gate, seen.sessions)),
            *pages_of_factors(installation, gate, seen, sign_in(installation, gate, seen.sessions)),
            *admin_routes(AdminDesk(seen, desk)),
            *tenancy_pages(installation, seen, desk),
            *console_pages(installation, gate, seen),
        ],
    )
    listeners = _listeners(installation.settings, addresses)
    return with_cors(HttpDoor(gate, pages, contexts, listeners), gate.settings)


def _scim(installation: Installation, gate: Gate, contexts: RequestContexts, desk: Managed) -> list[Route]:
    if not installation.settings.identity.scim:
        return []
    # Its models take half a second to load, in every worker, and few installations are provisioned by it.
    from pacsgate.bootstrap.scim import scim_routes  # noqa: PLC0415 - see above

    return scim_routes(installation, gate, contexts, desk.mandates)


def _questions(installation: Installation, gate: Gate) -> Mapping[Endpoint, Ask]:
    others = OtherSubjects(
        policies=gate.policies,
        resolver=gate.resolver,
        index=gate.index,
        accounts=LocalAccounts(installation.stores.directory, role_ceilings(installation.settings)),
        archives=gate.tenant_archives,
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
            main=settings.tenant_archives.main(TenantScope(DEFAULT_TENANT)),
            public_url=_without_slash(listener.public_url or settings.public_url),
            only_redirects=listener.redirect,
        )
        found.append(Listener(host, port, table))
    return Listeners(found)


def _refused(settings: Settings, scope: TenantScope) -> bool:
    return refusal_note(settings, scope.tenant).exists()


def _pending(installation: Installation, scope: TenantScope) -> str | None:
    waiting = installation.stores.candidates.pending(scope)
    return None if waiting is None else waiting.revision


def _certificate_header(given: CertificateHeaderSettings | None) -> tuple[str, str] | None:
    return None if given is None else (given.name, given.encoding.value)


def _http_settings(settings: Settings) -> HttpSettings:
    return HttpSettings(
        public_url=_without_slash(settings.public_url),
        networks=settings.networks,
        trusted_proxies=settings.trusted_proxies,
        certificate_header=_certificate_header(settings.client_certificate_header),
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
