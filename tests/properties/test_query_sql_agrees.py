"""A matching key in SQL matches exactly what `dicom.matching` says, also where it has to be asked in Python.

Studies with random, partly malformed attributes fill the index once; random keys are then asked of both.
"""

# ruff: noqa: ARG001, ARG005 - a fault has the signature of what it replaces

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

import pytest

from pacsgate.dicom.matching import matches
from pacsgate.dicom.query import Matching, MatchKey, Query, Range, SingleValue, UidList, Wildcard
from pacsgate.model.resource import Level
from pacsgate.ports import Match
from pacsgate.stores import match_columns, query_sql, search, search_keys
from pacsgate.stores.database import Database
from pacsgate.stores.study_index import SqlStudyIndex
from tests.properties import worlds
from tests.support.databases import cluster, opened, sqlite_url
from tests.support.indexing import EVERYTHING, MAIN, SCOPE, SEEN, instance

NAMES: tuple[Any, ...] = (
    {"Alphabetic": "Doe^Jane"},
    {"Alphabetic": "DOE^JANE^^"},
    {"Alphabetic": "Doe"},
    {"Alphabetic": "d%e^j_ne"},
    {"Alphabetic": "Buc^J\u00e9r\u00f4me"},
    {
        "Alphabetic": "Yamada^Tarou",
        "Ideographic": "\u5c71\u7530^\u592a\u90ce",
        "Phonetic": "\u3084\u307e\u3060^\u305f\u308d\u3046",
    },
    {"Ideographic": "\u5c71\u7530^\u592a\u90ce"},
    {"Alphabetic": "STRASSE^Gro\u00df"},
    {"Alphabetic": ""},
    "Doe^John",
)
NAME_QUERIES = (
    "Doe^Jane", "doe", "DOE*", "D?e*", "*^j*", "d%e*", "*_*", "doe^*", "\u5c71\u7530*", "*=\u5c71\u7530*", "=\u5c71\u7530^\u592a\u90ce", "==*\u305f*",
    "stra\u00dfe^*", "buc^j\u00e9r\u00f4me", "buc^jerome", "*", "", "^", "[d]oe*", "yamada*=*=*", "doe^jane^^",
)  # fmt: skip
TEXTS = ("A1", "a1", " A1 ", "A1\0", "A[1]", "A*1", "A%1", "", "  ", "\u00c41", "\x00")
TEXT_QUERIES = (
    "A1",
    "a1",
    "A1 ",
    " A1",
    "A?",
    "a*",
    "A[1]",
    "A[*",
    "A%*",
    "*1",
    "A*1",
    "\u00c4?",
    "?",
    "??",
    "",
    "*",
    " * ",
)
DATES = ("20260101", "20251231", "2026.01.01", "2026", "today", "", "20260229", "!20260101")
DATE_QUERIES = ("20260101", "2026.01.01", "2026", "today", "!20260101", "", "19000101", "20301231")
TIMES = ("1030", "103000", "103000.000000", "10:30", "10", "235959.5", "noon", "", "1030 ")
TIME_QUERIES = ("1030", "10", "103000.0", "103059", "noon", "2359", "00", "")
UIDS = ("1.2.1", "1.2.2", "1.2.1 ", "1.2.*")

