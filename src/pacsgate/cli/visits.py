"""`pacsgate visit`: access for a time, planned, checked in and checked out."""

from typing import Annotated

import typer

from pacsgate.bootstrap.clock import SystemClock
from pacsgate.cli.failures import told
from pacsgate.cli.instants import read_instant
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config
from pacsgate.cli.pacs_asking import (
    Fields,
    Format,
    Pacs,
    Tenant,
    Unit,
    Value,
    ask,
    fields_of,
    listed,
    tell,
    tell_rows,
)
from pacsgate.cli.printing import print_fields, print_json
from pacsgate.model.resource import DEFAULT_TENANT

app = typer.Typer(help="Access for a time: plan visits, check people in and out.", no_args_is_help=True)

Visit = Annotated[str, typer.Argument(help="The visit's id.")]
_COLUMNS = ("visitId", "visitor", "name", "state", "validFrom", "validTo", "account")


@app.command()
def plan(
    name: Annotated[str, typer.Argument(help="Who comes.")],
    *,
    visitor: Annotated[str, typer.Option(help="Their id, the same at each of their visits.")],
    until: Annotated[str, typer.Option(help="When it ends: `8h`, `2027-03-01T17:00+01:00`.")],
    starts: Annotated[str | None, typer.Option("--from", help="When it begins; now, otherwise.")] = None,
    host: Annotated[str, typer.Option(help="Whom they visit.")] = "",
    visit: Annotated[str | None, typer.Option("--id", help="The visit's id; made up, otherwise.")] = None,
    account: Annotated[str | None, typer.Option(help="An account of theirs that is there already.")] = None,
    fields: Fields = None,
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Plan a visit."""
    now = SystemClock().now()
    with told():
        body = {
            "visitor": visitor,
            "name": name,
            "host": host,
            "validFrom": (now if starts is None else read_instant(starts, now)).isoformat(),
            "validTo": read_instant(until, now).isoformat(),
            "extensionFields": fields_of(fields),
            **({} if visit is None else {"visitId": visit}),
            **({} if account is None else {"account": account}),
        }
    made = ask(config, tenant, pacs, "VisitCreate", body)
    known = made.get("visitId") if isinstance(made, dict) else visit
    tell(made, as_json, f"visit `{known}` planned")


@app.command("check-in")
def check_in(
    visit: Visit,
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Begin a visit: what it holds counts from now."""
    tell(ask(config, tenant, pacs, "VisitCheckIn", visit=visit), as_json, f"visit `{visit}` checked in")


@app.command("check-out")
def check_out(
    visit: Visit,
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """End a visit: what it held counts no more."""
    tell(ask(config, tenant, pacs, "VisitCheckOut", visit=visit), as_json, f"visit `{visit}` checked out")


@app.command()
def cancel(
    visit: Visit,
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Call a visit off that has not begun."""
    tell(ask(config, tenant, pacs, "VisitRemove", visit=visit), as_json, f"visit `{visit}` cancelled")


@app.command("list")
def list_visits(
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List every visit."""
    rows = listed(config, tenant, pacs, "VisitList", "visits")
    tell_rows(rows, _COLUMNS, "There are no visits.", as_json=as_json)


@app.command()
def show(
    visit: Visit,
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Show one visit."""
    found = ask(config, tenant, pacs, "VisitGet", visit=visit)
    if as_json or not isinstance(found, dict):
        print_json(found)
    else:
        print_fields(found)


@app.command()
def credential(
    visit: Visit,
    *,
    form: Format,
    value: Value = None,
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Give a visit a credential."""
    body = {"format": form, **({} if value is None else {"value": value})}
    made = ask(config, tenant, pacs, "VisitCredentialCreate", body, visit=visit)
    tell(made, as_json, f"visit `{visit}` has a new credential")


@app.command("open")
def open_unit(
    visit: Visit,
    unit: Unit,
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Open an access unit to a visit, from its check-in."""
    given = ask(config, tenant, pacs, "VisitAccessUnitAssign", visit=visit, unit=unit)
    tell(given, as_json, f"`{unit}` is open to visit `{visit}`")


@app.command("close")
def close_unit(
    visit: Visit,
    unit: Unit,
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Close an access unit to a visit."""
    ask(config, tenant, pacs, "VisitAccessUnitRemove", visit=visit, unit=unit)
    tell({"visitId": visit, "accessUnitId": unit, "open": False}, as_json, f"`{unit}` is closed")
