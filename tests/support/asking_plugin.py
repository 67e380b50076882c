"""A gate that Orthanc's authorization plugin asks, under a policy that lets ultrasound be linked and no more."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from tests.support.guarded_orthanc import FurnishedOrthanc, GuardedOrthanc, opened_guarded
from tests.support.plugin_simulator import OrthancObject, PluginSimulator

ACCOUNT = ("orthanc-main", "the-password-of-orthanc-main")
_ROLES = """\
roles:
  orthanc-plugin:
    may: [search, view, retrieve, export, share]
    permissions: [EvaluateForOthers]
    owner: admin1
  sonographer:
    may: [search, view, retrieve, export]
    owner: chief1
"""
_RULES = """\
rules:
  - id: ultrasound-may-be-shared
    effect: permit
    roles: [orthanc-plugin]
    when: study.department == 'US-C'
  - id: sonographers-read-ultrasound
    effect: permit
    roles: [sonographer]
    when: study.department == 'US-C'
"""
_LINKS = "    links: {orthanc: 'https://orthanc.example/', ohif: 'https://ohif.example/', longest_days: 7}\n"
PUBLICATION = "stone-viewer-publication"


@dataclass(frozen=True)
class Plugin:
    """A gate, and the plugin of an Orthanc that asks it."""

    guarded: GuardedOrthanc
    simulator: PluginSimulator
    sonographer: str
    """An API token of somebody who may read ultrasound and nothing else."""

    def study(self, name: str) -> str:
        return self.guarded.study(name)

    def uid(self, name: str) -> str:
        return self.guarded.hospital.studies[name].study_instance_uid

    def basic(self, persona: str) -> str:
        return requests.auth._basic_auth_str(persona, self.guarded.hospital.passwords[persona])

    def link(self, name: str, purpose: str = PUBLICATION, **wishes: object) -> str:
        resource = {"orthanc-id": self.study(name), "dicom-uid": self.uid(name), "level": "study"}
        return str(self.simulator.mint(purpose, resources=[resource], **wishes)["token"])

    def listed(self) -> list[dict[str, Any]]:
        return list(json.loads(self.guarded.hospital.cli("orthanc", "shares", "list", "--json").stdout))

    def revoke(self, link: str) -> None:
        assert self.guarded.hospital.cli("orthanc", "shares", "revoke", link.split("_")[1]).returncode == 0


@contextmanager
def running_plugin(furnished: FurnishedOrthanc) -> Iterator[Plugin]:
    """Serve a furnished Orthanc's gate for as long as the block lasts, and put the plugin's questions to it."""
    config = furnished.gate.config
    policy = config.parent / "policy.yaml"
    text = (
        policy.read_text("utf-8")
        .replace("\nroles:\n", f"\n{_ROLES}", 1)
        .replace("\nrules:\n", f"\n{_RULES}", 1)
    )
    policy.write_text(text, "utf-8")
    config.write_text(
        config.read_text("utf-8").replace("    kind: orthanc\n", f"    kind: orthanc\n{_LINKS}"), "utf-8"
    )
    with opened_guarded(furnished) as guarded:
        cli = guarded.hospital.cli
        name, password = ACCOUNT
        roles = ("--role", "orthanc-plugin")
        added = cli("user", "add", name, "--kind", "service", "--password-stdin", *roles, stdin=password)
        assert added.returncode == 0, added.stderr
        assert cli("user", "add", "sono1", "--no-password", "--role", "sonographer").returncode == 0
        issued = cli("token", "issue", "sono1", "--label", "t", "--json")
        simulator = PluginSimulator(f"{guarded.hospital.url}/auth/orthanc", ACCOUNT, _objects(guarded))
        yield Plugin(guarded, simulator, json.loads(issued.stdout)["token"])


def _objects(guarded: GuardedOrthanc) -> dict[str, list[OrthancObject]]:
    known = {}
    for name, made in guarded.hospital.studies.items():
        first = guarded.hospital.objects[name][0]
        patient = OrthancObject("patient", guarded.patient(name), first.PatientID)
        study = OrthancObject("study", guarded.study(name), made.study_instance_uid)
        series = OrthancObject("series", guarded.series(name), made.series_instance_uid(1))
        instance = OrthancObject("instance", guarded.instance(name), made.sop_instance_uid(1, 1))
        known |= {
            patient.orthanc_id: [patient],
            study.orthanc_id: [study, patient],
            study.uid: [study, patient],
            series.orthanc_id: [series, study, patient],
            instance.orthanc_id: [instance, series, study, patient],
        }
    return known
