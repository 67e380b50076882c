"""Reads studies out of the index: the hot look-up before every decision, and all of them for walks.

One statement finds a study with its series; what their kinds say is remembered per
process, for a kind never changes; instances stay packed until somebody looks at them.

Called by `study_index`.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from pacsgate.model.resource import ArchiveName
from pacsgate.ports import SeriesEntry, StudyEntry
from pacsgate.stores import computed
from pacsgate.stores.database import Database
from pacsgate.stores.dialects import instant
from pacsgate.stores.known_kinds import KnownKind, read_kinds
from pacsgate.stores.orthanc_names import number_of
from pacsgate.stores.packing import InstanceEntries, unpack_attributes, unpack_parts
from pacsgate.stores.reading import Row, Snapshot
from pacsgate.stores.row_facts import part_facts, row_values, study_facts

_BATCH = 200
"""Studies read per transaction while walking all of them, so that no writer waits long."""

_REMEMBERED = 50_000
"""Kinds kept in memory per process; at some 500 bytes each, 25 MB at most."""

_ENTRIES = (
    "SELECT study.study_pk, study.kind_pk, study.recency, study.study_instance_uid, study.patient_id,"
    " study.issuer_of_patient_id, study.observed_at, study.attributes, study.parts,"
    " series.series_instance_uid, series.part, series.attributes, series.instances, series.packed"
    " FROM study JOIN series ON series.tenant = study.tenant AND series.study_pk = study.study_pk"
    " WHERE study.tenant = :tenant AND "
)
_IN_ORDER = " ORDER BY study.study_pk, series.series_instance_uid, series.part"
_WITH_UID = _ENTRIES + "study.archive = :archive AND study.study_instance_uid = :uid" + _IN_ORDER
_OF_NAME = "study.study_pk IN (SELECT study_pk FROM orthanc_name WHERE tenant = :tenant AND number = :number)"
_WITH_ORTHANC_ID = _ENTRIES + "study.archive = :archive AND " + _OF_NAME + _IN_ORDER
_NUMBERED = _ENTRIES + "study.study_pk IN :numbers" + _IN_ORDER
_NEXT_NUMBERS = (
    "SELECT study_pk FROM study WHERE tenant = :tenant AND archive = :archive AND study_pk > :after"
    " ORDER BY study_pk LIMIT :batch"
)


class Entries:
    """Reads the studies of one tenant's archive."""

    def __init__(self, database: Database, tenant: str, archive: str) -> None:
        self._database = database
        self._place = {"tenant": tenant, "archive": archive}
        self._archive = ArchiveName(archive)
        self._kinds: dict[int, KnownKind] = {}

    def with_uid(self, study_instance_uid: str) -> tuple[StudyEntry, ...]:
        """Every study with this UID, one per patient that has it."""
        with self._database.snapshot(self._place["tenant"]) as snapshot:
            rows = snapshot.rows(_WITH_UID, {**self._place, "uid": study_instance_uid})
            return tuple(self._entries(snapshot, rows)) if rows else ()

    def with_orthanc_id(self, orthanc_id: str) -> tuple[StudyEntry, ...]:
        """Every study with something in it whose identifier begins like this one."""
        with self._database.snapshot(self._place["tenant"]) as snapshot:
            rows = snapshot.rows(_WITH_ORTHANC_ID, {**self._place, "number": number_of(orthanc_id)})
            return tuple(self._entries(snapshot, rows)) if rows else ()

    def every(self) -> Iterator[StudyEntry]:
        """All studies, in the order in which the index came to know them."""
        after = 0
        while True:
            with self._database.snapshot(self._place["tenant"]) as snapshot:
                numbers = [
                    row[0]
                    for row in snapshot.rows(_NEXT_NUMBERS, {**self._place, "after": after, "batch": _BATCH})
                ]
                if not numbers:
                    return
                rows = snapshot.rows(_NUMBERED, {**self._place, "numbers": numbers})
                batch = list(self._entries(snapshot, rows))
            yield from batch
            after = numbers[-1]

    def _entries(self, snapshot: Snapshot, rows: Sequence[Row]) -> Iterator[StudyEntry]:
        kinds = self._known(snapshot, {row[1] for row in rows})
        held = row_values(snapshot, self._place["tenant"], {row[0]: kinds[row[1]] for row in rows}.items())
        for study_pk, group in groupby(rows, key=lambda row: row[0]):
            of_study = list(group)
            _, kind_pk, moment, uid, patient_id, issuer, observed_at, attributes, parts, *_ = of_study[0]
            kind = kinds[kind_pk]
            of_part = {
                (part.series_instance_uid, part.part): part_facts(kind, part) for part in unpack_parts(parts)
            }
            yield StudyEntry(
                archive=self._archive,
                study_instance_uid=uid,
                patient_id=patient_id,
                issuer_of_patient_id=issuer,
                attributes={
                    tag: element
                    for tag, element in unpack_attributes(attributes).items()
                    if tag not in computed.TAGS
                },
                facts=study_facts(kind, uid, patient_id, issuer, moment, held.get(study_pk, {})),
                series=tuple(
                    SeriesEntry(
                        series_instance_uid=row[9],
                        attributes=unpack_attributes(row[11]),
                        facts=of_part[row[9], row[10]],
                        instances=InstanceEntries(row[13], row[12]),
                    )
                    for row in of_study
                ),
                observed_at=instant(observed_at),
            )

    def _known(self, snapshot: Snapshot, numbers: Iterable[int]) -> dict[int, KnownKind]:
        found = {number: self._kinds[number] for number in numbers if number in self._kinds}
        unknown = [number for number in numbers if number not in found]
        if unknown:
            rows = snapshot.rows(
                "SELECT kind_pk, class_pk, agrees FROM access_kind"
                " WHERE tenant = :tenant AND kind_pk IN :kinds",
                {**self._place, "kinds": unknown},
            )
            fresh = {kind.number: kind for kind in read_kinds(snapshot, self._place["tenant"], rows)}
            if len(self._kinds) + len(fresh) > _REMEMBERED:
                self._kinds.clear()
            self._kinds.update(fresh)
            found |= fresh
        return found
