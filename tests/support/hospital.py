"""A hospital that runs: the gate's own processes on a free port, with the demo's people and studies full of canaries.

`running_hospital` serves a new installation in a directory, `opened` one that was furnished before; `running_demo` is the `demo` command as a user starts it.
Every answer that a persona gets through `RunningHospital.client` goes past the canary recorder.  When the block
ends the gate gets the Ctrl-C that a user would give it, and must leave no process behind.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import requests
from pydicom.dataset import Dataset
from typer.testing import CliRunner

from pacsgate.cli.demo.arrival import move_in
from pacsgate.cli.demo.hospital import DemoStudy, part10, policy_text
from pacsgate.cli.main import app
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.identity.passwords import Argon2Passwords
from tests.personas import TestHospital, new_hospital
from tests.support.canaries import CanaryRecorder
from tests.support.people import CHEAP
from tests.support.processes import running

PACSGATE = (sys.executable, "-m", "pacsgate")
START_SECONDS = 120
STOP_SECONDS = 20
LINGER_SECONDS = 5
ANSWER_SECONDS = 30


class RecordingSession(requests.Session):
    """A persona's client; whatever it receives is looked at for what the persona may not see."""

    def __init__(
        self, root: str, persona: str | None, password: str | None, recorder: CanaryRecorder
    ) -> None:
        super().__init__()
        self.trust_env = False
        self._root = root
        self._persona = persona or "(nobody)"
        self._recorder = recorder
        if persona is not None:
            self.auth = (persona, password)

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        """Like the original; a `url` without a host is below the DICOMweb root."""
        options.setdefault("timeout", ANSWER_SECONDS)
        options.setdefault("allow_redirects", False)
        response = super().request(method, self._root + url if url.startswith("/") else url, **options)
        if not options.get("stream"):
            self._recorder.see(self._persona, response.content, f"the body of {method} {url}")
        self._recorder.see(self._persona, str(response.headers), f"the headers of {method} {url}")
        return response


