"""An Orthanc as a workstation and as a modality: what it may ask of the gate is what its account may.

The Orthanc knows the gate as one of its modalities, and the gate knows it by its AE title and network.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
from pydicom import dcmread
from pydicom.uid import generate_uid

from pacsgate.cli.demo.hospital import part10
from pacsgate.model.application_entity import RemoteAe
from tests.e2e.expectations import cell, contents, sees, studies, visible_series
from tests.support.dimse import Dicom, add_devices, dicom_doors, with_dicom
from tests.support.hospital import FurnishedHospital, RunningHospital, opened
from tests.support.orthanc import Orthanc, running_orthanc

pytestmark = [pytest.mark.server("orthanc"), pytest.mark.long]

WORKSTATION = "READER"
"""The AE title of the Orthanc, which acts as `rad3`."""
PERSONA = "rad3"


@dataclass(frozen=True, slots=True)
class Reading:
    """A gate and an Orthanc that is one of its clients."""

    hospital: RunningHospital
    orthanc: Orthanc

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Ask the Orthanc's own API."""
        return self.orthanc.request(method, path, json=body).json()


@pytest.fixture(scope="module")
def reading(furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reading]:
    directory: Path = tmp_path_factory.mktemp("reading")
    with running_orthanc(directory / "orthanc", settings={"DicomAet": WORKSTATION}) as orthanc:
        copy = with_dicom(furnished.copy_to(directory / "gate"))
        add_devices(
            copy.config,
            RemoteAe(
                WORKSTATION,
                PERSONA,
                networks=("127.0.0.0/8",),
                host="127.0.0.1",
                port=orthanc.dicom_port,
                owner="admin1",
            ),
        )
        with opened(copy) as running:
            door: Dicom = dicom_doors(running)[0]
            modality = {"AET": door.title, "Host": door.host, "Port": door.port}
            orthanc.request("PUT", "/modalities/gate", json=modality)
            yield Reading(running, orthanc)


def test_it_finds_and_fetches_what_its_account_may_and_nothing_else(reading: Reading) -> None:
    asked = reading.ask(
        "POST", "/modalities/gate/query", {"Level": "Study", "Query": {"StudyInstanceUID": ""}}
    )
    answers = [
        reading.ask("GET", f"{asked['Path']}/answers/{number}/content?simplify")["StudyInstanceUID"]
        for number in reading.ask("GET", f"{asked['Path']}/answers")
    ]
    visible = [study for study in studies() if sees(PERSONA, study)]
    assert sorted(answers) == sorted(reading.hospital.studies[study].study_instance_uid for study in visible)

    moved = reading.ask("POST", f"{asked['Path']}/retrieve", {"TargetAet": WORKSTATION, "Synchronous": True})
    assert moved["Query"]
    held = {
        reading.ask("GET", f"/instances/{one}/simplified-tags")["SOPInstanceUID"]
        for one in reading.ask("GET", "/instances")
    }
    assert held == {
        reading.hospital.studies[study].sop_instance_uid(number, one)
        for study in visible
        if cell(PERSONA, "retrieve", study) == "allow"
        for number in visible_series(PERSONA, study)
        for one in range(1, len(contents()[study, number]) + 1)
    }


def test_what_it_sends_is_stored_only_where_its_account_may_store(reading: Reading) -> None:
    brought = dcmread(BytesIO(part10(reading.hospital.objects["S1"][0])))
    brought.StudyInstanceUID, brought.SeriesInstanceUID = generate_uid(), generate_uid()
    brought.SOPInstanceUID = brought.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    sent = {"Resources": [reading.orthanc.upload(part10(brought))]}
    with pytest.raises(requests.HTTPError):
        reading.ask("POST", "/modalities/gate/store", sent)
    found = f"/studies?StudyInstanceUID={brought.StudyInstanceUID}"
    assert reading.hospital.client("chief1").get(found).status_code == 204

    changed = reading.hospital.cli("device", "change", WORKSTATION, "--account", "CT1")
    assert changed.returncode == 0, changed.stderr
    assert reading.ask("POST", "/modalities/gate/store", sent)["InstancesCount"] == 1
    assert reading.hospital.client("chief1").get(found).status_code == 200
