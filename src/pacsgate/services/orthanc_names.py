"""What an Orthanc identifier means: the DICOM names of which it is the hash.

An identifier cannot be turned back, so the index finds the studies that may have something of
this name, and the hash is computed again from what they hold.  A name of which nothing is known is
asked from Orthanc, if others write there: what it turns out to belong to is indexed first.

What a study, series or instance is called never changes, so names are remembered without asking
the database again.  Whether such a thing is still there is not said here, and neither is who may know.

Called by `orthanc_reach` and the Orthanc door; calls the index, the watch on Orthanc and `freshness`.

Invariants:
- an identifier that is the hash of several things at once names nothing.  The hash is taken over names with
  bars between them, so a PatientID with a bar in it can be made to give what is his the identifier of what
  is another's; therefore nothing of such a patient is remembered either;
- a name of another level is no name: `/studies/{a series' identifier}` is missing, and so is what no
  identifier looks like.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pacsgate.model.resource import ArchiveName, Level, ResourceKey, TenantScope
from pacsgate.ports import StudyEntry, StudyIndex
from pacsgate.ports.orthanc import OrthancWatch
from pacsgate.protocols.orthanc.identifiers import is_orthanc_id
from pacsgate.protocols.orthanc.identifiers import orthanc_id as identifier
from pacsgate.services.freshness import Freshness

MOST_NAMES = 50_000
"""In the newer half of what one process remembers, some 500 bytes each."""


@dataclass(frozen=True, slots=True)
class NamedResource:
    """One resource of one archive.  A patient has a key for each study; all keys hold the PatientID."""

    level: Level
    orthanc_id: str
    keys: tuple[ResourceKey, ...]


@dataclass(frozen=True, slots=True)
class FoundName:
    """What a name means, and whether Orthanc had to be asked."""

    named: NamedResource | None
    asked: bool


class OrthancNames:
    """Resolves identifiers; used by all threads of a process."""

    def __init__(
        self, index: StudyIndex, watches: Mapping[ArchiveName, OrthancWatch], freshness: Freshness
    ) -> None:
        self._index = index
        self._watches = watches
        self._freshness = freshness
        self._memory = _Memory()

    def recall(
        self, scope: TenantScope, archive: ArchiveName, level: Level | None, orthanc_id: str
    ) -> NamedResource | None:
        """What is remembered of a name, without database and Orthanc; `None` says nothing about it."""
        known = self._memory.recall((scope, archive, orthanc_id))
        return known if known is not None and level in {None, known.level} else None

    def resolve(
        self, scope: TenantScope, archive: ArchiveName, level: Level | None, orthanc_id: str
    ) -> NamedResource | None:
        """What a name means; of any level, if that is `None`.  Raises `ArchiveError`."""
        return self.find(scope, archive, level, orthanc_id).named

    def find(
        self, scope: TenantScope, archive: ArchiveName, level: Level | None, orthanc_id: str
    ) -> FoundName:
        """The same, with what it took.  Raises `ArchiveError`."""
        if not is_orthanc_id(orthanc_id):
            return FoundName(None, asked=False)
        known = self._memory.recall((scope, archive, orthanc_id)) or self._read(scope, archive, orthanc_id)
        if known is not None:
            return FoundName(known if level in {None, known.level} else None, asked=False)
        if not self._freshness.others_write(archive):
            return FoundName(None, asked=False)
        studies = self._studies_of(archive, level, orthanc_id)
        if studies and level is Level.INSTANCE:
            # Its study may be large, and growing: the feed reads the others.
            self._freshness.take(scope, archive, self._watches[archive].arrivals((orthanc_id,)))
        else:
            self._bring(scope, archive, studies)
        found = self._read(scope, archive, orthanc_id)
        return FoundName(found if found is not None and level in {None, found.level} else None, asked=True)

    def ask_anyway(
        self, scope: TenantScope, archive: ArchiveName, level: Level | None, *, asked: bool
    ) -> None:
        """Spend what an unknown name costs, unless `find` asked Orthanc.  Raises `ArchiveError`.

        About a name that nobody has, for the reason that `Freshness.ask_anyway` gives.
        """
        if not asked:
            self.find(scope, archive, level, identifier(secrets.token_hex(16)))

    def whole_patient(
        self, scope: TenantScope, archive: ArchiveName, patient: NamedResource
    ) -> NamedResource:
        """The patient with those studies too that Orthanc has got meanwhile.  Raises `ArchiveError`."""
        if not self._freshness.others_write(archive):
            return patient
        known = {(key.study_instance_uid, key.patient_id) for key in patient.keys}
        self._bring(scope, archive, self._studies_of(archive, Level.PATIENT, patient.orthanc_id) - known)
        return self._read(scope, archive, patient.orthanc_id) or patient

    def _studies_of(
        self, archive: ArchiveName, level: Level | None, orthanc_id: str
    ) -> frozenset[tuple[str, str | None]]:
        """UID and PatientID of each study that a name has to do with; one question for each level."""
        watch = self._watches[archive]
        levels = tuple(Level) if level is None else (level,)
        return frozenset(
            (study.study_instance_uid, study.patient_id)
            for of_level in levels
            for study in watch.studies_of(of_level, orthanc_id)
        )

    def _bring(
        self, scope: TenantScope, archive: ArchiveName, studies: Iterable[tuple[str, str | None]]
    ) -> None:
        for study_uid in {uid for uid, _ in studies}:
            self._freshness.look_again(scope, archive, study_uid)

    def _read(self, scope: TenantScope, archive: ArchiveName, orthanc_id: str) -> NamedResource | None:
        """What the index knows under a name; what is named in the same study is remembered with it."""
        found: dict[tuple[Level, ResourceKey], None] = {}
        for study in self._index.with_orthanc_id(scope, archive, orthanc_id):
            named = self._within(scope, archive, study, orthanc_id)
            if named is not None:
                found[named.level, named.keys[0]] = None
        levels = {level for level, _ in found}
        if not found or (len(found) > 1 and levels != {Level.PATIENT}):
            return None
        return NamedResource(levels.pop(), orthanc_id, tuple(key for _, key in found))

    def _within(
        self, scope: TenantScope, archive: ArchiveName, study: StudyEntry, orthanc_id: str
    ) -> NamedResource | None:
        """What has this name in one study, the patient first: no two things in it have the same."""
        if identifier(study.patient_id) == orthanc_id:
            return NamedResource(Level.PATIENT, orthanc_id, (_key_of(study),))
        found = None
        for named in names_in(study):
            if "|" not in study.patient_id:
                self._memory.keep((scope, archive, named.orthanc_id), named)
            if named.orthanc_id == orthanc_id:
                found = named
                if named.level is not Level.INSTANCE:
                    break
        return found


def names_in(study: StudyEntry) -> Iterator[NamedResource]:
    """The name of a study and of everything in it, from above."""
    above = (study.patient_id, study.study_instance_uid)
    yield NamedResource(Level.STUDY, identifier(*above), (_key_of(study),))
    for uid in dict.fromkeys(series.series_instance_uid for series in study.series):
        yield NamedResource(Level.SERIES, identifier(*above, uid), (_key_of(study, uid),))
    for series in study.series:
        uid = series.series_instance_uid
        for instance in series.instances:
            named = identifier(*above, uid, instance.sop_instance_uid)
            yield NamedResource(Level.INSTANCE, named, (_key_of(study, uid, instance.sop_instance_uid),))


def _key_of(study: StudyEntry, series: str | None = None, instance: str | None = None) -> ResourceKey:
    return ResourceKey(study.study_instance_uid, series, instance, study.patient_id)


_Place = tuple[TenantScope, ArchiveName, str]


class _Memory:
    """What was asked for last, in two halves: when the newer one is full, the older one is forgotten."""

    def __init__(self) -> None:
        self._newer: dict[_Place, NamedResource] = {}
        self._older: dict[_Place, NamedResource] = {}

    def recall(self, place: _Place) -> NamedResource | None:
        known = self._newer.get(place)
        if known is None and (known := self._older.get(place)) is not None:
            self.keep(place, known)
        return known

    def keep(self, place: _Place, named: NamedResource) -> None:
        if len(self._newer) >= MOST_NAMES:
            self._newer, self._older = {}, self._newer
        self._newer[place] = named