@dataclass(frozen=True, slots=True)
class RunningHospital:
    """What a test needs to know of a gate that serves."""

    url: str
    config: Path
    passwords: Mapping[str, str]
    studies: Mapping[str, DemoStudy]
    objects: Mapping[str, tuple[Dataset, ...]]
    recorder: CanaryRecorder
    log: Path
    process: "subprocess.Popen[bytes]"
    tenant: str = "default"
    archive: str = "main"
    title: str = "PACSGATE"
    """The AE title that leads to its archive."""
    prefix: str = ""
    """What its people put before their names to sign in."""

    @property
    def dicomweb(self) -> str:
        """The DICOMweb root of the default archive."""
        return f"{self.url}/dicom-web"

    @property
    def policy(self) -> Path:
        """The policy file."""
        return self.config.parent / "policy.yaml"

    def client(self, persona: str | None, password: str | None = None) -> RecordingSession:
        """A client with the persona's password, another one, or with no credential for `None`."""
        if persona is not None and password is None:
            password = self.passwords[persona]
        session = RecordingSession(self.dicomweb, persona, password, self.recorder)
        if persona is not None:
            session.auth = self.auth(persona, password)
        return session

    def auth(self, persona: str, password: str | None = None) -> tuple[str, str]:
        """Whoever signs in as a persona, with its password or another one."""
        return self.prefix + persona, self.passwords[persona] if password is None else password

    def bearer(self, persona: str, token: str) -> RecordingSession:
        """A client of a persona with an API token instead of a password."""
        session = RecordingSession(self.dicomweb, persona, None, self.recorder)
        session.auth = lambda request: _with_header(request, f"Bearer {token}")
        return session

    def cli(self, *arguments: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Run a command of `pacsgate` on this installation, from this very process."""
        return cli_here(*arguments, "-c", str(self.config), stdin=stdin)

    def study(self, name: str) -> str:
        """The path of a study."""
        return f"/studies/{self.studies[name].study_instance_uid}"

    def series(self, name: str, number: int = 1) -> str:
        """The path of a series, counting from 1."""
        return f"{self.study(name)}/series/{self.studies[name].series_instance_uid(number)}"

    def instance(self, name: str, series: int = 1, number: int = 1) -> str:
        """The path of an instance, counting from 1."""
        uid = self.studies[name].sop_instance_uid(series, number)
        return f"{self.series(name, series)}/instances/{uid}"


def cli_here(*arguments: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
    """Run a command in this process: what it imports is here already, which saves most of two seconds."""
    result = CliRunner().invoke(app, arguments, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return subprocess.CompletedProcess(arguments, result.exit_code, result.stdout, result.stderr)


def cli(*arguments: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
    """Run `pacsgate` in a process of its own."""
    return subprocess.run(
        [*PACSGATE, *arguments], input=stdin, capture_output=True, text=True, timeout=60, check=False
    )


@dataclass(frozen=True, slots=True)
class FurnishedHospital:
    """An installation into which people and studies have moved, and which nobody serves yet."""

    made: TestHospital
    config: Path
    passwords: Mapping[str, str]

    def copy_to(self, directory: Path) -> "FurnishedHospital":
        """The same hospital, canaries included, somewhere else: much quicker than moving in again."""
        # The archive's names of one object are hard links, which `shutil` would take apart.
        subprocess.run(["cp", "-a", str(self.config.parent), str(directory)], check=True)
        return replace(self, config=directory / self.config.name)


def furnish(
    directory: Path, *, workers: int = 2, made: TestHospital | None = None, settings: str = ""
) -> FurnishedHospital:
    """Make an installation in `directory`, with canaries in every study.

    Its people's passwords are hashed with the cheapest argon2id there is: they are random, and asked for often.
    `settings` are further lines of the configuration file.
    """
    made = made or new_hospital()
    config = make_installation(directory, policy=policy_text(), port=0, workers=workers)
    with config.open("a", encoding="utf-8") as file:
        file.write(settings)
    objects = {
        made.studies[name]: [part10(instance) for instance in instances]
        for name, instances in made.objects.items()
    }
    chosen = move_in(read_settings(config), objects, progress=False, passwords=Argon2Passwords(CHEAP))
    return FurnishedHospital(made, config, chosen)


@contextmanager
def opened(furnished: FurnishedHospital, command: Sequence[str] = PACSGATE) -> Iterator[RunningHospital]:
    """Serve a furnished hospital; `command` runs `pacsgate` in another way."""
    made = furnished.made
    with serving(furnished.config, command) as (url, process, log):
        yield RunningHospital(
            url,
            furnished.config,
            furnished.passwords,
            made.studies,
            made.objects,
            made.recorder,
            log,
            process,
        )


@contextmanager
def running_hospital(
    directory: Path,
    *,
    workers: int = 2,
    made: TestHospital | None = None,
    settings: str = "",
    command: Sequence[str] = PACSGATE,
) -> Iterator[RunningHospital]:
    """Furnish a new installation in `directory` and serve it."""
    with opened(furnish(directory, workers=workers, made=made, settings=settings), command) as running:
        yield running


@contextmanager
def serving(
    config: Path, command: Sequence[str] = PACSGATE
) -> Iterator[tuple[str, "subprocess.Popen[bytes]", Path]]:
    """`pacsgate serve` on an installation: its URL, its process and its log."""
    log = config.parent / f"serve-{time.monotonic_ns()}.log"
    with _until_ctrl_c([*command, "serve", "-c", str(config)], log) as process:
        line = _wait_for_line(process, log, "pacsgate serves http")
        yield line.split()[2].rstrip("/"), process, log


@contextmanager
def running_demo(
    directory: Path, *options: str
) -> Iterator[tuple[dict[str, Any], "subprocess.Popen[bytes]"]]:
    """`pacsgate demo --json`: what it printed, and its process.  The log is kept in `directory`."""
    log = directory / "demo.log"
    with _until_ctrl_c([*PACSGATE, "demo", "--http-port", "0", "--json", *options], log) as process:
        yield json.loads(_wait_for_line(process, log, '{"url"')), process


@contextmanager
def _until_ctrl_c(command: Sequence[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with running(command, log) as process:
        yield process
        if process.poll() is not None:
            return
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        status = process.wait(STOP_SECONDS)
        # Python's own tracker of shared resources ends when its pipe does, a moment after the supervisor.
        _, left = psutil.wait_procs(family, timeout=LINGER_SECONDS)
        assert not left, f"the gate has ended and left {left}"
        assert status == 0, log.read_text("utf-8")[-2000:]


def _wait_for_line(process: "subprocess.Popen[bytes]", log: Path, start: str) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        for line in log.read_text("utf-8", "replace").splitlines(keepends=True):
            if line.startswith(start) and line.endswith("\n"):
                return line
        time.sleep(0.05)
    raise AssertionError(f"the gate did not start:\n{log.read_text('utf-8', 'replace')[-2000:]}")


def _with_header(request: requests.PreparedRequest, value: str) -> requests.PreparedRequest:
    request.headers["Authorization"] = value
    return request
