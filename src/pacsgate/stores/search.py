"""Answers a search within a constraint.

Which rows are admitted is known of their kinds (`admission`), but for a few that are
looked at by themselves (`specials`).  What remains is to find the newest of them:

- without a key that needs the rows, by a `plans.Walk` over the kinds; how many there
  are is a sum over kinds;
- with one, by asking the database for the rows that match, whatever their kind.

Keys on dates bound the time, keys on ModalitiesInStudy the kinds.  Keys without a
column, and fuzzy names, are asked with `matching.matches` of each candidate, in
bounded batches, so that page and total are exact whatever the key.

A study of which something is hidden that says something else matches a key that any
admitted part matches, and shows what the first of them says.

Called by `study_index`.

Invariants:
- a row is made from admitted parts only: its counts, its modalities, its facts,
  its place in the order, and what its keys are compared with;
- everything of one search is read from one snapshot.

Standard: PS3.18 section 10.6; PS3.4 section C.2.2.2.
"""

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import assert_never

from pacsgate.dicom.matching import matches
from pacsgate.dicom.query import MatchKey, Query
from pacsgate.dicom.summary import DicomJson
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.model.subject import Attributes
from pacsgate.ports import Match, Page
from pacsgate.stores.bookmarks import Spot
from pacsgate.stores.ground import Ground
from pacsgate.stores.kind_sets import some
from pacsgate.stores.likeness import Likeness
from pacsgate.stores.packing import PackedAttributes, unpack_parts
from pacsgate.stores.plans import Stretch, Walk
from pacsgate.stores.reading import Row
from pacsgate.stores.row_facts import values_of
from pacsgate.stores.search_keys import Keys, modalities_of, require_bound, sort_keys
from pacsgate.stores.specials import Special
from pacsgate.stores.views import StudyView
from pacsgate.stores.window import Window

_BATCH = 200
"""Candidates in memory at a time when they are looked through."""

_FAR = 500
"""So many rows are sooner passed over once more than looked up where the page before ended."""

_NOTHING: Attributes = {}

_ROWS = (
    "SELECT study_pk, recency, study_instance_uid, patient_id, issuer_of_patient_id, attributes, parts,"
    " kind_pk FROM study WHERE tenant = :tenant AND study_pk IN :study_pks"
)


