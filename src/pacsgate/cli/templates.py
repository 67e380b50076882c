"""`pacsgate template`: roles that are the same at every site, made and compared."""

from typing import Annotated

import typer

from pacsgate.cli.desk import Desk, open_desk
from pacsgate.cli.failures import FAILED
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config, Tenant
from pacsgate.cli.printing import Json, print_json, print_line, print_table
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.services.apply_template import Difference, TemplateAdministration

app = typer.Typer(help="Apply role templates to sites, and compare.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The template's name.")]
Site = Annotated[str, typer.Option("--site", help="The site's name, which stands for `<site>`.")]


@app.command("list")
def list_templates(
    tenant: Tenant = DEFAULT_TENANT, config: Config = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """List the templates of the policy, and where each was applied."""
    with open_desk(config, tenant) as desk:
        templates = _templates(desk)
        rows: list[dict[str, Json]] = [
            {
                "name": template.name,
                "roles": len(template.roles),
                "sites": list(templates.sites(desk.installation.scope, template.name)),
                "defined_at": str(template.place),
            }
            for template in templates.templates()
        ]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ("name", "roles", "sites", "defined_at"), "The policy has no `templates`.")


@app.command()
def apply(
    name: Name,
    site: Site,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Make the roles of a site, and give them, as the template says; a second time changes nothing."""
    with open_desk(config, tenant) as desk:
        done = _templates(desk).apply(desk.change(), name, site)
    if as_json:
        print_json({"changes": [_row(each) for each in done]})
    else:
        for each in done:
            print_line(f"{each.role.name}: {each.detail}")
        print_line("1 change" if len(done) == 1 else f"{len(done)} changes")


@app.command()
def drift(
    name: Name,
    site: Annotated[str | None, typer.Option("--site", help="One site; all of them otherwise.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List how sites differ from a template; exit 1 if any does."""
    with open_desk(config, tenant) as desk:
        templates, scope = _templates(desk), desk.installation.scope
        sites = templates.sites(scope, name) if site is None else (site,)
        found = [(each, _row(one)) for each in sites for one in templates.drift(scope, name, each)]
    rows: list[dict[str, Json]] = [{"site": each, **row} for each, row in found]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ("site", "role", "kind", "detail"), "Every site is as the template says.")
    if rows:
        raise typer.Exit(FAILED)


def _templates(desk: Desk) -> TemplateAdministration:
    return TemplateAdministration(desk.office.policy(desk.installation.scope), desk.roles, desk.users)


def _row(difference: Difference) -> dict[str, Json]:
    return {
        "role": difference.role.name,
        "kind": difference.kind.value,
        "user": difference.user,
        "detail": difference.detail,
    }
