"""Lists of patients, studies, series and instances in Orthanc's names, of what a subject may search.

Studies come from the index in its order, the newest first.  A patient stands where the
first of its visible studies does; series and instances follow their study.

Called by the Orthanc door; calls `orthanc_walk`.

Invariants:
- a row is in a list exactly when the engine would allow `search` on it;
- `since` and `limit` count visible rows, and pages that follow each other neither repeat nor omit one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from pacsgate.dicom.query import Query
from pacsgate.model.actions import Action
from pacsgate.model.decision import Deny, Reason, Revision
from pacsgate.model.resource import ArchiveName, Level, TenantScope
from pacsgate.policy.engine import Bound
from pacsgate.services.orthanc_walk import PAGE, Asked, Row, Walk
from pacsgate.services.resolve import Answer, Refusal
from pacsgate.services.search import Search


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a list, and why it may be shown."""

    rows: tuple[Row, ...]
    reasons: tuple[Reason, ...]
    revision: Revision


@dataclass(frozen=True, slots=True)
class OrthancLists:
    """Makes lists from searches."""

    search: Search

    def page(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        asked: Asked,
        bound: Bound,
        *,
        since: int = 0,
        limit: int | None = None,
    ) -> Listing | Refusal:
        """One page of a list, or the refusal if the subject may never search or asks by a masked key."""
        refused = _refused(asked.query, bound)
        if refused is not None:
            return refused
        if limit == 0:
            return Listing((), (), bound.revision)
        walk = Walk(self.search, scope, archive, asked, bound, _page_size(asked.level, since, limit))
        page = tuple(islice(walk.rows(since), limit))
        return Listing(page, tuple(walk.reasons), bound.revision)

    def count(self, scope: TenantScope, archive: ArchiveName, asked: Asked, bound: Bound) -> int | Refusal:
        """How many rows a list has."""
        refused = _refused(asked.query, bound)
        return Walk(self.search, scope, archive, asked, bound).count() if refused is None else refused

    def counts(self, scope: TenantScope, archive: ArchiveName, bound: Bound) -> Mapping[Level, int] | Refusal:
        """How many patients, studies, series and instances there are."""
        asked = Asked(Level.STUDY, Query(Level.STUDY))
        refused = _refused(asked.query, bound)
        return Walk(self.search, scope, archive, asked, bound).counts() if refused is None else refused


def _page_size(level: Level, since: int, limit: int | None) -> int:
    """How many studies to ask for at a time: few where few are enough."""
    if limit is None:
        return PAGE
    return min(PAGE, limit if level is Level.STUDY else since + limit)


def _refused(query: Query, bound: Bound) -> Refusal | None:
    never = bound.could(Action.SEARCH)
    if never is None:
        # The question about studies lacks keys of lower levels, which may be masked where its own are not.
        keys = frozenset(keyword for key in query.match for keyword in key.path)
        constraint = bound.constraint(Action.SEARCH, keys)
        never = constraint if isinstance(constraint, Deny) else None
    if never is None:
        return None
    return Refusal(Answer.FORBIDDEN, never.reasons, never.revision, never.message)
