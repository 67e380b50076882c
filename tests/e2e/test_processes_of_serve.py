"""The family of processes of `serve`: whoever of it dies, the gate serves, and at the end nobody is left."""

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from pacsgate.bootstrap.heartbeat import SILENT_SECONDS
from tests.support.hospital import FurnishedHospital, RunningHospital, furnish, opened
from tests.support.small_hospital import some_studies
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long
REQUESTS = 60
FIRST_SECONDS = 2.5
"""Within this the first process is gone; the pause before a successor is one second, and imports are two."""


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> FurnishedHospital:
    return furnish(tmp_path_factory.mktemp("processes") / "gate", made=some_studies("S1"))


@pytest.fixture(scope="module")
def hospital(
    furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningHospital]:
    """A gate that goes on, whatever a test does to it."""
    with opened(furnished.copy_to(tmp_path_factory.mktemp("lasting") / "gate")) as running:
        yield running


@pytest.fixture
def brief_hospital(furnished: FurnishedHospital, tmp_path: Path) -> Iterator[RunningHospital]:
    """A gate that its test ends."""
    with opened(furnished.copy_to(tmp_path / "gate")) as running:
        yield running


def nursery_of(hospital: RunningHospital) -> psutil.Process:
    """The one child that has children of its own."""
    (found,) = (child for child in psutil.Process(hospital.process.pid).children() if child.children())
    return found


def has_ended(process: psutil.Process) -> bool:
    """Whether it is gone, or will be when its new parent looks."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() == psutil.STATUS_ZOMBIE
    return True


def answers(hospital: RunningHospital) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"{hospital.url}/readyz", timeout=5).status_code == 200
    return False


def test_the_nursery_holds_nothing_of_the_installation(hospital: RunningHospital) -> None:
    nursery, data = nursery_of(hospital), hospital.config.parent
    assert nursery.num_threads() == 1
    assert nursery.net_connections("inet") == []
    held = {
        Path(file.path).relative_to(data).parts[:2]
        for file in nursery.open_files()
        if data in Path(file.path).parents
    }
    assert held <= {("data", "metrics"), (hospital.log.name,)}


def test_workers_that_were_forked_alike_differ_in_what_they_draw_and_write(hospital: RunningHospital) -> None:
    identifiers = [
        requests.get(f"{hospital.dicomweb}/studies", timeout=10).headers["X-Request-Id"]
        for _ in range(REQUESTS)
    ]
    assert len(set(identifiers)) == REQUESTS
    trail, processes = hospital.config.parent / "data" / "trail", nursery_of(hospital).children()
    writers = [
        {path.name for path in trail.iterdir() if f"-{process.pid}-" in path.name} for process in processes
    ]
    written = [segments for segments in writers if segments]
    assert len(written) >= 2  # both HTTP workers; the background process has nothing to say yet
    assert len(set().union(*written)) == sum(map(len, written))


def test_a_gate_whose_background_process_hangs_serves_and_says_that_it_is_not_whole(
    hospital: RunningHospital,
) -> None:
    """A process that has died is replaced within seconds, before anybody is told."""
    (background,) = (child for child in nursery_of(hospital).children() if not child.net_connections("inet"))
    assert answers(hospital)
    background.suspend()
    try:
        wait_until(lambda: not answers(hospital), seconds=SILENT_SECONDS + 10)
        told = requests.get(f"{hospital.url}/readyz", timeout=5)
        assert told.status_code == 503
        assert "background process" in " ".join(told.json()["problems"])
        assert requests.get(f"{hospital.url}/healthz", timeout=5).ok
    finally:
        background.resume()
    wait_until(lambda: answers(hospital), seconds=10)


def test_a_gate_whose_nursery_is_killed_has_its_processes_replaced(hospital: RunningHospital) -> None:
    nursery = nursery_of(hospital)
    workers = nursery.children()
    nursery.kill()
    # Nobody knows whether they live, so each ends before its successor is begun: that takes seconds of imports.
    wait_until(lambda: any(has_ended(worker) for worker in workers), seconds=FIRST_SECONDS)
    wait_until(lambda: all(has_ended(worker) for worker in workers), seconds=60)
    wait_until(lambda: len(nursery_of(hospital).children()) == len(workers), seconds=60)
    wait_until(lambda: answers(hospital), seconds=30)
    assert hospital.cli("audit", "verify").returncode == 0


def test_a_supervisor_that_is_killed_takes_all_with_it(brief_hospital: RunningHospital) -> None:
    supervisor = psutil.Process(brief_hospital.process.pid)
    family = supervisor.children(recursive=True)
    supervisor.kill()
    brief_hospital.process.wait(10)
    assert psutil.wait_procs(family, timeout=15)[1] == []
    assert brief_hospital.cli("audit", "verify").returncode == 0


def test_a_stop_that_every_process_hears_at_once_is_as_orderly(brief_hospital: RunningHospital) -> None:
    """A service manager tells all; the nursery stays, for the supervisor waits for the others by it."""
    supervisor, nursery = psutil.Process(brief_hospital.process.pid), nursery_of(brief_hospital)
    workers = nursery.children()
    for process in (nursery, supervisor, *workers):
        process.send_signal(signal.SIGTERM)
    assert brief_hospital.process.wait(20) == 0
    assert not [worker for worker in workers if worker.is_running()]
    assert psutil.wait_procs([nursery], timeout=5)[1] == []
    log = brief_hospital.log.read_text("utf-8")
    assert "Traceback" not in log
    assert "process died" not in log
