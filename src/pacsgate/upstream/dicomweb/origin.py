"""Any DICOMweb origin as one of the gate's archives.

Object bytes are streamed through; whatever the gate has to look into comes as
metadata.  The origin's own search is used to find what there is, never to
decide who may see it.

Origins differ in what they do with an object whose SOP Instance UID they have
already: some overwrite, some answer success and drop it (Orthanc 1.10 does
either, by configuration).  So the gate asks first, one store of a UID at a time.

Called by `services` and the doors, through `pacsgate.ports.Archive`.

Invariants:
- a store through this gate never replaces an object of the origin.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import structlog
from pydicom.dataset import Dataset

from pacsgate.dicom.reading import MALFORMED
from pacsgate.dicom.summarise import summarise_json
from pacsgate.dicom.summary import DicomJson
from pacsgate.dicom.uids import is_valid_uid
from pacsgate.model.errors import ArchiveError, GoneError, RequestError
from pacsgate.model.resource import ArchiveName, ResourceKey
from pacsgate.ports import Arrival, ByteSource, Capability, Clock, StoreOutcome
from pacsgate.upstream.dicomweb.data_sets import first_string
from pacsgate.upstream.dicomweb.listing import search, study_instance_uids
from pacsgate.upstream.dicomweb.metadata import instances
from pacsgate.upstream.dicomweb.retrieval import RemoteInstance
from pacsgate.upstream.dicomweb.settings import DicomWebSettings
from pacsgate.upstream.dicomweb.storing import store_one
from pacsgate.upstream.fetched_whole import walk_studies, whole_data_set
from pacsgate.upstream.http.answers import unreadable
from pacsgate.upstream.http.background import BackgroundLoop
from pacsgate.upstream.http.client import OriginClient
from pacsgate.upstream.local_file import LocalFile
from pacsgate.upstream.spool import Spool, clear_abandoned
from pacsgate.upstream.uid_locks import UidLocks

_log = structlog.get_logger(__name__)

_STUDY = "0020000D"
_SERIES = "0020000E"
_SOP = "00080018"
_AVAILABLE_TRANSFER_SYNTAX_UID = "00083002"
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData", "PixelDataProviderURL")
_NO_DELETE = frozenset({405, 501})


class DicomWebArchive:
    """One origin.  `directory` is the gate's own, for temporary files and locks."""

    def __init__(self, name: ArchiveName, settings: DicomWebSettings, directory: Path, clock: Clock) -> None:
        self.name = name
        self.capabilities = frozenset(
            {Capability.STORE} | ({Capability.DELETE} if settings.can_delete else set())
        )
        self._client = OriginClient(settings, clock)
        self._background = BackgroundLoop(f"archive-{name}")
        self._locks = UidLocks(directory / "locks")
        clear_abandoned(directory / "spool")
        self.spool = Spool(directory / "spool")

    def close(self) -> None:
        """Close the synchronous side: its connections, its thread, the spool's workspace."""
        self._background.run(self._client.aclose())
        self._background.close()
        self.spool.close()

    async def aclose(self) -> None:
        """Close the connections of the running loop."""
        await self._client.aclose()

    def open(self, key: ResourceKey) -> ByteSource:
        """The instance, fetched when it is read; so a 404 comes with the first chunk."""
        return RemoteInstance(self._client, self._background, _path(key))

    def dataset(self, key: ResourceKey) -> Dataset:
        """The whole data set.  Raises `ArchiveError` if it is larger than 2 GiB."""
        return whole_data_set(self.open(key), self.spool.workspace)

    def file(self, key: ResourceKey) -> BinaryIO | None:  # noqa: ARG002 - whatever is named
        """None: an origin's objects are fetched whole."""
        return None

    def headers(self, key: ResourceKey) -> Iterator[Dataset]:
        """The metadata of one instance or series as data sets; bulk values are empty."""
        for metadata in instances(self._client, self._background, _path(key)):
            try:
                data_set = Dataset.from_json(dict(metadata), bulk_data_uri_handler=_left_out)
            except MALFORMED as damage:
                raise unreadable(f"metadata: {type(damage).__name__}") from None
            yield _with_pixel_data(data_set)

    def study(self, study_instance_uid: str) -> Iterator[Arrival]:
        """Every instance of one study, from its metadata."""
        try:
            for metadata in instances(self._client, self._background, _path(ResourceKey(study_instance_uid))):
                if (arrival := self._arrival(metadata)) is not None:
                    yield arrival
        except GoneError:
            return

    def existing(self, sop_instance_uid: str) -> ResourceKey | None:
        """Ask the origin's search; an origin that ignores the question is an error, not a "no"."""
        parameters = {"SOPInstanceUID": sop_instance_uid, "limit": "1"}
        rows = self._background.run(search(self._client, "/instances", parameters))
        if not rows:
            return None
        study, series, sop = (first_string(rows[0], tag) for tag in (_STUDY, _SERIES, _SOP))
        if sop != sop_instance_uid or study is None or series is None:
            raise ArchiveError("the archive cannot be searched", detail="`SOPInstanceUID` was not matched")
        return ResourceKey(study, series, sop)

    def store(self, key: ResourceKey, spooled: Path, digest: str) -> StoreOutcome:
        """Send the object, unless its SOP Instance UID is taken."""
        uid = key.sop_instance_uid or ""
        try:
            with self._locks.hold(uid):
                taken = self.existing(uid)
                if taken is not None:
                    same = taken == key and self._digest(key) == digest
                    return StoreOutcome.ALREADY_THERE if same else StoreOutcome.CONFLICT
                file = LocalFile(spooled, spooled.stat().st_size)
                return self._background.run(store_one(self._client, file, uid))
        except RequestError as refusal:
            raise ArchiveError("the archive did not take the object", detail=refusal.public) from refusal

    def delete(self, key: ResourceKey) -> None:
        """Ask the origin to.  Raises `RequestError` (501) if it says that it cannot."""
        self._background.run(self._delete(key))

    def walk(self, cursor: str | None) -> Iterator[Arrival]:
        """Every instance, study by study in the order of their UIDs.

        The cursor is the last study that is complete, so stopping inside a study
        means reading that study again.
        """
        names = self._background.iterate(study_instance_uids(self._client))
        return walk_studies(names, self.study, cursor, self.spool.workspace)

    def count(self) -> int | None:
        """DICOMweb has no cheap way to ask."""
        return None

    def _arrival(self, metadata: DicomJson) -> Arrival | None:
        syntax = first_string(metadata, _AVAILABLE_TRANSFER_SYNTAX_UID) or ""
        try:
            return Arrival(summarise_json(metadata, syntax), size=None, digest=None, cursor="")
        except RequestError as damage:
            # One damaged object must not keep all others out of the index; it stays invisible itself.
            _log.error("object left out of the index", archive=self.name, reason=damage.public)
            return None

    def _digest(self, key: ResourceKey) -> str:
        sha256 = hashlib.sha256()
        for chunk in self.open(key).chunks():
            sha256.update(chunk)
        return sha256.hexdigest()

    async def _delete(self, key: ResourceKey) -> None:
        expected = frozenset({200, 204}) | _NO_DELETE
        async with self._client.request("DELETE", _path(key), headers={}, expected=expected) as response:
            if response.status in _NO_DELETE:
                raise RequestError("the archive cannot delete", status=501)


def _path(key: ResourceKey) -> str:
    """The resource below the root.  Only valid UIDs become part of a path."""
    uids = (key.study_instance_uid, key.series_instance_uid, key.sop_instance_uid)
    if not all(is_valid_uid(uid) for uid in uids if uid is not None):
        raise RequestError("not a valid UID", status=404)
    names = ("studies", "series", "instances")
    return "".join(f"/{name}/{uid}" for name, uid in zip(names, uids, strict=True) if uid is not None)


def _with_pixel_data(header: Dataset) -> Dataset:
    """The header of an image with the element for its pixels: Orthanc leaves out compressed ones.

    Standard: PS3.3 C.7.6.3 (an image with `Rows` has one of them); PS3.5 A.4 (compressed ones are OB).
    """
    if "Rows" in header and not any(keyword in header for keyword in _PIXELS):
        header.add_new("PixelData", "OB", None)
    return header


def _left_out(*_address: Any) -> None:
    """No value for what is only named by a BulkDataURI."""
