"""`pacsgate unit`: the access units of a PACS, and to whom they are open."""

import typer

from pacsgate.cli.holders import Unit
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config
from pacsgate.cli.pacs_asking import Pacs, Place, Tenant, listed, tell_rows
from pacsgate.cli.printing import Json
from pacsgate.model.resource import DEFAULT_TENANT

app = typer.Typer(help="What can be opened at a PACS: doors and areas, departments.", no_args_is_help=True)


@app.command("list")
def list_units(
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List the access units that a PACS has."""
    rows = listed(Place(config, tenant, pacs), "AccessUnitList", "accessUnits")
    tell_rows(rows, ("accessUnitId", "name", "kind"), "The PACS has no access units.", as_json=as_json)


@app.command()
def who(
    unit: Unit,
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List the identities and visits to which an access unit is open."""
    place = Place(config, tenant, pacs)
    rows: list[dict[str, Json]] = [
        {"holder": holder, "id": row.get(f"{holder}Id")}
        for holder, operation, name in _HOLDERS
        for row in listed(place, operation, name, {"unit": unit})
    ]
    tell_rows(rows, ("holder", "id"), "It is open to nobody.", as_json=as_json)


_HOLDERS = (
    ("identity", "AccessUnitIdentityList", "identities"),
    ("visit", "AccessUnitVisitList", "visits"),
)
