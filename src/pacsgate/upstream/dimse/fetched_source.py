"""One instance of an archive that speaks DIMSE, as a source of bytes.

Called by the doors, through `pacsgate.ports.ByteSource`.
"""

from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack
from pathlib import Path

import anyio.to_thread

from pacsgate.model.resource import ResourceKey
from pacsgate.ports import Chunk
from pacsgate.upstream.dimse.kept_objects import KeptObjects
from pacsgate.upstream.local_file import LocalFile


class FetchedSource:
    """The Part 10 bytes of one instance; `size` is known with their first chunk."""

    path: Path | None = None

    def __init__(self, kept: KeptObjects, key: ResourceKey) -> None:
        self.size: int | None = None
        self._kept = kept
        self._key = key

    def chunks(self) -> Iterator[Chunk]:
        """Fetch where the caller runs, then read."""
        with self._kept.lent(self._key) as file:
            self.size = file.size
            yield from LocalFile(file.path, file.size).chunks()

    async def stream(self) -> AsyncGenerator[Chunk, None]:
        """Fetch in a thread, then read.  Close the iterator when leaving early (`contextlib.aclosing`)."""
        with ExitStack() as stack:
            file = await anyio.to_thread.run_sync(stack.enter_context, self._kept.lent(self._key))
            self.size = file.size
            async for chunk in LocalFile(file.path, file.size).stream():
                yield chunk
