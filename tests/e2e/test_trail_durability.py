"""What the trail acknowledged is on disk: seen from outside, by killing the process and by watching its system calls."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pacsgate.sinks.trail_reader import read_trail
from tests.support.trail_directory import TrailDirectory

WRITER = (sys.executable, "-m", "tests.support.trail_writer")
ROOT = Path(__file__).parents[2]


def test_a_killed_process_has_lost_nothing_that_it_acknowledged(tmp_path) -> None:
    directory = TrailDirectory(tmp_path)
    with subprocess.Popen(
        [*WRITER, str(directory.trail), "1000000"], stdout=subprocess.PIPE, cwd=ROOT
    ) as writer:
        acknowledged = {writer.stdout.readline().decode().strip("<>\n") for _ in range(300)}
        writer.kill()
        acknowledged |= {line.decode().strip("<>\n") for line in writer.stdout if line.endswith(b">\n")}
    recorded = {entry.event.request_id for entry in read_trail(directory.trail)}
    assert len(acknowledged) >= 300
    assert acknowledged <= recorded
    assert directory.verify().is_intact


def test_a_killed_process_is_followed_by_one_with_a_segment_of_its_own(tmp_path) -> None:
    directory = TrailDirectory(tmp_path)
    with subprocess.Popen(
        [*WRITER, str(directory.trail), "1000000"], stdout=subprocess.PIPE, cwd=ROOT
    ) as writer:
        writer.stdout.readline()
        writer.kill()
    (left,) = directory.segments()
    left.write_bytes(left.read_bytes()[:-7])
    before = left.read_bytes()
    directory.write(3)
    directory.sign()
    assert left.read_bytes() == before
    found = directory.verify()
    assert found.is_intact
    assert found.unanchored == 0
    assert [torn.segment for torn in found.torn] == [left.stem]


def unsynced_acknowledgements(trace: list[str], directory: Path) -> tuple[int, list[str]]:
    """How many events were acknowledged, and those of them whose segment was not synced in between.

    Reads the lines of `strace -f -y`: a call that another thread interrupts is shown as `unfinished` and later
    `resumed`.  An event is synced once a sync has returned that began after the event's write had returned, and
    the directory that names the segment has been synced too.
    """
    written: dict[str, set[str]] = {}
    synced: set[str] = set()
    pending: dict[str, tuple[str, str]] = {}
    covered: dict[str, set[str]] = {}
    acknowledged, missing = 0, []
    for line in trace:
        process, _, call = line.partition(" ")
        call = call.strip()
        starts = re.match(r"(write|fsync|fdatasync)\(\d+<([^>]*)>", call)
        if starts:
            name, path = starts.groups()
            if name == "write" and not path.startswith(str(directory)):
                for request in re.findall(r"<(r\d+)>", call[starts.end() :]):
                    acknowledged += 1
                    if request not in synced or str(directory) not in synced:
                        missing.append(request)
                continue
            pending[process] = (name, path)
            if name == "write":
                covered[process] = set(re.findall(r'\\"request_id\\":\\"(r\d+)\\"', call))
            else:
                covered[process] = set(written.get(path, ()))
        returned = re.search(r"(?:\)|resumed>.*\)) += (-?\d+)$", call)
        if process in pending and returned:
            name, path = pending.pop(process)
            if name == "write":
                written.setdefault(path, set()).update(covered.pop(process))
            elif returned.group(1) == "0":
                synced |= {path, *covered.pop(process)}
    return acknowledged, missing


def trace_writer(directory: Path, log: Path, *flags: str) -> list[str]:
    strace = (
        "strace",
        "-f",
        "-y",
        "-qq",
        "-s",
        "1000000",
        "-e",
        "trace=write,fsync,fdatasync",
        "-o",
        str(log),
    )
    subprocess.run(
        [*strace, *WRITER, str(directory), "60", *flags], check=True, cwd=ROOT, stdout=subprocess.DEVNULL
    )
    return log.read_text().splitlines()


@pytest.mark.server("strace")
def test_every_acknowledgement_follows_a_sync_of_the_segment_that_holds_the_event(tmp_path) -> None:
    trace = trace_writer(tmp_path / "trail", tmp_path / "trace")
    assert unsynced_acknowledgements(trace, tmp_path / "trail") == (60, [])


@pytest.mark.server("strace")
def test_without_the_sync_the_same_observation_fails(tmp_path) -> None:
    trace = trace_writer(tmp_path / "trail", tmp_path / "trace", "--unsynced")
    acknowledged, missing = unsynced_acknowledgements(trace, tmp_path / "trail")
    assert acknowledged == len(missing) == 60
