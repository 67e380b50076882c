"""The four tables of dcm4chee 2 that say who may do what, and their rows.

Called by the readers of dumps and of CSV files.

Standard: none; `create.psql` of dcm4chee 2.18.3.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Table(StrEnum):
    """A table, by its name in the database."""

    PERMISSIONS = "study_permission"
    USERS = "users"
    ROLES = "roles"
    ENTITIES = "ae"


COLUMNS: Mapping[Table, frozenset[str]] = {
    Table.PERMISSIONS: frozenset({"study_iuid", "action", "roles"}),
    Table.USERS: frozenset({"user_id"}),
    Table.ROLES: frozenset({"user_id", "roles"}),
    Table.ENTITIES: frozenset({"aet", "hostname", "port"}),
}
"""What a row cannot do without."""
WANTED: Mapping[Table, frozenset[str]] = {
    **COLUMNS,
    Table.ENTITIES: frozenset({"aet", "hostname", "port", "user_id", "cipher_suites", "ae_desc"}),
}
"""What is looked at.  Passwords are in neither: nothing here reads one."""
ORDER: Mapping[Table, Sequence[str]] = {
    Table.PERMISSIONS: ("pk", "study_iuid", "action", "roles"),
    Table.USERS: ("user_id", "passwd"),
    Table.ROLES: ("user_id", "roles"),
}
"""The columns as they were created, for rows that name none.  Those of `ae` differ between versions."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row, with the line that it begins in; what is NULL is not among its values."""

    table: Table
    values: Mapping[str, str]
    line: int


def row(table: Table, columns: Sequence[str], values: Sequence[str | None], line: int) -> Row:
    """A row of the values that are wanted."""
    wanted = WANTED[table]
    found = {
        column: value
        for column, value in zip(columns, values, strict=True)
        if column in wanted and value is not None
    }
    return Row(table, found, line)
