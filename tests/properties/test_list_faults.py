"""What would be wrong with lists, totals and kinds is noticed: each fault, patched in alone, is found."""

# ruff: noqa: ARG001, ARG005 - a fault has the signature of what it replaces

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from pyroaring import BitMap

from pacsgate.policy.ir import Truth
from pacsgate.stores import admission, constraint_sql, kind_sets, search, specials
from pacsgate.stores.bookmarks import Bookmarks
from pacsgate.stores.constraint_sql import Translation
from pacsgate.stores.known_kinds import KnownKind, View
from pacsgate.stores.likeness import Likenesses
from pacsgate.stores.plans import Walk
from pacsgate.stores.search import Search
from pacsgate.stores.study_index import SqlStudyIndex
from pacsgate.stores.views import StudyView
from tests.properties.filled import Filled, filled
from tests.properties.test_everything_agrees import Run

ENOUGH = range(1500)

Patch = Callable[[pytest.MonkeyPatch], None]
FAULTS: dict[str, Patch] = {}


def fault(patch: Patch) -> Patch:
    FAULTS[patch.__name__.replace("_", " ")] = patch
    return patch


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    with filled("sqlite", tmp_path_factory.mktemp("faults")) as index:
        yield index


# ------------------------------------------------------------------ what kinds hold


@fault
def what_a_kind_lacks_is_false(patch: pytest.MonkeyPatch) -> None:
    outcome = kind_sets.outcome
    patch.setattr(
        kind_sets, "outcome", lambda atom, values: Truth.FALSE if values is None else outcome(atom, values)
    )


@fault
def one_value_of_a_kind_is_enough(patch: pytest.MonkeyPatch) -> None:
    outcome = kind_sets.outcome

    def lenient(atom, values):
        found = {outcome(atom, frozenset({value})) for value in values or ()}
        return Truth.TRUE if Truth.TRUE in found else outcome(atom, values)

    patch.setattr(kind_sets, "outcome", lenient)


