import pytest

from tests.support.doors import Site, open_site


@pytest.fixture
def site(tmp_path) -> Site:
    return open_site(tmp_path)
