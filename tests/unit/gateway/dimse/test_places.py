"""How many may be here at once."""

from pacsgate.gateway.dimse.places import STRANGERS, STRANGERS_PER_ADDRESS, Places


def test_strangers_of_one_address_leave_room_for_those_of_others() -> None:
    places = Places(100, 16)
    assert all(places.let_in(number, "192.0.2.1") for number in range(STRANGERS_PER_ADDRESS))
    assert not places.let_in("late", "192.0.2.1")
    assert places.let_in("other", "192.0.2.2")


def test_strangers_in_all_are_bounded() -> None:
    places = Places(100, 16)
    assert all(places.let_in(number, f"192.0.2.{number}") for number in range(STRANGERS))
    assert not places.let_in("late", "198.51.100.1")


def test_whoever_is_seated_is_no_stranger_any_more() -> None:
    places = Places(1000, 1000)
    for number in range(3 * STRANGERS_PER_ADDRESS):
        assert places.let_in(number, "192.0.2.1")
        assert places.seat(number, f"user{number}")


def test_a_place_is_given_back_once() -> None:
    places = Places(2, 1)
    places.let_in("a", "192.0.2.1")
    assert places.seat("a", "rad1")
    assert not places.seat("b", "rad1")
    places.leave("a")
    places.leave("a")
    assert places.seat("b", "rad1")
    assert places.taken == 1


def test_no_more_associations_than_there_are_places() -> None:
    places = Places(1, 16)
    assert places.has_room()
    assert places.seat("a", "rad1")
    assert not places.has_room()
    assert not places.seat("b", "rad2")
