"""The lanes tell the truth about what they did not run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers import Server, find_program, known_servers

ROOT = Path(__file__).resolve().parents[2]

PROBE = """
import pytest

@pytest.mark.server("{server}")
def test_that_needs_it():
    pass
"""


def run_where_nothing_is_installed(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_probe.py").write_text(PROBE.format(server="dcmtk"))
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(folder), "-p", "tests.conftest",
         "-p", "no:cacheprovider", str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={"PATH": "/nonexistent", "PYTHONPATH": str(ROOT), "HOME": str(folder), **environment},
    )  # fmt: skip


def test_a_test_whose_server_is_missing_is_named_as_not_run(tmp_path):
    run = run_where_nothing_is_installed(tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "not run, for want of a server" in run.stdout
    assert "dcmtk: test_probe.py::test_that_needs_it" in run.stdout
    assert "apt-get install dcmtk" in run.stdout


def test_in_ci_a_missing_server_is_a_failure(tmp_path):
    run = run_where_nothing_is_installed(tmp_path, CI="true")
    assert run.returncode == 1
    assert "needs dcmtk" in run.stdout


def test_every_server_that_a_test_asks_for_is_in_the_table():
    asked = {
        line.split('server("', 1)[1].split('"', 1)[0]
        for file in (ROOT / "tests").rglob("*.py")
        if file != Path(__file__)
        for line in file.read_text("utf-8").splitlines()
        if 'mark.server("' in line
    }
    assert asked <= known_servers().keys()


@pytest.mark.parametrize("server", known_servers().values(), ids=lambda server: server.name)
def test_a_server_is_either_there_or_says_what_it_lacks(server: Server):
    there = all(find_program(program) for program in server.programs)
    assert there or server.lacks()
    assert server.packages


def test_make_help_names_every_target_with_a_sentence():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    (phony,) = (line for line in makefile.splitlines() if line.startswith(".PHONY:"))
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    described = {
        line.split()[1]
        for line in shown.splitlines()
        if line.strip().startswith("make ") and len(line.split()) > 3
    }
    assert described == set(phony.removeprefix(".PHONY:").split())
    assert {"demo", "test", "test-long", "lint", "bench", "docs", "clean"} <= described


def test_what_runs_alone_says_so_in_a_file_where_the_lane_looks_for_it():
    lane = (ROOT / "tools" / "lane").read_text("utf-8")
    assert r"--include='test_*.py' 'mark\.alone' tests" in lane
    elsewhere = [
        file
        for file in (ROOT / "tests").rglob("*.py")
        if "mark" + ".alone" in file.read_text("utf-8") and not file.name.startswith("test_")
    ]
    assert elsewhere == []


def test_both_lanes_are_what_ci_runs():
    run = (ROOT / ".ci" / "run").read_text("utf-8")
    assert "make lint test test-long" in run
    assert "export CI=true" in run
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
