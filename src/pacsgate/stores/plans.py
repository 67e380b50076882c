"""Ways to the newest rows of some kinds of study.

- **Merge**: from the index of each kind, those whose newest study is newest first,
  until no other kind can have a row that belongs on the page.  Its cost grows with
  the page, not with the archive.
- **Scan**: down the index by recency, passing over rows of other kinds.  Cheaper
  where most rows are wanted; given up for the merge when it finds too few.

Called by `search`.

Invariants:
- both give exactly the newest rows, in order, that are of one of the kinds and not to be left out.
"""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import assert_never

from pyroaring import BitMap

from pacsgate.stores.bookmarks import Spot
from pacsgate.stores.dialects import Flavour
from pacsgate.stores.known_kinds import View
from pacsgate.stores.reading import Row, Snapshot

_SCAN_WORTH = 6
"""Rows that a scan passes in the time in which a merge asks one kind."""
_SCAN_PATIENCE = 4
"""A scan may read so many times what was expected before it is given up."""
_BATCH = 2000
_FEW = 8
_SOME = 32
_DEEP = 8
"""So many times more kinds are asked together behind a place, where all must be asked."""
_FIRST = 6
"""Rows that each kind is asked for at first: few kinds have more on one page."""

_SCAN = (
    "SELECT recency, study_pk, kind_pk FROM study WHERE tenant = :tenant AND archive = :archive"
    " AND recency <= :newest AND recency >= :oldest AND (recency < :newest OR study_pk > :after)"
    " ORDER BY recency DESC, study_pk"
)
_OF_KIND = (
    "SELECT recency, study_pk, kind_pk FROM study WHERE tenant = :tenant AND kind_pk = :kind_pk"
    " AND recency <= :newest AND recency >= :oldest AND (recency < :newest OR study_pk > :after)"
    " ORDER BY recency DESC, study_pk LIMIT :limit"
)
_OF_KINDS = (
    "SELECT found.recency, found.study_pk, each.kind_pk"
    " FROM unnest(CAST(:kinds AS bigint[])) AS each(kind_pk)"
    " CROSS JOIN LATERAL (SELECT recency, study_pk FROM study"
    " WHERE tenant = :tenant AND kind_pk = each.kind_pk AND recency <= :newest AND recency >= :oldest"
    " AND (recency < :newest OR study_pk > :after)"
    " ORDER BY recency DESC, study_pk LIMIT :limit) AS found"
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Kinds that are wanted within a stretch of time."""

    oldest: int
    newest: int
    kinds: BitMap


@dataclass(frozen=True, slots=True)
class Walk:
    """The rows of some kinds, newest first."""

    snapshot: Snapshot
    tenant: str
    archive: str
    view: View
    stretches: Sequence[Stretch]
    """The newest first; they do not overlap."""
    left_out: Container[int]
    left_out_of: Mapping[int, int]
    """How many rows of each kind are left out."""
    after: Spot | None = None
    """Begin behind this place."""

    def newest(self, count: int) -> list[Spot]:
        """The newest rows, so many or all there are."""
        found: list[Spot] = []
        for stretch in self.stretches:
            if len(found) == count:
                break
            if stretch.kinds and (self.after is None or stretch.oldest <= -self.after[0]):
                found.extend(self._newest_in(stretch, count - len(found)))
        return found

    def every(self) -> Iterator[Spot]:
        """All rows, newest first."""
        for stretch in self.stretches:
            if stretch.kinds:
                for batch in self.snapshot.stream(_SCAN, self._within(stretch), _BATCH):
                    for recency, study_pk, kind_pk in batch:
                        if kind_pk in stretch.kinds and study_pk not in self.left_out:
                            yield -recency, study_pk

    def total(self) -> int:
        """How many rows there are, exactly, those left out among them."""
        return sum(self._total_in(stretch) for stretch in self.stretches)

    # ------------------------------------------------------------- the newest

    def _newest_in(self, stretch: Stretch, count: int) -> list[Spot]:
        of_kinds = self.view.total(stretch.kinds)
        everything = int(self.view.studies.sum())
        expected = count * everything // max(of_kinds, 1)
        # Behind a place any kind may have the next row; before the first, only those whose newest is new.
        asked = len(stretch.kinds) if self.after is not None else min(len(stretch.kinds), count)
        if expected <= _SCAN_WORTH * asked:
            found = self._scan(stretch, count, _SCAN_PATIENCE * (expected + expected // 4 + 20))
            if found is not None:
                return found
        return self._merge(stretch, count)

    def _scan(self, stretch: Stretch, count: int, patience: int) -> list[Spot] | None:
        """The newest rows, or `None` if they lie too far apart."""
        kinds, left_out = stretch.kinds, self.left_out
        for limit in (patience // _SCAN_PATIENCE, patience):
            rows = self.snapshot.rows(f"{_SCAN} LIMIT :limit", self._within(stretch) | {"limit": limit})
            found = [
                (-recency, study_pk)
                for recency, study_pk, kind_pk in rows
                if kind_pk in kinds and study_pk not in left_out
            ]
            if len(found) >= count or len(rows) < limit:
                return found[:count]
        return None

    def _merge(self, stretch: Stretch, count: int) -> list[Spot]:
        if self.after is not None:
            return self._merged(stretch, count, stretch.oldest)
        heads = list(islice(self.view.newest_first(stretch.kinds, stretch.oldest, count), count))
        if len(heads) == count and (bound := heads[-1][0]) < stretch.newest:
            # So many kinds have a study no older than this; unless the newest of one was removed.
            found = self._merged(stretch, count, bound)
            if len(found) == count:
                return found
        return self._merged(stretch, count, stretch.oldest)

    def _merged(self, stretch: Stretch, count: int, oldest: int) -> list[Spot]:
        """The newest rows that are no older than this."""
        found: list[Spot] = []
        waiting: list[int] = []
        at_once = self._at_once() * (1 if self.after is None else _DEEP)
        for newest, kind_pk in self.view.newest_first(stretch.kinds, oldest, count):
            if newest < oldest:
                break
            waiting.append(kind_pk)
            if len(waiting) == at_once:
                found = self._with(found, waiting, stretch, oldest, count)
                oldest = -found[-1][0] if len(found) == count else oldest
                waiting = []
        return self._with(found, waiting, stretch, oldest, count)

    def _with(
        self, found: list[Spot], kinds: Sequence[int], stretch: Stretch, oldest: int, count: int
    ) -> list[Spot]:
        """The newest of what was found and of the rows of these kinds.

        Each kind is asked for a few; the rest of those few that have many is asked for
        when it is known how new it would have to be.
        """
        if not kinds:
            return found
        most = count + max(self.left_out_of.get(kind_pk, 0) for kind_pk in kinds)
        limit = min(most, max(_FIRST, 2 * count // len(kinds)))
        rows = self._of_kinds(kinds, stretch, oldest, limit)
        spots = sorted([*found, *self._shown(rows)])[:count]
        if limit == most:
            return spots
        bound = -spots[-1][0] if len(spots) == count else oldest
        last: dict[int, int] = {}
        for recency, _, kind_pk in rows:
            last[kind_pk] = min(recency, last.get(kind_pk, recency))
        asked = Counter(kind_pk for _, _, kind_pk in rows)
        rest = {kind_pk for kind_pk, few in asked.items() if few == limit and last[kind_pk] >= bound}
        if not rest:
            return spots
        others = [row for row in rows if row[2] not in rest]
        more = self._of_kinds(sorted(rest), stretch, bound, most)
        return sorted([*found, *self._shown(others), *self._shown(more)])[:count]

    def _shown(self, rows: Iterable[Row]) -> Iterator[Spot]:
        left_out = self.left_out
        return ((-recency, study_pk) for recency, study_pk, _ in rows if study_pk not in left_out)

    def _at_once(self) -> int:
        """Kinds asked together: a question costs SQLite little and PostgreSQL a journey."""
        match self.snapshot.flavour:
            case Flavour.SQLITE:
                return _FEW
            case Flavour.POSTGRESQL:
                return _SOME
            case _:
                assert_never(self.snapshot.flavour)

    def _of_kinds(self, kinds: Sequence[int], stretch: Stretch, oldest: int, limit: int) -> list[Row]:
        """So many of the newest rows of each kind: remembered, or asked for now."""
        if self.after is not None:
            return self._asked(kinds, stretch, oldest, limit)
        view, newest = self.view, stretch.newest
        rows: list[Row] = []
        unknown = []
        for kind_pk, changed in zip(kinds, view.changed[list(kinds)].tolist(), strict=True):
            found = view.heads.find(
                kind_pk, newest, changed=changed, version=view.version, oldest=oldest, limit=limit
            )
            if found is None:
                unknown.append(kind_pk)
            else:
                rows += found
        if not unknown:
            return rows
        of_each: dict[int, list[Row]] = {kind_pk: [] for kind_pk in unknown}
        for row in self._asked(unknown, stretch, oldest, limit):
            of_each[row[2]].append(row)
        for kind_pk, asked in of_each.items():
            asked.sort(key=_in_order)
            view.heads.keep(kind_pk, newest, version=view.version, oldest=oldest, limit=limit, rows=asked)
            rows += asked
        return rows

    def _asked(self, kinds: Sequence[int], stretch: Stretch, oldest: int, limit: int) -> list[Row]:
        parameters = self._within(stretch) | {"oldest": oldest, "limit": limit}
        match self.snapshot.flavour:
            case Flavour.SQLITE:
                return self.snapshot.rows_of_each(_OF_KIND, parameters, "kind_pk", kinds)
            case Flavour.POSTGRESQL:
                return self.snapshot.rows(_OF_KINDS, parameters | {"kinds": list(kinds)})
            case _:
                assert_never(self.snapshot.flavour)

    # ------------------------------------------------------------- how many

    def _total_in(self, stretch: Stretch) -> int:
        if not stretch.kinds:
            return 0
        if stretch.oldest <= 0 and self._is_to_the_end(stretch.newest):
            return self.view.total(stretch.kinds)
        rows = self.snapshot.rows(
            "SELECT kind_pk, count(*) FROM study WHERE tenant = :tenant AND archive = :archive"
            " AND recency <= :newest AND recency >= :oldest GROUP BY kind_pk",
            self._within(stretch),
        )
        return sum(count for kind_pk, count in rows if kind_pk in stretch.kinds)

    def _is_to_the_end(self, newest: int) -> bool:
        return newest >= int(self.view.newest.max())

    def _within(self, stretch: Stretch) -> dict[str, object]:
        newest, after = stretch.newest, -1
        if self.after is not None and -self.after[0] <= newest:
            newest, after = -self.after[0], self.after[1]
        return {
            "tenant": self.tenant,
            "archive": self.archive,
            "oldest": stretch.oldest,
            "newest": newest,
            "after": after,
        }


def _in_order(row: Row) -> tuple[int, int]:
    return -row[0], row[1]
