"""Kinds of study: what a study row points to, and how many rows point to each.

Called by `study_row`, inside one transaction, whenever a row comes, changes or goes.

Invariants:
- a kind never changes and its number is never given to another, so what was once
  read of it may be remembered for ever;
- its counts are those of its rows, and each change of them carries the version of the index.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import BigInteger, bindparam, case, delete, insert, select, update

from pacsgate.model.subject import Attributes, Scalar, Values
from pacsgate.policy.ir import STUDY_DATE
from pacsgate.policy.values import is_date
from pacsgate.stores.classes import class_of, forget_unused
from pacsgate.stores.fixed import Fixed
from pacsgate.stores.place import Place
from pacsgate.stores.schema import access_kind, kind_part, study_change
from pacsgate.stores.serials import KIND, next_number

IN_ROWS = ":rows"
"""In a class's facts: the attributes that its studies hold values of, each study its own."""
MANY = ":many"
"""In a class's facts: those of many values of which all its studies hold the same, or nothing."""
MARKS = frozenset({IN_ROWS, MANY})

KEPT_VERSIONS = 10_000
"""How many of the latest changes are kept; whoever is further behind reads everything again."""

_SWEEP = 1_000
"""Versions between two sweeps: one looks through all kinds."""

_LONGEST_VALUE = 256
"""Of characters in a value that is looked up by an index."""


@dataclass(frozen=True, slots=True, order=True)
class KindPart:
    """One of the distinct parts of a kind."""

    class_pk: int
    modality: str


@dataclass(frozen=True, slots=True)
class Weight:
    """What one study adds to the counts of its kind."""

    series: int
    instances: int
    recency: int


def split_facts(
    facts: Attributes, many: frozenset[str], study_date: str
) -> tuple[dict[str, Values], dict[str, Values]]:
    """The facts that make a study's class, and those that its own rows hold.

    An attribute of many values stays in the class while it has none, or one that no
    index can hold; StudyDate goes nowhere, where it is that of the study's row.
    """
    in_rows = {name: values for name, values in facts.items() if name in many and _is_found(values)}
    # A date that is not the row's own stays in the class: it is rare, and then all values count.
    date = in_rows.pop(STUDY_DATE.name, None)
    marked = set(in_rows)
    if date == frozenset[Scalar]({study_date}) and is_date(study_date):
        marked.add(STUDY_DATE.name)
    of_class = {name: values for name, values in facts.items() if name not in marked}
    of_class[IN_ROWS] = frozenset(marked)
    of_class[MANY] = frozenset(name for name in many if name not in marked)
    return {name: values for name, values in of_class.items() if values or name not in MARKS}, in_rows


def _is_found(values: Values) -> bool:
    return bool(values) and all(isinstance(value, str) and len(value) <= _LONGEST_VALUE for value in values)


def many_of(facts: Attributes) -> frozenset[str]:
    """Which attributes a class holds for attributes of many values."""
    return frozenset(str(name) for mark in MARKS for name in facts.get(mark, ()))


_FOUND = Fixed(
    select(access_kind.c.kind_pk).where(
        access_kind.c.tenant == bindparam("tenant"),
        access_kind.c.archive == bindparam("archive"),
        access_kind.c.digest == bindparam("digest"),
    )
)
_NOTED = Fixed(
    select(study_change.c.study_pk).where(
        study_change.c.tenant == bindparam("tenant"),
        study_change.c.version == bindparam("version"),
        study_change.c.study_pk == bindparam("study_pk"),
    )
)
_CHANGED = Fixed(insert(study_change))
_RECENCY = bindparam("recency", type_=BigInteger)
_COUNTED = Fixed(
    update(access_kind)
    .where(access_kind.c.tenant == bindparam("of_tenant"), access_kind.c.kind_pk == bindparam("of_kind"))
    .values(
        studies=access_kind.c.studies + bindparam("more_studies"),
        series=access_kind.c.series + bindparam("more_series"),
        instances=access_kind.c.instances + bindparam("more_instances"),
        newest=case((access_kind.c.newest < _RECENCY, _RECENCY), else_=access_kind.c.newest),
        changed=bindparam("version"),
    )
    .returning(access_kind.c.studies, access_kind.c.class_pk)
)