STUDY_POOLS: dict[str, tuple[tuple[Any, ...], tuple[str, ...]]] = {
    "PatientName": (NAMES, NAME_QUERIES),
    "ReferringPhysicianName": (NAMES, NAME_QUERIES),
    "AccessionNumber": (TEXTS, TEXT_QUERIES),
    "StudyID": (TEXTS, TEXT_QUERIES),
    "StudyDate": (DATES, DATE_QUERIES),
    "StudyTime": (TIMES, TIME_QUERIES),
    "StudyDescription": (TEXTS, TEXT_QUERIES),
    "PatientBirthDate": (DATES, DATE_QUERIES),
}
SERIES_POOLS: dict[str, tuple[tuple[Any, ...], tuple[str, ...]]] = {
    "Modality": (TEXTS, TEXT_QUERIES),
    "SeriesNumber": ((1, 2, 10), ("1", "01", "2", "x")),
    "SeriesDescription": (TEXTS, TEXT_QUERIES),
}
FROM_THE_KEY: dict[str, tuple[str, ...]] = {
    "StudyInstanceUID": UIDS,
    "SeriesInstanceUID": ("1.2.1.1", "1.2.2.1", "1.2.2.2"),
    "PatientID": TEXT_QUERIES,
    "IssuerOfPatientID": TEXT_QUERIES,
    "ModalitiesInStudy": TEXT_QUERIES,
    "NumberOfStudyRelatedSeries": ("1", "2"),
}
QUERIES = {keyword: queries for keyword, (_, queries) in (STUDY_POOLS | SERIES_POOLS).items()} | FROM_THE_KEY


def fill(database: Database) -> SqlStudyIndex:
    index = SqlStudyIndex(database)
    random = worlds.seeded(2)
    items = []
    for number in range(80):
        uid = f"1.2.{number}"
        of_study = some_values(random, STUDY_POOLS)
        patient, issuer = random.choice(TEXTS), random.choice(TEXTS)
        items.extend(
            instance(
                uid,
                f"{uid}.{one}",
                patient=patient,
                issuer=issuer,
                of_study=of_study,
                of_series=some_values(random, SERIES_POOLS),
            )
            for one in range(1, random.choice((2, 2, 3)))
        )
    index.ingest(SCOPE, MAIN, items, SEEN)
    return index


def some_values(random: Random, pools: dict[str, tuple[tuple[Any, ...], tuple[str, ...]]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for keyword, (pool, _) in pools.items():
        kind = random.choices(("one", "several", "empty", "missing"), (80, 6, 7, 7))[0]
        if kind == "one":
            values[keyword] = random.choice(pool)
        elif kind == "several":
            values[keyword] = [None, *random.sample(pool, 2)]
        elif kind == "empty":
            values[keyword] = None
    return values


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server("postgresql"))]
)
def index(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SqlStudyIndex]:
    if request.param == "sqlite":
        with opened(sqlite_url(tmp_path_factory.mktemp("keys"))) as database:
            yield fill(database)
        return
    with cluster() as postgresql, opened(postgresql.url()) as database:
        yield fill(database)


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStudyIndex]:
    with opened(sqlite_url(tmp_path_factory.mktemp("faults"))) as database:
        yield fill(database)


@dataclass(frozen=True)
class How:
    """What matching is to pass over."""

    fuzzy: bool = False
    any_case: bool = False


EXACTLY = How()


def question(seed: int) -> tuple[Level, MatchKey, How]:
    random = worlds.seeded(seed)
    keyword = random.choice(tuple(QUERIES))
    level = random.choice((Level.STUDY, Level.STUDY, Level.SERIES, Level.INSTANCE))
    key = MatchKey((keyword,), matching(random, QUERIES[keyword]))
    return level, key, How(fuzzy=random.random() < 0.1, any_case=random.random() < 0.3)


def matching(random: Random, queries: tuple[str, ...]) -> Matching:
    def bound() -> str | None:
        return random.choice((None, None, None, *queries))

    one = random.choice(queries)
    kind = random.choices(("single", "list", "wild", "range"), (4, 2, 4, 3))[0]
    match kind:
        case "single":
            return SingleValue(one)
        case "list":
            return UidList(tuple(random.choices(queries, k=random.choice((0, 1, 2, 3)))))
        case "wild":
            return Wildcard(one)
        case _:
            return Range(bound(), bound())


def rows(index: SqlStudyIndex, level: Level, *keys: MatchKey, how: How = EXACTLY) -> list[Match]:
    bound = MatchKey(("StudyInstanceUID",), UidList(tuple(f"1.2.{number}" for number in range(80))))
    query = Query(level, (bound, *keys), limit=1000, **asdict(how))
    page = index.search(SCOPE, MAIN, query, EVERYTHING)
    assert page.remaining == 0
    return list(page.matches)


