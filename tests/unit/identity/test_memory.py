from hypothesis import given
from hypothesis import strategies as st

from pacsgate.identity.memory import EpochMemory

operations = st.lists(
    st.tuples(st.sampled_from(["put", "get"]), st.integers(0, 3), st.integers(0, 3), st.integers())
)


@given(operations)
def test_nothing_is_answered_that_was_put_under_another_epoch(steps):
    memory: EpochMemory[int, int] = EpochMemory(capacity=2)
    last: dict[int, tuple[int, int]] = {}
    for kind, key, epoch, value in steps:
        if kind == "put":
            memory.put(key, epoch, value)
            last[key] = (epoch, value)
        else:
            answer = memory.get(key, epoch)
            assert answer is None or last[key] == (epoch, answer)


def test_it_never_holds_more_than_its_capacity():
    memory: EpochMemory[int, int] = EpochMemory(capacity=3)
    for key in range(100):
        memory.put(key, 1, key)
        assert sum(memory.get(other, 1) is not None for other in range(100)) <= 3
        assert memory.get(key, 1) == key
