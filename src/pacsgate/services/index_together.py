"""What several stores bring at the same time enters the index in one transaction.

A transaction costs a sync of the disk and, where several processes answer from memory, the time
until all have seen it; neither costs more for eight objects than for one.  So whoever comes while a
transaction runs waits for the next, and the first of those who wait makes it for all.

Called by `store_instances`, from as many threads as store.

Invariants:
- `add` returns only when its objects are in the index;
- a transaction that fails fails for who made it; everybody else of it makes one alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from threading import Lock

from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.model.subject import Attributes
from pacsgate.ports import Arrival, Ingested
from pacsgate.services.index_objects import ObjectIndexer


@dataclass(eq=False, slots=True)
class _Waiting:
    """The objects of one store."""

    scope: TenantScope
    archive: ArchiveName
    items: Sequence[Ingested]
    is_done: bool = False
    """Whether they are in the index."""


@dataclass(slots=True)
class IndexTogether:
    """The index, for many who store at once."""

    indexer: ObjectIndexer
    _waiting: list[_Waiting] = field(default_factory=list)
    _list: Lock = field(default_factory=Lock)
    _turn: Lock = field(default_factory=Lock)

    def add(
        self, scope: TenantScope, archive: ArchiveName, arrivals: Iterable[Arrival], origin: Attributes
    ) -> None:
        """Index objects that were stored through the gate, together with those of others who wait."""
        mine = _Waiting(scope, archive, self.indexer.prepared(scope, archive, arrivals, origin))
        with self._list:
            self._waiting.append(mine)
        with self._turn:
            if not mine.is_done:
                self._index(mine, self._taken(mine))

    def _taken(self, mine: _Waiting) -> list[_Waiting]:
        """Everybody who waits for the same index, off the list; only oneself, if one was in a failure."""
        with self._list:
            if mine not in self._waiting:
                return [mine]
            together = [
                one for one in self._waiting if (one.scope, one.archive) == (mine.scope, mine.archive)
            ]
            self._waiting = [one for one in self._waiting if one not in together]
        return together

    def _index(self, mine: _Waiting, together: Sequence[_Waiting]) -> None:
        items = [item for one in together for item in one.items]
        self.indexer.ingest(mine.scope, mine.archive, items)
        for one in together:
            one.is_done = True
