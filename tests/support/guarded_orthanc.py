"""The demo's hospital in a real Orthanc, behind a gate whose archive is of kind `orthanc`.

`furnish_guarded` fills an Orthanc and an installation once, and stops both; `opened_guarded` serves a copy of them.
The gate has three listeners: one as every installation has it, with `/orthanc` and `/dicom-web`; one for clients that
knew Orthanc before, which mounts Orthanc at `/` and DICOMweb at `/pacs`; and one that clients reach as `PUBLISHED`.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pacsgate.cli.desk import open_desk
from tests.personas import TestHospital
from tests.support.hospital import FurnishedHospital, RecordingSession, RunningHospital, opened
from tests.support.origin_hospital import ORIGIN_CREDENTIALS, furnish_origin
from tests.support.orthanc import Orthanc, running_orthanc
from tests.support.orthanc_ids import orthanc_id
from tests.support.ports import free_ports

_LISTENER = "listeners:\n  - {host: 127.0.0.1, port: 0}\n"
MOUNTS = "[{path: /, dialect: orthanc, archive: main}, {path: /pacs, dialect: dicomweb, archive: main}]"

PUBLISHED = "https://images.hospital.example"


def orthanc_settings(url: str, *, further: Mapping[str, object] | None = None) -> str:
    """The lines of one archive of kind `orthanc`, to stand below `archives:`."""
    user, _ = ORIGIN_CREDENTIALS
    return (
        f"  main:\n    kind: orthanc\n    url: {url}\n"
        f"    credentials: {{kind: basic, user: {user}, password_file: origin.password}}\n"
        + "".join(f"    {key}: {value}\n" for key, value in (further or {}).items())
    )


@dataclass(frozen=True, slots=True)
class GuardedOrthanc:
    """A running Orthanc and the gate in front of it."""

    hospital: RunningHospital
    orthanc: Orthanc
    """Behind the gate, with the gate's own account."""
    mounted: str
    """URL of the listener that mounts Orthanc at `/` and DICOMweb at `/pacs`, without a trailing slash."""
    published: str
    """URL at which the listener really is that clients know as `PUBLISHED`."""

    @property
    def root(self) -> str:
        """URL of Orthanc's REST API on the gate, without a trailing slash."""
        return f"{self.hospital.url}/orthanc"

    def client(self, persona: str | None, password: str | None = None) -> RecordingSession:
        """A client of `/orthanc` whose answers go past the canary recorder."""
        return self._client(self.root, persona, password)

    def at_root(self, persona: str | None, password: str | None = None) -> RecordingSession:
        """The same of the listener that mounts Orthanc at `/`."""
        return self._client(self.mounted, persona, password)

    def dicomweb(self, persona: str | None, password: str | None = None) -> RecordingSession:
        """A client of the DICOMweb dialect in front of the same Orthanc."""
        return self.hospital.client(persona, password)

    def patient(self, study: str) -> str:
        """The Orthanc id of a study's patient."""
        return orthanc_id(self._object(study).PatientID)

    def study(self, study: str) -> str:
        """The Orthanc id of a study."""
        made = self._object(study)
        return orthanc_id(made.PatientID, made.StudyInstanceUID)

    def series(self, study: str, number: int = 1) -> str:
        """The Orthanc id of a series, counting from 1."""
        made = self._object(study, number)
        return orthanc_id(made.PatientID, made.StudyInstanceUID, made.SeriesInstanceUID)

    def instance(self, study: str, series: int = 1, number: int = 1) -> str:
        """The Orthanc id of an instance, counting from 1."""
        made = self._object(study, series)
        uid = self.hospital.studies[study].sop_instance_uid(series, number)
        return orthanc_id(made.PatientID, made.StudyInstanceUID, made.SeriesInstanceUID, uid)

    def _client(self, root: str, persona: str | None, password: str | None) -> RecordingSession:
        if persona is not None and password is None:
            password = self.hospital.passwords[persona]
        return RecordingSession(root, persona, password, self.hospital.recorder)

    def _object(self, study: str, series: int = 1) -> Any:
        uid = self.hospital.studies[study].series_instance_uid(series)
        return next(each for each in self.hospital.objects[study] if each.SeriesInstanceUID == uid)


