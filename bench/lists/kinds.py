"""The kinds of a world, put into the index by the ten thousand.

One study of each shape (its series and their modalities) went in as every study does.  What else
tells kinds apart here is in four facts of the study; a kind is made of the one of its shape by
putting others in their place.

Called by `loading`.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, insert, select, text

from bench.lists.world import Likeness
from pacsgate.model.subject import Values
from pacsgate.stores.packing import pack_facts, unpack_facts
from pacsgate.stores.schema import Form, access_class, access_kind, class_fact, kind_part


class Shape(NamedTuple):
    """What a study is made of."""

    modalities: tuple[str, ...]
    reported: bool

    @classmethod
    def of(cls, likeness: Likeness) -> "Shape":
        """The shape of such studies."""
        return cls(likeness.modalities, likeness.reported)


def told_apart_by(likeness: Likeness) -> dict[str, Values]:
    """The facts of a study that its shape does not say."""
    return {
        "site": frozenset({likeness.site}),
        "institution": frozenset({likeness.institution}),
        "department": frozenset({likeness.department}),
        "flags": frozenset(likeness.labels),
    }


def add_kinds(
    connection: Connection, first: Mapping[Shape, Likeness], wanted: Iterable[Likeness]
) -> dict[Likeness, int]:
    """Write the kind of each likeness.  Returns their numbers."""
    known = _kinds_of_first(connection, first)
    numbers = {first[shape]: row["kind_pk"] for shape, row in known.items()}
    last_kind = max(numbers.values())
    last_class = connection.execute(text("SELECT max(class_pk) FROM access_class")).scalar_one()
    rows: dict[str, list[dict[str, Any]]] = {"class": [], "fact": [], "kind": [], "part": []}
    for likeness in wanted:
        if likeness in numbers:
            continue
        last_kind, last_class = last_kind + 1, last_class + 1
        numbers[likeness] = last_kind
        kind = known[Shape.of(likeness)]
        facts = kind["facts"] | told_apart_by(likeness)
        tenant = {"tenant": kind["tenant"]}
        packed = pack_facts(facts)
        rows["class"].append(
            {**tenant, "class_pk": last_class, "digest": hashlib.sha256(packed).digest(), "facts": packed}
        )
        rows["fact"] += [{**tenant, "class_pk": last_class, **row} for row in _fact_rows(facts)]
        parts = [[part["class_pk"], part["modality"]] for part in kind["parts"]]
        named = [last_class, kind["agrees"], parts]
        rows["kind"].append(
            kind["row"]
            | {
                "kind_pk": last_kind,
                "class_pk": last_class,
                "digest": hashlib.sha256(msgspec.msgpack.encode(named)).digest(),
            }
        )
        rows["part"] += [part | {"kind_pk": last_kind} for part in kind["parts"]]
    tables = {"class": access_class, "fact": class_fact, "kind": access_kind, "part": kind_part}
    for name, table in tables.items():
        if rows[name]:
            connection.execute(insert(table), rows[name])
    for name, last in (("kind", last_kind), ("class", last_class)):
        connection.execute(
            text("UPDATE serial SET value = :last WHERE name = :name"), {"last": last, "name": name}
        )
    return numbers


def _kinds_of_first(connection: Connection, first: Mapping[Shape, Likeness]) -> dict[Shape, dict[str, Any]]:
    """The kind of the first study of each shape, with what belongs to it."""
    found = {}
    for kind in connection.execute(select(access_kind)).mappings().all():
        facts = unpack_facts(
            connection.execute(
                select(access_class.c.facts).where(access_class.c.class_pk == kind["class_pk"])
            ).scalar_one()
        )
        parts = select(kind_part).where(kind_part.c.kind_pk == kind["kind_pk"]).order_by("position")
        rows = [dict(part) for part in connection.execute(parts).mappings()]
        modalities = {row["modality"] for row in rows}
        for shape, likeness in first.items():
            same = {name: facts.get(name, frozenset()) for name in told_apart_by(likeness)}
            if same == told_apart_by(likeness) and modalities == _modalities_of(shape):
                found[shape] = {**kind, "row": dict(kind), "facts": facts, "parts": rows}
    return found


def _modalities_of(shape: Shape) -> set[str]:
    return {*shape.modalities, "SR"} if shape.reported else set(shape.modalities)


def _fact_rows(facts: Mapping[str, Values]) -> Iterable[dict[str, Any]]:
    for attribute, values in facts.items():
        yield {"attribute": attribute, "form": Form.KNOWN, "text": "", "number": 0.0}
        for value in values:
            yield {"attribute": attribute, "form": Form.TEXT, "text": value, "number": 0.0}
