"""Lists of a process that remembers how kinds begin are those of a process that remembers nothing.

Studies of few kinds come, go, move to another date and get labels, at another process; after each
change both are asked for pages of several lengths, in which kinds must be merged.
"""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from pacsgate.dicom.query import Query
from pacsgate.model.resource import Level, ResourceKey
from pacsgate.policy.ir import STUDY_DATE, TRUE, Compare, Comparison, Formula
from pacsgate.stores import heads, plans
from pacsgate.stores.database import open_database
from pacsgate.stores.stores import Stores, stores_on
from pacsgate.stores.study_index import SqlStudyIndex
from tests.properties import worlds
from tests.support.databases import sqlite_url
from tests.support.events import READ
from tests.support.indexing import MAIN, SCOPE, SEEN, instance, within

STEPS = 60
WORDS = ("a", "b", "c")
UIDS = tuple(f"1.2.{number}" for number in range(1, 40))
CONSTRAINTS: tuple[Formula, ...] = (
    TRUE,
    Compare(STUDY_DATE, Comparison.LT, "20250120"),
    Compare(STUDY_DATE, Comparison.GE, "20250110"),
)


def store(random: Random, stores: Stores, uid: str) -> None:
    stores.index.remove(SCOPE, MAIN, ResourceKey(uid))
    date = f"202501{random.randint(1, 28):02}"
    study = instance(
        uid,
        of_study={"StudyDate": date, "StudyTime": f"{random.randint(0, 3):02}0000"},
        study_facts={"department": frozenset({random.choice(WORDS)}), "date": frozenset({date})},
    )
    stores.index.ingest(SCOPE, MAIN, [study], SEEN)


def change(random: Random, stores: Stores) -> None:
    uid = random.choice(UIDS)
    match random.choice(("store", "store", "remove", "label")):
        case "store":
            store(random, stores, uid)
        case "remove":
            stores.index.remove(SCOPE, MAIN, ResourceKey(uid))
        case "label":
            there = sorted(one.study_instance_uid for one in stores.index.every_study(SCOPE, MAIN))
            if there:
                labels = frozenset(random.sample(WORDS, random.randint(0, 2)))
                stores.index.set_labels(
                    SCOPE, MAIN, random.choice(there), labels=labels, collections=frozenset(), event=READ
                )


def differences(seed: int, directory: Path) -> Iterator[str]:
    random = worlds.seeded(seed)
    url = sqlite_url(directory)
    here, elsewhere = open_database(url), open_database(url)
    try:
        remembering, changing = stores_on(here), stores_on(elsewhere)
        for uid in UIDS[:25]:
            store(random, changing, uid)
        for step in range(STEPS):
            change(random, changing)
            forgetful = SqlStudyIndex(elsewhere)
            for formula in CONSTRAINTS:
                query = Query(Level.STUDY, limit=random.choice((1, 3, 8, 20)))
                answers = [
                    [match.key.study_instance_uid for match in found.matches]
                    for found in (
                        each.search(SCOPE, MAIN, query, within(formula))
                        for each in (remembering.index, forgetful)
                    )
                ]
                if answers[0] != answers[1]:
                    yield f"step {step}: remembered {answers[0]}, found {answers[1]}"
    finally:
        here.close()
        elsewhere.close()


@pytest.fixture(autouse=True)
def kinds_are_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "_SCAN_WORTH", -1)
    monkeypatch.setattr(plans, "_FIRST", 2)


@pytest.mark.parametrize("seed", range(2))
def test_lists_keep_up_with_what_others_change(seed: int, tmp_path: Path) -> None:
    assert list(differences(seed, tmp_path)) == []


def test_kinds_that_are_not_read_again_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = heads.Heads.find

    def whatever_has_changed(self, kind_pk, newest, **asked):
        return find(self, kind_pk, newest, **{**asked, "changed": 0})

    monkeypatch.setattr(heads.Heads, "find", whatever_has_changed)
    assert any(differences(0, tmp_path))
