import pytest

from tests.support.people import PASSWORD, People, open_people


@pytest.fixture
def people(tmp_path) -> People:
    people = open_people(tmp_path)
    people.users.add(people.change(), "rad1", password=PASSWORD, groups=frozenset({"radiology"}))
    people.trail.events.clear()
    return people
