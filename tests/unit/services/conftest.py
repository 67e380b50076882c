from collections.abc import Iterator

import pytest

from tests.support.orthanc import Orthanc, running_orthanc
from tests.support.people import PASSWORD, People, open_people


@pytest.fixture
def people(tmp_path) -> People:
    people = open_people(tmp_path)
    people.users.add(people.change(), "rad1", password=PASSWORD, groups=frozenset({"radiology"}))
    people.trail.events.clear()
    return people


@pytest.fixture(scope="session")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """One for all modules: each empties it before it begins."""
    from tests.support.origin_hospital import ORIGIN_CREDENTIALS  # noqa: PLC0415 - slow, and few need it

    with running_orthanc(tmp_path_factory.mktemp("orthanc"), credentials=ORIGIN_CREDENTIALS) as server:
        yield server
