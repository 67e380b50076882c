import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pacsgate.gateway.http.gathering import SMALL_BYTES, GatheringTransport

sizes = st.lists(st.sampled_from([1, 100, SMALL_BYTES, SMALL_BYTES + 1, 3 * SMALL_BYTES]), max_size=12)


class Wire(asyncio.Transport):
    """What reaches the socket, call by call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[bytes] = []
        self.is_closed = False

    def write(self, data: Any) -> None:
        self.calls.append(bytes(data))

    def writelines(self, list_of_data: Any) -> None:
        self.calls.append(b"".join(list_of_data))

    def close(self) -> None:
        self.is_closed = True


def piece(number: int, size: int) -> bytes:
    return bytes([number % 256]) * size


@given(sizes=sizes, turns=st.sets(st.integers(0, 11)))
def test_bytes_leave_in_the_order_in_which_they_were_written(sizes: list[int], turns: set[int]) -> None:
    wire = Wire()

    async def write() -> None:
        transport = GatheringTransport(wire, asyncio.get_running_loop())
        for number, size in enumerate(sizes):
            transport.write(piece(number, size))
            if number in turns:
                await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(write())
    assert b"".join(wire.calls) == b"".join(piece(number, size) for number, size in enumerate(sizes))


def test_a_head_leaves_together_with_the_body_that_follows_it() -> None:
    wire = Wire()

    async def write() -> None:
        transport = GatheringTransport(wire, asyncio.get_running_loop())
        transport.write(b"head")
        transport.write(b"part")
        transport.write(b"x" * (SMALL_BYTES + 1))

    asyncio.run(write())
    assert len(wire.calls) == 1


def test_nothing_waits_longer_than_until_the_next_turn() -> None:
    wire = Wire()

    async def write() -> list[bytes]:
        GatheringTransport(wire, asyncio.get_running_loop()).write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await asyncio.sleep(0)
        return list(wire.calls)

    assert len(asyncio.run(write())) == 1


def test_closing_sends_what_waits() -> None:
    wire = Wire()

    async def write() -> None:
        transport = GatheringTransport(wire, asyncio.get_running_loop())
        transport.write(b"last words")
        transport.close()
        assert wire.calls == [b"last words"]
        assert wire.is_closed

    asyncio.run(write())
