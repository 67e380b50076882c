"""What keeps happening is told once a minute."""

from pacsgate.identity.associations.repeats import CAPACITY, Repeats


def test_the_first_is_told_and_the_next_ones_are_counted():
    repeats = Repeats()
    assert [repeats.tell("x", at) for at in (0.0, 1.0, 59.0, 60.0, 61.0, 120.0)] == [
        0,
        None,
        None,
        2,
        None,
        1,
    ]


def test_different_things_are_counted_apart():
    repeats = Repeats()
    assert [repeats.tell(what, 0.0) for what in ("x", "y", "x")] == [0, 0, None]


def test_memory_is_bounded():
    repeats = Repeats()
    for number in range(3 * CAPACITY):
        assert repeats.tell(number, 0.0) == 0
    assert len(repeats._counted) <= CAPACITY
