"""Rows of studies move to the kind that says what their permissions are now.

Nothing else of such a row changes, so nothing else is worked out: its class is the one it
had with other permissions in it, its parts are the same, and so is the row itself.  Of a thousand
rows that are written together most move from few kinds to few others.

Called by `permissions`, inside one transaction; `study_row` makes the same of a study that comes.

Invariants:
- the row is as `study_row.settle` would write it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from pacsgate.model.actions import Action
from pacsgate.model.grant import GranteeKind
from pacsgate.model.study_permission import Holding
from pacsgate.model.subject import Values
from pacsgate.policy.ir import PERMITTED, PERMITTED_USERS
from pacsgate.stores.classes import facts_of_class
from pacsgate.stores.kinds import (
    IN_ROWS,
    MANY,
    MARKS,
    KindPart,
    Weight,
    count_moves,
    kind_of,
    note_changes,
    split_facts,
)
from pacsgate.stores.packing import unpack_parts
from pacsgate.stores.permission_schema import study_permission
from pacsgate.stores.place import Place
from pacsgate.stores.schema import AnyRow, access_kind, kind_part, study, study_value
from pacsgate.stores.study_row import permitted_facts, weight_of

_NAMES = frozenset({PERMITTED.name, PERMITTED_USERS.name})

_ROWS = (
    select(
        study.c.study_pk,
        study.c.study_instance_uid,
        study.c.kind_pk,
        study.c.recency,
        study.c.parts,
        access_kind.c.class_pk,
        access_kind.c.agrees,
    )
    .join(access_kind, (access_kind.c.tenant == study.c.tenant) & (access_kind.c.kind_pk == study.c.kind_pk))
    .where(
        study.c.tenant == bindparam("of_tenant"),
        study.c.archive == bindparam("of_archive"),
        study.c.study_instance_uid.in_(bindparam("studies", expanding=True)),
    )
)
_HOLDINGS = select(
    study_permission.c.study_instance_uid,
    study_permission.c.action,
    study_permission.c.grantee_kind,
    study_permission.c.grantee,
).where(
    study_permission.c.tenant == bindparam("of_tenant"),
    study_permission.c.study_instance_uid.in_(bindparam("studies", expanding=True)),
)
_PARTS = select(kind_part.c.class_pk, kind_part.c.modality).where(
    kind_part.c.tenant == bindparam("tenant"), kind_part.c.kind_pk == bindparam("kind_pk")
)
_MOVED = update(study).where(
    study.c.tenant == bindparam("of_tenant"), study.c.study_pk == bindparam("of_study")
)
_VALUES_MOVED = update(study_value).where(
    study_value.c.tenant == bindparam("of_tenant"), study_value.c.study_pk == bindparam("of_study")
)
_VALUES_GONE = delete(study_value).where(
    study_value.c.tenant == bindparam("of_tenant"),
    study_value.c.study_pk == bindparam("of_study"),
    study_value.c.attribute == PERMITTED_USERS.name,
)


def settle_permissions(place: Place, studies: Collection[str]) -> None:
    """Bring the rows of these studies up to date with their permissions."""
    asked = {"of_tenant": place.tenant, "studies": sorted(studies)}
    held: dict[str, set[Holding]] = {}
    for uid, action, kind, grantee in place.connection.execute(_HOLDINGS, asked):
        held.setdefault(uid, set()).add(Holding(Action(action), GranteeKind(kind), grantee))
    rows = place.connection.execute(_ROWS, asked | {"of_archive": place.archive}).all()
    moving = _Moving(place)
    for row in rows:
        moving.take(row, held.get(row.study_instance_uid, ()))
    moving.write()


@dataclass(slots=True)
class _Moving:
    """Rows on their way, with what was found out about kinds before."""

    place: Place
    _moves: list[tuple[int, int, Weight]] = field(default_factory=list)
    _rows: list[dict[str, Any]] = field(default_factory=list)
    _values: list[dict[str, Any]] = field(default_factory=list)
    _facts: dict[int, dict[str, Values]] = field(default_factory=dict)
    _kinds: dict[tuple[int, frozenset[tuple[str, Values]]], int] = field(default_factory=dict)

    def take(self, row: AnyRow, holdings: Iterable[Holding]) -> None:
        """Find the kind that a row is to be of."""
        facts = permitted_facts(holdings)
        of_class, values = split_facts(facts, frozenset({PERMITTED_USERS.name} & facts.keys()), "")
        kind_pk = self._kind(row, of_class)
        self._moves.append((row.kind_pk, kind_pk, weight_of(unpack_parts(row.parts), row.recency)))
        self._rows.append({"of_study": row.study_pk, "of_tenant": self.place.tenant, "kind_pk": kind_pk})
        self._values += [
            {"tenant": self.place.tenant, "archive": self.place.archive, "attribute": name, "value": value}
            | {"study_pk": row.study_pk, "recency": row.recency, "kind_pk": kind_pk}
            for name, found in values.items()
            for value in found
        ]

    def write(self) -> None:
        """Write all of them."""
        if not self._rows:
            return
        execute = self.place.connection.execute
        execute(_MOVED, self._rows)
        execute(_VALUES_GONE, [{name: row[name] for name in ("of_study", "of_tenant")} for row in self._rows])
        execute(_VALUES_MOVED, self._rows)
        if self._values:
            execute(insert(study_value), self._values)
        count_moves(self.place, self._moves)
        note_changes(self.place, (row["of_study"] for row in self._rows))

    def _kind(self, row: AnyRow, permitted: dict[str, Values]) -> int:
        key = row.kind_pk, frozenset(permitted.items())
        if key not in self._kinds:
            self._kinds[key] = self._made(row, permitted)
        return self._kinds[key]

    def _made(self, row: AnyRow, permitted: dict[str, Values]) -> int:
        before = self._facts.get(row.class_pk)
        if before is None:
            before = facts_of_class(self.place.connection, self.place.tenant, row.class_pk)
            self._facts[row.class_pk] = before
        facts = {name: values for name, values in before.items() if name not in _NAMES | MARKS}
        facts |= {name: values for name, values in permitted.items() if name not in MARKS}
        for mark in (IN_ROWS, MANY):
            names = (before.get(mark, frozenset()) - _NAMES) | permitted.get(mark, frozenset())
            if names:
                facts[mark] = names
        here = {"tenant": self.place.tenant, "kind_pk": row.kind_pk}
        parts = [
            KindPart(class_pk, modality) for class_pk, modality in self.place.connection.execute(_PARTS, here)
        ]
        return kind_of(self.place, facts, parts, agrees=row.agrees)
