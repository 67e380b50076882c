"""`pacsgate identity`: people and devices with standing access to a PACS."""

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

app = typer.Typer(help="Standing access to a PACS: people, devices, access units.", no_args_is_help=True)

Identity = Annotated[str, typer.Argument(help="The identity's id.")]
_COLUMNS = ("identityId", "name", "organization", "validTo", "account")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who it is.")],
    *,
    identity: Annotated[str | None, typer.Option("--id", help="Its id; made up, otherwise.")] = None,
    until: Annotated[str | None, typer.Option(help="When it ends: `90d`, `2027-01-01`.")] = None,
    account: Annotated[str | None, typer.Option(help="An account that is there already.")] = None,
    fields: Fields = None,
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Give somebody standing access; what they may enter is opened by `open`."""
    with told():
        body = {
            "name": name,
            "extensionFields": fields_of(fields),
            **({} if identity is None else {"identityId": identity}),
            **({} if until is None else {"validTo": read_instant(until, SystemClock().now()).isoformat()}),
            **({} if account is None else {"account": account}),
        }
    made = ask(config, tenant, pacs, "IdentityCreate", body)
    known = made.get("identityId") if isinstance(made, dict) else identity
    tell(made, as_json, f"identity `{known}` made")


@app.command("list")
def list_identities(
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List every identity."""
    rows = listed(config, tenant, pacs, "IdentityList", "identities")
    tell_rows(rows, _COLUMNS, "There are no identities.", as_json=as_json)


@app.command()
def show(
    identity: Identity,
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Show one identity."""
    found = ask(config, tenant, pacs, "IdentityGet", identity=identity)
    if as_json or not isinstance(found, dict):
        print_json(found)
    else:
        print_fields(found)


@app.command()
def remove(
    identity: Identity,
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Remove an identity with all that it holds, the account that was made for it included."""
    ask(config, tenant, pacs, "IdentityRemove", identity=identity)
    tell({"identityId": identity, "removed": True}, as_json, f"identity `{identity}` removed")


@app.command()
def credential(
    identity: Identity,
    *,
    form: Format,
    value: Value = None,
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Give an identity a credential."""
    body = {"format": form, **({} if value is None else {"value": value})}
    made = ask(config, tenant, pacs, "IdentityCredentialCreate", body, identity=identity)
    tell(made, as_json, f"identity `{identity}` has a new credential")


@app.command()
def units(
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List the access units that the PACS has."""
    rows = listed(config, tenant, pacs, "AccessUnitList", "accessUnits")
    tell_rows(rows, ("accessUnitId", "name", "kind"), "The PACS has no access units.", as_json=as_json)


@app.command("open")
def open_unit(
    identity: Identity,
    unit: Unit,
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Open an access unit to an identity."""
    given = ask(config, tenant, pacs, "IdentityAccessUnitAssign", identity=identity, unit=unit)
    tell(given, as_json, f"`{unit}` is open to identity `{identity}`")


@app.command("close")
def close_unit(
    identity: Identity,
    unit: Unit,
    pacs: Pacs = "main",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Close an access unit to an identity."""
    ask(config, tenant, pacs, "IdentityAccessUnitRemove", identity=identity, unit=unit)
    tell({"identityId": identity, "accessUnitId": unit, "open": False}, as_json, f"`{unit}` is closed")
