"""What several stores bring at the same time enters the index in one transaction.

A transaction costs a sync of the disk and, where several processes answer from memory, the time
until all have seen it; neither costs more for eight objects than for one.  So whoever comes while a
transaction runs waits for the next, and the first of those who wait makes it for all.

Called by `store_instances`, from as many threads as store.

Invariants:
- `add` returns when its objects are in the index, and raises what kept them out of it;
- what one store brings never keeps another's objects out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.services.index_objects import ObjectIndexer, StoredObjects


@dataclass(eq=False, slots=True)
class _Waiting:
    """The objects of one store, and what became of them."""

    scope: TenantScope
    archive: ArchiveName
    objects: StoredObjects
    is_done: bool = False
    error: Exception | None = None


@dataclass(slots=True)
class IndexTogether:
    """The index, for many who store at once."""

    indexer: ObjectIndexer
    _waiting: list[_Waiting] = field(default_factory=list)
    _list: Lock = field(default_factory=Lock)
    _turn: Lock = field(default_factory=Lock)

    def add(self, scope: TenantScope, archive: ArchiveName, objects: StoredObjects) -> None:
        """Index objects, together with those of others who wait.  Raises what `ObjectIndexer` raises."""
        mine = _Waiting(scope, archive, objects)
        with self._list:
            self._waiting.append(mine)
        with self._turn:
            if not mine.is_done:
                self._index(self._taken(mine))
        if mine.error is not None:
            raise mine.error

    def _taken(self, mine: _Waiting) -> list[_Waiting]:
        """Everybody who waits for the same index, off the list."""
        with self._list:
            together = [
                one for one in self._waiting if (one.scope, one.archive) == (mine.scope, mine.archive)
            ]
            self._waiting = [one for one in self._waiting if one not in together]
        return together

    def _index(self, together: Sequence[_Waiting]) -> None:
        first = together[0]
        try:
            self.indexer.add_stored(first.scope, first.archive, [one.objects for one in together])
        except Exception as error:  # noqa: BLE001 - it belongs to one of them, who is told
            if len(together) == 1:
                first.error = error
            else:
                for one in together:
                    self._index([one])
        for one in together:
            one.is_done = True
