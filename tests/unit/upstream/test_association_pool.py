"""Associations that are kept for the next question, and how many."""

from collections.abc import Iterator

import psutil
import pytest

from pacsgate.upstream.dimse.association_pool import AssociationPool
from pacsgate.upstream.dimse.finding import query_proposal
from pacsgate.upstream.dimse.listing import STUDY_ROOT_FIND
from pacsgate.upstream.dimse.negotiation import Proposal
from pacsgate.upstream.dimse.retrieving import STORED_SYNTAXES, STUDY_ROOT_GET
from tests.support.dcmqrscp import Dcmqrscp, running_dcmqrscp
from tests.support.waiting import wait_until

pytestmark = pytest.mark.server("dcmtk")
CLASSES = [f"1.2.840.10008.5.1.4.1.1.{number}" for number in (1, 2, 4, 7, 20, 128)]
QUERY = query_proposal(STUDY_ROOT_FIND)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dcmqrscp]:
    with running_dcmqrscp(tmp_path_factory.mktemp("dcmqrscp")) as running:
        yield running


@pytest.fixture
def pool(server: Dcmqrscp) -> Iterator[AssociationPool]:
    opened = AssociationPool(server.settings().peer)
    yield opened
    opened.close()
    wait_until(lambda: kept(server) == 0)


def kept(server: Dcmqrscp) -> int:
    """How many connections this process has there."""
    return sum(
        connection.raddr.port == server.port and connection.status == psutil.CONN_ESTABLISHED
        for connection in psutil.Process().net_connections("tcp")
        if connection.raddr
    )


def test_no_more_are_kept_than_a_few_whatever_they_are_for(server: Dcmqrscp, pool: AssociationPool) -> None:
    """Archives serve some thirty, to all processes of the gate and to others."""
    for sop_class in CLASSES:
        for syntax in STORED_SYNTAXES[:2]:
            with pool.borrowed(
                [query_proposal(STUDY_ROOT_GET), Proposal(sop_class, (syntax,), receives=True)]
            ):
                pass
    assert kept(server) == 6


def test_the_one_that_was_used_last_is_lent_again(server: Dcmqrscp, pool: AssociationPool) -> None:
    with pool.borrowed([QUERY]) as first, pool.borrowed([QUERY]) as second:
        assert first is not second
    with pool.borrowed([QUERY]) as again:
        assert again is first
    assert kept(server) == 2
