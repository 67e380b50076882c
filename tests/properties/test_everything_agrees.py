"""Interpreter, closures, lists in SQL, totals and kinds say the same of every part of every study.

The index is full of random studies.  Each case is a random policy, somebody who asks, some grants and a question; what
the reference interpreter allows, part by part, is what every other answer must come to.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from pacsgate.dicom.attributes import tag_of
from pacsgate.dicom.query import MatchKey, Query, UidList
from pacsgate.model.decision import Allow, Decision, Deny
from pacsgate.model.resource import Level
from pacsgate.policy.closures import when
from pacsgate.policy.constraint import Constraint
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.findings import attributes_of
from pacsgate.policy.ir import KEY_ATTRIBUTES, Truth
from pacsgate.policy.truth import held
from pacsgate.policy.values import fits
from pacsgate.ports import Match
from pacsgate.stores import search
from tests.properties.agreement import bound_policy, reference_decision
from tests.properties.coverage import EVERYTHING, Coverage
from tests.properties.filled import Filled, filled, identity
from tests.properties.vocabulary import RESOURCE_ATTRIBUTES, STUDY_UIDS
from tests.properties.worlds import World, world
from tests.support.indexing import SCOPE

QUICK = range(320)
LONG = {"sqlite": range(10_000, 16_000), "postgresql": range(16_000, 20_000)}
"""Ten thousand cases."""
PAGE = 7
"""Small, so that lists have several pages."""


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server("postgresql"))]
)
def on_both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    with filled(request.param, tmp_path_factory.mktemp("filled")) as index:
        yield index


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    with filled("sqlite", tmp_path_factory.mktemp("faults")) as index:
        yield index


@dataclass
class Run:
    """One run over many cases: where answers differ, and what was met."""

    filled: Filled
    coverage: Coverage = field(default_factory=Coverage)

    def differences(self, seeds: range) -> Iterator[str]:
        for seed in seeds:
            each = world(seed, rules=1 + seed % 8, studies=1, filters=True)
            self.coverage.add_world(each)
            for difference in self._of(each):
                yield f"world {seed}: {each.action} in {each.archive}: {difference}"

    def _of(self, each: World) -> Iterator[str]:
        bound = bound_policy(each)
        allowed = Counter[object]()
        studies = 0
        for parts in self.filled.studies[each.archive]:
            seen = []
            for part in parts:
                facts = part.facts
                meant = reference_decision(each, facts)
                self.coverage.add_decision(meant)
                checked = bound.decide(each.action, facts)
                if checked != meant:
                    yield f"engine {checked}, reference {meant}"
                if isinstance(meant, Allow) and isinstance(reference_decision(each, facts, each.keys), Allow):
                    seen.append(part.identity)
            allowed.update(seen)
            studies += bool(seen)
        constraint = bound.constraint(each.action, each.keys)
        if isinstance(constraint, Deny):
            if allowed:
                yield f"no list at all ({constraint.reasons}), but {allowed} are allowed"
            return
        yield from self._lists(each, constraint, allowed)
        yield from self._instances(each, constraint, allowed)
        counted = self.filled.index.count(SCOPE, each.archive, constraint)
        if counted != studies:
            yield f"counted {counted} studies, {studies} are allowed"
        yield from self._kinds(each, constraint, studies)

    def _lists(self, each: World, constraint: Constraint, allowed: Counter[object]) -> Iterator[str]:
        for level in (Level.STUDY, Level.SERIES):
            # Facts that the engine would not read are there too, when it is not told that it would not.
            rows, total = self._pages(each, level, replace(constraint, reads=None))
            yield from self._alike(each, rows, self._pages(each, level, constraint)[0])
            listed = Counter(identity(facts) for row in rows for facts in row.facts)
            if listed != allowed:
                lacking, surplus = allowed - listed, listed - allowed
                yield f"{level} list lacks {lacking} and has {surplus} too many"
            if total != len(rows):
                yield f"{level} list of {len(rows)} rows, and a total of {total}"
            if not all(row.facts for row in rows):
                yield f"{level} list with a row of which nothing is allowed"
            days = [date_of(row) for row in rows]
            if days != sorted(days, reverse=True):
                yield f"{level} list in the order {days}"
        self.coverage.met["listed"] += bool(allowed)

    def _alike(self, each: World, rows: list[Match], thin: list[Match]) -> Iterator[str]:
        """What the engine does not read may be lacking, and rows that are alike are decided alike."""
        bound = bound_policy(each)
        decided: dict[object, set[Decision]] = {}
        for row, same in zip(rows, thin, strict=True):
            known = [bound.decide(each.action, facts) for facts in row.facts]
            if known != [bound.decide(each.action, facts) for facts in same.facts]:
                yield f"{row.key}: decided otherwise without what is not read"
            if same.alike is not None:
                self.coverage.met["alike"] += same.alike in decided
                if decided.setdefault(same.alike, set(known)) != set(known):
                    yield f"{row.key} is not decided as others like it"

    def _instances(self, each: World, constraint: Constraint, allowed: Counter[object]) -> Iterator[str]:
        """Of one study, the instances of the allowed parts and no others."""
        uid = STUDY_UIDS[sum(allowed.values()) % len(STUDY_UIDS)]
        expected = sorted(
            sop
            for parts in self.filled.studies[each.archive]
            for part in parts
            if uid in part.facts.study["uid"] and part.identity in allowed
            for sop in part.instances
        )
        key = MatchKey(("StudyInstanceUID",), UidList((uid,)))
        page = self.filled.index.search(
            SCOPE, each.archive, Query(Level.INSTANCE, (key,), limit=100), constraint
        )
        listed = sorted(str(row.key.sop_instance_uid) for row in page.matches)
        if listed != expected:
            yield f"instances {listed} of {uid}, {expected} are allowed"

    def _pages(self, each: World, level: Level, constraint: Constraint) -> tuple[list[Match], int]:
        """All rows, page by page, and the total that the first page told."""
        rows: list[Match] = []
        total = 0
        while True:
            query = Query(level, limit=PAGE, offset=len(rows))
            page = self.filled.index.search(SCOPE, each.archive, query, constraint)
            total = total or len(page.matches) + page.remaining
            rows += page.matches
            if not page.remaining or not page.matches:
                return rows, total

    def _kinds(self, each: World, constraint: Constraint, studies: int) -> Iterator[str]:
        """Where nothing is asked that tells studies of one kind apart, kinds count as studies do."""
        kinds = list(self.filled.index.kinds(SCOPE, each.archive))
        named = attributes_of(constraint.formula)
        open_names = frozenset().union(*(kind.open for kind in kinds))
        if any(attribute in KEY_ATTRIBUTES or attribute.name in open_names for attribute in named):
            self.coverage.met["kinds not asked"] += 1
            return
        self.coverage.met["kinds asked"] += 1
        admits = when(constraint.formula, Truth.TRUE)
        counted = sum(
            kind.studies
            for kind in kinds
            if any(admits(ResourceFacts(kind.study, part)) for part in kind.parts)
        )
        if counted != studies:
            yield f"kinds say {counted} studies, {studies} are allowed"


def date_of(row: Match) -> str:
    return str(row.attributes[tag_of("StudyDate")]["Value"][0])


def test_all_answers_agree(
    on_both: Filled, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Every page begins where the one before it ended.
    monkeypatch.setattr(search, "_FAR", 1)
    run = Run(on_both)
    assert list(run.differences(QUICK)) == []
    run.coverage.show("asked of everybody", capsys)
    run.coverage.require({*EVERYTHING, "listed", "kinds asked", "alike"}, at_least=10)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_all_answers_agree_ten_thousand_times(on_both: Filled, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(on_both)
    assert list(run.differences(LONG[on_both.database.flavour])) == []
    run.coverage.show("asked of everybody", capsys)
    run.coverage.require({*EVERYTHING, "listed", "kinds asked", "alike"})


def test_the_index_holds_what_makes_answers_differ(on_sqlite: Filled) -> None:
    """Several parts in one study, in one series, kinds of more than one study, and values of another type."""
    for archive, studies in on_sqlite.studies.items():
        assert any(len(parts) > 1 for parts in studies)
        uids = [[part.facts.series["uid"] for part in parts if part.facts.series] for parts in studies]
        assert any(len(of_study) > len(set(of_study)) for of_study in uids)
        assert any(kind.studies > 1 for kind in on_sqlite.index.kinds(SCOPE, archive))
    assert any(
        not fits(value, attribute.type)
        for studies in on_sqlite.studies.values()
        for parts in studies
        for attribute in RESOURCE_ATTRIBUTES
        for value in held(attribute, parts[0].facts) or ()
    )
