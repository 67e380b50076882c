"""One gate for all tests of administration in this directory: everybody and everything in it is new each time."""

from collections.abc import Iterator

import pytest

from tests.support.administered_gate import AdministeredGate, administered_gate
from tests.support.tenanted_gate import TenantedGate, tenanted_gate


@pytest.fixture(scope="session")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdministeredGate]:
    with administered_gate(tmp_path_factory.mktemp("gate")) as made:
        yield made


@pytest.fixture(scope="session")
def tenanted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TenantedGate]:
    with tenanted_gate(tmp_path_factory.mktemp("tenants")) as made:
        yield made