def differences(index: SqlStudyIndex, seeds: range) -> Iterator[str]:
    everything = {level: rows(index, level) for level in (Level.STUDY, Level.SERIES, Level.INSTANCE)}
    for seed in seeds:
        level, key, how = question(seed)
        expected = [row.key for row in everything[level] if matches(key, row.attributes, **asdict(how))]
        found = [row.key for row in rows(index, level, key, how=how)]
        if found != expected:
            yield f"seed {seed}: {level} {key} {how}: {set(found) ^ set(expected)}"


def test_the_index_finds_exactly_what_a_key_matches_and_keeps_the_order(index: SqlStudyIndex) -> None:
    assert not list(differences(index, range(900)))


def test_the_questions_find_something_and_not_everything_often_enough(on_sqlite: SqlStudyIndex) -> None:
    found = Counter[str]()
    total = len(rows(on_sqlite, Level.STUDY))
    for seed in range(300):
        level, key, how = question(seed)
        if level is Level.STUDY:
            number = len(rows(on_sqlite, level, key, how=how))
            found["none" if not number else "all" if number == total else "some"] += 1
    assert found["some"] > 0.3 * found.total(), found


def _open_range(self: Any, column: Any, target: Any, bounds: Range) -> Any:
    if bounds.high:
        return f"{target} <= {self._bind(bounds.high)}"
    return f"{target} >= {self._bind(bounds.low or '')}"


def _any_group(self: Any, column: Any, query: Any) -> Any:
    return NAME_IS_LIKE(self, column, query.__class__(query.groups[:1], query.wild))


def _folding(flavour: Any, column: str, bind: Any, pattern: str) -> str:
    return f"{column} LIKE {bind(pattern.replace('*', '%').replace('?', '_'))}"


def _question_mark_itself(flavour: Any, column: str, bind: Any, pattern: str) -> str:
    return f"{column} GLOB {bind(pattern.replace('[', '[[]').replace('?', '[?]'))}"


def _short_start(pattern: str) -> tuple[str, str]:
    low, beyond = FIXED_START(pattern)
    return low, low or beyond


NAME_IS_LIKE = query_sql.Conditions._name_is_like
FIXED_START = query_sql.fixed_start

FAULTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "padding counts": lambda p: p.setattr(query_sql, "text_key", lambda text, vr: text),
    "wildcards fold case": lambda p: (
        p.setattr(query_sql, "wildcard_text", _folding),
        p.setattr(query_sql, "fixed_start", lambda pattern: ("", "")),
    ),
    "a question mark is itself": lambda p: p.setattr(query_sql, "wildcard_text", _question_mark_itself),
    "a pattern ends where it begins": lambda p: p.setattr(query_sql, "fixed_start", _short_start),
    "what is no date is in ranges": lambda p: p.setattr(query_sql, "_FIRST_MOMENT", ""),
    "ranges compare what was written": lambda p: p.setattr(query_sql.Conditions, "_in_range", _open_range),
    "names match in any group": lambda p: p.setattr(query_sql.Conditions, "_name_is_like", _any_group),
    "a list with an empty value asks for nothing special": lambda p: p.setattr(
        query_sql, "name_query", lambda text, wild: QUERY(text or "doe", wild=wild)
    ),
    "columns keep their case": lambda p: p.setattr(query_sql, "lower_case", lambda flavour, column: column),
    "columns answer keys in any case": lambda p: p.setattr(search_keys, "has_case", lambda _: False),
    "keys without a column are forgotten": lambda p: p.setattr(search, "matches", lambda *_, **__: True),
}
QUERY = query_sql.name_query


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_a_clause_is_noticed(
    fault: str, on_sqlite: SqlStudyIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    FAULTS[fault](monkeypatch)
    assert next(differences(on_sqlite, range(900)), None)


def test_moments_that_are_none_stand_apart_from_those_that_are() -> None:
    assert match_columns.moment_text("20260101", lambda _: None) < "0"
