"""Hospitals for the end-to-end tests: one for all who only look, one per module for those who change things."""

from collections.abc import Iterator

import pytest

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
    with opened(furnished.copy_to(tmp_path_factory.mktemp("hospital") / "gate")) as running:
        yield running


@pytest.fixture(scope="module")
def own_hospital(
    furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningHospital]:
    """A hospital of the module's own, to change."""
    with opened(furnished.copy_to(tmp_path_factory.mktemp("own-hospital") / "gate")) as running:
        yield running
