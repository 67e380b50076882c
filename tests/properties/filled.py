"""An index full of random studies, and what it says of each part: the ground that all who answer stand on.

The facts are read back from the index, for it may know more than it was told (that there are no labels) or less.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from pacsgate.model.resource import ArchiveName
from pacsgate.model.study_permission import StudyPermission
from pacsgate.model.subject import Attributes, Scalar, Values
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import (
    COLLECTIONS,
    FILTERS,
    FILTERS_ASKED,
    LABELS,
    MANY_VALUED,
    ORIGIN,
    PERMITTED,
    PERMITTED_USERS,
    Scope,
    ValueType,
)
from pacsgate.ports import Ingested
from pacsgate.stores.database import Database
from pacsgate.stores.permissions import SqlStudyPermissions
from pacsgate.stores.study_index import SqlStudyIndex
from tests.properties import worlds
from tests.properties.vocabulary import DATES, FILTER_NAMES
from tests.properties.vocabulary import MANY as MANY_DECLARED
from tests.support.databases import cluster, opened, sqlite_url
from tests.support.events import READ
from tests.support.indexing import SCOPE, SEEN, instance

OTHER_STUDIES = tuple(f"1.2.{number}" for number in range(100, 110))
"""Studies that no grant and no condition names."""
MANY = frozenset(attribute.name for attribute in MANY_VALUED) | {
    name.partition(".")[2] for name in MANY_DECLARED
}
SETS = frozenset(each.name for each in worlds.RESOURCE_ATTRIBUTES if each.type is ValueType.SET)
_BY_HAND = {LABELS.name, COLLECTIONS.name}
_WITNESSED = {attribute.name for attribute in ORIGIN}
_NOT_TOLD = {"uid", "patient_id", PERMITTED.name, PERMITTED_USERS.name} | _BY_HAND | _WITNESSED
_ILL: Mapping[ValueType, Scalar] = {
    ValueType.STRING: 3,
    ValueType.NUMBER: "3",
    ValueType.DATE: 20260101,
    ValueType.BOOLEAN: 1,
}
"""A value that is not of the type, though it looks like one that is."""


@dataclass(frozen=True)
class Filled:
    """An index of random studies, and what it says of each of their parts."""

    database: Database
    index: SqlStudyIndex
    studies: Mapping[ArchiveName, tuple[tuple["Part", ...], ...]]
    """By archive; the parts of one study together."""


@dataclass(frozen=True)
class Part:
    """One part of a series: what decides about it, and its instances."""

    facts: ResourceFacts
    instances: frozenset[str]

    @property
    def identity(self) -> object:
        """Something to compare and to count by."""
        return identity(self.facts)


def identity(facts: ResourceFacts) -> object:
    """A part by all its facts, among them the keys of patient, study and series."""
    return frozenset(map(_typed, facts.study.items())), frozenset(map(_typed, (facts.series or {}).items()))


def _typed(item: tuple[str, Values]) -> object:
    """To Python `True` is 1; to a policy it is not."""
    name, values = item
    return name, frozenset((type(value), value) for value in values)


@contextmanager
def filled(kind: str, directory: Path) -> Iterator[Filled]:
    """The same studies in a new SQLite file or a new PostgreSQL."""
    if kind == "sqlite":
        with opened(sqlite_url(directory)) as database:
            yield _fill(database)
        return
    with cluster() as postgresql, opened(postgresql.url()) as database:
        yield _fill(database)


def _fill(database: Database) -> Filled:
    index, permissions = SqlStudyIndex(database), SqlStudyPermissions(database)
    random = worlds.seeded(7)
    for archive in worlds.ARCHIVES:
        _fill_archive(index, permissions, archive, random)
    return Filled(
        database,
        index,
        {
            archive: tuple(
                tuple(
                    Part(study.facts_of(part), frozenset(one.sop_instance_uid for one in part.instances))
                    for part in study.series
                )
                for study in index.every_study(SCOPE, archive)
            )
            for archive in worlds.ARCHIVES
        },
    )


def _fill_archive(
    index: SqlStudyIndex, permissions: SqlStudyPermissions, archive: ArchiveName, random: Random
) -> None:
    """Some studies are told apart by their UID only, and one UID is two patients' study."""
    made: list[tuple[worlds.WorldStudy, int]] = []
    for uid in (*worlds.STUDY_UIDS, *worlds.STUDY_UIDS[:1], *OTHER_STUDIES):
        alike = random.choice(made) if made and random.random() < 0.4 else None
        study, seed = (worlds.study(random, uid), len(made)) if alike is None else alike
        made.append((study, seed))
        patient = random.choice(worlds.PATIENT_IDS) if len(made) != 5 else "P9"
        items = list(_instances(worlds.seeded(seed), uid, patient, study))
        holdings = sorted(worlds.permissions(worlds.seeded(seed)))
        permitted = [StudyPermission(uid, *each, "", "", SEEN) for each in holdings]
        before = permitted if random.random() < 0.5 else []
        permissions.add(SCOPE, before, lambda _: ())
        index.ingest(SCOPE, archive, items, SEEN)
        permissions.add(SCOPE, permitted, lambda _: ())
        labels, collections = (study.facts.get(name) for name in (LABELS.name, COLLECTIONS.name))
        index.set_labels(SCOPE, archive, uid, labels=labels, collections=collections, event=READ)


def _instances(random: Random, uid: str, patient: str, study: worlds.WorldStudy) -> Iterator[Ingested]:
    issuer, _, number = patient.rpartition("|")
    dates = sorted(study.facts.get("date", ()))
    day = str(random.choice(dates)) if dates and random.random() < 0.8 else random.choice(DATES)
    told = {name: held for name, held in study.facts.items() if name not in _NOT_TOLD}
    told = dict(_some_ill(random, Scope.STUDY, told))
    origin = {name: held for name, held in study.facts.items() if name in _WITNESSED and held}
    for place, series in enumerate(study.series, start=1):
        # Grants name some series by their UID, so only the first studies have those.
        series_uid = str(only(series)) if uid in worlds.STUDY_UIDS else f"{uid}.{place}"
        for one in range(random.choice((1, 1, 2))):
            filters = worlds.some(random, FILTER_NAMES, at_most=2)
            made = instance(
                uid,
                series_uid,
                f"{uid}.{series_uid}.{one}",
                patient=number,
                issuer=issuer,
                of_study={"StudyDate": day, "StudyDescription": random.choice(("A", "A", "B"))},
                study_facts=told,
                series_facts=_some_ill(
                    random, Scope.SERIES, {name: held for name, held in series.items() if name != "uid"}
                ),
                sets=SETS,
                many=MANY,
                instance_facts=_asked(random, filters) if random.random() < 0.9 else {},
            )
            yield replace(made, origin=origin)


def _asked(random: Random, matching: frozenset[str]) -> Attributes:
    """The filters that instances match, among those that they were asked: mostly all there are."""
    asked = matching if random.random() < 0.3 else frozenset(FILTER_NAMES)
    return {FILTERS.name: matching, FILTERS_ASKED.name: asked}


def _some_ill(random: Random, scope: Scope, facts: Attributes) -> Attributes:
    """A few values that are not of their attribute's type, as under an older declaration of it."""
    types = {each.name: each.type for each in worlds.RESOURCE_ATTRIBUTES if each.scope is scope}
    return {
        name: held | {_ILL[types[name]]}
        if types.get(name) in _ILL and name not in MANY and random.random() < 0.05
        else held
        for name, held in facts.items()
    }


def only(series: Attributes) -> object:
    (uid,) = series["uid"]
    return uid
