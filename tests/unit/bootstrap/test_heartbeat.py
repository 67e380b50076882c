from pathlib import Path

from pacsgate.bootstrap.heartbeat import SILENT_SECONDS, Heartbeat
from tests.support.clocks import HandClock


def test_a_process_is_at_work_while_it_beats_and_not_long_after(tmp_path: Path) -> None:
    clock = HandClock()
    beaten, asked = (Heartbeat(tmp_path / "alive", clock) for _ in range(2))
    assert asked.problems()

    beaten.beat()
    assert not asked.problems()
    clock.advance(seconds=SILENT_SECONDS - 0.5)
    assert not asked.problems()
    clock.advance(seconds=1)
    assert asked.problems()
    beaten.beat()
    assert not asked.problems()


def test_no_jump_of_the_clock_makes_it_live_or_die(tmp_path: Path) -> None:
    clock = HandClock()
    heart = Heartbeat(tmp_path / "alive", clock)
    heart.beat()
    clock.set_back(days=400)
    assert not heart.problems()
    clock.advance(seconds=SILENT_SECONDS + 1)
    clock.set_back(seconds=SILENT_SECONDS + 1)
    assert heart.problems()


def test_what_was_left_behind_before_the_machine_was_started_again_is_no_sign_of_life(tmp_path: Path) -> None:
    before = HandClock()
    before.advance(days=30)
    Heartbeat(tmp_path / "alive", before).beat()
    assert Heartbeat(tmp_path / "alive", HandClock()).problems()
