"""How many may be here at once: connections of strangers, associations in all, and per subject.

Called by `house` for each connection and by `admission` for each request.

Invariants:
- whoever took a place gives it back when the connection ends, whatever became of it.
"""

from collections import Counter
from threading import Lock

STRANGERS_PER_ADDRESS = 32
"""Connections from one address that have not yet brought an association about."""
STRANGERS = 256
"""Such connections in all."""


class Places:
    """Counts everybody who is here."""

    def __init__(self, associations: int, associations_per_subject: int) -> None:
        self._associations = associations
        self._per_subject = associations_per_subject
        self._strangers: dict[object, str] = {}
        self._by_address: Counter[str] = Counter()
        self._subjects: dict[object, str] = {}
        self._by_subject: Counter[str] = Counter()
        self._lock = Lock()

    def let_in(self, connection: object, address: str) -> bool:
        """Whether there is room for one more stranger; takes the place if so."""
        with self._lock:
            if len(self._strangers) >= STRANGERS or self._by_address[address] >= STRANGERS_PER_ADDRESS:
                return False
            self._strangers[connection] = address
            self._by_address[address] += 1
            return True

    def has_room(self) -> bool:
        """Whether one more association may begin."""
        with self._lock:
            return len(self._subjects) < self._associations

    def seat(self, connection: object, subject: str) -> bool:
        """Whether the subject may have one more association; takes its place if so."""
        with self._lock:
            if len(self._subjects) >= self._associations or self._by_subject[subject] >= self._per_subject:
                return False
            self._leave_strangers(connection)
            self._subjects[connection] = subject
            self._by_subject[subject] += 1
            return True

    def leave(self, connection: object) -> None:
        """The connection is over."""
        with self._lock:
            self._leave_strangers(connection)
            subject = self._subjects.pop(connection, None)
            if subject is not None:
                self._by_subject[subject] -= 1
                if not self._by_subject[subject]:
                    del self._by_subject[subject]

    @property
    def taken(self) -> int:
        """Associations of now."""
        with self._lock:
            return len(self._subjects)

    def _leave_strangers(self, connection: object) -> None:
        address = self._strangers.pop(connection, None)
        if address is not None:
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]
