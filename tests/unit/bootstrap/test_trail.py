import pytest

from pacsgate.audit.events import Actor, AuditEvent, EventKind, Outcome
from pacsgate.bootstrap.installation import open_installation, trail_directory
from pacsgate.bootstrap.trail import finish_stores
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings


@pytest.fixture
def settings(tmp_path):
    return read_settings(make_installation(tmp_path / "gate"))


def test_a_trail_that_was_changed_is_on_record_and_does_not_stop_the_start(settings):
    with open_installation(settings, "test") as opened:
        for number in range(3):
            actor = Actor(f"user{number}", verified=True)
            opened.trail.record(AuditEvent(EventKind.SIGN_IN, opened.clock.now(), actor))
    (segment,) = trail_directory(settings).glob("*.jsonl")
    segment.write_bytes(segment.read_bytes().replace(b"user1", b"userX"))
    with open_installation(settings, "start") as opened:
        finish_stores(opened)
    newest = max(trail_directory(settings).glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    assert newest != segment
    assert b"TRAIL_TAMPERED" in newest.read_bytes()
    assert str(int(Outcome.MAJOR)).encode() in newest.read_bytes()
