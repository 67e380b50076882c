"""The shadow's thread compares what was noted, survives whatever breaks, and keeps its counts at the end."""

from pathlib import Path

import pytest

from pacsgate.bootstrap.shadow_thread import ShadowThread
from tests.support.waiting import wait_until
from tests.unit.services.test_shadow_policy import Shadowed


class Running:
    """A shadow whose thread runs and has found its candidate."""

    def __init__(self, directory: Path) -> None:
        self.shadowed = Shadowed(directory)
        self.logged: list[str] = []
        self.thread = ShadowThread(self.shadowed.shadow, self.shadowed.counted.clock, self.logged.append)
        self.thread.start()
        wait_until(lambda: self.shadowed.shadow.is_casting)


def test_what_was_noted_is_compared_and_counted_at_the_end(tmp_path: Path) -> None:
    running = Running(tmp_path)
    shadowed = running.shadowed
    for _ in range(3):
        shadowed.shadow.note(shadowed.asked("ann", "1.2.3"))
    wait_until(lambda: not shadowed.shadow.has_waiting)
    running.thread.stop()
    report = shadowed.report()
    assert (report.compared, report.differing, running.logged) == (3, 3, [])


def test_what_breaks_is_logged_by_its_kind_alone_and_the_thread_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = Running(tmp_path)

    def broken(*_: object) -> None:
        raise RuntimeError("DOE^JOHN")

    monkeypatch.setattr(running.shadowed.shadow, "_compare", broken)
    running.shadowed.shadow.note(running.shadowed.asked("ann", "1.2.3"))
    wait_until(lambda: bool(running.logged))
    running.thread.stop()
    assert running.logged == ["shadow broke: RuntimeError"]
