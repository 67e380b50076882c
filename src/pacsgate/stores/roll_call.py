"""Which studies of the index an Orthanc still has, and which of its studies the index does not know.

Identifiers come a page at a time; what is remembered of them is one bit for each study.

Called by `study_index`.
"""

from collections.abc import Iterator, Sequence

from pyroaring import BitMap

from pacsgate.stores.database import Database
from pacsgate.stores.orthanc_names import number_of

_BATCH = 1000
"""Studies looked at per transaction, so that no writer waits long."""
_CALLED = (
    "SELECT orthanc_name.number, orthanc_name.study_pk FROM orthanc_name"
    " JOIN study ON study.tenant = orthanc_name.tenant AND study.study_pk = orthanc_name.study_pk"
    " WHERE orthanc_name.tenant = :tenant AND orthanc_name.number IN :numbers AND study.archive = :archive"
)
_LAST = "SELECT COALESCE(MAX(study_pk), 0) FROM study WHERE tenant = :tenant"
_NEXT = (
    "SELECT study_pk, study_instance_uid FROM study WHERE tenant = :tenant AND archive = :archive"
    " AND study_pk > :after AND study_pk <= :last ORDER BY study_pk LIMIT :batch"
)


class SqlRollCall:
    """`ports.index.RollCall` for one archive of one tenant."""

    def __init__(self, database: Database, tenant: str, archive: str) -> None:
        self._database = database
        self._place = {"tenant": tenant, "archive": archive}
        self._ticked = BitMap()
        with database.snapshot(tenant) as snapshot:
            self._last = snapshot.rows(_LAST, {"tenant": tenant})[0][0]

    def present(self, orthanc_ids: Sequence[str]) -> Sequence[str]:
        """Tick off these studies; returns those that the index does not know."""
        numbers = {number_of(named): named for named in orthanc_ids}
        with self._database.snapshot(self._place["tenant"]) as snapshot:
            rows = snapshot.rows(_CALLED, {**self._place, "numbers": list(numbers)})
        self._ticked.update(study_pk for _, study_pk in rows)
        known = {number for number, _ in rows}
        return tuple(named for number, named in numbers.items() if number not in known)

    def absent(self) -> Iterator[str]:
        """The UID of each study that nobody named, of those that were there when the call began."""
        after = 0
        while True:
            with self._database.snapshot(self._place["tenant"]) as snapshot:
                bounds = {"after": after, "last": self._last, "batch": _BATCH}
                rows = snapshot.rows(_NEXT, {**self._place, **bounds})
            if not rows:
                return
            yield from (uid for study_pk, uid in rows if study_pk not in self._ticked)
            after = rows[-1][0]
