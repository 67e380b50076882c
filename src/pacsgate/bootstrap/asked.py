"""Wires what others ask: proxies about single requests, Orthanc's plugin about tokens and objects.

Called by `gate`.
"""

from collections.abc import Mapping
from datetime import timedelta

from starlette.routing import Route

from pacsgate.bootstrap.doors import last_recorded
from pacsgate.bootstrap.identity_sources import role_ceilings
from pacsgate.bootstrap.installation import Installation
from pacsgate.config import OrthancArchiveSettings, Settings
from pacsgate.gateway.http.asked.auth_check import auth_check_routes
from pacsgate.gateway.http.asked.orthanc_plugin import orthanc_plugin_routes
from pacsgate.gateway.http.asked.plugin_asking import Links, PluginAsking
from pacsgate.gateway.http.asked.plugin_presenters import Presenters
from pacsgate.gateway.http.mounts import mount_table
from pacsgate.gateway.http.request_context import RequestContexts
from pacsgate.gateway.http.wiring import Gate
from pacsgate.identity.latest_time import LatestTime
from pacsgate.identity.shares import RandomShares, ShareDoor
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName, TenantScope
from pacsgate.protocols.orthanc_plugin.purposes import PublicRoots
from pacsgate.services.deliver_outbox import deliver_outbox
from pacsgate.services.safe_unseen import SafeUnseen
from pacsgate.services.share_objects import LinkLimits, ShareObjects


def asked_routes(installation: Installation, gate: Gate, contexts: RequestContexts) -> list[Route]:
    """What `/auth/…` serves."""
    stores, trail = installation.stores, installation.trail
    safe = SafeUnseen(gate.resolver, gate.orthanc_reach)
    mounts = mount_table(
        (),
        archives=gate.archives,
        orthancs=gate.orthancs,
        main=gate.tenant_archives.main(TenantScope(DEFAULT_TENANT)),
    )
    latest = LatestTime(last_recorded(installation))
    asking = PluginAsking(
        gate=gate,
        safe=safe,
        presenters=Presenters(
            gate,
            ShareDoor(
                shares=stores.shares,
                directory=stores.directory,
                latest=latest,
                ceilings=role_ceilings(installation.settings),
            ),
            stores.directory,
        ),
        shares=ShareObjects(stores.shares, RandomShares(), lambda: deliver_outbox(stores.outbox, trail)),
        links=_links(installation.settings),
    )
    return [*auth_check_routes(gate, contexts, safe, mounts), *orthanc_plugin_routes(gate, contexts, asking)]


def _links(settings: Settings) -> Mapping[ArchiveName, Links]:
    return {
        ArchiveName(name): Links(
            PublicRoots(archive.links.orthanc, archive.links.ohif, archive.links.landing),
            LinkLimits(archive.links.purposes, timedelta(days=archive.links.longest_days)),
        )
        for name, archive in settings.archives.items()
        if isinstance(archive, OrthancArchiveSettings) and archive.links is not None
    }
