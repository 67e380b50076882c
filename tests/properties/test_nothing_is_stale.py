"""Whatever was changed before, what one process remembers answers like one that remembers nothing.

A history is a run of random changes that another process makes: policies, grants, labels, studies that come and go, time
that passes.  After each, a process that was asked before is asked again, and the reference interpreter is asked on what
the database holds now.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random

import pytest

from pacsgate.dicom.query import Query
from pacsgate.identity.latest_time import LatestTime
from pacsgate.model.actions import Action
from pacsgate.model.decision import Allow, Deny
from pacsgate.model.grant import Grant, GrantTarget
from pacsgate.model.resource import Level, ResourceKey
from pacsgate.model.study_permission import Holding, StudyPermission, grant_of
from pacsgate.model.subject import Subject
from pacsgate.policy import reference
from pacsgate.policy.document import load_policy, revision_of
from pacsgate.policy.environment import NETWORK
from pacsgate.policy.ir import PERMITTED, PERMITTED_USERS, And, Compare, Comparison
from pacsgate.policy.policy import Rule
from pacsgate.ports import StoredRevision, StudyEntry
from pacsgate.services import live_policy
from pacsgate.services.live_policy import LivePolicy
from pacsgate.stores import admission, epochs, known_kinds, permissions, specials, study_row
from pacsgate.stores.database import open_database
from pacsgate.stores.reading import Snapshot
from pacsgate.stores.stores import Stores, stores_on
from pacsgate.stores.study_row import permitted_facts
from tests.properties import worlds
from tests.properties.filled import SETS
from tests.properties.policy_text import policy_text
from tests.properties.vocabulary import WORDS
from tests.support.databases import sqlite_url
from tests.support.events import READ
from tests.support.indexing import SCOPE, SEEN, instance

STEPS = 25
HISTORIES = range(4)
LONG_HISTORIES = range(100, 200)
SUBJECTS = 2


@dataclass
class History:
    """One database, asked by one process and changed by another, and what the test knows of it."""

    random: Random
    here: Stores
    elsewhere: Stores
    now: datetime = worlds.NOW
    grants: dict[str, Grant] = field(default_factory=dict)
    permitted: set[tuple[str, Holding]] = field(default_factory=set)
    made: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.world = worlds.world(self.random.randrange(2**32), rules=6)
        stores = self.here
        self.live = LivePolicy(stores.epochs, stores.revisions, stores.directory, LatestTime(self.now).at)
        self.subjects = [worlds.subject(self.random) for _ in range(SUBJECTS)]
        self.publish()
        for uid in worlds.STUDY_UIDS[:2]:
            self.store_study(uid)

    # ---------------------------------------------------------------- changes, each made elsewhere

    def publish(self) -> None:
        made = worlds.policy(self.random, 5)
        rules = (self._asking_where_from(rule) for rule in made.rules)
        sources = {"policy.yaml": policy_text(replace(made, rules=tuple(rules)))}
        self.policy = load_policy(sources)
        stored = StoredRevision(revision_of(sources), sources, self.now, "ann")
        before = self.elsewhere.revisions.live(SCOPE)
        self.elsewhere.revisions.activate(
            SCOPE, stored, READ, live=None if before is None else before.revision, pending=None
        )

    def _asking_where_from(self, rule: Rule) -> Rule:
        inside = Compare(NETWORK, Comparison.EQ, "internal")
        return replace(rule, condition=And((rule.condition, inside))) if self.random.random() < 0.3 else rule

    def grant(self) -> None:
        drawn = (worlds.grant(self.random, 0) for _ in count())
        made = replace(
            next(each for each in drawn if each.target is not GrantTarget.STUDY_PERMISSION),
            grant_id=f"g{sum(self.made.values())}",
            expires=self.random.choice((None, self.now + timedelta(seconds=self.random.choice((1, 30))))),
        )
        self.elsewhere.directory.add_grant(SCOPE, made, READ)
        self.grants[made.grant_id] = made

    def revoke(self) -> None:
        if self.grants:
            grant_id = self.random.choice(sorted(self.grants))
            self.elsewhere.directory.revoke_grant(SCOPE, grant_id, READ)
            del self.grants[grant_id]

    def permit(self) -> None:
        """Of a study that is there, of one that is to come, and of some that have it already."""
        given = {
            (self.random.choice(worlds.STUDY_UIDS), holding)
            for holding in worlds.some(self.random, worlds.HOLDINGS, at_most=6)
        }
        rows = [StudyPermission(uid, *holding, "", "", SEEN) for uid, holding in sorted(given)]
        self.elsewhere.permissions.add(SCOPE, rows, lambda _: ())
        self.permitted |= given

    def withdraw(self) -> None:
        gone = [each for each in sorted(self.permitted) if self.random.random() < 0.5]
        self.elsewhere.permissions.remove(SCOPE, gone, lambda _: ())
        self.permitted -= set(gone)

    def store_study(self, uid: str | None = None) -> None:
        made = worlds.study(self.random, uid or self.random.choice(worlds.STUDY_UIDS))
        (study_uid,) = made.facts["uid"]
        self.elsewhere.index.ingest(
            SCOPE,
            self.world.archive,
            [
                instance(
                    str(study_uid),
                    str(*series["uid"]),
                    study_facts={n: v for n, v in made.facts.items() if n not in _NOT_OF_OBJECTS},
                    series_facts={n: v for n, v in series.items() if n != "uid"},
                    sets=SETS,
                )
                for series in made.series
            ],
            SEEN,
        )

    def label(self) -> None:
        uid = self._some_study()
        if uid is not None:
            self.elsewhere.index.set_labels(
                SCOPE,
                self.world.archive,
                uid,
                labels=worlds.some(self.random, WORDS, at_most=2),
                collections=worlds.some(self.random, worlds.COLLECTION_NAMES, at_most=2),
                event=READ,
            )

    def remove_study(self) -> None:
        uid = self._some_study()
        if uid is not None:
            self.elsewhere.index.remove(SCOPE, self.world.archive, ResourceKey(uid))

    def wait(self) -> None:
        self.now += timedelta(seconds=self.random.choice((1, 29, 1800)))

    def _some_study(self) -> str | None:
        studies = self.elsewhere.index.every_study(SCOPE, self.world.archive)
        uids = sorted({study.study_instance_uid for study in studies})
        return self.random.choice(uids) if uids else None

    # ---------------------------------------------------------------- questions

    def differences(self) -> Iterator[str]:
        for step in range(STEPS):
            change = self.random.choice(CHANGES)
            change(self)
            self.made[change.__name__] += 1
            studies = list(self.elsewhere.index.every_study(SCOPE, self.world.archive))
            for subject in self.subjects:
                for difference in self._asked(subject, studies):
                    yield f"step {step}, after {change.__name__}: {difference}"

    def _asked(self, subject: Subject, studies: list[StudyEntry]) -> Iterator[str]:
        archive, action = self.world.archive, Action.SEARCH
        network = self.random.choice(("internal", "external"))
        context = replace(self.world.context, now=self.now, network=network)
        holdings = {holding for _, holding in self.permitted}
        grants = (*self.grants.values(), *map(grant_of, sorted(holdings)))
        bound = self.live.bind(SCOPE, subject, context, archive)
        expected: Counter[str] = Counter()
        for study in studies:
            own = {name: held for name, held in study.facts.items() if name in _PERMITTED}
            held = permitted_facts(each for uid, each in self.permitted if uid == study.study_instance_uid)
            if own != held:
                yield f"{study.study_instance_uid} holds {own}, was given {held}"
            for facts in map(study.facts_of, study.series):
                meant = reference.decide(self.policy, subject, context, archive, grants, action, facts)
                allowed = isinstance(meant, Allow)
                self.made["allow" if allowed else "deny"] += 1
                expected[study.study_instance_uid] += allowed
                if isinstance(bound.decide(action, facts), Allow) is not allowed:
                    yield f"checked otherwise: {facts}"
        constraint = bound.constraint(action)
        listed: Counter[str] = Counter()
        if not isinstance(constraint, Deny):
            page = self.here.index.search(SCOPE, archive, Query(Level.STUDY, limit=50), constraint)
            for match in page.matches:
                listed[match.key.study_instance_uid] += len(match.facts)
            if self.here.index.count(SCOPE, archive, constraint) != len(page.matches):
                yield "counted otherwise"
        if +listed != +expected:
            yield f"listed {+listed}, allowed {+expected}"


_PERMITTED = {PERMITTED.name, PERMITTED_USERS.name}
_NOT_OF_OBJECTS = _PERMITTED | {
    "uid",
    "patient_id",
    "labels",
    "collections",
    "ingest_principal",
    "calling_ae_title",
    "called_ae_title",
}
CHANGES: tuple[Callable[[History], None], ...] = (
    History.publish,
    History.grant,
    History.grant,
    History.revoke,
    History.store_study,
    History.permit,
    History.permit,
    History.withdraw,
    History.label,
    History.label,
    History.remove_study,
    History.wait,
    History.wait,
)


def histories(seeds: range, directory: Path) -> Iterator[History]:
    for seed in seeds:
        url = sqlite_url(directory)
        here, elsewhere = open_database(url), open_database(url)
        try:
            yield History(worlds.seeded(seed), stores_on(here), stores_on(elsewhere))
        finally:
            here.close()
            elsewhere.close()


def test_what_is_remembered_is_what_would_be_found(tmp_path: Path) -> None:
    for history in histories(HISTORIES, tmp_path):
        assert list(history.differences()) == []


@pytest.mark.long
@pytest.mark.timeout(900)
def test_so_it_is_through_long_histories(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    met: Counter[str] = Counter()
    for history in histories(LONG_HISTORIES, tmp_path):
        assert list(history.differences()) == []
        met += history.made
    with capsys.disabled():
        print("\n  histories met:", dict(met))
    assert all(met[change.__name__] >= 100 for change in CHANGES)
    assert 0.1 < met["allow"] / (met["allow"] + met["deny"]) < 0.9


# ------------------------------------------------------------------ faults


CURRENT = epochs._WatchedEpochs.current


def the_first_epochs_hold_for_ever(patch: pytest.MonkeyPatch) -> None:
    seen: dict[int, object] = {}
    patch.setattr(epochs._WatchedEpochs, "current", lambda self: seen.setdefault(id(self), CURRENT(self)))


def the_epoch_of_grants_is_overlooked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(epochs._WatchedEpochs, "current", lambda self: replace(CURRENT(self), grants=0))


def the_epoch_of_policies_is_overlooked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(epochs._WatchedEpochs, "current", lambda self: replace(CURRENT(self), policy=0))


def what_is_kept_outlives_its_edge(patch: pytest.MonkeyPatch) -> None:
    holds = live_policy._Kept.holds_for
    patch.setattr(
        live_policy._Kept,
        "holds_for",
        lambda self, subject, _now: holds(self, subject, self.bound.context.now),
    )


def what_is_kept_forgets_where_it_was_asked_from(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(live_policy, "circumstances", lambda _policy, _context: ())


def new_kinds_are_not_asked(patch: pytest.MonkeyPatch) -> None:
    known: dict[object, object] = {}
    admitted = admission.admitted
    patch.setattr(
        admission.Admissions,
        "of",
        lambda self, view, formula: known.setdefault((id(self), formula), admitted(view, formula)),
    )


def rows_by_themselves_are_looked_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(specials._Looking, "changed_since", lambda _self, _version: frozenset())


def changed_kinds_keep_their_numbers_of_studies(patch: pytest.MonkeyPatch) -> None:
    read = known_kinds.ArchiveKinds._read

    def as_before(
        self: known_kinds.ArchiveKinds, snapshot: Snapshot, version: int, before: known_kinds.View
    ) -> known_kinds.View:
        after = read(self, snapshot, version, before)
        studies = after.studies.copy()
        for number in before.kinds:
            studies[number] = before.studies[number]
        return replace(after, studies=studies)

    patch.setattr(known_kinds.ArchiveKinds, "_read", as_before)


def holdings_come_and_go_unheard(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(permissions, "_count_holdings", lambda *_given: False)


def rows_keep_the_permissions_that_they_had(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(permissions, "settle_permissions", lambda *_given: None)


def a_study_comes_without_its_permissions(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(study_row, "permitted_facts", lambda _holdings: {})


FAULTS = (
    holdings_come_and_go_unheard,
    rows_keep_the_permissions_that_they_had,
    a_study_comes_without_its_permissions,
    new_kinds_are_not_asked,
    rows_by_themselves_are_looked_at_once,
    changed_kinds_keep_their_numbers_of_studies,
    the_first_epochs_hold_for_ever,
    the_epoch_of_grants_is_overlooked,
    the_epoch_of_policies_is_overlooked,
    what_is_kept_outlives_its_edge,
    what_is_kept_forgets_where_it_was_asked_from,
)


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_stale_memory_is_noticed(fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault(monkeypatch)
    assert any(any(history.differences()) for history in histories(range(120), tmp_path))
