"""An archive that speaks DIMSE only, as one of the gate's archives.

What it has it tells by C-FIND; an object comes whole, into the gate's workspace, and is
looked into there.  Its answers are held against what was asked: an object that is not the
one that was named goes to nobody.

Called by `services` and the doors, through `pacsgate.ports.Archive`.

Invariants:
- whatever is handed out under a key has the UIDs of that key in its data set;
- a store through this gate does not replace an object that the archive lists.

Standard: PS3.4 annexes B and C.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import structlog
from pydicom.dataset import Dataset

from pacsgate.dicom.reading import read_object
from pacsgate.dicom.summarise import summarise
from pacsgate.dicom.uids import is_valid_uid
from pacsgate.model.errors import ArchiveError, GoneError, RequestError
from pacsgate.model.resource import ArchiveName, Level, ResourceKey
from pacsgate.ports import Arrival, ByteSource, Capability, StoreOutcome
from pacsgate.upstream.dimse.association_pool import AssociationPool
from pacsgate.upstream.dimse.fetched_source import FetchedSource
from pacsgate.upstream.dimse.fetching import Fetched, Fetching, FetchingByGet, FetchingByMove
from pacsgate.upstream.dimse.kept_objects import KeptObjects
from pacsgate.upstream.dimse.known_summaries import KnownSummaries
from pacsgate.upstream.dimse.listing import (
    Listed,
    instance,
    instances_of,
    instances_of_series,
    study_instance_uids,
    whereabouts,
)
from pacsgate.upstream.dimse.mailbox import Mailbox
from pacsgate.upstream.dimse.receiver import Receiver
from pacsgate.upstream.dimse.settings import DimseSettings
from pacsgate.upstream.dimse.storing import same_object, store_object
from pacsgate.upstream.fetched_whole import MAX_DATASET_BYTES, walk_studies
from pacsgate.upstream.part10_header import read_header
from pacsgate.upstream.spool import Spool, SpooledFile, clear_abandoned
from pacsgate.upstream.uid_locks import UidLocks

_log = structlog.get_logger(__name__)


class DimseArchive:
    """One archive.  `directory` is the gate's own: temporary files, locks, what is known of objects."""

    def __init__(self, name: ArchiveName, settings: DimseSettings, directory: Path) -> None:
        self.name = name
        self.capabilities = frozenset({Capability.STORE} if settings.takes_objects else ())
        self._relational_queries = settings.relational_queries
        self._pool = AssociationPool(settings.peer)
        self._locks = UidLocks(directory / "locks")
        self._known = KnownSummaries(directory / "known")
        clear_abandoned(directory / "spool")
        self.spool = Spool(directory / "spool")
        self._receiver: Receiver | None = None
        self._fetching: Fetching = FetchingByGet(self._pool, self.spool)
        if settings.receive is not None:
            mailbox = Mailbox(self.spool, settings.peer.calling_ae_title)
            self._receiver = Receiver(settings.peer, settings.receive, self.spool, mailbox)
            self._fetching = FetchingByMove(self._pool, self.spool, mailbox)
        self._kept = KeptObjects(self._fetched)

    def close(self) -> None:
        """Release associations and give back the workspace."""
        self._pool.close()
        if self._receiver is not None:
            self._receiver.close()
        self.spool.close()

    def open(self, key: ResourceKey) -> ByteSource:
        """The instance, fetched when it is read."""
        return FetchedSource(self._kept, key)

    def dataset(self, key: ResourceKey) -> Dataset:
        """The whole data set.  Raises `ArchiveError` if it is larger than 2 GiB."""
        with self._kept.lent(key) as file:
            if file.size > MAX_DATASET_BYTES:
                raise ArchiveError("the archive's object is too large to be looked into")
            with file.path.open("rb") as opened:
                return _read(opened)

    def file(self, key: ResourceKey) -> BinaryIO | None:
        """The instance's file, fetched."""
        with self._kept.lent(key) as file:
            return file.path.open("rb")

    def headers(self, key: ResourceKey) -> Iterator[Dataset]:
        """The data sets of one instance or series, read from the objects; bulk values are empty."""
        if key.level is Level.INSTANCE:
            with self._kept.lent(key) as file:
                header = read_header(file.path)
            yield header
            return
        listed = instances_of_series(self._pool, key) if _is_addressable(key) else []
        if not listed:
            raise GoneError
        missing = len({one.key for one in listed})
        for fetched in self._fetching.each(listed):
            missing -= 1
            yield read_header(fetched.file.path)
        if missing:
            raise ArchiveError("the archive does not send all that it lists", detail=f"{missing} missing")

    def study(self, study_instance_uid: str) -> Iterator[Arrival]:
        """Every instance of one study; only what the archive tells otherwise than before is fetched."""
        if not is_valid_uid(study_instance_uid):
            return
        listed = instances_of(self._pool, study_instance_uid)
        if not listed:
            self._known.forget(study_instance_uid)
        by_series: dict[ResourceKey, list[Listed]] = {}
        for one in listed:
            series = ResourceKey(study_instance_uid, one.key.series_instance_uid)
            by_series.setdefault(series, []).append(one)
        for series in sorted(by_series, key=str):
            yield from self._series(series, by_series[series])

    def existing(self, sop_instance_uid: str) -> ResourceKey | None:
        """Where an instance with this UID is, if the archive answers such a (relational) question."""
        if not self._relational_queries or not is_valid_uid(sop_instance_uid):
            return None
        return whereabouts(self._pool, sop_instance_uid)

    def store(self, key: ResourceKey, spooled: Path, digest: str) -> StoreOutcome:
        """Send the object, unless its SOP Instance UID is taken."""
        if Capability.STORE not in self.capabilities:
            raise RequestError("the archive takes no objects", status=501)
        uid = key.sop_instance_uid or ""
        with self._locks.hold(uid):
            taken = self.existing(uid)
            if taken is None and instance(self._pool, key) is not None:
                taken = _without_patient(key)
            if taken is None:
                return store_object(self._pool, spooled, uid)
            if taken != _without_patient(key):
                return StoreOutcome.CONFLICT
            with self._kept.lent(taken) as held:
                is_same = held.digest == digest or same_object(held.path, spooled)
            return StoreOutcome.ALREADY_THERE if is_same else StoreOutcome.CONFLICT

    def delete(self, key: ResourceKey) -> None:  # noqa: ARG002 - whatever is named
        """DIMSE has no service for it."""
        raise RequestError("the archive cannot delete", status=501)

    def walk(self, cursor: str | None) -> Iterator[Arrival]:
        """Every instance, study by study in the order of their UIDs.

        The cursor is the last study that is complete, so stopping inside a study
        means reading that study again.
        """
        return walk_studies(study_instance_uids(self._pool), self.study, cursor, self.spool.workspace)

    def count(self) -> int | None:
        """DIMSE has no cheap way to ask."""
        return None

    def _fetched(self, key: ResourceKey) -> SpooledFile:
        listed = instance(self._pool, key) if _is_addressable(key) else None
        if listed is None:
            raise GoneError
        return self._fetching.one(listed, patient_id=key.patient_id)

    def _series(self, series: ResourceKey, listed: list[Listed]) -> Iterator[Arrival]:
        """The instances of a series in the order of their UIDs, those that come and can be read."""
        known = self._known.read(series)
        arrivals: dict[str, tuple[str, Arrival]] = {}
        to_fetch: list[Listed] = []
        for one in listed:
            uid = one.key.sop_instance_uid or ""
            if (before := known.get((uid, one.told))) is None:
                to_fetch.append(one)
            else:
                arrivals[uid] = one.told, before
        for fetched in self._fetching.each(to_fetch):
            if (arrival := self._arrival(fetched)) is not None:
                arrivals[arrival.summary.sop_instance_uid] = fetched.listed.told, arrival
        if len(arrivals) < len({one.key for one in listed}):
            # One damaged object must not keep all others out of the index; it stays invisible itself.
            _log.error("objects left out of the index", archive=self.name, number=len(listed) - len(arrivals))
        in_order = [arrivals[uid] for uid in sorted(arrivals)]
        if to_fetch or len(in_order) != len(known):
            self._known.write(series, in_order)
        for _, arrival in in_order:
            yield arrival

    def _arrival(self, fetched: Fetched) -> Arrival | None:
        try:
            summary = summarise(read_header(fetched.file.path))
        except (ArchiveError, RequestError) as damage:
            _log.error("damaged object", archive=self.name, reason=damage.public)
            return None
        return Arrival(summary, fetched.file.size, fetched.file.digest, cursor="")


def _read(opened: BinaryIO) -> Dataset:
    try:
        return read_object(opened)
    except RequestError as damage:
        raise ArchiveError("the archive holds a damaged object", detail=damage.public) from None


def _is_addressable(key: ResourceKey) -> bool:
    uids = (key.study_instance_uid, key.series_instance_uid, key.sop_instance_uid)
    return all(is_valid_uid(uid) for uid in uids if uid is not None)


def _without_patient(key: ResourceKey) -> ResourceKey:
    return ResourceKey(key.study_instance_uid, key.series_instance_uid, key.sop_instance_uid)
