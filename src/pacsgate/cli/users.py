"""`pacsgate user`: accounts, their groups, attributes and roles."""

from typing import Annotated

import typer

from pacsgate.cli.desk import open_desk
from pacsgate.cli.entry_codes import code_row, emergency, print_code, reset, reset_page, validity
from pacsgate.cli.factors import factors
from pacsgate.cli.instants import read_instant
from pacsgate.cli.new_password import FromStdin, Generate, ask_password
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config, Tenant
from pacsgate.cli.printing import Json, instant_text, print_fields, print_json, print_line, print_table
from pacsgate.cli.reconcile import sync
from pacsgate.cli.user_attributes import read_attributes
from pacsgate.model.errors import SettingsError
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.model.subject import SubjectKind
from pacsgate.ports import UserRecord

app = typer.Typer(help="Make, change and remove accounts.", no_args_is_help=True)
app.command("sync")(sync)

_COLUMNS = ("name", "kind", "disabled", "groups", "roles", "last_sign_in_at")

app.command()(factors)
app.command()(reset)
app.command()(validity)
app.command()(emergency)

Name = Annotated[str, typer.Argument(help="The user's name.")]
RoleName = Annotated[str, typer.Argument(help="The role's name.")]
ArchiveOption = Annotated[str | None, typer.Option("--archive", help="Only in this archive.")]
CollectionOption = Annotated[str | None, typer.Option("--collection", help="Only in this collection.")]


@app.command("list")
def list_users(
    tenant: Tenant = DEFAULT_TENANT, config: Config = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """List every account."""
    with open_desk(config, tenant) as desk:
        rows = [_row(user) for user in desk.users.users(desk.installation.scope)]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, _COLUMNS, "There are no users yet: `pacsgate user add NAME` makes one.")


