"""Access classes: each distinct set of facts once, however many studies or series have it.

Called by `kinds` (which are made of them), by `study_row` and `merging` (which say of what class a study or
a part of a series is) and by `entries` (which reads what a class says).

Invariants:
- a class never changes and its number is never given to another, so what was once
  read of it may be remembered for ever;
- `class_fact` says exactly what the class's packed facts say.
"""

import hashlib
from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, bindparam, delete, exists, insert, select

from pacsgate.model.subject import Attributes, Scalar, Values
from pacsgate.policy.ir import ValueType
from pacsgate.policy.values import fits
from pacsgate.stores.fixed import Fixed
from pacsgate.stores.packing import pack_facts, unpack_facts
from pacsgate.stores.schema import Form, access_class, access_kind, class_fact, kind_part
from pacsgate.stores.serials import CLASS, next_number

_FOUND = Fixed(
    select(access_class.c.class_pk).where(
        access_class.c.tenant == bindparam("tenant"), access_class.c.digest == bindparam("digest")
    )
)


def class_of(connection: Connection, tenant: str, facts: Attributes) -> int:
    """The number of the class with these facts, which is made if there is none."""
    packed = pack_facts(facts)
    digest = hashlib.sha256(packed).digest()
    found = _FOUND.first(connection, {"tenant": tenant, "digest": digest})
    if found is not None:
        return int(found.class_pk)
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
        yield {"attribute": attribute, "form": Form.KNOWN, "text": "", "number": 0.0}
        for value in values:
            form, text, number = _typed(value)
            yield {"attribute": attribute, "form": form, "text": text, "number": number}


def _typed(value: Scalar) -> tuple[Form, str, float]:
    if isinstance(value, str):
        return Form.TEXT, value, 0.0
    if isinstance(value, bool):
        return Form.BOOLEAN, "", float(value)
    if fits(value, ValueType.NUMBER):
        return Form.NUMBER, "", float(value)
    return Form.UNREADABLE, repr(value), 0.0


def facts_of_class(connection: Connection, tenant: str, class_pk: int) -> dict[str, Values]:
    """What one class says, read inside a writing transaction, where nothing may be remembered."""
    packed: bytes = connection.execute(
        select(access_class.c.facts).where(
            access_class.c.tenant == tenant, access_class.c.class_pk == class_pk
        )
    ).scalar_one()
    return unpack_facts(packed)


def forget_unused(connection: Connection, tenant: str, class_pks: Iterable[int]) -> None:
    """Delete those of these classes that no kind has any more: their facts may be about a patient."""
    for class_pk in set(class_pks):
        used = select(
            exists().where(access_kind.c.tenant == tenant, access_kind.c.class_pk == class_pk)
            | exists().where(kind_part.c.tenant == tenant, kind_part.c.class_pk == class_pk)
        )
        if not connection.execute(used).scalar_one():
            for table in (class_fact, access_class):
                connection.execute(
                    delete(table).where(table.c.tenant == tenant, table.c.class_pk == class_pk)
                )
