"""`pacsgate role`: the roles of the policy files, shown; those of the database, also changed."""

from typing import Annotated

import typer

from pacsgate.cli.desk import Desk, open_desk
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config, Tenant
from pacsgate.cli.printing import Json, print_fields, print_json, print_line, print_table
from pacsgate.model.actions import Action
from pacsgate.model.built_in_roles import BUILT_IN_ROLES
from pacsgate.model.errors import NotFoundError
from pacsgate.model.permission import Permission
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.model.role import Role
from pacsgate.model.spans import span_text
from pacsgate.services.time_boxed_roles import need_span

app = typer.Typer(help="Show, add and remove roles.", no_args_is_help=True)

_COLUMNS = ("name", "may", "permissions", "owner", "defined_at")
_FEW = 4
_BUILT_IN = "built in"
_DATABASE = "database"


@app.command("list")
def list_roles(
    tenant: Tenant = DEFAULT_TENANT, config: Config = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """List every role and where it is defined."""
    with open_desk(config, tenant) as desk:
        rows = _rows(desk)
    if as_json:
        print_json(rows)
    else:
        briefly = [{**row, "permissions": _in_brief(row["permissions"])} for row in rows]
        print_table(
            briefly, _COLUMNS, "There are no roles: a policy file or `pacsgate role add` defines them."
        )


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The role's name.")],
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Show one role with every permission that it has."""
    with open_desk(config, tenant) as desk:
        row = next((row for row in _rows(desk) if row["name"] == name), None)
        if row is None:
            raise NotFoundError(f"there is no role `{name}`: `pacsgate role list` shows those that exist")
    if as_json:
        print_json(row)
    else:
        print_fields(row)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="The role's name.")],
    *,
    may: Annotated[
        list[Action] | None, typer.Option(help="An image action it can ever have; repeat.")
    ] = None,
    permissions: Annotated[
        list[Permission] | None, typer.Option("--permission", help="A system permission; repeat.")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Who answers for it.")] = None,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    extends: Annotated[list[str] | None, typer.Option(help="A role that it includes; repeat.")] = None,
    approved_by: Annotated[str | None, typer.Option(help="Who agreed to it, today.")] = None,
    longest: Annotated[
        str | None, typer.Option(help="For how long it can be given at a time: `14d`; else for good.")
    ] = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Define a role in the database."""
    with open_desk(config, tenant) as desk:
        change = desk.change()
        role = Role(
            name=name,
            may=frozenset(may or ()),
            permissions=frozenset(permissions or ()),
            owner=owner,
            description=description,
            extends=frozenset(extends or ()),
            approved_by=approved_by,
            approved_at=None if approved_by is None else change.at.date(),
            longest=None if longest is None else need_span(longest),
        )
        desk.roles.add(change, role)
    if as_json:
        print_json(_row(role, _DATABASE))
    else:
        print_line(f"role `{name}` added")


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="The role's name.")],
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Remove a role of the database that nobody has and no policy names."""
    with open_desk(config, tenant) as desk:
        desk.roles.remove(desk.change(), name)
    if as_json:
        print_json({"name": name, "removed": True})
    else:
        print_line(f"role `{name}` removed")


def _rows(desk: Desk) -> list[dict[str, Json]]:
    policy = desk.installation.policy()
    rows = [_row(role, _DATABASE) for role in desk.roles.roles(desk.installation.scope)]
    rows += [_row(role, _BUILT_IN) for role in BUILT_IN_ROLES.values()]
    if policy is not None:
        rows += [_row(policy.roles[name], str(place)) for name, place in policy.role_places.items()]
    return sorted(rows, key=lambda row: str(row["name"]))


def _in_brief(permissions: Json) -> Json:
    """A list short enough for a column: all of few, the number of many."""
    if not isinstance(permissions, list) or len(permissions) <= _FEW:
        return permissions
    return f"{len(permissions)}, see `pacsgate role show`"


def _row(role: Role, defined_at: str) -> dict[str, Json]:
    return {
        "name": role.name,
        "may": sorted(role.may),
        "permissions": sorted(role.permissions),
        "owner": role.owner,
        "description": role.description,
        "extends": sorted(role.extends),
        "approved_by": role.approved_by,
        "approved_at": None if role.approved_at is None else role.approved_at.isoformat(),
        "template": role.template,
        "longest": None if role.longest is None else span_text(role.longest),
        "defined_at": defined_at,
    }
