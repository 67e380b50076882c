"""Objects that an archive lists, fetched, and held against what was asked for.

Called by `archive`.

Invariants:
- an object is handed on only if its data set has the UIDs under which it was listed;
- what does not come at once is asked for by itself; what then does not come, the archive will not send.

Standard: PS3.4 C.4.2 (C-MOVE), C.4.3 (C-GET).
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from pydicom import dcmread

from pacsgate.dicom.reading import UNREADABLE
from pacsgate.model.errors import ArchiveError
from pacsgate.model.resource import ResourceKey
from pacsgate.upstream.dimse.association_pool import AssociationPool
from pacsgate.upstream.dimse.connection import nonsense
from pacsgate.upstream.dimse.finding import query_proposal
from pacsgate.upstream.dimse.listing import Listed
from pacsgate.upstream.dimse.mailbox import Mailbox
from pacsgate.upstream.dimse.retrieving import (
    MOST_CLASSES,
    STORED_SYNTAXES,
    STUDY_ROOT_MOVE,
    Received,
    get_objects,
    move_objects,
    retrieve_proposals,
)
from pacsgate.upstream.spool import Spool, SpooledFile

_NAMES = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


@dataclass(frozen=True, slots=True)
class Fetched:
    """One object in the spool, until the next one is asked for."""

    listed: Listed
    file: SpooledFile


@dataclass(frozen=True, slots=True)
class _Kind:
    """What an object was."""

    sop_class_uid: str
    transfer_syntax_uid: str


_MOST_KINDS = 10_000


class Fetching(ABC):
    """Fetches from one archive."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def one(self, listed: Listed, *, patient_id: str | None) -> SpooledFile:
        """One object, as a file that is the caller's to remove.  Raises `ArchiveError`."""
        kept: SpooledFile | None = None
        try:
            # To the end, so that the association is free for the next object.
            for received in self._alone(listed):
                _require_names(received, listed, patient_id)
                kept = SpooledFile(self._spool.new_path(), received.file.size, received.file.digest)
                received.file.path.rename(kept.path)
        except ArchiveError:
            if kept is not None:
                kept.path.unlink(missing_ok=True)
            raise
        if kept is None:
            raise ArchiveError("the archive does not send what it lists")
        return kept

    def each(self, listed: Sequence[Listed]) -> Iterator[Fetched]:
        """Each of some objects of one series that comes.  Raises `ArchiveError`."""
        missing = {one.key.sop_instance_uid: one for one in listed}
        for received in chain(self._at_once(listed), self._one_by_one(missing)):
            one = missing.pop(received.sop_instance_uid, None)
            if one is not None:
                _require_names(received, one, None)
                yield Fetched(one, received.file)

    @abstractmethod
    def _at_once(self, listed: Sequence[Listed]) -> Iterator[Received]:
        """As many as one question for the series brings, and perhaps none."""
        ...

    @abstractmethod
    def _alone(self, one: Listed) -> Iterator[Received]:
        """One object, if the archive sends it."""
        ...

    def _one_by_one(self, missing: Mapping[str | None, Listed]) -> Iterator[Received]:
        for one in list(missing.values()):
            yield from self._alone(one)


class FetchingByMove(Fetching):
    """Fetches by C-MOVE to the gate."""

    def __init__(self, pool: AssociationPool, spool: Spool, mailbox: Mailbox) -> None:
        super().__init__(spool)
        self._pool = pool
        self._mailbox = mailbox

    def _at_once(self, listed: Sequence[Listed]) -> Iterator[Received]:
        if len(listed) > 1:
            yield from self._received(_series_of(listed[0]), listed)

    def _alone(self, one: Listed) -> Iterator[Received]:
        yield from self._received(one.key, [one])

    def _received(self, key: ResourceKey, wanted: Sequence[Listed]) -> Iterator[Received]:
        names = [one.key.sop_instance_uid or "" for one in wanted]
        with self._pool.borrowed([query_proposal(STUDY_ROOT_MOVE)]) as association:
            yield from move_objects(association, key, names, self._mailbox)


class FetchingByGet(Fetching):
    """Fetches by C-GET, for which the gate must say what it would take."""

    def __init__(self, pool: AssociationPool, spool: Spool) -> None:
        super().__init__(spool)
        self._pool = pool
        self._kinds: dict[ResourceKey, _Kind] = {}
        """Of series, what an object of them was."""

    def _at_once(self, listed: Sequence[Listed]) -> Iterator[Received]:
        if len(listed) < 2:
            return
        series = _series_of(listed[0])
        classes = {one.sop_class_uid for one in listed}
        syntaxes = {one.transfer_syntax_uid for one in listed}
        if "" in classes:
            yield from self._alone(listed[0])
            if (kind := self._kinds.get(series)) is None:
                return
            classes, syntaxes = {kind.sop_class_uid}, {kind.transfer_syntax_uid}
        if len(classes) <= MOST_CLASSES:
            offer = STORED_SYNTAXES if "" in syntaxes else sorted(syntaxes)
            names = [one.key.sop_instance_uid or "" for one in listed]
            yield from self._received(series, names, sorted(classes), offer)

    def _alone(self, one: Listed) -> Iterator[Received]:
        """One object, proposing what it may be until the archive sends it.

        dcmtk's archive does not tell of an object what it is, sends over the first context of a class
        that it has accepted, and fails if the object is stored otherwise.
        """
        series = _series_of(one)
        name = [one.key.sop_instance_uid or ""]
        for classes, syntaxes in _attempts(one, self._kinds.get(series)):
            has_come = False
            for received in self._received(one.key, name, classes, syntaxes):
                if len(self._kinds) >= _MOST_KINDS:
                    self._kinds.clear()
                self._kinds[series] = _Kind(received.sop_class_uid, received.transfer_syntax_uid)
                has_come = True
                yield received
            if has_come:
                return

    def _received(
        self, key: ResourceKey, names: Collection[str], classes: Sequence[str], syntaxes: Sequence[str]
    ) -> Iterator[Received]:
        with self._pool.borrowed(retrieve_proposals(classes, syntaxes)) as association:
            yield from get_objects(association, key, names, self._spool)


def _attempts(one: Listed, kind: _Kind | None) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """The classes and transfer syntaxes to propose, the likeliest first; no class is all that are usual."""
    if kind is not None:
        yield [kind.sop_class_uid], [kind.transfer_syntax_uid]
    told = [one.sop_class_uid] if one.sop_class_uid else []
    if one.transfer_syntax_uid:
        yield told, [one.transfer_syntax_uid]
    if told:
        yield told, STORED_SYNTAXES
    for syntax in STORED_SYNTAXES:
        yield told, [syntax]


def _series_of(one: Listed) -> ResourceKey:
    return ResourceKey(one.key.study_instance_uid, one.key.series_instance_uid)


def _require_names(received: Received, listed: Listed, patient_id: str | None) -> None:
    """Raise `ArchiveError` unless the object is what its sender says that it is."""
    try:
        names = dcmread(received.file.path, specific_tags=[*_NAMES, "PatientID"], stop_before_pixels=True)
        found = tuple(str(names.get(keyword, "")) for keyword in _NAMES)
        patient = str(names.get("PatientID", "") or "")
    except UNREADABLE:
        raise ArchiveError("the archive holds a damaged object") from None
    key = listed.key
    if found != (key.study_instance_uid, key.series_instance_uid, key.sop_instance_uid):
        raise nonsense("an object that is not the one it is sent as")
    if patient_id is not None and patient != patient_id:
        raise ArchiveError("the archive holds this object of another patient")
