from collections.abc import Iterator

import pytest

from tests.support.directories import hospital_directory
from tests.support.slapd import Slapd


@pytest.fixture(scope="session")
def slapd(tmp_path_factory) -> Iterator[Slapd]:
    """One directory for all tests; none changes what another looks at."""
    with hospital_directory(tmp_path_factory.mktemp("slapd")) as running:
        yield running
