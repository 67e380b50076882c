"""Study permissions as rows of dcm4chee 2's table `study_permission`, as CSV or as SQL.

Its rows know roles only, and its letters only actions that belong together: what has no place there is
left out and counted.

Called by `pacsgate permission export`; the importer reads what this writes.

Standard: `create.psql` of dcm4chee 2.18.3; RFC 4180; ISO/IEC 9075-2, 5.3 (literals).
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import NamedTuple

from pacsgate.model.actions import Action
from pacsgate.model.grant import GranteeKind
from pacsgate.model.permission_letters import actions_of, letters_held
from pacsgate.model.study_permission import StudyPermission

COLUMNS = ("study_iuid", "action", "roles")
_INSERT = f"INSERT INTO study_permission ({', '.join(COLUMNS)})"


class TableRow(NamedTuple):
    """One row, without its number."""

    study_iuid: str
    action: str
    roles: str


@dataclass(slots=True)
class LeftOut:
    """What the table has no place for."""

    grantees: set[str] = field(default_factory=set)
    """Users and groups."""
    actions: set[Action] = field(default_factory=set)
    """Actions without a letter, or with only a part of one."""


def table_rows(permissions: Iterable[StudyPermission], left: LeftOut) -> Iterator[TableRow]:
    """The rows that some permissions are, which come in the order of their studies."""
    for uid, of_study in groupby(permissions, key=lambda each: each.study_instance_uid):
        held: dict[str, set[Action]] = {}
        for each in of_study:
            if each.grantee_kind is GranteeKind.ROLE:
                held.setdefault(each.grantee, set()).add(each.action)
            else:
                left.grantees.add(f"{each.grantee_kind}:{each.grantee}")
        for role, actions in sorted(held.items()):
            letters = letters_held(actions)
            left.actions |= actions - actions_of(letters)
            yield from (TableRow(uid, letter, role) for letter in letters)


def as_csv(rows: Iterable[TableRow]) -> Iterator[str]:
    """Lines of a CSV file with its header."""
    for values in chain([COLUMNS], rows):
        written = io.StringIO()
        csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(values)
        yield written.getvalue()


def as_sql(rows: Iterable[TableRow]) -> Iterator[str]:
    """Statements that fill the table; its numbers come from its own sequence.

    Literals are those of the standard, in which a backslash escapes nothing: MySQL, which the comment in
    front speaks to, is asked to read them so too.
    """
    yield "-- study permissions\n"
    yield "/*!40101 SET sql_mode = 'NO_BACKSLASH_ESCAPES' */;\n"
    for row in rows:
        values = ", ".join("'" + value.replace("'", "''") + "'" for value in row)
        yield f"{_INSERT} VALUES ({values});\n"
