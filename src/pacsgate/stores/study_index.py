"""The study index on SQL: `ports.StudyIndex`, each method one transaction.

Called by `services` through the port; calls the modules that know how.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select

from pacsgate.audit.events import AuditEvent
from pacsgate.dicom.query import Query
from pacsgate.dicom.summary import DicomJson
from pacsgate.model.resource import ArchiveName, ResourceKey, TenantScope
from pacsgate.model.subject import Attributes
from pacsgate.policy.constraint import Constraint
from pacsgate.policy.ir import COLLECTIONS, LABELS
from pacsgate.ports import Ingested, Kind, Page, StudyEntry, UnfinishedSync
from pacsgate.stores import refill as filling
from pacsgate.stores.archive_index import ArchiveIndex
from pacsgate.stores.archive_schema import sync_cursor
from pacsgate.stores.changes import Topic, change, move_epoch
from pacsgate.stores.contributions import Contribution
from pacsgate.stores.database import Database
from pacsgate.stores.ingest import Ingest
from pacsgate.stores.kinds import forget_old_changes
from pacsgate.stores.labels import add_labels, lacking_labels, missing_labels, replace_labels
from pacsgate.stores.place import Place
from pacsgate.stores.removal import Removal
from pacsgate.stores.roll_call import SqlRollCall
from pacsgate.stores.schema import access_kind, study


class SqlStudyIndex:
    """`ports.StudyIndex` on a `Database`."""

    def __init__(self, database: Database, orthanc_archives: Collection[ArchiveName] = frozenset()) -> None:
        self._database = database
        self._orthanc_archives = frozenset(orthanc_archives)
        self._archives: dict[tuple[str, str], ArchiveIndex] = {}

    def search(self, scope: TenantScope, archive: ArchiveName, query: Query, constraint: Constraint) -> Page:
        """Answer a query within a constraint."""
        return self._of(scope, archive).search(query, constraint)

    def studies(
        self, scope: TenantScope, archive: ArchiveName, study_instance_uid: str
    ) -> tuple[StudyEntry, ...]:
        """Every study with this UID: none, one, or one per patient that shares it."""
        return self._of(scope, archive).entries.with_uid(study_instance_uid)

    def with_orthanc_id(
        self, scope: TenantScope, archive: ArchiveName, orthanc_id: str
    ) -> tuple[StudyEntry, ...]:
        """Every study with something in it whose identifier begins like this one."""
        return self._of(scope, archive).entries.with_orthanc_id(orthanc_id)

    def roll_call(self, scope: TenantScope, archive: ArchiveName) -> SqlRollCall:
        """Begin to compare the studies held with those of an archive of kind `orthanc`."""
        return SqlRollCall(self._database, scope.tenant, archive)

    def every_study(self, scope: TenantScope, archive: ArchiveName) -> Iterator[StudyEntry]:
        """All studies, in bounded batches, for questions about a whole archive."""
        return self._of(scope, archive).entries.every()

    def ingest(
        self, scope: TenantScope, archive: ArchiveName, items: Sequence[Ingested], observed_at: datetime
    ) -> tuple[str, ...]:
        """Add or replace instances, in one transaction."""
        with self._changing(scope, archive) as place:
            return Ingest(place, observed_at).run(items)

    def remove(self, scope: TenantScope, archive: ArchiveName, key: ResourceKey) -> int:
        """Remove a study, series or instance; parents without children go too.  Returns instances removed."""
        with self._changing(scope, archive) as place:
            return Removal(place).run(key)

    def observed_before(self, scope: TenantScope, archive: ArchiveName, at: datetime) -> Iterator[str]:
        """The UID of each study with a row that was last confirmed before `at`."""
        older = (
            select(study.c.study_instance_uid)
            .where(study.c.tenant == scope.tenant, study.c.archive == archive, study.c.observed_at < at)
            .distinct()
        )
        with self._database.reading(scope.tenant) as connection:
            found = connection.execute(older).scalars().all()
        return iter(found)

    def remove_unobserved(
        self, scope: TenantScope, archive: ArchiveName, study_instance_uid: str, before: datetime
    ) -> None:
        """Remove the rows of a study that were last confirmed before then."""
        with self._changing(scope, archive) as place:
            Removal(place).unobserved(study_instance_uid, before)

    def set_labels(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        study_instance_uid: str,
        *,
        labels: frozenset[str] | None = None,
        collections: frozenset[str] | None = None,
        event: AuditEvent,
    ) -> None:
        """Replace a study's labels or collections (those that are not `None`).  Raises `NotFoundError`."""
        values = {LABELS.name: labels, COLLECTIONS.name: collections}
        with change(self._database, scope.tenant, Topic.LABELS, event) as connection:
            replace_labels(self._changed(connection, scope, archive), study_instance_uid, values)

    def copy_labels(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        sources: Collection[str],
        study_instance_uid: str,
        event: AuditEvent,
    ) -> bool:
        """Add the labels and collections of these studies to another, which the index need not know yet."""
        named = (scope.tenant, archive, sources, study_instance_uid)
        with self._database.reading(scope.tenant) as connection:
            if not lacking_labels(connection, *named):
                return False
        with change(self._database, scope.tenant, Topic.LABELS, event) as connection:
            lacking = lacking_labels(connection, *named)
            add_labels(self._changed(connection, scope, archive), study_instance_uid, lacking)
        return True

    def add_labels(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        study_instance_uid: str,
        labels: Collection[str],
        event: AuditEvent,
    ) -> bool:
        """Add labels to those of a study, which the index need not know yet."""
        named = (scope.tenant, archive, labels, study_instance_uid)
        with self._database.reading(scope.tenant) as connection:
            if not missing_labels(connection, *named):
                return False
        with change(self._database, scope.tenant, Topic.LABELS, event) as connection:
            missing = missing_labels(connection, *named)
            add_labels(self._changed(connection, scope, archive), study_instance_uid, missing)
        return True

    def headers(self, scope: TenantScope, archive: ArchiveName) -> Iterator[tuple[str, str, DicomJson]]:
        """Each series' (StudyInstanceUID, SeriesInstanceUID, kept header), for newly declared attributes."""
        return filling.headers(self._database, scope.tenant, archive)

    def refill(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        study_instance_uid: str,
        series_instance_uid: str,
        study_facts: Attributes,
        series_facts: Attributes,
        many: frozenset[str] = frozenset(),
    ) -> None:
        """Replace the declared facts that one series contributes."""
        with self._changing(scope, archive) as place:
            fresh = Contribution.of(study_facts, series_facts)
            filling.refill(place, study_instance_uid, series_instance_uid, fresh, many)

    def count(self, scope: TenantScope, archive: ArchiveName, constraint: Constraint) -> int:
        """How many studies a constraint admits, exactly."""
        return self._of(scope, archive).count(constraint)

    def kinds(self, scope: TenantScope, archive: ArchiveName) -> Iterator[Kind]:
        """Every kind of study that the archive holds, for questions about all of it at once."""
        return self._of(scope, archive).kinds()

    def of_kind(self, scope: TenantScope, archive: ArchiveName, number: int, limit: int) -> tuple[str, ...]:
        """StudyInstanceUIDs of some studies of one kind, as examples: the newest first."""
        return self._of(scope, archive).of_kind(number, limit)

    def counts(self, scope: TenantScope, archive: ArchiveName) -> tuple[int, int, int]:
        """Studies, series and instances held."""
        columns = (access_kind.c.studies, access_kind.c.series, access_kind.c.instances)
        held = select(*(func.coalesce(func.sum(column), 0) for column in columns)).where(
            access_kind.c.tenant == scope.tenant, access_kind.c.archive == archive
        )
        with self._database.reading(scope.tenant) as connection:
            studies, series, instances = connection.execute(held).one()
        return int(studies), int(series), int(instances)

    def unfinished_sync(self, scope: TenantScope, archive: ArchiveName) -> UnfinishedSync | None:
        """The `index sync` that stopped before its end, if one did."""
        with self._database.reading(scope.tenant) as connection:
            row = connection.execute(
                select(sync_cursor.c.cursor, sync_cursor.c.began_at).where(
                    sync_cursor.c.tenant == scope.tenant, sync_cursor.c.archive == archive
                )
            ).one_or_none()
        return None if row is None else UnfinishedSync(row.cursor, row.began_at)

    def save_sync(self, scope: TenantScope, archive: ArchiveName, sync: UnfinishedSync | None) -> None:
        """Remember where a sync stands; `None` when it is complete."""
        with self._database.writing(scope.tenant) as connection:
            connection.execute(
                delete(sync_cursor).where(
                    sync_cursor.c.tenant == scope.tenant, sync_cursor.c.archive == archive
                )
            )
            if sync is not None:
                connection.execute(
                    insert(sync_cursor).values(
                        tenant=scope.tenant, archive=archive, cursor=sync.cursor, began_at=sync.began_at
                    )
                )

    def _of(self, scope: TenantScope, archive: ArchiveName) -> ArchiveIndex:
        known = self._archives.get((scope.tenant, archive))
        if known is None:
            # Two threads may both make it; whichever is kept learns the same.
            known = self._archives.setdefault(
                (scope.tenant, archive), ArchiveIndex(self._database, scope.tenant, archive)
            )
        return known

    @contextmanager
    def _changing(self, scope: TenantScope, archive: ArchiveName) -> Iterator[Place]:
        """The transaction of one change of the index."""
        with self._database.writing(scope.tenant) as connection:
            yield self._changed(connection, scope, archive)

    def _changed(self, connection: Connection, scope: TenantScope, archive: ArchiveName) -> Place:
        """A transaction that makes the next version of the index."""
        version = move_epoch(connection, scope.tenant, Topic.INDEX)
        place = Place(connection, scope.tenant, archive, version, archive in self._orthanc_archives)
        forget_old_changes(place)
        return place
