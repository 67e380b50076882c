"""What one process knows of one archive's index, and the questions that are answered from it.

Called by `study_index`.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

from pacsgate.dicom.query import Query
from pacsgate.model.resource import Level
from pacsgate.policy.constraint import Constraint
from pacsgate.ports import Kind, Page
from pacsgate.stores.admission import Admissions
from pacsgate.stores.bookmarks import Bookmarks
from pacsgate.stores.database import Database
from pacsgate.stores.entries import Entries
from pacsgate.stores.ground import Ground
from pacsgate.stores.known_kinds import ArchiveKinds, StaleSnapshot
from pacsgate.stores.reading import Snapshot
from pacsgate.stores.search import Search
from pacsgate.stores.specials import SpecialRows

_T = TypeVar("_T")

_STUDIES = Query(Level.STUDY)


class ArchiveIndex:
    """One archive of one tenant; used by all threads of a process."""

    def __init__(self, database: Database, tenant: str, archive: str) -> None:
        self._database = database
        self._tenant = tenant
        self._archive = archive
        self._kinds = ArchiveKinds(tenant, archive)
        self._admissions = Admissions()
        self._specials = SpecialRows(tenant, archive)
        self._bookmarks = Bookmarks()
        self.entries = Entries(database, tenant, archive)

    def search(self, query: Query, constraint: Constraint) -> Page:
        """Answer a query within a constraint."""
        return self._on_snapshot(lambda snapshot: Search(self._ground(snapshot, constraint), query).run())

    def count(self, constraint: Constraint) -> int:
        """How many studies a constraint admits."""
        return self._on_snapshot(
            lambda snapshot: Search(self._ground(snapshot, constraint), _STUDIES).total()
        )

    def kinds(self) -> Iterator[Kind]:
        """Every kind of which there is a study."""
        view = self._on_snapshot(self._kinds.at)
        for number, kind in view.kinds.items():
            studies = int(view.studies[number]) if number < view.studies.size else 0
            if studies:
                yield Kind(number, kind.study, kind.distinct_parts, studies, kind.in_rows)

    def of_kind(self, number: int, limit: int) -> tuple[str, ...]:
        """StudyInstanceUIDs of the newest studies of one kind."""
        rows = self._on_snapshot(
            lambda snapshot: snapshot.rows(
                "SELECT study_instance_uid FROM study WHERE tenant = :tenant AND kind_pk = :number"
                " AND archive = :archive ORDER BY recency DESC, study_pk LIMIT :limit",
                {"tenant": self._tenant, "archive": self._archive, "number": number, "limit": limit},
            )
        )
        return tuple(uid for (uid,) in rows)

    def _ground(self, snapshot: Snapshot, constraint: Constraint) -> Ground:
        formula, view = constraint.formula, self._kinds.at(snapshot)
        admitted = self._admissions.of(view, formula)
        specials = self._specials.of(snapshot, view, admitted, formula)
        return Ground(
            snapshot,
            self._tenant,
            self._archive,
            view,
            admitted,
            specials,
            formula,
            constraint.reads,
            self._bookmarks,
        )

    def _on_snapshot(self, ask: Callable[[Snapshot], _T]) -> _T:
        while True:
            with self._database.snapshot(self._tenant) as snapshot:
                try:
                    return ask(snapshot)
                except StaleSnapshot:
                    continue
