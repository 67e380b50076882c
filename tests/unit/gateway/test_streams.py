"""A streamed body ends with its client, and is as long as it says."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from pacsgate.gateway.http.objects import Delivery
from pacsgate.gateway.http.streams import length_of_parts, started
from pacsgate.model.mask import NO_MASK, Mask
from pacsgate.model.resource import ArchiveName
from pacsgate.ports import InstanceEntry, SeriesEntry, StudyEntry
from pacsgate.protocols.dicomweb.multipart import PART_TAIL, closing, part_head
from pacsgate.services.resolve import Part

SYNTAX = "1.2.840.10008.1.2.1"
SCOPE = {"type": "http", "method": "GET", "path": "/", "headers": []}


class Body:
    """Chunks without end, and a note of how many were made and whether it was closed."""

    def __init__(self) -> None:
        self.made = 0
        self.closed = False

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        try:
            while True:
                self.made += 1
                await asyncio.sleep(0)
                yield b"chunk"
        finally:
            self.closed = True


def test_nothing_more_is_read_for_a_client_that_has_gone() -> None:
    body = Body()
    sent: list[object] = []
    gone = asyncio.Event()

    async def receive() -> dict[str, object]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        sent.append(message)
        if len(sent) == 5:
            gone.set()
        await asyncio.sleep(0)

    async def serve() -> None:
        response = await started(Request(SCOPE), body.chunks(), "application/dicom")
        await asyncio.wait_for(response(SCOPE, receive, send), timeout=5)

    asyncio.run(serve())
    assert body.closed
    assert body.made < 10


def delivery(size: int | None, mask: Mask = NO_MASK) -> Delivery:
    instance = InstanceEntry("1.2.3.4", "1.2", SYNTAX, 1, size, None, {})
    series = SeriesEntry("1.2.3", {}, {}, (instance,))
    study = StudyEntry(ArchiveName("a"), "1.2", "P", "", {}, {}, (series,), datetime(2026, 1, 1, tzinfo=UTC))
    return Delivery(Part(study, series, (instance,), mask), instance, SYNTAX)


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=5))
def test_a_multipart_body_is_as_long_as_it_says(sizes: list[int]) -> None:
    items = [delivery(size) for size in sizes]
    parts = (part_head("b", item.media_type) + bytes(item.instance.size or 0) + PART_TAIL for item in items)
    assert length_of_parts(items, "b") == len(b"".join(parts) + closing("b"))


def test_a_length_that_is_not_known_is_not_said() -> None:
    assert length_of_parts([delivery(3), delivery(None)], "b") is None
    assert length_of_parts([delivery(3, Mask(frozenset({"PatientName"})))], "b") is None
