"""Access classes: each distinct set of facts once, however many studies or series have it.

Called by `ingest`, `removal` and `labels` (which move rows between classes) and by
`entries` and `search` (which read what a class says).

Invariants:
- a class never changes and its number is never given to another, so what was once
  read of it may be remembered for ever;
- `class_fact` says exactly what the class's packed facts say.
"""

import hashlib
from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, delete, exists, insert, select

from pacsgate.model.subject import Attributes, Scalar, Values
from pacsgate.policy.ir import ValueType
from pacsgate.policy.values import fits
from pacsgate.stores.packing import pack_facts, unpack_facts
from pacsgate.stores.schema import Kind, access_class, class_fact, series, study
from pacsgate.stores.serials import CLASS, next_number

_REMEMBERED = 50_000
"""Classes kept in memory per process; at some 500 bytes each, 25 MB at most."""


def class_of(connection: Connection, tenant: str, facts: Attributes) -> int:
    """The number of the class with these facts, which is made if there is none."""
    packed = pack_facts(facts)
    digest = hashlib.sha256(packed).digest()
    found: int | None = connection.execute(
        select(access_class.c.class_pk).where(
            access_class.c.tenant == tenant, access_class.c.digest == digest
        )
    ).scalar_one_or_none()
    if found is not None:
        return found
    class_pk = next_number(connection, tenant, CLASS)
    connection.execute(
        insert(access_class).values(tenant=tenant, class_pk=class_pk, digest=digest, facts=packed)
    )
    rows = [{"tenant": tenant, "class_pk": class_pk, **row} for row in _rows(facts)]
    if rows:
        connection.execute(insert(class_fact), rows)
    return class_pk


def _rows(facts: Attributes) -> Iterator[dict[str, str | int | float]]:
    for attribute, values in facts.items():
        yield {"attribute": attribute, "kind": Kind.KNOWN, "text": "", "number": 0.0}
        for value in values:
            kind, text, number = _typed(value)
            yield {"attribute": attribute, "kind": kind, "text": text, "number": number}


def _typed(value: Scalar) -> tuple[Kind, str, float]:
    if isinstance(value, str):
        return Kind.TEXT, value, 0.0
    if isinstance(value, bool):
        return Kind.BOOLEAN, "", float(value)
    if fits(value, ValueType.NUMBER):
        return Kind.NUMBER, "", float(value)
    return Kind.UNREADABLE, repr(value), 0.0


def facts_of_class(connection: Connection, tenant: str, class_pk: int) -> dict[str, Values]:
    """What one class says, read inside a writing transaction, where nothing may be remembered."""
    packed: bytes = connection.execute(
        select(access_class.c.facts).where(
            access_class.c.tenant == tenant, access_class.c.class_pk == class_pk
        )
    ).scalar_one()
    return unpack_facts(packed)


def forget_unused(connection: Connection, tenant: str, class_pks: Iterable[int]) -> None:
    """Delete those of these classes that no row has any more: their facts may be about a patient."""
    for class_pk in set(class_pks):
        used = select(
            exists().where(study.c.tenant == tenant, study.c.class_pk == class_pk)
            | exists().where(series.c.tenant == tenant, series.c.class_pk == class_pk)
        )
        if not connection.execute(used).scalar_one():
            for table in (class_fact, access_class):
                connection.execute(
                    delete(table).where(table.c.tenant == tenant, table.c.class_pk == class_pk)
                )


class ClassFacts:
    """What classes say, remembered per process.  Read only from committed state."""

    def __init__(self) -> None:
        self._remembered: dict[tuple[str, int], dict[str, Values]] = {}

    def of(
        self, connection: Connection, tenant: str, class_pks: Iterable[int]
    ) -> dict[int, dict[str, Values]]:
        """The facts of each of these classes.  Callers copy before they add to one."""
        known: dict[int, dict[str, Values]] = {}
        unknown: list[int] = []
        for class_pk in set(class_pks):
            facts = self._remembered.get((tenant, class_pk))
            if facts is None:
                unknown.append(class_pk)
            else:
                known[class_pk] = facts
        if unknown:
            known.update(self._read(connection, tenant, unknown))
        return known

    def _read(
        self, connection: Connection, tenant: str, class_pks: list[int]
    ) -> dict[int, dict[str, Values]]:
        rows = connection.execute(
            select(access_class.c.class_pk, access_class.c.facts).where(
                access_class.c.tenant == tenant, access_class.c.class_pk.in_(class_pks)
            )
        )
        fresh = {class_pk: unpack_facts(packed) for class_pk, packed in rows}
        if len(self._remembered) + len(fresh) > _REMEMBERED:
            self._remembered.clear()
        self._remembered.update({(tenant, class_pk): facts for class_pk, facts in fresh.items()})
        return fresh