@dataclass(frozen=True, slots=True)
class FurnishedOrthanc:
    """A filled Orthanc that has been stopped, and the installation that knows what is in it."""

    gate: FurnishedHospital
    url: str
    """Where Orthanc was, as the configuration names it."""
    data: Path

    def copy_to(self, directory: Path) -> "FurnishedOrthanc":
        """The same somewhere else."""
        shutil.copytree(self.data, directory / "orthanc")
        return replace(self, gate=self.gate.copy_to(directory / "gate"), data=directory / "orthanc")


def furnish_guarded(
    directory: Path,
    *,
    made: TestHospital | None = None,
    policy: str | None = None,
    further: Mapping[str, object] | None = None,
) -> FurnishedOrthanc:
    """Fill an Orthanc and index it below `directory`; `further` are keys of the archive's settings."""
    data = directory / "orthanc"
    with running_orthanc(data, credentials=ORIGIN_CREDENTIALS) as orthanc:
        archive = orthanc_settings(orthanc.url, further=further)
        gate = furnish_origin(directory / "gate", orthanc, archive=archive, policy=policy, made=made)
    return FurnishedOrthanc(gate, orthanc.url, data)


@contextmanager
def opened_guarded(
    furnished: FurnishedOrthanc, *, settings: Mapping[str, Any] | None = None, wrapper: Sequence[str] = ()
) -> Iterator[GuardedOrthanc]:
    """Start the Orthanc and serve its gate; `settings` and `wrapper` as for `running_orthanc`."""
    port, published = free_ports(2)
    with running_orthanc(
        furnished.data, credentials=ORIGIN_CREDENTIALS, settings=settings, wrapper=wrapper
    ) as orthanc:
        config = furnished.gate.config
        text = config.read_text("utf-8")
        assert _LISTENER in text
        mounted = f"{_LISTENER}  - {{host: 127.0.0.1, port: {port}, mounts: {MOUNTS}}}\n"
        mounted += f"  - {{host: 127.0.0.1, port: {published}, public_url: {PUBLISHED}}}\n"
        config.write_text(text.replace(_LISTENER, mounted).replace(furnished.url, orthanc.url), "utf-8")
        with opened(furnished.gate) as hospital:
            here = "http://127.0.0.1"
            yield GuardedOrthanc(hospital, orthanc, f"{here}:{port}", f"{here}:{published}")


_OFFICE = """\
version: 1
roles: {administrator: {permissions: [PolicyPublish, UserAdminister, RoleAssign], owner: informatics}}
"""


def govern(
    furnished: FurnishedOrthanc,
    foreign: Mapping[str, str],
    passwords: Mapping[str, str],
    *,
    groups: Mapping[str, str] | None = None,
    policy: str = _OFFICE,
) -> None:
    """Replace the demo's policy by files of another system, and make an account for everybody in `passwords`.

    `foreign` holds the text of each file by its source name (`zhiva:orthanc.json`); `groups` says who is in which group.
    """
    config = furnished.gate.config
    (config.parent / "policy.yaml").write_text(policy, "utf-8")
    lines = ["foreign_policies:"]
    for source, text in foreign.items():
        kind, _, name = source.partition(":")
        (config.parent / name).write_text(text, "utf-8")
        lines.append(f"  - {{format: {kind}, path: {name}}}")
    with config.open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    with open_desk(config) as desk:
        for name, password in passwords.items():
            group = (groups or {}).get(name)
            desk.users.add(
                desk.change(), name, password=password, groups=frozenset((group,) if group else ())
            )


def introduce(orthanc: Orthanc, other: Orthanc, name: str = "other") -> None:
    """Let one Orthanc know another as a modality and as a peer."""
    modality = {"AET": other.ae_title, "Host": "127.0.0.1", "Port": other.dicom_port}
    orthanc.request("PUT", f"/modalities/{name}", json=modality)
    user, password = other.credentials or ("", "")
    orthanc.request("PUT", f"/peers/{name}", json={"Url": other.url, "Username": user, "Password": password})
