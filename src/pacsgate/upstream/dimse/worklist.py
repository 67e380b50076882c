"""A modality worklist, asked on behalf of modalities.

Called by the DICOM door, through `pacsgate.ports.worklist`.

Standard: PS3.4 annex K (Modality Worklist).
"""

from collections.abc import Iterator

from pydicom.dataset import Dataset

from pacsgate.protocols.dimse.services import MODALITY_WORKLIST_FIND
from pacsgate.upstream.dimse.association_pool import AssociationPool
from pacsgate.upstream.dimse.finding import find, query_proposal
from pacsgate.upstream.dimse.peer import Peer

_MOST_ITEMS = 10_000
"""A department has some hundred a day."""
_QUERY = (query_proposal(MODALITY_WORKLIST_FIND),)


class PeerWorklist:
    """One worklist SCP."""

    def __init__(self, peer: Peer) -> None:
        self._pool = AssociationPool(peer)

    def find(self, identifier: Dataset, *, limit: int = _MOST_ITEMS) -> Iterator[Dataset]:
        """Every scheduled step that meets an identifier, and an `ArchiveError` beyond the limit."""
        with self._pool.borrowed(_QUERY) as association:
            yield from find(association, MODALITY_WORKLIST_FIND, identifier, limit=limit)

    def close(self) -> None:
        """Release what is idle."""
        self._pool.close()
