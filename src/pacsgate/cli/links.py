"""`pacsgate link`: which account is which person of an identity source."""

import sys
from typing import Annotated

import typer

from pacsgate.bootstrap.identity_sources import source_scopes
from pacsgate.cli.desk import open_desk
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config, Tenant
from pacsgate.cli.printing import Json, instant_text, print_json, print_line, print_table
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.ports.identity_sources import IdentityLink

app = typer.Typer(help="Which account is which person of an identity source.", no_args_is_help=True)

_COLUMNS = ("user", "source", "id", "linked_at")

Source = Annotated[str, typer.Argument(help="The identity source, as the configuration names it.")]
ExternalId = Annotated[str, typer.Argument(help="What the source knows the person by (`sub`, `oid`, …).")]


@app.command("list")
def list_links(
    user: Annotated[str | None, typer.Option(help="Of this account only.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List every link."""
    with open_desk(config, tenant) as desk:
        rows = [_row(link) for link in desk.links.links(desk.installation.scope, user)]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, _COLUMNS, "Nobody is linked.")


@app.command("add")
def add_link(
    user: Annotated[str, typer.Argument(help="The account.")],
    source: Source,
    external_id: ExternalId,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Say that an account is this person of a source, whatever they are called there."""
    with open_desk(config, tenant) as desk:
        link = desk.links.add(desk.change(), user, source, external_id)
        is_known = source_scopes(desk.installation.settings).get(source) == desk.installation.scope
    if not is_known:
        sys.stderr.write(f"warning: no identity source of the configuration is called `{source}`\n")
    if as_json:
        print_json(_row(link))
    else:
        print_line(f"user `{user}` is `{external_id}` of source `{source}`")


@app.command("remove")
def remove_link(
    source: Source,
    external_id: ExternalId,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Take a link away: at the next sign-in the name decides again who it is."""
    with open_desk(config, tenant) as desk:
        link = desk.links.remove(desk.change(), source, external_id)
    if as_json:
        print_json(_row(link))
    else:
        print_line(f"user `{link.user}` is linked to `{external_id}` of source `{source}` no more")


def _row(link: IdentityLink) -> dict[str, Json]:
    return {
        "user": link.user,
        "source": link.source,
        "id": link.external_id,
        "linked_at": instant_text(link.linked_at),
    }