@fault
def not_is_forgotten_among_kinds(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(kind_sets, "negation", lambda truth: truth)


@fault
def the_part_of_one_place_is_shown_for_every_part(patch: pytest.MonkeyPatch) -> None:
    where = kind_sets.KindSets.where

    def everywhere(self, formula, open_):
        anywhere = kind_sets.some(where(self, formula, open_))
        return tuple(anywhere & layer for layer in self.layers)

    patch.setattr(kind_sets.KindSets, "where", everywhere)


@fault
def parts_of_one_series_are_alike(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(KnownKind, "distinct_parts", property(lambda self: self.parts[:1]))


# ------------------------------------------------------------------ what kinds cannot tell


@fault
def named_values_are_not_looked_up(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(admission, "_named", lambda opened, asked: {})


@fault
def only_the_first_named_value_is_looked_up(patch: pytest.MonkeyPatch) -> None:
    named = admission._named
    patch.setattr(
        admission,
        "_named",
        lambda *given: {name: frozenset(sorted(values)[:1]) for name, values in named(*given).items()},
    )


@fault
def an_issuer_is_taken_for_part_of_the_number(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(specials, "_bars", lambda value: [-1])


@fault
def every_comparison_is_settled_by_the_kind(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(admission, "_is_settled", lambda atom, by_date: True)


@fault
def a_stretch_of_time_ends_a_moment_early(patch: pytest.MonkeyPatch) -> None:
    segments = admission._segments
    patch.setattr(
        admission,
        "_segments",
        lambda dates: [(oldest + 10**9, newest, text) for oldest, newest, text in segments(dates)],
    )


@fault
def all_of_time_is_one_stretch(patch: pytest.MonkeyPatch) -> None:
    segments = admission._segments
    patch.setattr(
        admission,
        "_segments",
        lambda dates: [(0, admission.EVER, text) for _, _, text in list(segments(dates))[:1]],
    )


@fault
def rows_that_must_be_asked_are_not(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(specials._Looking, "_asked", lambda self: [])


@fault
def the_database_takes_unknown_for_true(patch: pytest.MonkeyPatch) -> None:
    where = Translation.where

    def lenient(self, formula, outcome):
        if outcome is Truth.TRUE:
            return constraint_sql.not_(where(self, formula, Truth.FALSE))
        return where(self, formula, outcome)

    patch.setattr(Translation, "where", lenient)
    patch.setattr(specials._Looking, "_special", _as_the_database_says(specials._Looking._special))


def _as_the_database_says(special):
    """Rows are shown with all their parts, so that what the database let through is what is shown."""

    def believing(self, rows):
        everything = replace(self, admitted=replace(self.admitted, admits=lambda facts: True))
        return special(everything, rows)

    return believing


# ------------------------------------------------------------------ rows that are alike


@fault
def rows_of_one_kind_are_taken_for_alike(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        StudyView, "_alike", lambda self, places: (self.likeness.alike, places and self._positions(places))
    )


@fault
def series_of_one_kind_of_study_are_taken_for_alike(patch: pytest.MonkeyPatch) -> None:
    alike = StudyView._alike
    patch.setattr(StudyView, "_alike", lambda self, places: alike(self, None))


@fault
def what_rows_hold_is_not_fetched_though_it_is_read(patch: pytest.MonkeyPatch) -> None:
    made = Likenesses._made
    patch.setattr(Likenesses, "_made", lambda self, kind, shown: replace(made(self, kind, shown), own=()))


# ------------------------------------------------------------------ pages and totals


@fault
def rows_by_themselves_are_counted_twice(patch: pytest.MonkeyPatch) -> None:
    of = specials.Specials.of
    patch.setattr(specials.Specials, "of", classmethod(lambda cls, *given: replace(of(*given), counted=0)))


@fault
def rows_by_themselves_are_listed_by_their_kind_too(patch: pytest.MonkeyPatch) -> None:
    walk = Search._walk

    def walking(self, *after):
        by_row = self._ground.specials.by_row
        hidden = {study_pk for study_pk, special in by_row.items() if not special.shown}
        return replace(walk(self, *after), left_out=hidden)

    patch.setattr(Search, "_walk", walking)


@fault
def a_page_lacks_its_last_row(patch: pytest.MonkeyPatch) -> None:
    newest = Walk.newest
    patch.setattr(Walk, "newest", lambda self, count: newest(self, count)[: count - 1])


@fault
def a_page_begins_where_one_of_another_list_ended(patch: pytest.MonkeyPatch) -> None:
    def hasty(self, asked, version, before):
        return next((marked.ends[before] for marked in self._lists.values() if before in marked.ends), None)

    patch.setattr(Bookmarks, "find", hasty)


@fault
def a_page_begins_with_the_last_row_of_the_one_before(patch: pytest.MonkeyPatch) -> None:
    find = Bookmarks.find

    def late(self, *given):
        found = find(self, *given)
        return found and (found[0], found[1] - 1)

    patch.setattr(Bookmarks, "find", late)


@fault
def the_first_row_is_on_the_page_twice(patch: pytest.MonkeyPatch) -> None:
    newest = Search._newest

    def stuttering(self, count, after=None):
        found = newest(self, count, after)
        return [*found[:1], *found][:count]

    patch.setattr(Search, "_newest", stuttering)


@fault
def a_total_counts_kinds_and_not_studies(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(View, "total", lambda self, kinds: len(kinds))


@fault
def the_order_is_that_of_arrival(patch: pytest.MonkeyPatch) -> None:
    newest = Walk.newest
    patch.setattr(
        Walk, "newest", lambda self, count: sorted(newest(self, 1000), key=lambda spot: spot[1])[:count]
    )


@fault
def a_hidden_part_is_shown_with_the_others(patch: pytest.MonkeyPatch) -> None:
    admitted = admission.admitted

    def generous(view, formula):
        found = admitted(view, formula)
        whole = view.sets.layers
        return replace(
            found,
            segments=tuple(
                replace(each, layers=tuple(BitMap(layer & kind_sets.some(each.layers)) for layer in whole))
                for each in found.segments
            ),
        )

    patch.setattr(admission, "admitted", generous)


def test_without_a_fault_nothing_is_found(on_sqlite: Filled) -> None:
    assert not list(Run(on_sqlite).differences(range(60)))


@pytest.mark.long
@pytest.mark.parametrize("name", FAULTS)
def test_the_fault_is_found(name: str, on_sqlite: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    FAULTS[name](monkeypatch)
    monkeypatch.setattr(search, "_FAR", 1)
    # A new object, which remembers nothing that was worked out before.
    index = SqlStudyIndex(on_sqlite.database)
    assert next(Run(replace(on_sqlite, index=index)).differences(ENOUGH), None)
