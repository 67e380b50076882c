"""An Orthanc as one of the gate's archives, through its own REST API.

Every resource is addressed by the identifier that the gate computed from its key.  What the gate
has to look into is read from the stored file itself: of all that Orthanc can be asked, only that
has every element with its VR, the transfer syntax and the bytes whose digest is compared
(docs/decisions/0010-orthanc-is-read-from-its-files-and-nginx-may-send-them.md).

What Orthanc does with an object whose UIDs it has already is a matter of its configuration
(`OverwriteInstances`).  So the gate asks first, one store of a UID at a time.

Called by `services` and the doors, through `pacsgate.ports.Archive` and `pacsgate.ports.Orthanc`.

Invariants:
- a store through this gate never replaces an object of Orthanc's.

Standard: Orthanc's OpenAPI document (1.10.1).
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, BinaryIO

import structlog
from pydicom.dataset import Dataset

from pacsgate.dicom.summarise import summarise
from pacsgate.dicom.summary import InstanceSummary
from pacsgate.dicom.uids import is_valid_uid
from pacsgate.model.errors import ArchiveError, GoneError, RequestError
from pacsgate.model.resource import ArchiveName, Level, ResourceKey
from pacsgate.ports import Arrival, ByteSource, Capability, Clock, StoreOutcome
from pacsgate.ports.orthanc import OrthancRequest, OrthancResponse
from pacsgate.upstream.fetched_whole import walk_studies, whole_data_set
from pacsgate.upstream.http.answers import unreadable
from pacsgate.upstream.http.background import BackgroundLoop
from pacsgate.upstream.http.client import OriginClient, archive_errors, require_expected
from pacsgate.upstream.http.settings import OriginSettings
from pacsgate.upstream.orthanc.objects import FetchedFile, RemoteFile, fetched_files
from pacsgate.upstream.orthanc.places import (
    Place,
    instances_below,
    key_of_instance,
    key_of_study,
    of_level,
    place_of,
    places,
    study_identifiers,
)
from pacsgate.upstream.orthanc.rest import RestClient, decoded
from pacsgate.upstream.part10_header import read_header
from pacsgate.upstream.spool import Spool, clear_abandoned
from pacsgate.upstream.uid_locks import UidLocks

_log = structlog.get_logger(__name__)

_SAYS_WHAT_BECAME = frozenset({200, 400, 500})
_DONE = frozenset({200})
_MOST_ANSWERED = 1024 * 1024
"""Bytes of the answer to what is stored or looked up."""
_FULL_STORAGE = 19
"""Orthanc's number for "the file storage is full", which it answers with status 500."""


