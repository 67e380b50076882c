"""One object on its way out of a real gate, without a server in between: whole, counted, cut off when access ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.sinks.trail_reader import read_trail
from tests.support.open_gate import MAIN, OpenGate, open_gate

MULTIPART = 'multipart/related; type="application/dicom"; transfer-syntax=*'
SINGLE = "application/dicom; transfer-syntax=*"


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenGate]:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    with open_gate(tmp_path) as opened:
        yield opened


def test_an_object_leaves_whole_as_long_as_it_says_and_is_counted_to_the_byte(door: OpenGate) -> None:
    single_headers, single, _ = door.get(SINGLE)
    assert single == door.item.data
    headers, multipart, is_whole = door.get(MULTIPART)
    assert door.item.data in multipart
    assert is_whole
    assert int(headers["content-length"]) == len(multipart)
    assert int(single_headers["content-length"]) == len(single)
    head, nothing, _ = door.get(SINGLE, "HEAD")
    assert nothing == b""
    assert head["content-length"] == single_headers["content-length"]
    door.gate.windows.close()
    door.installation.trail.close()
    (closed,) = (
        entry.event
        for entry in read_trail(door.installation.settings.data / "trail")
        if entry.event.kind is EventKind.ACCESS_WINDOW_CLOSED
    )
    assert (closed.count, closed.bytes_sent) == (2, 2 * len(door.item.data))


@pytest.mark.parametrize("end", [OpenGate.revoke, OpenGate.seal], ids=["of the token", "by a label"])
def test_an_object_is_cut_off_in_the_middle_when_access_to_it_ends(door: OpenGate, end) -> None:
    revoked: list[None] = []

    def revoked_once() -> float:
        if not revoked:
            revoked.append(end(door))
        return 1.1

    headers, body, is_whole = door.get(SINGLE, while_sending=revoked_once)
    assert not is_whole
    assert 0 < len(body) < int(headers["content-length"])


def test_an_object_that_has_left_the_archive_is_not_found_and_not_counted(door: OpenGate) -> None:
    door.installation.archives.by_name[MAIN].delete(door.item.key)
    for _ in range(2):
        _, body, _ = door.get(SINGLE)
        assert b"not found" in body
    assert not door.gate.windows._open or all(
        window.readers == 0 and window.instances == 0 for window in door.gate.windows._open.values()
    )
