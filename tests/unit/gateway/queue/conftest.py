"""One gate with a PACS behind an agent, for all tests of the queue's doors."""

from collections.abc import Iterator

import pytest

from tests.support.queued_gate import QueuedGate, queued_gate


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueuedGate]:
    with queued_gate(tmp_path_factory.mktemp("queue")) as made:
        yield made


@pytest.fixture
def q(shared: QueuedGate) -> Iterator[QueuedGate]:
    """With nothing to be done yet."""
    yield shared
    shared.drained()
