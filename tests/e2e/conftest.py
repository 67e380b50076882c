"""Hospitals for the end-to-end tests: one for all who only look, one per module for those who change things."""

import json
from collections.abc import Iterator

import pytest

from tests.support.dimse import Dicom, dicom_doors, opened_with_dicom, with_dicom
from tests.support.guarded_orthanc import GuardedOrthanc
from tests.support.hospital import FurnishedHospital, RunningHospital, furnish, opened


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> FurnishedHospital:
    """A hospital that nobody serves: to be copied."""
    return furnish(tmp_path_factory.mktemp("furnished") / "gate")


@pytest.fixture(scope="session")
def hospital(
    furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningHospital]:
    """A hospital that nobody changes: tests of it only read, and leave passwords alone."""
    with opened(with_dicom(furnished.copy_to(tmp_path_factory.mktemp("hospital") / "gate"))) as running:
        yield running


@pytest.fixture(scope="session")
def dicom(hospital: RunningHospital) -> Dicom:
    """The DICOM door of the hospital that nobody changes."""
    return dicom_doors(hospital)[0]


@pytest.fixture(scope="module")
def own_hospital(
    furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningHospital]:
    """A hospital of the module's own, to change."""
    with opened(furnished.copy_to(tmp_path_factory.mktemp("own-hospital") / "gate")) as running:
        yield running


@pytest.fixture(scope="module")
def own_dicom_hospital(
    furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RunningHospital, Dicom]]:
    """A hospital of the module's own with a DICOM door, to change."""
    own = with_dicom(furnished.copy_to(tmp_path_factory.mktemp("own-dicom-hospital") / "gate"))
    with opened_with_dicom(own) as running:
        yield running


@pytest.fixture(scope="session")
def enforcement_point(guarded_orthanc: GuardedOrthanc) -> str:
    """The token of a proxy at the gate of those who only look: its own account, and changes nobody's."""
    cli = guarded_orthanc.hospital.cli
    assert cli("role", "add", "proxy", "--permission", "EvaluateForOthers").returncode == 0
    added = cli("user", "add", "asker", "--kind", "service", "--no-password", "--role", "proxy")
    assert added.returncode == 0, added.stderr
    issued = cli("token", "issue", "asker", "--label", "t", "--json")
    return str(json.loads(issued.stdout)["token"])