@app.command()
def show(
    name: Name, tenant: Tenant = DEFAULT_TENANT, config: Config = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """Show one account."""
    with open_desk(config, tenant) as desk:
        row = _row(desk.users.user(desk.installation.scope, name))
    if as_json:
        print_json(row)
    else:
        print_fields(row)


@app.command()
def add(
    name: Name,
    *,
    kind: Annotated[SubjectKind, typer.Option(help="What kind of actor it is.")] = SubjectKind.USER,
    display_name: Annotated[str, typer.Option(help="The name to show.")] = "",
    groups: Annotated[list[str] | None, typer.Option("--group", help="A group; may be repeated.")] = None,
    attributes: Annotated[
        list[str] | None, typer.Option("--attribute", help="`name=value`; may be repeated.")
    ] = None,
    roles: Annotated[
        list[str] | None, typer.Option("--role", help="A role everywhere; may be repeated.")
    ] = None,
    starts: Annotated[str | None, typer.Option("--from", help="When it begins: `2h`, `2027-01-01`.")] = None,
    until: Annotated[str | None, typer.Option(help="When it ends by itself: `30d`, `2027-01-01`.")] = None,
    no_password: Annotated[bool, typer.Option("--no-password", help="No password: API tokens only.")] = False,
    invite: Annotated[
        bool, typer.Option("--invite", help="Print a code with which the user chooses a password, at /reset.")
    ] = False,
    password_stdin: FromStdin = False,
    generate: Generate = False,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Make an account."""
    with open_desk(config, tenant) as desk:
        if [no_password, invite, password_stdin or generate].count(True) > 1:
            raise SettingsError(
                "`--no-password`, `--invite`, `--password-stdin` and `--generate` exclude each other"
            )
        password = (
            None
            if no_password or invite
            else ask_password(desk.passwords, from_stdin=password_stdin, generate=generate)
        )
        change = desk.change()
        for role in roles or ():
            desk.users.check_assignment(change, Assignment(role))
        desk.users.add(
            change,
            name,
            kind=kind,
            display_name=display_name,
            password=password,
            groups=frozenset(groups or ()),
            attributes=read_attributes(attributes or (), desk.installation.policy()),
            starts=None if starts is None else read_instant(starts, change.at),
            until=None if until is None else read_instant(until, change.at),
        )
        for role in roles or ():
            desk.users.assign(desk.change(), name, Assignment(role))
        code = desk.resets.give(desk.change(), name) if invite else None
        row = _row(desk.users.user(change.scope, name))
        page = reset_page(desk)
    if code is not None:
        row |= code_row(code)
    _answer(f"user `{name}` added", row, password if generate else None, as_json=as_json)
    if code is not None and not as_json:
        print_code(code, page)


@app.command()
def password(
    name: Name,
    password_stdin: FromStdin = False,
    generate: Generate = False,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Give a new password; the user's browser sessions end."""
    with open_desk(config, tenant) as desk:
        desk.users.user(desk.installation.scope, name)
        new = ask_password(desk.passwords, from_stdin=password_stdin, generate=generate)
        desk.users.set_password(desk.change(), name, new)
    _answer(f"new password for `{name}`", {"name": name}, new if generate else None, as_json=as_json)


@app.command()
def disable(
    name: Name, tenant: Tenant = DEFAULT_TENANT, config: Config = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """Refuse the user from the next request on."""
    with open_desk(config, tenant) as desk:
        desk.users.set_disabled(desk.change(), name, disabled=True)
    _answer(f"user `{name}` disabled", {"name": name, "disabled": True}, as_json=as_json)


@app.command()
def enable(
    name: Name, tenant: Tenant = DEFAULT_TENANT, config: Config = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """Let a disabled user in again."""
    with open_desk(config, tenant) as desk:
        desk.users.set_disabled(desk.change(), name, disabled=False)
    _answer(f"user `{name}` enabled", {"name": name, "disabled": False}, as_json=as_json)


@app.command()
def remove(
    name: Name, tenant: Tenant = DEFAULT_TENANT, config: Config = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """Remove an account with its tokens, grants and sessions."""
    with open_desk(config, tenant) as desk:
        desk.users.remove(desk.change(), name)
    _answer(f"user `{name}` removed", {"name": name}, as_json=as_json)


@app.command("groups")
def set_groups(
    name: Name,
    groups: Annotated[list[str] | None, typer.Argument(help="All groups the user is in from now on.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Replace the groups that a user is in."""
    with open_desk(config, tenant) as desk:
        desk.users.set_groups(desk.change(), name, frozenset(groups or ()))
        row = _row(desk.users.user(desk.installation.scope, name))
    _answer(f"groups of `{name}` replaced", row, as_json=as_json)


@app.command("attributes")
def set_attributes(
    name: Name,
    attributes: Annotated[list[str] | None, typer.Argument(help="All attributes, as `name=value`.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Replace the attributes that policies read as `user.…`."""
    with open_desk(config, tenant) as desk:
        values = read_attributes(attributes or (), desk.installation.policy())
        desk.users.set_attributes(desk.change(), name, values)
        row = _row(desk.users.user(desk.installation.scope, name))
    _answer(f"attributes of `{name}` replaced", row, as_json=as_json)


@app.command()
def assign(
    name: Name,
    role: RoleName,
    *,
    archive: ArchiveOption = None,
    collection: CollectionOption = None,
    starts: Annotated[str | None, typer.Option("--from", help="When it begins: `2h`, `2027-01-01`.")] = None,
    until: Annotated[str | None, typer.Option(help="When it ends: `30d`, `2027-01-01`.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Give a role, everywhere or in one archive or collection, for good or for a time."""
    with open_desk(config, tenant) as desk:
        change = desk.change()
        assignment = Assignment(
            role,
            AssignmentScope(None if archive is None else ArchiveName(archive), collection),
            None if starts is None else read_instant(starts, change.at),
            None if until is None else read_instant(until, change.at),
        )
        desk.users.assign(change, name, assignment)
        row = _row(desk.users.user(desk.installation.scope, name))
    _answer(f"`{name}` has role `{role}`", row, as_json=as_json)


@app.command()
def unassign(
    name: Name,
    role: RoleName,
    *,
    archive: ArchiveOption = None,
    collection: CollectionOption = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Take a role away: everywhere, or only what was given in one archive or collection."""
    anywhere = archive is None and collection is None
    scope = AssignmentScope(None if archive is None else ArchiveName(archive), collection)
    with open_desk(config, tenant) as desk:
        taken = desk.users.unassign(
            desk.change(), name, lambda given: given.role == role and (anywhere or given.scope == scope)
        )
        row = _row(desk.users.user(desk.installation.scope, name))
    _answer(f"{taken} assignment(s) of role `{role}` taken from `{name}`", row, as_json=as_json)


def _answer(sentence: str, row: dict[str, Json], password: str | None = None, *, as_json: bool) -> None:
    shown = {} if password is None else {"password": password}
    if as_json:
        print_json({**row, **shown})
        return
    print_line(sentence)
    if password is not None:
        print_line(f"password (shown this once): {password}")


def _row(user: UserRecord) -> dict[str, Json]:
    return {
        "name": user.name,
        "kind": user.kind,
        "display_name": user.display_name,
        "disabled": user.disabled,
        "source": user.source,
        "from": instant_text(user.starts),
        "until": instant_text(user.until),
        "has_password": user.password_hash is not None,
        "groups": sorted(user.groups),
        "attributes": {name: sorted(values, key=str) for name, values in sorted(user.attributes.items())},
        "roles": [assignment.role for assignment in user.assignments],
        "assignments": [_assignment(assignment) for assignment in user.assignments],
        "created_at": instant_text(user.created_at),
        "last_sign_in_at": instant_text(user.last_sign_in_at),
    }


def _assignment(assignment: Assignment) -> dict[str, Json]:
    return {
        "role": assignment.role,
        "archive": assignment.scope.archive,
        "collection": assignment.scope.collection,
        "from": instant_text(assignment.starts),
        "until": instant_text(assignment.until),
    }
