"""Every DIMSE service through the gate, against straight to the same Orthanc, on one stage.

An Orthanc of 240 studies with its DICOM port, and a gate before it whose archive is that Orthanc.  A device
may everything there.  Neither side waits for delayed acknowledgements: what is measured is work.

Called by `__main__`.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import psutil
from tests.support.dimse import add_devices
from tests.support.hospital import serving
from tests.support.orthanc import running_orthanc
from tests.support.ports import free_ports

from bench import dimse_find, dimse_retrieve, dimse_send, dimse_store
from bench.dimse_find import Server
from bench.dimse_retrieve import Stock, discarding
from bench.figures import Row
from bench.images import part10, studies
from pacsgate.bootstrap.installation import Installation, open_installation
from pacsgate.bootstrap.policy_watch import PolicyWatch
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.dicom.file_meta import read_part10_head
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.identity.tokens import RandomTokens
from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Assignment
from pacsgate.services.administer_tokens import TokenAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change

DEVICE, DESTINATION, GATE, ORTHANC = "BENCH", "SINK", "PACSGATE", "ORTHANC"
PROMPT = {"TCP_NODELAY": "1"}
"""dcmtk, and so Orthanc, waits 40 ms before each of its own messages otherwise."""
_POLICY = """\
version: 1
roles:
  everything: {may: [search, view, retrieve, store, append, export], owner: bench}
rules:
  - {id: everything, effect: permit, roles: [everything]}
"""
_FOLDER = "  main: {kind: folder, path: archive}\n"
_ORTHANC = '  main: {{kind: orthanc, url: "{url}", writers: gate}}\n'
_DICOM = """\
dicom:
  listeners: [{{port: {port}}}]
  ae_titles: {{PACSGATE: {{archive: main}}}}
  associations_per_subject: 32
"""
_ASSOCIATED_WITH_ORTHANC = {
    "DicomCheckCalledAet": False,
    "DicomAlwaysAllowFind": True,
    "DicomAlwaysAllowGet": True,
    "DicomAlwaysAllowMove": True,
    "DicomAlwaysAllowStore": True,
    "LimitFindResults": 0,
}


@dataclass(frozen=True)
class DimseStage:
    """Everything that runs."""

    straight: Server
    gated: Server
    stock: Stock
    url: str
    """Of the gate's HTTP listener."""
    token: str
    """Of the device's account."""


def measure(directory: Path, seconds: float) -> list[Row]:
    """The rows of all services."""
    with set_up(directory) as stage:
        rows = dimse_find.measure(stage.straight, stage.gated, directory, seconds)
        rows += dimse_retrieve.measure(stage.straight, stage.gated, DESTINATION, stage.stock)
        rows += dimse_store.measure(stage.straight, stage.gated, directory, stage.url, stage.token)
    return rows + dimse_send.measure()


@contextmanager
def set_up(directory: Path) -> Iterator[DimseStage]:
    """Start and fill everything, and stop it at the end."""
    gate_port, sink_port = free_ports(2)
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, PROMPT))
        stack.enter_context(discarding(DESTINATION, sink_port))
        modalities = {"DicomModalities": {DESTINATION: [DESTINATION, "127.0.0.1", sink_port]}}
        orthanc = stack.enter_context(
            running_orthanc(directory / "orthanc", settings={**_ASSOCIATED_WITH_ORTHANC, **modalities})
        )
        files = [file for study in studies() for file in part10(study)]
        for file in files:
            orthanc.upload(file)
        config = make_installation(directory / "gate", policy=_POLICY, port=0)
        text = config.read_text("utf-8").replace(_FOLDER, _ORTHANC.format(url=orthanc.url))
        config.write_text(text + _DICOM.format(port=gate_port), "utf-8")
        with open_installation(read_settings(config), "bench") as installation:
            PolicyWatch(installation).publish()
            token = _add_account(installation)
            installation.sync.sync(installation.scope, ArchiveName("main"))
        add_devices(
            config,
            RemoteAe(DEVICE, DEVICE, networks=("127.0.0.0/8",), owner=DEVICE),
            RemoteAe(DESTINATION, DEVICE, host="127.0.0.1", port=sink_port, owner=DEVICE),
        )
        url, gate, _log = stack.enter_context(serving(config))
        family = [gate.pid, *(child.pid for child in psutil.Process(gate.pid).children(recursive=True))]
        size = sum(len(file) - read_part10_head(file).data_set_offset for file in files)
        yield DimseStage(
            Server("Orthanc", orthanc.dicom_port, ORTHANC, DEVICE, {"orthanc": [orthanc.process.pid]}),
            Server("gate", gate_port, GATE, DEVICE, {"gate": family, "orthanc": [orthanc.process.pid]}),
            Stock([study.study_instance_uid for study in studies()], len(files), size),
            url,
            token,
        )


def _add_account(installation: Installation) -> str:
    """The account that the device acts as, and a token of it."""
    office = installation.office
    now = installation.clock.now()
    change = Change(installation.scope, installation.actor(), now)
    users = UserAdministration(office, Argon2Passwords())
    users.add(change, DEVICE)
    users.assign(change, DEVICE, Assignment("everything"))
    tokens = TokenAdministration(office, RandomTokens())
    return tokens.issue(change, DEVICE, label="bench", expires_at=now + timedelta(days=1)).text
