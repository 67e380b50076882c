"""`pacsgate user reset`, `validity` and `emergency`: how and when somebody may come in, without a password
that an administrator knows.

Called by `users`, whose commands these are.
"""

from typing import Annotated

import typer

from pacsgate.cli.desk import Desk, open_desk
from pacsgate.cli.instants import read_instant
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config, Tenant
from pacsgate.cli.printing import Json, instant_text, print_fields, print_json, print_line
from pacsgate.model.errors import SettingsError
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.services.emergency import SealState
from pacsgate.services.reset_password import ResetCode

Name = Annotated[str, typer.Argument(help="The user's name.")]


def reset(
    name: Name, tenant: Tenant = DEFAULT_TENANT, config: Config = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """Print a code, good for a day and once, with which the user chooses a new password; the old one ends."""
    with open_desk(config, tenant) as desk:
        given = desk.resets.give(desk.change(), name)
        page = reset_page(desk)
    if as_json:
        print_json(code_row(given))
    else:
        print_line(f"the password and the sessions of `{name}` have ended")
        print_code(given, page)


def validity(
    name: Name,
    *,
    starts: Annotated[str | None, typer.Option("--from", help="When it begins: `2h`, `2027-01-01`.")] = None,
    until: Annotated[str | None, typer.Option(help="When it ends by itself: `30d`, `2027-01-01`.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Say from when until when the account is good; an end that is left out is none."""
    with open_desk(config, tenant) as desk:
        change = desk.change()
        begin = None if starts is None else read_instant(starts, change.at)
        end = None if until is None else read_instant(until, change.at)
        desk.users.set_window(change, name, begin, end)
    row: dict[str, Json] = {"name": name, "from": instant_text(begin), "until": instant_text(end)}
    print_json(row) if as_json else print_fields(row)


def emergency(
    *,
    seal: Annotated[bool, typer.Option("--seal", help="Make one, and print its code, once.")] = False,
    void: Annotated[bool, typer.Option("--void", help="Make it worthless, used or not.")] = False,
    roles: Annotated[
        list[str] | None, typer.Option("--role", help="What it may do; may be repeated.")
    ] = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Show, seal or void the one credential for when nothing else lets anybody in; it works once."""
    with open_desk(config, tenant) as desk:
        if seal and void:
            raise SettingsError("`--seal` and `--void` exclude each other")
        if roles and not seal:
            raise SettingsError("`--role` belongs to `--seal`")
        if seal:
            sealed = desk.emergency.seal(desk.change(), roles or ["administrator"])
            row: dict[str, Json] = {"state": SealState.SEALED.value, "name": sealed.name, "code": sealed.code}
        elif void:
            row = {"state": SealState.NONE.value, "was": desk.emergency.void(desk.change()).value}
        else:
            row = {"state": desk.emergency.state(desk.installation.scope).value}
    print_json(row) if as_json else print_fields(row)
    if seal and not as_json:
        print_line("shown this once: put name and code into an envelope, and seal it")


def code_row(given: ResetCode) -> dict[str, Json]:
    """A code as JSON."""
    return {"name": given.name, "code": given.code, "code_expires_at": instant_text(given.expires_at)}


def print_code(given: ResetCode, page: str) -> None:
    """A code with what to do with it."""
    print_line(f"code (shown this once, good until {instant_text(given.expires_at)}): {given.code}")
    print_line(f"`{given.name}` chooses a password with it at {page}")


def reset_page(desk: Desk) -> str:
    """Where codes are taken."""
    return (desk.installation.settings.public_url or "").rstrip("/") + "/reset"
