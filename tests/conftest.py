"""What holds for every test: the lane's amount of work, and tests that need a real server.

A test marked `server("name")` runs where `tests/servers.toml` says that this server is there.  Elsewhere it is
skipped, and the end of the run names it; with CI=true it fails instead, so that nothing is skipped unseen.
"""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

from tests.support.servers import known_servers

settings.register_profile("test", max_examples=60, deadline=None, print_blob=True)
settings.register_profile(
    "long", max_examples=300, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)

NOT_RUN = pytest.StashKey[dict[str, list[str]]]()
"""Server to the tests that were not run for want of it."""


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("long" if config.getoption("markexpr") == "long" else "test")
    config.stash[NOT_RUN] = {}
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Whoever starts the tests in the background has Ctrl-C ignored, and what they start inherits that.
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In the long lane, properties and fuzz targets run again with more examples."""
    if config.getoption("markexpr") == "long":
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
        item.config.stash[NOT_RUN].setdefault(name, []).append(item.nodeid)
        pytest.skip(why)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    not_run = config.stash[NOT_RUN]
    if not_run:
        terminalreporter.section("not run, for want of a server", yellow=True)
    for name, tests in sorted(not_run.items()):
        for test in tests:
            terminalreporter.line(f"{name}: {test}")
