"""How often each tenant calls each operation: counted in memory, written now and then.

Called by `warrants` for every call; written by a thread of the worker, and when it stops.

Invariants:
- what cannot be written now is written with what comes later.
"""

from collections import Counter
from threading import Lock

from pacsgate.model.permission import Permission
from pacsgate.model.resource import TenantName
from pacsgate.ports import Clock
from pacsgate.ports.tenants import TenantStore


class CallCounter:
    """The counts of one process that are not written yet."""

    def __init__(self, store: TenantStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._counted: Counter[tuple[TenantName, str]] = Counter()
        self._lock = Lock()

    def count(self, tenant: TenantName, permission: Permission) -> None:
        """One more."""
        with self._lock:
            self._counted[tenant, permission.value] += 1

    def write(self) -> None:
        """Add what was counted to what is kept."""
        with self._lock:
            counted, self._counted = self._counted, Counter()
        if not counted:
            return
        is_kept = False
        try:
            self._store.add_calls(counted, self._clock.now())
            is_kept = True
        finally:
            if not is_kept:
                with self._lock:
                    self._counted.update(counted)