def kind_of(place: Place, facts: Attributes, parts: Sequence[KindPart], *, agrees: bool) -> int:
    """The number of the kind of study with these facts and distinct parts, which is made if there is none."""
    class_pk = class_of(place.connection, place.tenant, facts)
    in_order = sorted(set(parts))
    named = [class_pk, agrees, [[part.class_pk, part.modality] for part in in_order]]
    digest = hashlib.sha256(msgspec.msgpack.encode(named)).digest()
    here = {"tenant": place.tenant, "archive": place.archive, "digest": digest}
    found = _FOUND.first(place.connection, here)
    if found is not None:
        return int(found.kind_pk)
    kind_pk = next_number(place.connection, place.tenant, KIND)
    place.connection.execute(
        insert(access_kind).values(
            tenant=place.tenant,
            kind_pk=kind_pk,
            archive=place.archive,
            digest=digest,
            class_pk=class_pk,
            agrees=agrees,
            studies=0,
            series=0,
            instances=0,
            newest=0,
            changed=place.version,
        )
    )
    rows = [
        {"tenant": place.tenant, "kind_pk": kind_pk, "position": position}
        | {"class_pk": part.class_pk, "modality": part.modality}
        for position, part in enumerate(in_order)
    ]
    place.connection.execute(insert(kind_part), rows)
    return kind_pk


def count_in(place: Place, kind_pk: int, weight: Weight) -> None:
    """Count one more study."""
    _count(place, kind_pk, 1, weight)


def count_out(place: Place, kind_pk: int, weight: Weight) -> None:
    """Count one study less; with the last one the kind's facts are forgotten."""
    _count_out(place, kind_pk, 1, weight)


def _count_out(place: Place, kind_pk: int, fewer: int, weight: Weight) -> None:
    studies, class_pk = _count(place, kind_pk, -fewer, weight)
    if not studies:
        here = (access_kind.c.tenant == place.tenant) & (access_kind.c.kind_pk == kind_pk)
        of_kind = (kind_part.c.tenant == place.tenant) & (kind_part.c.kind_pk == kind_pk)
        classes = list(place.connection.scalars(select(kind_part.c.class_pk).where(of_kind)))
        place.connection.execute(delete(kind_part).where(of_kind))
        gone: Mapping[str, object] = {"digest": b"gone %d" % kind_pk, "class_pk": 0, "newest": 0}
        place.connection.execute(update(access_kind).where(here).values(gone))
        forget_unused(place.connection, place.tenant, [class_pk, *classes])


def count_moves(place: Place, moves: Iterable[tuple[int, int, Weight]]) -> None:
    """Count studies that are of one kind, the first, and will be of another, with what each adds."""
    gone: dict[int, list[Weight]] = {}
    come: dict[int, list[Weight]] = {}
    for before, after, weight in moves:
        gone.setdefault(before, []).append(weight)
        come.setdefault(after, []).append(weight)
    for kind_pk, weights in come.items():
        _count(place, kind_pk, len(weights), _together(weights))
    for kind_pk, weights in gone.items():
        _count_out(place, kind_pk, len(weights), _together(weights))


def _together(weights: Sequence[Weight]) -> Weight:
    return Weight(
        series=sum(weight.series for weight in weights),
        instances=sum(weight.instances for weight in weights),
        recency=max(weight.recency for weight in weights),
    )


def _count(place: Place, kind_pk: int, more: int, weight: Weight) -> tuple[int, int]:
    """Count so many more studies, or fewer; returns how many there are now, and their class."""
    sign = 1 if more > 0 else -1
    (row,) = _COUNTED.rows(
        place.connection,
        {
            "of_tenant": place.tenant,
            "of_kind": kind_pk,
            "more_studies": more,
            "more_series": sign * weight.series,
            "more_instances": sign * weight.instances,
            "recency": weight.recency if sign > 0 else 0,
            "version": place.version,
        },
    )
    return row.studies, row.class_pk


def note_change(place: Place, study_pk: int) -> None:
    """Let others know that what they remember of this row is out of date."""
    here = {"tenant": place.tenant, "version": place.version, "study_pk": study_pk}
    if _NOTED.first(place.connection, here) is None:
        _CHANGED.run(place.connection, here | {"archive": place.archive})


def note_changes(place: Place, study_pks: Iterable[int]) -> None:
    """Likewise of many rows, none of which this version has touched."""
    here = {"tenant": place.tenant, "version": place.version, "archive": place.archive}
    _CHANGED.run_each(place.connection, [here | {"study_pk": study_pk} for study_pk in study_pks])


def forget_old_changes(place: Place) -> None:
    """Delete what only somebody far behind would ask for, once in a while."""
    if place.version % _SWEEP:
        return
    oldest = place.version - KEPT_VERSIONS
    for table, version in ((study_change, study_change.c.version), (access_kind, access_kind.c.changed)):
        old = (table.c.tenant == place.tenant) & (version < oldest)
        if table is access_kind:
            old &= (access_kind.c.studies == 0) & (access_kind.c.archive == place.archive)
        place.connection.execute(delete(table).where(old))
