"""`pacsgate permission export`: study permissions as dcm4chee's table has them."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Annotated

import typer

from pacsgate.cli.desk import open_desk
from pacsgate.cli.options import DEFAULT_CONFIG, Config, Tenant
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.protocols.dcm4chee.permission_table import LeftOut, TableRow, as_csv, as_sql, table_rows


class Layout(StrEnum):
    """How the table is written."""

    CSV = "dcm4chee-csv"
    SQL = "dcm4chee-sql"


_WRITERS: Mapping[Layout, Callable[[Iterable[TableRow]], Iterator[str]]] = {
    Layout.CSV: as_csv,
    Layout.SQL: as_sql,
}


def export(
    layout: Annotated[Layout, typer.Option("--format", help="The layout of the table.")] = Layout.CSV,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Print the permissions of roles as rows of dcm4chee's `study_permission`."""
    left = LeftOut()
    with open_desk(config, tenant) as desk:
        rows = table_rows(desk.permissions.every(desk.installation.scope), left)
        for line in _WRITERS[layout](rows):
            sys.stdout.write(line)
    if left.grantees:
        typer.echo(
            f"left out: {len(left.grantees)} users and groups, for whom its table has no place", err=True
        )
    if left.actions:
        typer.echo(
            f"left out: {', '.join(sorted(left.actions))}, for which it has no letter, or not alone", err=True
        )
