"""On what searches within one constraint are answered: a snapshot, and what is known at its version.

Made by `archive_index`, used by `search`.
"""

from dataclasses import dataclass

from pacsgate.policy.ir import Formula
from pacsgate.stores.admission import Admitted
from pacsgate.stores.bookmarks import Bookmarks
from pacsgate.stores.known_kinds import View
from pacsgate.stores.likeness import Reads
from pacsgate.stores.reading import Snapshot
from pacsgate.stores.specials import Specials


@dataclass(frozen=True, slots=True)
class Ground:
    """What there is for one constraint."""

    snapshot: Snapshot
    tenant: str
    archive: str
    view: View
    admitted: Admitted
    specials: Specials
    formula: Formula
    reads: Reads
    bookmarks: Bookmarks
