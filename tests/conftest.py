"""What holds for every test: the lane's amount of work, tests that need a real server, and one Orthanc for all.

A test marked `server("name")` runs where `tests/servers.toml` says that this server is there.  Elsewhere it is
skipped, and the end of the run names it; with CI=true it fails instead, so that nothing is skipped unseen.
"""

import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.support.servers import known_servers

if TYPE_CHECKING:
    from tests.support.asking_plugin import Plugin
    from tests.support.guarded_orthanc import FurnishedOrthanc, GuardedOrthanc
    from tests.support.orthanc import Orthanc

settings.register_profile("test", max_examples=60, deadline=None, print_blob=True)
settings.register_profile(
    "long", max_examples=300, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)

NOT_RUN = "not run for want of"
"""The property of a skipped test that names the server; reports carry properties from one process to another."""


FEW_KILLS = 20


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, help="how often tests of kills kill; a few times otherwise")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("long" if config.getoption("markexpr").startswith("long") else "test")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Whoever starts the tests in the background has Ctrl-C ignored, and what they start inherits that.
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    """How often to kill."""
    given: int | None = request.config.getoption("kills")
    return FEW_KILLS if given is None else given


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In the long lane, properties and fuzz targets run again with more examples."""
    if config.getoption("markexpr").startswith("long"):
        for item in items:
            if item.path.is_relative_to(config.rootpath / "tests/properties") or item.path.is_relative_to(
                config.rootpath / "tests/fuzz"
            ):
                item.add_marker(pytest.mark.long)


def pytest_runtest_setup(item: pytest.Item) -> None:
    servers = known_servers()
    for mark in item.iter_markers("server"):
        (name,) = mark.args
        server = servers[name]
        lacking = server.lacks()
        if not lacking:
            continue
        why = f"needs {name}: {', '.join(lacking)} not found (apt-get install {' '.join(server.packages)})"
        if os.environ.get("CI") == "true":
            pytest.fail(why, pytrace=False)
        item.user_properties.append((NOT_RUN, name))
        pytest.skip(why)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    not_run = sorted(
        f"{name}: {report.nodeid}"
        for report in terminalreporter.getreports("skipped")
        for kind, name in getattr(report, "user_properties", ())
        if kind == NOT_RUN
    )
    if not_run:
        terminalreporter.section("not run, for want of a server", yellow=True)
    for line in not_run:
        terminalreporter.line(line)


# The hospital behind Orthanc is shared by several directories of tests.  What it needs is imported by
# those who ask for it: most tests do not, and would wait a second for it.


@pytest.fixture(scope="session")
def furnished_orthanc(tmp_path_factory: pytest.TempPathFactory) -> "FurnishedOrthanc":
    """A filled Orthanc and its gate, which nobody serves: to be copied."""
    from tests.support.guarded_orthanc import furnish_guarded  # noqa: PLC0415 - see above

    return furnish_guarded(tmp_path_factory.mktemp("furnished-orthanc"))


@pytest.fixture(scope="session")
def guarded_orthanc(
    furnished_orthanc: "FurnishedOrthanc", tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[GuardedOrthanc]":
    """A guarded Orthanc that nobody changes: tests of it only read."""
    from tests.support.guarded_orthanc import opened_guarded  # noqa: PLC0415 - see above

    with opened_guarded(furnished_orthanc.copy_to(tmp_path_factory.mktemp("guarded-orthanc"))) as running:
        yield running


@pytest.fixture(scope="module")
def own_guarded_orthanc(
    furnished_orthanc: "FurnishedOrthanc", tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[GuardedOrthanc]":
    """A guarded Orthanc of the module's own, to change."""
    from tests.support.guarded_orthanc import opened_guarded  # noqa: PLC0415 - see above

    with opened_guarded(furnished_orthanc.copy_to(tmp_path_factory.mktemp("own-orthanc"))) as running:
        yield running


@pytest.fixture(scope="module")
def other_orthanc(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Orthanc]":
    """Another, empty Orthanc that nobody guards; `introduce` makes them known to each other."""
    from tests.support.origin_hospital import ORIGIN_CREDENTIALS  # noqa: PLC0415 - see above
    from tests.support.orthanc import running_orthanc  # noqa: PLC0415 - see above

    directory = tmp_path_factory.mktemp("other-orthanc")
    with running_orthanc(
        directory, credentials=ORIGIN_CREDENTIALS, settings={"DicomAet": "OTHER"}
    ) as running:
        yield running


@pytest.fixture(scope="session")
def plugin(
    furnished_orthanc: "FurnishedOrthanc", tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[Plugin]":
    """A gate that Orthanc's authorization plugin asks; tests only ask, and mint links of their own."""
    from tests.support.asking_plugin import running_plugin  # noqa: PLC0415 - see above

    with running_plugin(furnished_orthanc.copy_to(tmp_path_factory.mktemp("plugin"))) as running:
        yield running
