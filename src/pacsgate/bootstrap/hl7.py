"""The HL7 process: hears messages over MLLP until it is told to stop.

Called through `entrances`, in a process of its own, when the configuration has an `hl7` section.
"""

import asyncio
import multiprocessing
import secrets
import signal
import socket
from collections.abc import Sequence
from multiprocessing.synchronize import Event

from pacsgate.audit.events import Actor, AuditEvent, EventKind
from pacsgate.bootstrap.identity_sources import role_ceilings
from pacsgate.bootstrap.installation import Installation, open_installation
from pacsgate.bootstrap.logs import configure_logs
from pacsgate.bootstrap.renewed_tls import RenewedContext
from pacsgate.bootstrap.server_tls import ServerTls, hl7_tls
from pacsgate.config import Settings
from pacsgate.config.hl7 import Hl7ListenerSettings
from pacsgate.gateway.hl7.listener import Listening, MllpDoor
from pacsgate.gateway.hl7.reception import Reception
from pacsgate.gateway.hl7.senders import Sender
from pacsgate.gateway.http.settings import HttpSettings
from pacsgate.identity.accounts import LocalAccounts
from pacsgate.model.resource import TenantScope
from pacsgate.services.merge_patients import MergePatients


def run_hl7(settings: Settings, sockets: Sequence[socket.socket], ready: Event) -> None:
    """Serve until SIGTERM; then finish the messages in hand, and close the trail."""
    configure_logs()
    with open_installation(settings, "hl7") as installation, installation.stores.epochs.watched():
        _record(installation, EventKind.APPLICATION_STARTED)
        asyncio.run(_serve(installation, sockets, ready))
        _record(installation, EventKind.APPLICATION_STOPPED)


async def _serve(installation: Installation, sockets: Sequence[socket.socket], ready: Event) -> None:
    section = installation.settings.hl7
    listeners = () if section is None else section.listeners
    listening = [
        _listening(listener, tls, bound)
        for listener, tls, bound in zip(listeners, hl7_tls(installation.settings), sockets, strict=True)
    ]
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        loop.add_reader(supervisor.sentinel, stop.set)  # killed, it could not ask
    door = MllpDoor(reception(installation))
    ready.set()
    await door.serve(listening, stop)


def reception(installation: Installation) -> Reception:
    """What takes messages."""
    settings = installation.settings
    return Reception(
        archives=installation.tenant_archives,
        clock=installation.clock,
        accounts=LocalAccounts(installation.stores.directory, role_ceilings(installation.settings)),
        policies=installation.policies,
        trail=installation.trail,
        merge=MergePatients(lambda: installation.office),
        occurrences=installation.occurrences,
        network_of=HttpSettings(networks=settings.networks).network_of,
        new_id=lambda: secrets.token_hex(8),
    )


def _listening(listener: Hl7ListenerSettings, tls: ServerTls | None, bound: socket.socket) -> Listening:
    senders = tuple(
        Sender(sender.account, sender.networks, sender.certificate_sha256, TenantScope(sender.tenant))
        for sender in listener.senders
    )
    return Listening(bound, None if tls is None else RenewedContext(tls), senders)


def _record(installation: Installation, kind: EventKind) -> None:
    actor = Actor("pacsgate", verified=True)
    installation.trail.record(AuditEvent(kind, installation.clock.now(), actor))