class OrthancArchive:
    """One Orthanc.  `directory` is the gate's own, for temporary files and locks."""

    def __init__(self, name: ArchiveName, settings: OriginSettings, directory: Path, clock: Clock) -> None:
        self.name = name
        self.capabilities = frozenset({Capability.STORE, Capability.DELETE})
        self._client = OriginClient(settings, clock)
        self._rest = RestClient(self._client)
        self._background = BackgroundLoop(f"archive-{name}")
        self._poster = self._client.poster(self._background)
        self._locks = UidLocks(directory / "locks")
        clear_abandoned(directory / "spool")
        self.spool = Spool(directory / "spool")

    def close(self) -> None:
        """Close the synchronous side: its connections, its thread, the spool's workspace."""
        self._poster.close()
        self._background.run(self._client.aclose())
        self._background.close()
        self.spool.close()

    async def aclose(self) -> None:
        """Close the connections of the running loop."""
        await self._client.aclose()

    # ---------------------------------------------------------------- Orthanc

    def ask(self, request: OrthancRequest) -> AbstractAsyncContextManager[OrthancResponse]:
        """Ask from the event loop; the body is read inside the context."""
        return self._rest.ask(request)

    def ask_json(self, request: OrthancRequest) -> Any:
        """Ask from a thread and decode the answer."""
        return self._background.run(self._rest.ask_json(request))

    # ---------------------------------------------------------------- Archive

    def open(self, key: ResourceKey) -> ByteSource:
        """The instance's file, fetched when it is read."""
        return RemoteFile(self._rest, self._background, key)

    def dataset(self, key: ResourceKey) -> Dataset:
        """The whole data set.  Raises `ArchiveError` if it is larger than 2 GiB."""
        return whole_data_set(self.open(key), self.spool.workspace)

    def file(self, key: ResourceKey) -> BinaryIO | None:  # noqa: ARG002 - whatever is named
        """None: Orthanc's objects are fetched whole."""
        return None

    def headers(self, key: ResourceKey) -> Iterator[Dataset]:
        """The data sets, read from the files one at a time; bulk values are empty."""
        is_any = False
        for file in self._files(self._instances(key)):
            is_any = True
            yield read_header(file.path)
        if not is_any:
            raise GoneError

    def study(self, study_instance_uid: str) -> Iterator[Arrival]:
        """Every instance of a study, of every patient who has one with this UID."""
        try:
            found = self._background.run(places(self._rest, ResourceKey(study_instance_uid)))
        except GoneError:
            return
        for place in sorted(found, key=lambda place: place.orthanc_id):
            yield from self._arrivals_below(place)

    def existing(self, sop_instance_uid: str) -> ResourceKey | None:
        """Where an instance with this UID is; the first, if several patients have it."""
        if not is_valid_uid(sop_instance_uid):
            return None
        return next((_without_patient(key) for key in self._keys_of(sop_instance_uid)), None)

    def store(self, key: ResourceKey, spooled: Path, digest: str) -> StoreOutcome:
        """Send the object, unless its SOP Instance UID is taken."""
        uid = key.sop_instance_uid or ""
        try:
            with self._locks.hold(uid):
                taken = self._keys_of(uid)
                if taken:
                    return self._compared(key, taken, digest)
                status = self._sent(spooled)
                # Somebody else's store of the same UID came first, and Orthanc kept that.
                return (
                    StoreOutcome.STORED
                    if status == "Success"
                    else self._compared(key, self._keys_of(uid), digest)
                )
        except RequestError as refusal:
            raise ArchiveError("the archive did not take the object", detail=refusal.public) from refusal

    def delete(self, key: ResourceKey) -> None:
        """Remove it from every patient that the key may mean.  Raises `GoneError` when there is nothing."""
        found = self._background.run(places(self._rest, key))
        for place in found:
            self.ask_json(OrthancRequest("DELETE", place.path))

    def walk(self, cursor: str | None) -> Iterator[Arrival]:
        """Every instance, study by study in the order of Orthanc's identifiers.

        The cursor is the last study that is complete, so stopping inside a study
        means reading that study again.
        """
        names = self._background.iterate(study_identifiers(self._rest))
        return walk_studies(names, self._arrivals_of, cursor, self.spool.workspace)

    def count(self) -> int | None:
        """How many instances Orthanc says that it has."""
        answer = self.ask_json(OrthancRequest("GET", "/statistics"))
        count = answer.get("CountInstances") if isinstance(answer, dict) else None
        if not isinstance(count, int):
            raise unreadable("statistics without `CountInstances`")
        return count

    def arrivals(self, orthanc_ids: Sequence[str]) -> Iterator[Arrival]:
        """Those instances as they are now; what has gone, or is not what its name says, is left out."""
        for file in self._files(orthanc_ids):
            if (arrival := self._arrival(file)) is not None:
                yield arrival

    def _arrivals_of(self, identifier: str) -> Iterator[Arrival]:
        try:
            key = self._background.run(key_of_study(self._rest, identifier))
        except GoneError:
            return
        if key is not None:
            yield from self._arrivals_below(place_of(key))

    def _arrivals_below(self, study: Place) -> Iterator[Arrival]:
        try:
            instances = self._background.run(instances_below(self._rest, study))
        except GoneError:
            return
        for arrival in self.arrivals(instances):
            if arrival.summary.study_instance_uid == study.key.study_instance_uid:
                yield arrival

    def _arrival(self, file: FetchedFile) -> Arrival | None:
        reason = "its file names it otherwise than Orthanc does"
        try:
            summary = summarise(read_header(file.path))
        except (ArchiveError, RequestError) as damage:
            reason = damage.public
        else:
            if place_of(_key_of(summary)).orthanc_id == file.orthanc_id:
                return Arrival(summary, file.size, file.digest, cursor="")
        # One damaged object must not keep all others out of the index; it stays invisible itself.
        _log.error(
            "object left out of the index", archive=self.name, reason=reason, orthanc_id=file.orthanc_id
        )
        return None

    def _instances(self, key: ResourceKey) -> Sequence[str]:
        """The identifiers of one instance, or of every instance of a series.  Raises `GoneError`."""
        found = self._background.run(places(self._rest, key))
        if key.level is Level.INSTANCE:
            return [place.orthanc_id for place in found]
        below = [self._background.run(instances_below(self._rest, place)) for place in found]
        return [instance for instances in below for instance in instances]

    def _files(self, orthanc_ids: Sequence[str]) -> Iterator[FetchedFile]:
        return self._background.iterate(fetched_files(self._rest, self.spool, orthanc_ids))

    def _keys_of(self, sop_instance_uid: str) -> list[ResourceKey]:
        """Every instance with this UID, by what its parents are."""
        answer = self._posted("/tools/lookup", sop_instance_uid.encode("ascii"), _DONE)
        found = of_level(answer, Level.INSTANCE)
        return self._background.run(_keys(self._rest, found)) if found else []

    def _compared(self, key: ResourceKey, taken: Sequence[ResourceKey], digest: str) -> StoreOutcome:
        same = any(
            _without_patient(other) == _without_patient(key) and self._digest(other) == digest
            for other in taken
        )
        return StoreOutcome.ALREADY_THERE if same else StoreOutcome.CONFLICT

    def _digest(self, key: ResourceKey) -> str:
        sha256 = hashlib.sha256()
        for chunk in self.open(key).chunks():
            sha256.update(chunk)
        return sha256.hexdigest()

    def _sent(self, spooled: Path) -> str:
        """What Orthanc says has become of a file.  Raises `ArchiveError` unless it has it now."""
        answer = self._posted("/instances", spooled, _SAYS_WHAT_BECAME)
        said = answer if isinstance(answer, dict) else {}
        if said.get("Status") in {"Success", "AlreadyStored"}:
            return str(said["Status"])
        if said.get("OrthancStatus") == _FULL_STORAGE:
            raise ArchiveError("the archive is full")
        # Orthanc's own sentences may quote the object.
        reason = f"status {said.get('Status')}, Orthanc's error {said.get('OrthancStatus')}"
        raise ArchiveError("the archive did not take the object", detail=reason)

    def _posted(self, path: str, body: bytes | Path, expected: frozenset[int]) -> Any:
        """What Orthanc answers, in JSON, to a thread that waits for it."""
        with archive_errors():
            answer = self._poster.post(path, body, _MOST_ANSWERED)
        require_expected(answer.status, answer.headers, expected)
        return decoded(answer.body)


async def _keys(rest: RestClient, identifiers: Iterable[str]) -> list[ResourceKey]:
    found = []
    for identifier in identifiers:
        try:
            key = await key_of_instance(rest, identifier)
        except GoneError:
            continue
        if key is not None:
            found.append(key)
    return found


def _key_of(summary: InstanceSummary) -> ResourceKey:
    return ResourceKey(
        summary.study_instance_uid, summary.series_instance_uid, summary.sop_instance_uid, summary.patient_id
    )


def _without_patient(key: ResourceKey) -> ResourceKey:
    return ResourceKey(key.study_instance_uid, key.series_instance_uid, key.sop_instance_uid)
