"""Finishes what a crash left half done between an object and its index row.

The trail is the journal: a store that began and never completed names its
objects.  Each of them is either in the archive, and then belongs into the index,
or never got there, and then nothing is owed: the sender was not told otherwise.
The arrival of a study that enters the index so is told, as it is when it is stored;
who was told before the crash is told twice, and grants the same.

Called by `pacsgate.bootstrap.trail` before anything listens; calls the archive and the index.
"""

from collections.abc import Callable, Iterable, Mapping

from pacsgate.audit.events import AuditEvent, EventKind
from pacsgate.dicom.summary import InstanceSummary
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.policy.origin import origin_facts
from pacsgate.ports import Archive, StudyIndex
from pacsgate.services.index_objects import ObjectIndexer
from pacsgate.services.store_instances import INSTANCES_DETAIL

Arrived = Callable[[AuditEvent, ArchiveName, InstanceSummary], None]
"""Is told of a study that was begun by that event, and of one of its objects."""


def unfinished_stores(events: Iterable[AuditEvent]) -> tuple[AuditEvent, ...]:
    """The begin events, oldest first, whose completion is not among `events`."""
    begun: dict[tuple[str | None, str | None], AuditEvent] = {}
    for event in events:
        key = (event.request_id, event.study.study_instance_uid if event.study is not None else None)
        match event.kind:
            case EventKind.STORE_BEGUN:
                begun[key] = event
            case EventKind.INSTANCES_STORED:
                begun.pop(key, None)
            case _:
                pass
    return tuple(begun.values())


def reconcile(
    scope_of: Callable[[ArchiveName], TenantScope],
    events: Iterable[AuditEvent],
    archives: Mapping[ArchiveName, Archive],
    index: StudyIndex,
    indexer: ObjectIndexer,
    arrived: Arrived,
) -> int:
    """Index what unfinished stores left in an archive; returns how many objects.  Raises `ArchiveError`."""
    count = 0
    for event in unfinished_stores(events):
        archive = archives.get(event.archive) if event.archive is not None else None
        if archive is None or event.study is None:
            continue
        scope, study_uid = scope_of(archive.name), event.study.study_instance_uid
        named = set(event.details.get(INSTANCES_DETAIL, "").split())
        present = {
            uid for uid in named if (key := archive.existing(uid)) and key.study_instance_uid == study_uid
        }
        indexed = _indexed(index, scope, archive.name, study_uid)
        missing = present - indexed
        if missing:
            arrivals = [one for one in archive.study(study_uid) if one.summary.sop_instance_uid in missing]
            if arrivals and not indexed:
                arrived(event, archive.name, arrivals[0].summary)
            indexer.add(scope, archive.name, arrivals, origin=origin_facts(event.actor.name))
            count += len(arrivals)
    return count


def _indexed(
    index: StudyIndex, scope: TenantScope, archive: ArchiveName, study_instance_uid: str
) -> set[str]:
    return {
        instance.sop_instance_uid
        for study in index.studies(scope, archive, study_instance_uid)
        for series in study.series
        for instance in series.instances
    }
