"""Seats that processes share: never more than the limit, and none that nobody sits in."""

import multiprocessing
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

from pacsgate.gateway.dimse.seats import Seats

_forks = multiprocessing.get_context("fork")


def test_of_a_seat_only_one_is_the_holder(tmp_path: Path) -> None:
    first = Seats(tmp_path).take("rad1", 1)
    assert first is not None
    assert Seats(tmp_path).take("rad1", 1) is None
    assert Seats(tmp_path).take("rad2", 1) is not None
    first.give_back()
    assert Seats(tmp_path).take("rad1", 1) is not None


def test_there_is_room_exactly_when_a_seat_could_be_taken(tmp_path: Path) -> None:
    seats, taken = Seats(tmp_path), []
    for _ in range(3):
        assert seats.has_room("all", 3)
        taken.append(seats.take("all", 3))
    assert not seats.has_room("all", 3)
    assert seats.take("all", 3) is None
    assert taken[1] is not None
    taken[1].give_back()
    assert seats.has_room("all", 3)


def test_many_who_come_and_go_at_once_never_hold_more_than_there_are(tmp_path: Path) -> None:
    """Each opens the files anew, as each process does; whoever has a seat marks it by a file that nobody else made."""
    marks = tmp_path / "marks"
    marks.mkdir()

    def come_and_go(_: int) -> int:
        seats, seated = Seats(tmp_path / "seats"), 0
        for _ in range(60):
            seat = seats.take("all", 3)
            if seat is not None:
                mark = marks / Path(seat.path).name
                mark.touch(exist_ok=False)
                seated += 1
                mark.unlink()
                seat.give_back()
        return seated

    with ThreadPoolExecutor(8) as many:
        assert sum(many.map(come_and_go, range(8))) > 100
    assert not list((tmp_path / "seats").iterdir())


def test_the_seat_of_a_process_that_was_killed_is_free(tmp_path: Path) -> None:
    seats = Seats(tmp_path)
    told, tell = _forks.Pipe(duplex=False)
    process = _forks.Process(target=_sit, args=(tmp_path, tell), daemon=True)
    process.start()
    assert told.recv() is True
    assert not seats.has_room("all", 1)
    assert seats.take("all", 1) is None
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert seats.has_room("all", 1)
    assert seats.take("all", 1) is not None


def _sit(directory: Path, tell: Connection) -> None:
    seat = Seats(directory).take("all", 1)
    tell.send(seat is not None)
    signal.pause()
