"""A worklist SCP that is asked on somebody's behalf.

Standard: PS3.4 annex K (Modality Worklist).
"""

from collections.abc import Iterator
from typing import Protocol

from pydicom.dataset import Dataset


class Worklist(Protocol):
    """A modality worklist."""

    def find(self, identifier: Dataset) -> Iterator[Dataset]:
        """Every scheduled step that meets an identifier, as the worklist tells it.

        Closing the iterator cancels the search.  Raises `ArchiveError`, also in the middle: where the
        worklist does not answer within its time, or answers more than one could want.
        """
        ...
