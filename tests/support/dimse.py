"""DIMSE against a gate that serves: the hospital with a DICOM door, and a client that can say who it is.

`with_dicom` gives a furnished hospital a DICOM door, `dicom_doors` says where a served one has its doors, and
`Dicom` is a client of one of them.  dcmtk's query tools cannot send an identity, so personas come by pynetdicom; a
persona is also a device whose AE title is its name in capitals, for tools that can send nothing else.
"""

import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation, UserIdentityNegotiation
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind, Verification

from pacsgate.bootstrap.installation import open_installation
from pacsgate.cli.demo.hospital import people
from pacsgate.config import read_settings
from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.resource import DEFAULT_TENANT, TenantName
from pacsgate.services.administer_devices import DeviceAdministration
from pacsgate.services.administration import Change
from tests.support.hospital import PACSGATE, FurnishedHospital, RunningHospital, opened

TITLE = "PACSGATE"
"""The AE title that everybody may call."""
DICOM_SETTINGS = """\
dicom:
  listeners: [{port: 0}]
  allow_cleartext_identity: true
  ae_titles:
    PACSGATE: {archive: main}
"""
"""What `with_dicom` adds to the configuration; further AE titles may follow."""
PATIENCE_SECONDS = 20
_SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]


@dataclass(frozen=True, slots=True)
class Rejected(Exception):  # noqa: N818 - it is an answer
    """The three numbers of an A-ASSOCIATE-RJ."""

    result: int
    source: int
    reason: int

    @property
    def triple(self) -> tuple[int, int, int]:
        return self.result, self.source, self.reason


@dataclass(frozen=True, slots=True)
class Dicom:
    """A client of a DICOM door."""

    host: str
    port: int
    passwords: Mapping[str, str]
    title: str = TITLE

    def called(self, title: str) -> "Dicom":
        """The same door under another AE title."""
        return replace(self, title=title)

    @contextmanager
    def association(
        self,
        persona: str | None,
        *sop_classes: str,
        password: str | None = None,
        calling: str = "TEST",
        syntaxes: Sequence[str] = _SYNTAXES,
        get: Sequence[str] = (),
        handlers: Sequence[Any] = (),
        response: bool = False,
        tls: Any = None,
    ) -> Iterator[Association]:
        """An association as `persona`, with user name and passcode; without an identity for `None`.

        `get` are storage classes for which this side is the SCP.  Raises `Rejected`, and `ConnectionAbortedError`
        if there is no answer at all.
        """
        identity = None
        if persona is not None:
            secret = self.passwords[persona] if password is None else password
            identity = user_identity(2, persona.encode(), secret.encode(), response=response)
        with self.associated(
            [build_context(uid, list(syntaxes)) for uid in (*sop_classes, *get)],
            calling=calling,
            negotiation=[*([identity] if identity else []), *(role_of_scp(uid) for uid in get)],
            handlers=handlers,
            tls=tls,
        ) as association:
            yield association

    @contextmanager
    def associated(
        self,
        contexts: Sequence[Any],
        *,
        calling: str = "TEST",
        negotiation: Sequence[Any] = (),
        handlers: Sequence[Any] = (),
        tls: Any = None,
    ) -> Iterator[Association]:
        """An association with exactly these contexts and negotiation items."""
        entity = AE(calling)
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = PATIENCE_SECONDS
        association = entity.associate(
            self.host,
            self.port,
            contexts=list(contexts),
            ae_title=self.title,
            ext_neg=list(negotiation),
            evt_handlers=list(handlers),
            tls_args=tls,
        )
        if association.is_rejected:
            answer = association.acceptor.primitive
            raise Rejected(answer.result, answer.result_source, answer.diagnostic)
        if not association.is_established:
            raise ConnectionAbortedError("no association")
        try:
            yield association
        finally:
            if association.is_established:
                association.release()

    def find(
        self, persona: str | None, identifier: Dataset, *, model: str | None = None, **options: Any
    ) -> tuple[list[Dataset], int]:
        """The identifiers of a C-FIND, and its final status."""
        model = model or StudyRootQueryRetrieveInformationModelFind
        with self.association(persona, model, **options) as association:
            answers = list(association.send_c_find(identifier, model))
        rows = [row for _, row in answers if row is not None]
        return rows, int(answers[-1][0].Status)

    def echo(self, persona: str | None, **options: Any) -> int:
        """The status of a C-ECHO."""
        with self.association(persona, Verification, **options) as association:
            return int(association.send_c_echo().Status)

    def tool(self, program: str, *arguments: str, calling: str = "TEST") -> str:
        """What a program of dcmtk prints, on both channels; its exit code says little."""
        command = [program, "-aet", calling, "-aec", self.title, *arguments]
        at = command.index("@") if "@" in command else len(command)
        command[at : at + 1] = [self.host, str(self.port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout + done.stderr


def user_identity(
    kind: int, primary: bytes, secondary: bytes = b"", *, response: bool = False
) -> UserIdentityNegotiation:
    """A User Identity sub-item."""
    item = UserIdentityNegotiation()
    item.user_identity_type = kind
    item.primary_field = primary
    item.secondary_field = secondary
    item.positive_response_requested = response
    return item


def role_of_scp(sop_class_uid: str) -> SCP_SCU_RoleSelectionNegotiation:
    """The role selection of a C-GET: objects of this class come to the requestor."""
    item = SCP_SCU_RoleSelectionNegotiation()
    item.sop_class_uid = sop_class_uid
    item.scu_role, item.scp_role = False, True
    return item


def storing(into: list[Dataset]) -> list[Any]:
    """A handler that keeps every object that a C-GET brings."""

    def store(event: evt.Event) -> int:
        dataset = event.dataset
        dataset.file_meta = event.file_meta
        into.append(dataset)
        return 0x0000

    return [(evt.EVT_C_STORE, store)]


def with_dicom(furnished: FurnishedHospital, settings: str = DICOM_SETTINGS) -> FurnishedHospital:
    """Give a hospital that nobody serves yet a DICOM door, and each persona a device from here."""
    with furnished.config.open("a", encoding="utf-8") as file:
        file.write(settings)
    add_devices(
        furnished.config,
        *(
            RemoteAe(title_of(person.name), person.name, networks=("127.0.0.0/8",), owner="admin1")
            for person in people()
        ),
    )
    return furnished


def title_of(persona: str) -> str:
    """The AE title of a persona's device."""
    return persona.upper()


def add_devices(config: Path, *entities: RemoteAe, tenant: TenantName = DEFAULT_TENANT) -> None:
    """Enter application entities into an installation."""
    with open_installation(read_settings(config), "test", tenant) as installation:
        devices = DeviceAdministration(installation.office, installation.stores.remote_aes)
        change = Change(installation.scope, installation.actor(), installation.clock.now())
        for entity in entities:
            devices.add(change, entity)


@contextmanager
def opened_with_dicom(
    furnished: FurnishedHospital, command: Sequence[str] = PACSGATE
) -> Iterator[tuple[RunningHospital, Dicom]]:
    """Serve a hospital with a DICOM door."""
    with opened(furnished, command) as running:
        yield running, dicom_doors(running)[0]


def dicom_doors(running: RunningHospital) -> list[Dicom]:
    """Where a served hospital has its DICOM doors, in configured order."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        text = running.log.read_text("utf-8", "replace")
        found = re.findall(r"^pacsgate serves dicom://([^ ]+):(\d+) \(.*\)$", text, re.MULTILINE)
        if found:
            return [Dicom(host, int(port), running.passwords, running.title) for host, port in found]
        time.sleep(0.05)
    raise AssertionError("the gate has no DICOM door")