class Search:
    """One search, on one snapshot."""

    def __init__(self, ground: Ground, query: Query) -> None:
        self._ground = ground
        self._query = query
        self._likenesses = ground.admitted.likenesses(ground.reads)
        self._keys: Keys = sort_keys(query, ground.snapshot.flavour)
        with ground.view.lock:
            known = ground.view.sets.modalities if self._keys.modalities else frozenset()
            self._modalities = [
                modalities_of(key, known, any_case=query.any_case) for key in self._keys.modalities
            ]
            self._stretches = tuple(self._stretched())
        self._is_narrowed = bool(self._keys.modalities or self._keys.dates)

    def run(self) -> Page:
        """Answer it.  Raises `RequestError`."""
        match self._query.level:
            case Level.STUDY:
                return self._looked_through() if self._keys.residual else self._studies()
            case Level.SERIES:
                return self._looked_through()
            case Level.INSTANCE:
                require_bound(self._query)
                return self._looked_through()
            case Level.PATIENT:
                raise RequestError("there is no search for patients; search for studies by `PatientID`")
            case _:
                assert_never(self._query.level)

    def total(self) -> int:
        """How many studies it finds, whatever its page."""
        if self._keys.condition:
            return len(self._asked())
        specials = self._ground.specials
        if not self._is_narrowed:
            return self._walk().total() - specials.counted + len(specials.newest_first)
        walked = sum(
            _is_within(self._stretches, special.row_recency, special.kind_pk)
            for special in specials.by_row.values()
        )
        return self._walk().total() - walked + sum(1 for _ in self._shown_specials())

    # ------------------------------------------------------------- pages

    def _studies(self) -> Page:
        first, end = self._query.offset, self._query.offset + self._query.limit
        if self._keys.condition:
            found = self._asked()
            spots, total = found[first:end], len(found)
        else:
            spots = self._on_page(first, end)
            total = self.total() if len(spots) == self._query.limit else 0
        found_on_page = tuple(view.match() for view in self._views(study_pk for _, study_pk in spots))
        return Page(found_on_page, max(0, total - end))

    def _on_page(self, first: int, end: int) -> list[Spot]:
        """The rows from one number to another, from where the page before ended if that is known."""
        ground, query = self._ground, self._query
        if end < _FAR:
            return self._newest(end)[first:]
        asked, version = (ground.formula, query.match, query.any_case), ground.view.version
        after = ground.bookmarks.find(asked, version, first) if first >= _FAR else None
        spots = self._newest(end)[first:] if after is None else self._newest(end - first, after)
        if spots and len(spots) == end - first:
            ground.bookmarks.put(asked, version, end, spots[-1])
        return spots

    def _newest(self, count: int, after: Spot | None = None) -> list[Spot]:
        walked = self._walk(after).newest(count)
        if not self._ground.specials.newest_first:
            return walked
        special = (spot for spot in self._special_spots() if after is None or spot > after)
        return list(islice(merge(walked, special), count))

    def _looked_through(self) -> Page:
        window = Window(self._query)
        candidates = self._every()
        while batch := list(islice(candidates, _BATCH)):
            for view in self._views(study_pk for _, study_pk in batch):
                self._offer(view, window)
        return window.page()

    def _every(self) -> Iterator[Spot]:
        """All candidates in order."""
        if self._keys.condition:
            return iter(self._asked())
        return merge(self._walk().every(), self._special_spots())

    # ------------------------------------------------------------- candidates

    def _walk(self, after: Spot | None = None) -> Walk:
        ground = self._ground
        return Walk(
            ground.snapshot,
            ground.tenant,
            ground.archive,
            ground.view,
            self._stretches,
            ground.specials.by_row,
            ground.specials.of_kinds,
            after,
        )

    def _stretched(self) -> Iterator[Stretch]:
        """The segments of the constraint, as far as keys on dates and modalities leave something of them."""
        for segment in self._ground.admitted.segments:
            oldest = max(segment.oldest, self._keys.oldest)
            newest = min(segment.newest, self._keys.newest)
            if oldest > newest:
                continue
            kinds = segment.kinds
            for wanted in self._modalities:
                having = self._ground.view.sets.with_modality(wanted)
                kinds = kinds & some([a & b for a, b in zip(segment.layers, having, strict=False)])
            yield Stretch(oldest, newest, kinds)

    def _asked(self) -> list[Spot]:
        """The rows that meet the condition and are admitted, newest first."""
        ground, keys = self._ground, self._keys
        specials = ground.specials.by_row
        rows = ground.snapshot.rows(
            "SELECT recency, study_pk, kind_pk FROM study WHERE tenant = :tenant AND archive = :archive"  # noqa: S608 - values are parameters
            f" AND {keys.condition}",
            {"tenant": ground.tenant, "archive": ground.archive, **keys.parameters},
        )
        found = [
            (-recency, study_pk)
            for recency, study_pk, kind_pk in rows
            if study_pk not in specials and _is_within(self._stretches, recency, kind_pk)
        ]
        met = {study_pk for _, study_pk, _ in rows}
        found.extend(
            (-special.recency, special.study_pk)
            for special in self._shown_specials()
            if special.said or special.study_pk in met
        )
        return sorted(found)

    def _special_spots(self) -> Iterator[Spot]:
        return ((-special.recency, special.study_pk) for special in self._shown_specials())

    def _shown_specials(self) -> Iterator[Special]:
        """The specials that meet the keys that can be asked of them; a condition asks the row of others."""
        return filter(self._meets, self._ground.specials.newest_first)

    def _meets(self, special: Special) -> bool:
        if not all(wanted & special.modalities for wanted in self._modalities):
            return False
        if special.said:
            return any(self._says(said, self._keys.of_study + self._keys.dates) for said in special.said)
        return self._keys.oldest <= special.recency <= self._keys.newest

    def _says(self, said: DicomJson, keys: Iterable[MatchKey]) -> bool:
        return all(matches(key, said, fuzzy=self._query.fuzzy, any_case=self._query.any_case) for key in keys)

    # ------------------------------------------------------------- what may be shown

    def _views(self, study_pks: Iterable[int]) -> list[StudyView]:
        """The studies as they may be shown, in the order asked for."""
        ground = self._ground
        in_order = list(study_pks)
        if not in_order:
            return []
        rows = ground.snapshot.rows(_ROWS, {"tenant": ground.tenant, "study_pks": in_order})
        found = [(row, self._likeness(row)) for row in rows]
        held = [row[0] for row, likeness in found if likeness.own]
        values = values_of(ground.snapshot, ground.tenant, held)
        views: dict[int, StudyView] = {}
        for (study_pk, recency, uid, patient_id, issuer, stored, parts, kind_pk), likeness in found:
            views[study_pk] = StudyView(
                study_pk,
                recency,
                uid,
                patient_id,
                issuer,
                PackedAttributes(stored),
                parts,
                ground.view.kinds[kind_pk],
                likeness,
                ground.specials.by_row.get(study_pk),
                values.get(study_pk, _NOTHING),
            )
        return [views[study_pk] for study_pk in in_order]

    def _likeness(self, row: Row) -> Likeness:
        study_pk, recency, _, _, _, _, parts, kind_pk = row
        ground, kind = self._ground, self._ground.view.kinds[kind_pk]
        special = ground.specials.by_row.get(study_pk)
        if special is not None and special.is_whole:
            return self._likenesses.of_whole(kind)
        if special is not None:
            return self._likenesses.of_places(kind, unpack_parts(parts), special.shown)
        segment = ground.admitted.at(recency)
        return self._likenesses.of(kind, segment.oldest, segment.layers)

    def _offer(self, view: StudyView, window: Window) -> None:
        match self._query.level:
            case Level.STUDY:
                found = view.match()
                if self._satisfies(found, view.said):
                    window.offer(found)
            case Level.SERIES:
                self._offer_series(view, window)
            case Level.INSTANCE:
                self._offer_instances(view, window)
            case Level.PATIENT:
                raise RequestError("there is no search for patients; search for studies by `PatientID`")
            case _:
                assert_never(self._query.level)

    def _series_of(self, view: StudyView) -> dict[str, list[int]]:
        """The admitted parts of each series that the query is about."""
        named = self._query.series_instance_uid
        keys = self._keys.of_study + self._keys.dates
        return {
            uid: places
            for uid, places in view.series.items()
            if named in {None, uid}
            and (not view.said or self._says(view.said[view.shown.index(places[0])], keys))
        }

    def _offer_series(self, view: StudyView, window: Window) -> None:
        series = self._series_of(view)
        if not self._keys.residual:
            wanted = window.stretch(len(series))
            rows = self._rows(view, "attributes") if wanted.start < wanted.stop else {}
            for uid, places in list(series.items())[wanted]:
                window.matches.append(view.series_match(uid, places, rows[places[0]][0]))
            return
        rows = self._rows(view, "attributes")
        for uid, places in series.items():
            found = view.series_match(uid, places, rows[places[0]][0])
            if self._satisfies(found):
                window.offer(found)

    def _offer_instances(self, view: StudyView, window: Window) -> None:
        rows: dict[int, tuple[bytes, bytes]] = {}
        for uid, places in self._series_of(view).items():
            if self._keys.residual:
                rows = rows or self._rows(view, "attributes, packed")
                for found in view.instance_matches(uid, places, rows):
                    if self._satisfies(found):
                        window.offer(found)
                continue
            wanted = window.stretch(sum(view.parts[place].instances for place in places))
            if wanted.start < wanted.stop:
                rows = rows or self._rows(view, "attributes, packed")
                window.matches.extend(list(view.instance_matches(uid, places, rows))[wanted])

    def _rows(self, view: StudyView, columns: str) -> dict[int, tuple[bytes, bytes]]:
        """What is stored of each part, by its place."""
        rows = self._ground.snapshot.rows(
            f"SELECT series_instance_uid, part, {columns} FROM series"  # noqa: S608 - names of ours
            " WHERE tenant = :tenant AND study_pk = :study_pk",
            {"tenant": self._ground.tenant, "study_pk": view.study_pk},
        )
        stored = {(row[0], row[1]): row[2:] for row in rows}
        return {place: stored[part.series_instance_uid, part.part] for place, part in enumerate(view.parts)}

    def _satisfies(self, found: Match, others: Iterable[DicomJson] = ()) -> bool:
        said = (found.attributes, *others)
        return all(
            any(
                matches(key, attributes, fuzzy=self._query.fuzzy, any_case=self._query.any_case)
                for attributes in said
            )
            for key in self._keys.residual
        )


def _is_within(stretches: Sequence[Stretch], recency: int, kind_pk: int) -> bool:
    return any(each.oldest <= recency <= each.newest and kind_pk in each.kinds for each in stretches)
