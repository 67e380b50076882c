"""The feed as whoever runs a gate sees it: `/readyz`, the metrics, the log and `pacsgate index status`."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from pacsgate.bootstrap.clock import SystemClock
from tests.e2e.asking import within
from tests.support.guarded_orthanc import FurnishedOrthanc, GuardedOrthanc, opened_guarded

pytestmark = [pytest.mark.long, pytest.mark.server("orthanc")]

STALENESS_SECONDS = 4
FOLLOWS_SECONDS = 30


@pytest.fixture(scope="module")
def guarded(
    furnished_orthanc: FurnishedOrthanc, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GuardedOrthanc]:
    furnished = furnished_orthanc.copy_to(tmp_path_factory.mktemp("feed"))
    config = furnished.gate.config
    settings = f"kind: orthanc\n    timeout_seconds: 2\n    max_staleness_seconds: {STALENESS_SECONDS}"
    config.write_text(config.read_text("utf-8").replace("kind: orthanc", settings), "utf-8")
    with opened_guarded(furnished) as running:
        yield running


def problems(guarded: GuardedOrthanc) -> list[str]:
    answered = requests.get(f"{guarded.hospital.url}/readyz", timeout=10)
    found = answered.json()["problems"]
    assert answered.status_code == (503 if found else 200)
    return list(found)


def feed_of(guarded: GuardedOrthanc) -> str:
    (row,) = json.loads(guarded.hospital.cli("index", "status", "--json").stdout)
    return str(row["feed"])


def measured(guarded: GuardedOrthanc) -> float:
    """When the feed was last current, as the metrics tell."""
    lines = requests.get(f"{guarded.hospital.url}/metrics", timeout=10).text.splitlines()
    (line,) = (each for each in lines if each.startswith("pacsgate_feed_current_timestamp_seconds{"))
    assert 'archive="main"' in line
    return float(line.split()[-1])


def test_a_feed_that_follows_is_no_problem(guarded: GuardedOrthanc) -> None:
    assert within(FOLLOWS_SECONDS, lambda: not problems(guarded))
    assert feed_of(guarded) == "current"
    assert SystemClock().now().timestamp() - measured(guarded) < STALENESS_SECONDS


def test_what_was_synced_before_is_not_read_again_at_the_start(guarded: GuardedOrthanc) -> None:
    assert within(FOLLOWS_SECONDS, lambda: not problems(guarded))
    assert "it is read whole" not in guarded.hospital.log.read_text("utf-8")


def test_a_feed_that_cannot_follow_is_told_everywhere_until_it_can(guarded: GuardedOrthanc) -> None:
    assert within(FOLLOWS_SECONDS, lambda: not problems(guarded))
    guarded.orthanc.process.send_signal(signal.SIGSTOP)
    try:
        assert within(FOLLOWS_SECONDS, lambda: bool(problems(guarded)))
        (problem,) = problems(guarded)
        assert "`main`" in problem
        assert feed_of(guarded) == "behind"
        stopped_at = measured(guarded)
    finally:
        guarded.orthanc.process.send_signal(signal.SIGCONT)
    assert within(FOLLOWS_SECONDS, lambda: not problems(guarded))
    assert feed_of(guarded) == "current"
    assert measured(guarded) > stopped_at
    log = guarded.hospital.log.read_text("utf-8")
    assert log.count("feed interrupted") == log.count("feed goes on") == 1


def test_what_the_log_says_of_a_feed_names_no_patient(guarded: GuardedOrthanc) -> None:
    said = Path(guarded.hospital.log).read_text("utf-8")
    for objects in guarded.hospital.objects.values():
        assert str(objects[0].PatientID) not in said
