"""A DIMSE process: the same use cases as behind HTTP, behind the DICOM listeners.

Called through `entrances`, in a process of its own.
"""

import multiprocessing
import signal
import socket
from collections.abc import Sequence
from multiprocessing.synchronize import Event
from threading import Event as Stop

import structlog

from pacsgate.audit.events import Actor, AuditEvent, EventKind
from pacsgate.bootstrap.associations import association_door
from pacsgate.bootstrap.collector import spare_the_collector
from pacsgate.bootstrap.dicom_clients import procedure_steps, worklists
from pacsgate.bootstrap.dicom_peers import outgoing_tls
from pacsgate.bootstrap.doors import access_windows, store_instances
from pacsgate.bootstrap.grace import GRACE_SECONDS
from pacsgate.bootstrap.identity_sources import role_ceilings
from pacsgate.bootstrap.installation import Installation, open_installation
from pacsgate.bootstrap.logs import configure_logs
from pacsgate.bootstrap.open_files import allow_open_files
from pacsgate.bootstrap.renewed_tls import RenewedContext
from pacsgate.bootstrap.server_tls import dicom_tls
from pacsgate.bootstrap.shadow_thread import ShadowThread
from pacsgate.config import Settings
from pacsgate.config.dicom import DicomSettings, ForbiddenDestination, Refusals
from pacsgate.gateway.dimse.called_roles import CalledRoles
from pacsgate.gateway.dimse.house import GateHouse
from pacsgate.gateway.dimse.library import library_entity
from pacsgate.gateway.dimse.listener import Listener
from pacsgate.gateway.dimse.settings import AnsweredAe, DimseSettings
from pacsgate.gateway.dimse.wiring import DimseGate
from pacsgate.gateway.http.settings import HttpSettings
from pacsgate.identity.accounts import LocalAccounts
from pacsgate.model.errors import SettingsError
from pacsgate.model.resource import TenantScope
from pacsgate.ports.associations import CalledAe
from pacsgate.protocols.dimse.statuses import Status
from pacsgate.services.commit_storage import CommitStorage
from pacsgate.services.relay_procedure_steps import RelayProcedureSteps
from pacsgate.services.shadow_policy import ShadowPolicy
from pacsgate.services.shadowed import ShadowedResolver, ShadowedSearch
from pacsgate.sinks.access_windows import AccessWindows
from pacsgate.upstream.dimse.commitment_reports import PeerCommitmentReports
from pacsgate.upstream.dimse.sending import PeerDestinations

_log = structlog.get_logger("pacsgate.dicom")

_TICK_SECONDS = 1.0
_SEND_SECONDS = 30.0
"""How long a destination may take over one step of an association."""

_FORBIDDEN = {
    ForbiddenDestination.UNKNOWN: Status.MOVE_DESTINATION_UNKNOWN,
    ForbiddenDestination.NOT_ALLOWED: Status.MOVE_DESTINATION_NOT_ALLOWED,
    ForbiddenDestination.NOT_AUTHORIZED: Status.NOT_AUTHORIZED,
}


def run_dimse(settings: Settings, sockets: Sequence[socket.socket], number: int, ready: Event) -> None:
    """Serve until SIGTERM; then finish what runs, close access windows and the trail."""
    configure_logs()
    allow_open_files()
    stop = Stop()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    with open_installation(settings, f"dicom-{number}") as installation, installation.stores.epochs.watched():
        _record(installation, EventKind.APPLICATION_STARTED)
        windows = access_windows(installation)
        gate = build_dimse_gate(installation, windows)
        house = GateHouse(gate)
        contexts = [None if tls is None else RenewedContext(tls) for tls in dicom_tls(settings)]
        listeners = _listeners(settings, sockets, contexts, house)
        spare_the_collector()
        shadow = ShadowThread(gate.shadow, installation.clock, _log.warning)
        shadow.start()
        house.open()
        for listener in listeners:
            listener.start()
        ready.set()
        while not stop.is_set() and _has_supervisor():
            windows.tick()
            for context in contexts:
                if context is not None:
                    context.newest()
            stop.wait(_TICK_SECONDS)
        for listener in listeners:
            listener.stop()
        house.close(GRACE_SECONDS)
        shadow.stop()
        windows.close()
        _record(installation, EventKind.APPLICATION_STOPPED)


