"""`pacsgate tenant`: the organisations that an installation serves."""

from typing import Annotated

import typer

from pacsgate.bootstrap import people, tenancy
from pacsgate.cli.extension_field_options import IdentityFields, VisitFields, fields_of
from pacsgate.cli.failures import told
from pacsgate.cli.installation import Installation, open_installation
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config
from pacsgate.cli.printing import Json, instant_text, print_fields, print_json, print_line, print_table
from pacsgate.model.extension_fields import ExtensionFields
from pacsgate.model.resource import PLATFORM_TENANT, TenantName, TenantScope
from pacsgate.ports.tenants import TenantRecord
from pacsgate.services.administer_tenants import NewTenant
from pacsgate.services.administration import Change

app = typer.Typer(help="The organisations that an installation serves.", no_args_is_help=True)
registrators = typer.Typer(help="Accounts that may register tenants over the API.", no_args_is_help=True)
app.add_typer(registrators, name="registrator")

Tenant = Annotated[str, typer.Argument(help="The tenant's id.")]

_COLUMNS = ("tenant", "name", "registered_at", "registered_by")


@app.command()
def register(
    tenant: Tenant,
    *,
    administrator: Annotated[
        str, typer.Option(help="The account in the tenant that will govern it; made if it is not there.")
    ],
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    identity_field: IdentityFields = None,
    visit_field: VisitFields = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Register a tenant with its first administrator, who gets no password by it."""
    with told(), open_installation(config) as here:
        new = NewTenant(
            name or tenant, administrator, fields_of(identity_field or ()), fields_of(visit_field or ())
        )
        record = tenancy.tenants(here).register(_change(here, tenant), new)
    if as_json:
        print_json({**_row(record), "administrator": administrator})
    else:
        print_line(f"tenant `{tenant}` registered; `{administrator}` governs it")


@app.command("list")
def list_tenants(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List every tenant."""
    with told(), open_installation(config) as here:
        found = tenancy.tenants(here)
        rows = [_row(found.tenant(TenantScope(name))) for name in found.tenants()]
    if as_json:
        print_json(list(rows))
    else:
        print_table(rows, _COLUMNS, "There are no tenants.")


@app.command()
def show(tenant: Tenant, config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Show one tenant."""
    with told(), open_installation(config) as here:
        row = _row(tenancy.tenants(here).tenant(TenantScope(TenantName(tenant))))
    if as_json:
        print_json(row)
    else:
        print_fields(row)


@app.command()
def update(
    tenant: Tenant,
    *,
    name: Annotated[str | None, typer.Option(help="What people call it from now on.")] = None,
    identity_field: IdentityFields = None,
    visit_field: VisitFields = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Change what is given; the fields of a kind are replaced together, and the rest stays."""
    with told(), open_installation(config) as here:
        record = tenancy.tenants(here).update(
            _change(here, tenant),
            name=name,
            identity_fields=None if identity_field is None else fields_of(identity_field),
            visit_fields=None if visit_field is None else fields_of(visit_field),
        )
    if as_json:
        print_json(_row(record))
    else:
        print_line(f"tenant `{tenant}` changed")


@app.command()
def statistics(
    tenant: Tenant,
    *,
    reset: Annotated[bool, typer.Option("--reset", help="Begin to count anew.")] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Show how often a tenant calls the API, by operation."""
    with told(), open_installation(config) as here:
        order, found = _change(here, tenant), tenancy.tenants(here)
        counts = found.calls(order.scope)
        if reset:
            found.reset_calls(order)
    if as_json:
        told_calls: dict[str, Json] = dict(sorted(counts.calls.items()))
        print_json({"tenant": tenant, "since": instant_text(counts.since), "calls": told_calls})
        return
    rows: list[dict[str, Json]] = [
        {"operation": name, "calls": calls} for name, calls in sorted(counts.calls.items())
    ]
    print_table(rows, ("operation", "calls"), "Nothing has been called.")


@registrators.command("add")
def add_registrator(
    name: Annotated[str, typer.Argument(help="The account's name.")],
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Make an account of the tenant `platform`; `registrators:` in the configuration makes it one of them."""
    with told(), open_installation(config) as here:
        order = _change(here, PLATFORM_TENANT)
        people.users(here).add(order, name)
        counts = name in here.settings.registrators
    if as_json:
        print_json({"name": name, "tenant": PLATFORM_TENANT, "registrator": counts})
    else:
        rest = "" if counts else f"; add it to `registrators:` in `{config}`"
        print_line(f"account `{PLATFORM_TENANT}/{name}` made{rest}")


def _change(here: Installation, tenant: str) -> Change:
    return Change(TenantScope(TenantName(tenant)), here.actor(), here.clock.now())


def _row(record: TenantRecord) -> dict[str, Json]:
    return {
        "tenant": record.tenant,
        "name": record.name,
        "identity_fields": _fields(record.identity_fields),
        "visit_fields": _fields(record.visit_fields),
        "registered_at": instant_text(record.registered_at),
        "registered_by": record.registered_by,
    }


def _fields(fields: ExtensionFields) -> list[Json]:
    return [f"{name}:{one.type}{'!' if one.required else ''}" for name, one in sorted(fields.items())]
