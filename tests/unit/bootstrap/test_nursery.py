"""The nursery: what it forks shares nothing that must differ, and errands answer or fail as if they were calls."""

import random
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from multiprocessing import forkserver
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from pacsgate.bootstrap import nursery
from pacsgate.config import Settings
from pacsgate.model.errors import Diagnostic, PacsgateError, PolicyError, SettingsError, TooSoonError

pytestmark = pytest.mark.long
NO_SETTINGS = cast("Settings", None)
PROBLEM = Diagnostic("policy.yaml", 3, 7, "no such role `raider`", "did you mean `reader`?")


@pytest.fixture(scope="module")
def opened() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (nursery.KEPT_MEMORY | nursery._ONE_THREAD).items():
            patch.setenv(name, value)  # so that it is taken back
        nursery.open_nursery()
        yield
        server: Any = forkserver._forkserver
        server._stop()


def draw(_settings: Settings) -> list[object]:
    """What is random, by each source that a library may use."""
    return [
        random.random(),  # noqa: S311 - its state is what is looked at
        uuid.uuid4(),
        uuid.uuid1(),
        ssl.RAND_bytes(8),
        next(tempfile._get_candidate_names()),
    ]


def too_soon(_settings: Settings) -> None:
    raise TooSoonError("wait", retry_after_seconds=7)


def wrong_policy(_settings: Settings) -> None:
    raise PolicyError((PROBLEM,))


def break_down(_settings: Settings) -> None:
    raise ZeroDivisionError


def threads(_settings: Settings) -> int:
    """Those of the nursery, as one of its children sees it."""
    process = psutil.Process().parent()
    assert process is not None
    return process.num_threads()


def never_answer(_settings: Settings) -> None:
    time.sleep(60)


@pytest.mark.usefixtures("opened")
def test_siblings_draw_different_random_values() -> None:
    drawn = [nursery.answer_of(draw, NO_SETTINGS) for _ in range(3)]
    for values in zip(*drawn, strict=True):
        assert len(set(values)) == len(values)


@pytest.mark.usefixtures("opened")
def test_the_nursery_forks_from_a_single_thread() -> None:
    assert nursery.answer_of(threads, NO_SETTINGS) == 1


@pytest.mark.usefixtures("opened")
def test_an_errand_fails_with_the_error_that_it_raised() -> None:
    with pytest.raises(TooSoonError) as told:
        nursery.answer_of(too_soon, NO_SETTINGS)
    assert (told.value.public, told.value.status, told.value.retry_after_seconds) == ("wait", 429, 7)
    with pytest.raises(PolicyError) as refused:
        nursery.answer_of(wrong_policy, NO_SETTINGS)
    assert refused.value.diagnostics == (PROBLEM,)
    assert str(refused.value) == str(PolicyError((PROBLEM,)))


@pytest.mark.usefixtures("opened")
def test_an_errand_that_breaks_is_a_failure_and_no_answer() -> None:
    with pytest.raises(PacsgateError, match="its own log says why"):
        nursery.answer_of(break_down, NO_SETTINGS)


def test_without_a_place_for_its_socket_the_operator_is_told(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    code = "from pacsgate.bootstrap.nursery import open_nursery; open_nursery()"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"TMPDIR": str(deep)}, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert SettingsError.__name__ in done.stderr
    assert "`TMPDIR`" in done.stderr


def test_an_errand_and_the_nursery_end_with_a_supervisor_that_is_killed() -> None:
    code = (
        "from pacsgate.bootstrap import nursery; from tests.unit.bootstrap.test_nursery import never_answer\n"
        "nursery.open_nursery(); nursery.answer_of(never_answer, None)"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", code])
    process = psutil.Process(supervisor.pid)
    deadline = time.monotonic() + 30
    while len(family := process.children(recursive=True)) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(family) == 3  # the tracker of resources, the nursery, the errand
    supervisor.send_signal(signal.SIGKILL)
    supervisor.wait()
    assert psutil.wait_procs(family, timeout=10)[1] == []
