"""How many may be here at once, at all processes together."""

from pathlib import Path

from pacsgate.gateway.dimse.places import STRANGERS, STRANGERS_PER_ADDRESS, Places
from pacsgate.gateway.dimse.seats import Seats


def test_strangers_of_one_address_leave_room_for_those_of_others(tmp_path: Path) -> None:
    places = Places(Seats(tmp_path), 100, 16)
    assert all(places.let_in(number, "192.0.2.1") for number in range(STRANGERS_PER_ADDRESS))
    assert not places.let_in("late", "192.0.2.1")
    assert places.let_in("other", "192.0.2.2")


def test_strangers_in_all_are_bounded(tmp_path: Path) -> None:
    places = Places(Seats(tmp_path), 100, 16)
    assert all(places.let_in(number, f"192.0.2.{number}") for number in range(STRANGERS))
    assert not places.let_in("late", "198.51.100.1")


def test_whoever_is_seated_is_no_stranger_any_more(tmp_path: Path) -> None:
    places = Places(Seats(tmp_path), 1000, 1000)
    for number in range(3 * STRANGERS_PER_ADDRESS):
        assert places.let_in(number, "192.0.2.1")
        assert places.seat(number, f"user{number}")


def test_a_place_is_given_back_once(tmp_path: Path) -> None:
    places = Places(Seats(tmp_path), 2, 1)
    places.let_in("a", "192.0.2.1")
    assert places.seat("a", "rad1")
    assert not places.seat("b", "rad1")
    places.leave("a")
    places.leave("a")
    assert places.seat("b", "rad1")
    assert not places.seat("a", "rad1")


def test_all_processes_together_have_no_more_places(tmp_path: Path) -> None:
    one, other = (Places(Seats(tmp_path), 3, 2) for _ in range(2))
    assert one.seat("a", "rad1")
    assert other.seat("b", "rad1")
    assert not one.seat("c", "rad1")
    assert other.seat("d", "rad2")
    assert not one.has_room()
    assert not one.seat("e", "rad3")
    other.leave("b")
    assert one.seat("e", "rad1")


def test_whoever_is_refused_one_seat_keeps_no_other(tmp_path: Path) -> None:
    """The subject's seat is taken first, and given back when there is none in the room."""
    places = Places(Seats(tmp_path), 1, 1)
    assert places.seat("a", "rad1")
    assert not places.seat("b", "rad2")
    places.leave("a")
    assert places.seat("b", "rad2")


def test_an_empty_house_has_no_seats_left_on_disk(tmp_path: Path) -> None:
    places = Places(Seats(tmp_path), 2, 2)
    assert places.let_in("a", "192.0.2.1")
    assert places.seat("a", "rad1")
    assert list(tmp_path.iterdir())
    places.leave("a")
    assert not list(tmp_path.iterdir())


def test_no_more_associations_than_there_are_places(tmp_path: Path) -> None:
    places = Places(Seats(tmp_path), 1, 16)
    assert places.has_room()
    assert places.seat("a", "rad1")
    assert not places.has_room()
    assert not places.seat("b", "rad2")
