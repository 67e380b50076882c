"""Hospitals for the end-to-end tests: one for all who only look, one per module for those who change things."""

from collections.abc import Iterator

import pytest

from tests.support.hospital import RunningHospital, running_hospital


@pytest.fixture(scope="session")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHospital]:
    """A hospital that nobody changes: tests of it only read, and leave passwords alone."""
    with running_hospital(tmp_path_factory.mktemp("hospital") / "gate") as running:
        yield running


@pytest.fixture(scope="module")
def own_hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHospital]:
    """A hospital of the module's own, to change."""
    with running_hospital(tmp_path_factory.mktemp("own-hospital") / "gate") as running:
        yield running
