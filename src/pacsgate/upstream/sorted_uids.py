"""Any number of UIDs in order and without repetition, in bounded memory.

They are collected in sorted runs that lie in temporary files, and merged when read.

Called by `fetched_whole`, so that a walk has an order that can be taken up again.
"""

import heapq
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import IO, Self

_RUN_LENGTH = 100_000
"""UIDs in memory at once: about 12 MB."""


class SortedUids:
    """A context manager; files lie in `directory` and are gone at the end.  Fill first, then iterate."""

    def __init__(self, directory: Path, run_length: int = _RUN_LENGTH) -> None:
        self._directory = directory
        self._run_length = run_length
        self._run: set[str] = set()
        self._files: list[IO[str]] = []
        self._stack = ExitStack()

    def add(self, uid: str) -> None:
        """Collect one UID."""
        self._run.add(uid)
        if len(self._run) >= self._run_length:
            self._spill()

    def __iter__(self) -> Iterator[str]:
        runs: list[Iterator[str]] = [iter(sorted(self._run))]
        for file in self._files:
            file.seek(0)
            runs.append(line.rstrip("\n") for line in file)
        return (uid for uid, _ in groupby(heapq.merge(*runs)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _spill(self) -> None:
        run = tempfile.TemporaryFile("w+", dir=self._directory, encoding="utf-8")  # noqa: SIM115 - the stack closes it
        file = self._stack.enter_context(run)
        file.writelines(f"{uid}\n" for uid in sorted(self._run))
        self._files.append(file)
        self._run.clear()
