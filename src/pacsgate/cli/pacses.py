"""`pacsgate pacs`: the PACSes of a tenant, archives and doors."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pacsgate.bootstrap.pacs_registry import pacses
from pacsgate.cli.failures import told
from pacsgate.cli.installation import Installation, open_installation
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config
from pacsgate.cli.pacs_asking import Place, listed, tell_rows
from pacsgate.cli.printing import Json, instant_text, print_fields, print_json, print_line, print_table
from pacsgate.model.errors import SettingsError
from pacsgate.model.pacs_operation import PacsKind
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName
from pacsgate.ports.tenants import PacsRecord
from pacsgate.services.administration import Change

app = typer.Typer(help="The PACSes of a tenant: picture archives and door systems.", no_args_is_help=True)

Pacs = Annotated[str, typer.Argument(help="The id of the PACS.")]
Tenant = Annotated[str, typer.Option(help="The tenant whose it is.")]
Settings = Annotated[
    Path | None, typer.Option("--configuration", help="A JSON file with settings that the agent works with.")
]

_COLUMNS = ("pacs", "name", "kind", "agent", "managed_by_file", "features")


@app.command()
def register(
    pacs: Pacs,
    *,
    agent: Annotated[str, typer.Option(help="The service account of its agent; made if it is not there.")],
    kind: Annotated[PacsKind, typer.Option(help="What it is.")],
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    configuration: Settings = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Register a PACS behind an agent, which gets the role `AgentInstance` there."""
    with told(), open_installation(config, tenant) as here:
        new = PacsRecord(
            ArchiveName(pacs), name or pacs, kind, agent, configuration=_read(configuration) or {}
        )
        record = pacses(here).register(_change(here), new)
    _tell(record, as_json, f"PACS `{pacs}` registered; `{agent}` is its agent")


@app.command("list")
def list_pacs(
    tenant: Tenant = DEFAULT_TENANT, config: Config = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """List the PACSes of a tenant, archives of the configuration file among them."""
    with told(), open_installation(config, tenant) as here:
        rows = [_row(record) for record in pacses(here).pacses(here.scope)]
    if as_json:
        print_json(list(rows))
    else:
        print_table(rows, _COLUMNS, "The tenant has no PACS: `pacsgate pacs register` makes one.")


@app.command()
def show(
    pacs: Pacs, tenant: Tenant = DEFAULT_TENANT, config: Config = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """Show one PACS."""
    with told(), open_installation(config, tenant) as here:
        row = _row(pacses(here).pacs(here.scope, ArchiveName(pacs)))
    if as_json:
        print_json(row)
    else:
        print_fields(row)


@app.command()
def update(
    pacs: Pacs,
    *,
    name: Annotated[str | None, typer.Option(help="What people call it from now on.")] = None,
    agent: Annotated[str | None, typer.Option(help="The account of its agent from now on.")] = None,
    configuration: Settings = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Change what is given; with the agent moves its role."""
    with told(), open_installation(config, tenant) as here:
        record = pacses(here).update(
            _change(here), ArchiveName(pacs), shown=name, agent=agent, configuration=_read(configuration)
        )
    _tell(record, as_json, f"PACS `{pacs}` changed")


@app.command()
def unregister(
    pacs: Pacs, tenant: Tenant = DEFAULT_TENANT, config: Config = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """Forget a PACS with all roles that were given there; what its agent has not done yet fails."""
    with told(), open_installation(config, tenant) as here:
        pacses(here).unregister(_change(here), ArchiveName(pacs))
    if as_json:
        print_json({"pacs": pacs, "unregistered": True})
    else:
        print_line(f"PACS `{pacs}` unregistered")


@app.command()
def formats(
    pacs: Pacs, tenant: Tenant = DEFAULT_TENANT, config: Config = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """List the formats of credentials that a PACS takes."""
    rows = listed(Place(config, tenant, pacs), "CrentialFormatsGet", "credentialFormats")
    tell_rows(rows, ("format", "takesValue", "description"), "It takes no credentials.", as_json=as_json)


def _change(here: Installation) -> Change:
    return Change(here.scope, here.actor(), here.clock.now())


def _read(path: Path | None) -> dict[str, Json] | None:
    if path is None:
        return None
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise SettingsError(f"cannot read `{path}` as JSON", detail=str(problem)) from problem
    if not isinstance(found, dict):
        raise SettingsError(f"`{path}` holds no JSON object")
    return found


def _tell(record: PacsRecord, as_json: bool, sentence: str) -> None:
    if as_json:
        print_json(_row(record))
    else:
        print_line(sentence)


def _row(record: PacsRecord) -> dict[str, Json]:
    known = record.features
    return {
        "pacs": record.pacs,
        "name": record.name,
        "kind": record.kind.value,
        "agent": record.agent,
        "managed_by_file": record.is_of_file,
        "features": None if known is None else sorted(known.features),
        "constraints": {} if known is None else dict(known.constraints),
        "registered_at": instant_text(record.registered_at),
    }
