"""Whoever is known is asked about nowhere: verification costs no journey on the way of most requests.

An OpenID provider and a directory stand behind relays that note what the gate sends them; `make bench` takes
the times on the same stage.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from bench.credentials import make_remembered, timed_ms
from bench.credentials_stage import CredentialsStage, Presented, set_up

pytestmark = [pytest.mark.long, pytest.mark.server("npm"), pytest.mark.server("slapd")]

ASKED_OUTSIDE = {"HTTP Basic, password in a directory (LDAP)", "opaque token of an issuer (introspection)"}
REQUESTS = 10
AT_ONCE = 40


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CredentialsStage]:
    with set_up(tmp_path_factory.mktemp("credentials"), 3) as running:
        yield running


def _messages(stage: CredentialsStage, work: Callable[[], object]) -> int:
    began = time.perf_counter()
    work()
    return stage.messages([(began, time.perf_counter())])


def _ask_on_many_connections(stage: CredentialsStage, shown: Presented) -> None:
    for _ in range(REQUESTS):
        make_remembered(stage, shown)


def test_only_what_a_source_alone_can_answer_is_asked_and_nothing_twice(stage: CredentialsStage) -> None:
    """The first person of each kind finds keys and certificates unknown; the second is the one that is looked at."""
    first, again = {}, {}
    for kind, (one, other, _) in stage.presented.items():
        make_remembered(stage, one)
        first[kind] = _messages(stage, lambda other=other: make_remembered(stage, other))
        again[kind] = _messages(stage, lambda other=other: _ask_on_many_connections(stage, other))
    assert {kind for kind, count in first.items() if count} == ASKED_OUTSIDE
    assert set(again.values()) == {0}


def test_a_credential_that_is_not_known_is_refused_and_never_counted_as_quick(
    stage: CredentialsStage,
) -> None:
    for shown in ({}, {"Authorization": "Bearer unknown"}):
        connection = stage.connected(Presented(shown))
        with pytest.raises(RuntimeError, match="401"):
            timed_ms(connection, Presented(shown))
        connection.close()


@pytest.mark.parametrize("kind", ["HTTP Basic", "HTTP Basic, password in a directory (LDAP)"])
def test_a_client_that_begins_with_many_requests_at_once_is_not_told_to_come_back(
    stage: CredentialsStage, kind: str
) -> None:
    """More than the gate checks at a time, with one right password that it has not seen yet."""
    shown = stage.presented[kind][-1]
    connections = [stage.connected(shown) for _ in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as clients:
        times = list(clients.map(lambda connection: timed_ms(connection, shown), connections))
    assert len(times) == AT_ONCE
    for connection in connections:
        connection.close()
