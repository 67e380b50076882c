"""Data sets as Orthanc tells them, asked for in the one form in which every element can be told for certain.

Called by the handlers of documents, tags and modules.

Invariants:
- what is hidden in an instance is out of its tags before anybody else sees them;
- never more than `ABREAST` questions to Orthanc at a time for one answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.model.errors import ArchiveError
from pacsgate.model.mask import Mask
from pacsgate.ports.orthanc import OrthancRequest
from pacsgate.protocols.orthanc.tag_forms import Tags, masked

ABREAST = 16
"""Orthanc has fifty threads for everybody."""

Query = tuple[tuple[str, str], ...]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DataSets:
    """Asks for the documents and tags of one answer."""

    exchange: OrthancExchange
    _abreast: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(ABREAST))

    async def tags(self, instance: str, mask: Mask, query: Query = ()) -> Tags:
        """What a mask leaves of all tags of one instance, in the full form."""
        return masked(await self.document(f"/instances/{instance}/tags", query), mask)

    async def document(self, path: str, query: Query = ()) -> dict[str, Any]:
        """One document.  Raises `GoneError`, `ArchiveError`."""
        async with self._abreast:
            document = await self.exchange.ask_json(OrthancRequest("GET", path, query))
        if not isinstance(document, dict):
            raise ArchiveError("the archive answered with what is no document")
        return document

    async def text(self, path: str) -> str:
        """A short text; empty where Orthanc has none."""
        request = OrthancRequest("GET", path, expected=frozenset({200, 404}))
        async with self._abreast, self.exchange.ask(request) as response:
            body = await response.read(4096)
        return body.decode("utf-8", errors="replace").strip() if response.status == 200 else ""


async def side_by_side(asks: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """Ask everything and wait for all, in order; the first error ends the others."""
    tasks = [asyncio.ensure_future(ask()) for ask in asks]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
