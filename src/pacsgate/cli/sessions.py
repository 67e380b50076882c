"""`pacsgate session`: browser sessions."""

from typing import Annotated

import typer

from pacsgate.cli.desk import open_desk
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config, Tenant
from pacsgate.cli.printing import Json, instant_text, print_json, print_line, print_table
from pacsgate.model.errors import SettingsError
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.services.administer_sessions import ListedSession

app = typer.Typer(help="List and end browser sessions.", no_args_is_help=True)

_COLUMNS = (
    "session_id",
    "user",
    "source",
    "methods",
    "client_address",
    "last_seen_at",
    "expires_at",
)

User = Annotated[str | None, typer.Option(help="Only this user's.")]


@app.command("list")
def list_sessions(
    user: User = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List the sessions that are going on, the one used last first."""
    with open_desk(config, tenant) as desk:
        change = desk.change()
        rows = [_row(session) for session in desk.sessions.sessions(change.scope, change.at, user)]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, _COLUMNS, "Nobody is signed in at the pages.")


@app.command()
def end(
    session_id: Annotated[str | None, typer.Argument(help="The id, as `session list` shows it.")] = None,
    user: Annotated[str | None, typer.Option(help="All sessions of this user.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """End one session, or all of a user; the next request anywhere is refused."""
    with open_desk(config, tenant) as desk:
        if session_id is not None and user is None:
            desk.sessions.end(desk.change(), session_id)
            ended = 1
        elif user is not None and session_id is None:
            ended = desk.sessions.end_all(desk.change(), desk.users.user(desk.installation.scope, user).name)
        else:
            raise SettingsError("name either a session or `--user`")
    if as_json:
        print_json({"ended": ended})
    else:
        print_line(f"{ended} session(s) ended")


def _row(listed: ListedSession) -> dict[str, Json]:
    record = listed.record
    return {
        "session_id": listed.public_id,
        "user": record.user,
        "source": record.source,
        "methods": sorted(record.methods),
        "assurance_level": record.assurance_level,
        "client_address": record.client_address,
        "user_agent": record.user_agent,
        "created_at": instant_text(record.created_at),
        "last_seen_at": instant_text(record.last_seen_at),
        "expires_at": instant_text(record.expires_at),
    }
