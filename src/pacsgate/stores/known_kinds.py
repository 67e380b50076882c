"""The kinds of study of an archive, in memory, with how many studies each has and how new they are.

Read once, then kept up with what each version of the index changed.  A `View` is the state at one version
and never changes, so a search may go on with it while others move on.

Called by `search` and `study_index`, inside a snapshot; one object per process.

Invariants:
- a view says exactly what its version's committed rows say, but that `newest` may be too high.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from pacsgate.model.subject import Attributes, Values
from pacsgate.policy.ir import STUDY_DATE
from pacsgate.stores.heads import Heads
from pacsgate.stores.kind_sets import KindSets
from pacsgate.stores.kinds import IN_ROWS, KEPT_VERSIONS, MARKS
from pacsgate.stores.packing import unpack_facts
from pacsgate.stores.reading import Row, Snapshot

Numbers = NDArray[np.int64]

_VERSION = "SELECT value FROM epoch WHERE tenant = :tenant AND name = 'index'"
_CHANGED = (
    "SELECT kind_pk, class_pk, agrees, studies, newest, changed FROM access_kind"
    " WHERE tenant = :tenant AND archive = :archive AND changed > :version"
)


@dataclass(frozen=True, slots=True)
class KnownKind:
    """What is known of each study of one kind."""

    number: int
    study: Attributes
    in_rows: frozenset[str]
    parts: tuple[Attributes, ...]
    modalities: tuple[str, ...]
    agrees: bool
    has_values: bool
    """Whether its rows hold values of more than StudyDate."""

    @property
    def distinct_parts(self) -> tuple[Attributes, ...]:
        """The facts of its parts, each once: parts that differ in Modality alone may have the same."""
        return tuple({id(facts): facts for facts in self.parts}.values())


@dataclass(frozen=True, slots=True)
class View:
    """The kinds of an archive at one version of the index."""

    version: int
    generation: int
    """Moves when kinds are added: what was asked of all kinds before is then asked again."""
    kinds: Mapping[int, KnownKind]
    """Perhaps also of later versions."""
    sets: KindSets
    lock: threading.Lock
    """Held while `sets` is asked."""
    disagreeing: BitMap
    studies: Numbers = field(repr=False)
    newest: Numbers = field(repr=False)
    changed: Numbers = field(repr=False)
    """The version at which rows of each kind were last written."""
    heads: Heads = field(repr=False)

    def total(self, kinds: BitMap) -> int:
        """How many studies there are of these kinds."""
        return int(self.studies[self._numbers(kinds)].sum())

    def newest_first(self, kinds: BitMap, at_least: int, chunk: int) -> Iterator[tuple[int, int]]:
        """Each kind after what its newest study's recency is no more than, the highest first.

        They are sorted as far as is asked.
        """
        rest = self._numbers(kinds)
        rest = rest[(self.newest[rest] >= at_least) & (self.studies[rest] > 0)]
        while rest.size:
            newest = self.newest[rest]
            if rest.size > chunk:
                split = np.argpartition(-newest, chunk)
                head, rest = rest[split[:chunk]], rest[split[chunk:]]
                newest = self.newest[head]
            else:
                head, rest = rest, rest[:0]
            order = np.argsort(-newest, kind="stable")
            yield from zip(newest[order].tolist(), head[order].tolist(), strict=True)

    def _numbers(self, kinds: BitMap) -> Numbers:
        numbers = np.asarray(kinds.to_array(), dtype=np.int64)
        # Sets may already hold kinds of later versions, of which this one has no study.
        return numbers[numbers < self.studies.size]


class StaleSnapshot(Exception):  # noqa: N818 - not a mistake: a newer snapshot has the answer
    """Another thread has seen a later version than this snapshot shows."""


class ArchiveKinds:
    """The kinds of one archive of one tenant."""

    def __init__(self, tenant: str, archive: str) -> None:
        self._place = {"tenant": tenant, "archive": archive}
        self._lock = threading.Lock()
        self._view: View | None = None

    def at(self, snapshot: Snapshot) -> View:
        """The view of what the snapshot shows.  Raises `StaleSnapshot`."""
        found = snapshot.rows(_VERSION, self._place)
        version: int = found[0][0] if found else 0
        view = self._view
        if view is not None and view.version == version:
            return view
        with self._lock:
            view = self._view
            if view is None or version - view.version > KEPT_VERSIONS:
                view = self._read(snapshot, version, _empty())
            elif view.version < version:
                view = self._read(snapshot, version, view)
            elif view.version > version:
                raise StaleSnapshot
            self._view = view
        return view

    def _read(self, snapshot: Snapshot, version: int, before: View) -> View:
        rows = snapshot.rows(_CHANGED, self._place | {"version": before.version})
        added = [row for row in rows if row[0] not in before.kinds and row[3]]
        fresh = list(read_kinds(snapshot, self._place["tenant"], added))
        kinds, disagreeing = before.kinds, before.disagreeing
        if fresh:
            with before.lock:
                before.sets.add(fresh)
            kinds = {**kinds, **{kind.number: kind for kind in fresh}}
            disagreeing = disagreeing | BitMap(kind.number for kind in fresh if not kind.agrees)
        size = max([before.studies.size - 1, *(row[0] for row in rows)]) + 1
        studies, newest = _grown(before.studies, size), _grown(before.newest, size)
        changed = _grown(before.changed, size)
        for kind_pk, _, _, count, moment, at in rows:
            studies[kind_pk], newest[kind_pk], changed[kind_pk] = count, moment, at
        return replace(
            before,
            version=version,
            generation=before.generation + bool(fresh),
            kinds=kinds,
            disagreeing=disagreeing,
            studies=studies,
            newest=newest,
            changed=changed,
        )


def _empty() -> View:
    nothing = np.zeros(1, dtype=np.int64)
    return View(-1, 0, {}, KindSets(), threading.Lock(), BitMap(), nothing, nothing, nothing, Heads())


def _grown(numbers: Numbers, size: int) -> Numbers:
    grown = np.zeros(size, dtype=np.int64)
    grown[: numbers.size] = numbers
    return grown


def read_kinds(snapshot: Snapshot, tenant: str, rows: Iterable[Row]) -> Iterator[KnownKind]:
    """What is known of kinds, from (kind, class, whether its series agree, …)."""
    named = {row[0]: row for row in rows}
    if not named:
        return
    of_kinds = snapshot.rows(
        "SELECT kind_pk, class_pk, modality FROM kind_part WHERE tenant = :tenant AND kind_pk IN :kinds"
        " ORDER BY kind_pk, position",
        {"tenant": tenant, "kinds": list(named)},
    )
    parts: dict[int, list[tuple[int, str]]] = {kind_pk: [] for kind_pk in named}
    for kind_pk, class_pk, modality in of_kinds:
        parts[kind_pk].append((class_pk, modality))
    classes = {row[1] for row in named.values()} | {class_pk for _, class_pk, _ in of_kinds}
    facts = _facts_of(snapshot, tenant, classes)
    for number, (_, class_pk, agrees, *_others) in named.items():
        known = facts[class_pk]
        in_rows = frozenset(map(str, known.get(IN_ROWS, ())))
        yield KnownKind(
            number,
            {name: values for name, values in known.items() if name not in MARKS},
            in_rows,
            tuple(facts[part] for part, _ in parts[number]),
            tuple(modality for _, modality in parts[number]),
            bool(agrees),
            not in_rows <= {STUDY_DATE.name},
        )


def _facts_of(snapshot: Snapshot, tenant: str, class_pks: set[int]) -> dict[int, dict[str, Values]]:
    rows = snapshot.rows(
        "SELECT class_pk, facts FROM access_class WHERE tenant = :tenant AND class_pk IN :classes",
        {"tenant": tenant, "classes": list(class_pks)},
    )
    return {class_pk: unpack_facts(facts) for class_pk, facts in rows}