def build_dimse_gate(installation: Installation, windows: AccessWindows) -> DimseGate:
    """Everything that the DICOM door needs."""
    stores, trail, clock = installation.stores, installation.trail, installation.clock
    archives, freshness = installation.archives, installation.freshness
    door_settings = _door_settings(installation.settings)
    outgoing = outgoing_tls(installation.settings)
    shadow = ShadowPolicy(installation.scope, stores.candidates, stores.directory, stores.index)
    resolver = ShadowedResolver(freshness, shadow)
    return DimseGate(
        settings=door_settings,
        clock=clock,
        door=CalledRoles(
            association_door(installation, allow_cleartext_identity=door_settings.allow_cleartext_identity)
        ),
        policies=installation.policies,
        shadow=shadow,
        index=stores.index,
        archives=archives.by_name,
        spools=archives.spools,
        resolver=resolver,
        freshness=freshness,
        search=ShadowedSearch(stores.index, shadow),
        store=store_instances(installation, resolver),
        remote_aes=stores.remote_aes,
        accounts=LocalAccounts(stores.directory, role_ceilings(installation.settings)),
        destinations=PeerDestinations(timeout_seconds=_SEND_SECONDS, tls=outgoing),
        worklists=worklists(_dicom(installation.settings)),
        permissions=stores.permissions,
        occurrences=installation.occurrences,
        trail=trail,
        windows=windows,
        commit_storage=CommitStorage(archives.by_name, resolver),
        commitment_reports=PeerCommitmentReports(timeout_seconds=_SEND_SECONDS, tls=outgoing),
        procedure_steps=_steps(installation),
    )


def _steps(installation: Installation) -> dict[TenantScope, RelayProcedureSteps]:
    """What hands procedure steps on, where somebody keeps them."""
    return {
        scope: RelayProcedureSteps(
            keeper,
            installation.stores.handles,
            installation.freshness,
            installation.policies,
            installation.trail,
            installation.occurrences,
        )
        for scope, keeper in procedure_steps(_dicom(installation.settings)).items()
    }


def _door_settings(settings: Settings) -> DimseSettings:
    dicom = _dicom(settings)
    networks = HttpSettings(networks=settings.networks)
    scope_of = settings.tenant_archives.scope_of
    return DimseSettings(
        ae_titles={
            title: AnsweredAe(
                CalledAe(title, called.account, frozenset(called.roles)),
                called.archive,
                scope_of(called.archive),
            )
            for title, called in dicom.ae_titles.items()
        },
        network_of=networks.network_of,
        seats=settings.data / "associations",
        allow_cleartext_identity=dicom.allow_cleartext_identity,
        forbidden_destination=_FORBIDDEN[dicom.forbidden_destination],
        refuses_as_dcm4chee=dicom.refusals is Refusals.DCM4CHEE,
        relational_queries=dicom.relational_queries,
        associations_per_subject=dicom.associations_per_subject,
        maximum_associations=dicom.maximum_associations,
    )


def _dicom(settings: Settings) -> DicomSettings:
    if settings.dicom is None:
        raise SettingsError("there is no `dicom` section, so there is no DICOM door")
    return settings.dicom


def _listeners(
    settings: Settings,
    sockets: Sequence[socket.socket],
    contexts: Sequence[RenewedContext | None],
    house: GateHouse,
) -> list[Listener]:
    dicom = _dicom(settings)
    if dicom.allow_cleartext_identity:
        _log.warning("`allow_cleartext_identity` is set: whoever reads the network reads passcodes")
    entity = library_entity()
    return [
        Listener(listening, context, entity, house)
        for listening, context in zip(sockets, contexts, strict=True)
    ]


def _has_supervisor() -> bool:
    """Whether the process that started this one still lives: what outlives it would keep its ports."""
    supervisor = multiprocessing.parent_process()
    return supervisor is None or supervisor.is_alive()


def _record(installation: Installation, kind: EventKind) -> None:
    actor = Actor("pacsgate", verified=True)
    installation.trail.record(AuditEvent(kind, installation.clock.now(), actor))
