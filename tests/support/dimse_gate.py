"""The DICOM door in the test's own process: everything real but for the trail, which is a list.

Quick to open (there is an empty archive and three people), and its limits of time can be made short.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pacsgate.audit.events import AuditEvent, EventKind
from pacsgate.bootstrap.dimse import build_dimse_gate
from pacsgate.bootstrap.installation import Installation, open_installation
from pacsgate.bootstrap.policy_watch import PolicyWatch
from pacsgate.bootstrap.renewed_tls import RenewedContext
from pacsgate.bootstrap.server_tls import dicom_tls
from pacsgate.bootstrap.supervisor import _listen
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.gateway.dimse.house import GateHouse
from pacsgate.gateway.dimse.library import library_entity
from pacsgate.gateway.dimse.listener import Listener
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.role import Assignment
from pacsgate.model.subject import SubjectKind
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change
from pacsgate.sinks.access_windows import AccessWindows
from tests.support.dimse import Dicom
from tests.support.people import CHEAP, PASSWORD
from tests.support.trails import ListTrail

POLICY = """\
version: 1
roles:
  reader: {may: [search, view, retrieve]}
  finder: {may: [search]}
  writer: {may: [store, append]}
  idler: {may: [share]}
rules:
  - {id: readers-read, effect: permit, roles: [reader, finder]}
  - {id: writers-write, effect: permit, roles: [writer]}
  - {id: idlers-share, effect: permit, roles: [idler]}
"""
SETTINGS = """\
dicom:
  listeners: [{port: 0}]
  allow_cleartext_identity: true
  ae_titles:
    PACSGATE: {archive: main}
    WARD: {archive: main, account: reader1}
    STATION: {archive: main, account: finder1, roles: [writer]}
"""
ROLES = {"reader1": "reader", "finder1": "finder", "writer1": "writer", "idler1": "idler"}


class LastingTrail(ListTrail):
    """A list, as a process that was there before would find it."""

    last_recorded_at: datetime | None = None

    def close(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True, slots=True)
class DicomGate:
    """A door that is open."""

    client: Dicom
    trail: LastingTrail
    house: GateHouse
    installation: Installation

    @property
    def port(self) -> int:
        return self.client.port

    def denials(self) -> list[AuditEvent]:
        return self.trail.of(EventKind.DENIED)

    def causes(self) -> list[str]:
        """What peers were turned away for."""
        return [event.details["cause"] for event in self.denials() if "cause" in event.details]

    def users(self) -> UserAdministration:
        return UserAdministration(self.installation.office, Argon2Passwords(CHEAP))

    def change(self) -> Change:
        return Change(self.installation.scope, self.installation.actor(), self.installation.clock.now())

    def add_device(self, entity: RemoteAe) -> None:
        now = self.installation.clock.now()
        event = AuditEvent(EventKind.USER_CHANGED, now, self.installation.actor())
        self.installation.stores.remote_aes.add_remote_ae(self.installation.scope, entity, event)

    @property
    def associations(self) -> int:
        """How many connections are here."""
        return len(self.house._snapshot())


@contextmanager
def open_dicom_gate(
    directory: Path, settings: str = SETTINGS, *, policy: str = POLICY
) -> Iterator[DicomGate]:
    """A door on free ports, and people with `PASSWORD`, for as long as the block lasts."""
    config = make_installation(directory / "gate", policy=policy, port=0)
    with config.open("a", encoding="utf-8") as file:
        file.write(settings)
    read = read_settings(config)
    assert read.dicom is not None
    with open_installation(read, "test") as installation:
        PolicyWatch(installation).publish()
        real, trail = installation.trail, LastingTrail()
        stand_in: Any = trail
        installation.trail = stand_in
        windows = AccessWindows(stand_in, installation.clock, new_id=lambda: "window")
        house = GateHouse(build_dimse_gate(installation, windows))
        entity = library_entity()
        sockets = [_listen(listener.host, listener.port) for listener in read.dicom.listeners]
        listeners = [
            Listener(each, None if tls is None else RenewedContext(tls), entity, house)
            for each, tls in zip(sockets, dicom_tls(read), strict=True)
        ]
        host, port = sockets[-1].getsockname()[:2]
        client = Dicom(host, port, dict.fromkeys(ROLES, PASSWORD))
        gate = DicomGate(client, trail, house, installation)
        for name, role in ROLES.items():
            gate.users().add(gate.change(), name, kind=SubjectKind.USER, password=PASSWORD)
            gate.users().assign(gate.change(), name, Assignment(role))
        house.open()
        for each in listeners:
            each.start()
        try:
            yield gate
        finally:
            for each in listeners:
                each.stop()
            house.close(0.5)
            installation.trail = real
